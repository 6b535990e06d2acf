use std::sync::Arc;

use quick_cache::sync::Cache;

use super::redeemed_code::RedeemedCode;
use super::{SignInError, SignInFailure};
use crate::domain::{CountFuture, EndFuture, EndedAtSignOut, SharedClock, TokenSlot, UserKey};
use crate::exchange::{HeldTokens, TokenRevocation};
use crate::sign_in::browser_sign_ins::ReturnNames;
use crate::vault::TokenVault;

/// Failed redemptions that are remembered at the same time.
const MAX_REMEMBERED_FAILURES: usize = 4_096;

/// What became of the authorization codes that browsers brought: tokens whose users could not be identified yet because of
/// an outage, and refusals. Both are in memory only. Clones share the same state.
///
/// A sign-out ends the tokens that wait, of the card's account or of the user that their ID token names, and revokes them.
#[derive(Clone)]
pub struct AuthorizationCodes {
    vault: Arc<TokenVault>,
    revocation: TokenRevocation,
    /// The tokens of redeemed codes, by the name of the browser's step.
    unidentified: HeldTokens<[u8; 32], RedeemedCode>,
    /// The refusals that concern the code or its user, by the name of the step and of the code, so that a repeated return
    /// is answered in the same way. A process that does not remember one asks the provider, which refuses a used code.
    refused: Arc<Cache<[u8; 32], SignInFailure>>,
}

impl AuthorizationCodes {
    /// Nothing is held or remembered yet. `vault` knows who was signed out, and `revocation` revokes what a sign-out ends.
    #[must_use]
    pub fn new(vault: Arc<TokenVault>, revocation: TokenRevocation, clock: SharedClock) -> Self {
        let refused = Arc::new(Cache::new(MAX_REMEMBERED_FAILURES));
        Self { vault, revocation, unidentified: HeldTokens::new(clock), refused }
    }

    /// Settles a browser's return with the tokens of its code: with those that are held, or else with those that `redeem`
    /// gets. `settle` identifies their user and keeps what comes of it. If only an outage is in the way of that, the tokens
    /// are held under the name of the step, and the browser's next return starts with them. A refusal that concerns the code
    /// or its user is remembered, and such a code is not sent again.
    pub(in crate::sign_in) async fn settle_return<T, F>(
        &self,
        names: ReturnNames,
        redeem: impl Future<Output = Result<RedeemedCode, SignInFailure>>,
        settle: impl FnOnce(Arc<RedeemedCode>) -> F,
    ) -> Result<T, SignInFailure>
    where
        F: Future<Output = Result<T, SignInFailure>>,
    {
        let code = match self.find(&names.step) {
            Some(code) => code,
            None => Arc::new(self.redeem(&names, redeem).await?),
        };
        let settled = settle(Arc::clone(&code)).await;
        match &settled {
            Err(failure) if failure.error.may_pass() => self.hold(names.step, code),
            Err(failure) => {
                self.remember(code.code_name, failure);
                self.end(&names.step);
            }
            Ok(_) => self.end(&names.step),
        }
        settled
    }

    async fn redeem(
        &self,
        names: &ReturnNames,
        redeem: impl Future<Output = Result<RedeemedCode, SignInFailure>>,
    ) -> Result<RedeemedCode, SignInFailure> {
        if let Some(failure) = self.find_refusal(&names.code) {
            return Err(failure);
        }
        let redeemed = redeem.await;
        if let Err(failure) = &redeemed {
            self.remember(names.code, failure);
        }
        redeemed
    }

    /// The tokens that wait for the step.
    pub(super) fn find(&self, step_name: &[u8; 32]) -> Option<Arc<RedeemedCode>> {
        self.unidentified.find(step_name)
    }

    /// Holds the tokens of a redeemed code until their user can be identified.
    pub(super) fn hold(&self, step_name: [u8; 32], code: Arc<RedeemedCode>) {
        self.unidentified.hold(step_name, code);
        // A sign-out that came before the tokens were held could not end them.
        self.end_all(|code| {
            let is_signed_out = |user| self.vault.may_be_signed_out_since(code.requested, user);
            !self.vault.is_current(&code.generation) || code.presumed_user.as_ref().is_some_and(is_signed_out)
        });
    }

    /// Ends what waits for the step.
    pub(super) fn end(&self, step_name: &[u8; 32]) {
        self.unidentified.end(step_name);
    }

    /// The refusal of the code of this name, if it was refused before.
    pub(super) fn find_refusal(&self, code_name: &[u8; 32]) -> Option<SignInFailure> {
        self.refused.get(code_name)
    }

    /// Remembers why the code of this name was refused, unless a later try of the same code may succeed.
    pub(super) fn remember(&self, code_name: [u8; 32], failure: &SignInFailure) {
        if !failure.error.may_pass() {
            self.refused.insert(code_name, failure.clone());
        }
    }

    /// Ends the codes for which `is_ended` holds, and counts them.
    fn end_all(&self, is_ended: impl Fn(&RedeemedCode) -> bool) -> usize {
        let ended = self.unidentified.take_all(|_, code| is_ended(code));
        let count = ended.len();
        for code in ended {
            // The code is used up, so the browser gets the answer of a sign-in that has ended.
            self.refused.insert(code.code_name, SignInError::LinkUnknown.into());
            self.revocation.begin(code.to_ended_tokens());
        }
        count
    }
}

impl EndedAtSignOut for AuthorizationCodes {
    fn record_name(&self) -> &'static str {
        "codes of identity providers"
    }

    fn end<'a>(&'a self, slots: &'a [TokenSlot]) -> EndFuture<'a> {
        self.end_all(|code| slots.contains(&code.slot));
        Box::pin(async { Ok(()) })
    }

    fn end_for_user<'a>(&'a self, user: &'a UserKey) -> CountFuture<'a> {
        let count = self.end_all(|code| code.presumed_user.as_ref() == Some(user));
        Box::pin(async move { Ok(count) })
    }
}
