use std::sync::Arc;

use super::code_refusals::CodeRefusals;
use super::held_codes::HeldCodes;
use super::redeemed_code::RedeemedCode;
use super::{SignInError, SignInFailure};
use crate::domain::{CountFuture, EndFuture, EndedAtSignOut, TokenSlot, UserKey};
use crate::exchange::{EndedTokens, TokenRevocation};
use crate::records::Records;
use crate::sign_in::browser_sign_ins::ReturnNames;
use crate::vault::{TokenVault, VaultError};

/// What became of the authorization codes that browsers brought: tokens whose users could not be identified yet because of
/// an outage, and refusals. Clones share the same state.
///
/// A sign-out ends the tokens that wait, of the card's account or of the user that their ID token names, and revokes them. Over a
/// shared store, tokens that wait at another replica of a user who is signed out everywhere end when the browser returns.
#[derive(Clone)]
pub struct AuthorizationCodes {
    vault: Arc<TokenVault>,
    revocation: TokenRevocation,
    /// The tokens of redeemed codes, by the name of the browser's step.
    unidentified: HeldCodes,
    refusals: CodeRefusals,
}

impl AuthorizationCodes {
    /// Nothing is held yet. `vault` knows who was signed out, `revocation` revokes what a sign-out ends, and replicas over the
    /// store of `records` share the refusals.
    #[must_use]
    pub fn new(vault: Arc<TokenVault>, revocation: TokenRevocation, records: &Records) -> Self {
        let unidentified = HeldCodes::new(Arc::clone(&vault), records);
        Self { vault, revocation, unidentified, refusals: CodeRefusals::new(records) }
    }

    /// The codes after a reload, whose tokens `revocation` revokes. What is held stays held.
    #[must_use]
    pub fn succeed(&self, revocation: TokenRevocation) -> Self {
        Self { revocation, ..self.clone() }
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
        let code = match self.find(&names.step).await? {
            Some(code) if self.is_signed_out(&code).await? => {
                self.end_signed_out(&names.step, &code).await;
                return Err(SignInError::LinkUnknown.into());
            }
            Some(code) => code,
            None => Arc::new(self.redeem(&names, redeem).await?),
        };
        let settled = settle(Arc::clone(&code)).await;
        match &settled {
            Err(failure) if failure.error.may_pass() => self.hold(names.step, code).await,
            Err(failure) => {
                self.refusals.remember(code.code_name, failure).await;
                self.end(&names.step).await;
            }
            Ok(_) => self.end(&names.step).await,
        }
        settled
    }

    async fn redeem(
        &self,
        names: &ReturnNames,
        redeem: impl Future<Output = Result<RedeemedCode, SignInFailure>>,
    ) -> Result<RedeemedCode, SignInFailure> {
        if let Some(failure) = self.refusals.find(&names.code).await? {
            return Err(failure);
        }
        let redeemed = redeem.await;
        if let Err(failure) = &redeemed {
            self.refusals.remember(names.code, failure).await;
        }
        redeemed
    }

    /// The tokens that wait for the step.
    pub(super) async fn find(&self, step_name: &[u8; 32]) -> Result<Option<Arc<RedeemedCode>>, SignInFailure> {
        self.unidentified.find(step_name).await
    }

    /// Holds the tokens of a redeemed code until their user can be identified.
    pub(super) async fn hold(&self, step_name: [u8; 32], code: Arc<RedeemedCode>) {
        self.unidentified.hold(step_name, Arc::clone(&code)).await;
        // A sign-out that came before the tokens were held could not end them. If that cannot be read, the next return of
        // the browser finds it.
        if self.is_signed_out(&code).await.unwrap_or(false) {
            self.end_signed_out(&step_name, &code).await;
        }
    }

    /// Whether a sign-out on this replica or another one has ended the sign-in of `code`.
    async fn is_signed_out(&self, code: &RedeemedCode) -> Result<bool, VaultError> {
        if !self.vault.is_current(&code.generation).await? {
            return Ok(true);
        }
        match &code.presumed_user {
            Some(user) => self.vault.may_be_signed_out_since(code.requested, user).await,
            None => Ok(false),
        }
    }

    /// Ends and revokes `code`, which waits for the step, because its user was signed out.
    async fn end_signed_out(&self, step_name: &[u8; 32], code: &RedeemedCode) {
        self.end(step_name).await;
        self.revoke(code.code_name, code.to_ended_tokens()).await;
    }

    /// Ends what waits for the step.
    pub(super) async fn end(&self, step_name: &[u8; 32]) {
        self.unidentified.end(step_name).await;
    }

    /// The refusals of codes.
    #[cfg(test)]
    pub(super) const fn refusals(&self) -> &CodeRefusals {
        &self.refusals
    }

    /// Ends the codes for which `is_ended` holds, and counts them.
    async fn end_all(&self, is_ended: impl Fn(&[u8; 32], &RedeemedCode) -> bool) -> usize {
        let ended = self.unidentified.take_all(is_ended);
        for code in &ended {
            self.revoke(code.code_name, code.to_ended_tokens()).await;
        }
        ended.len()
    }

    async fn revoke(&self, code_name: [u8; 32], tokens: Option<EndedTokens>) {
        self.revocation.begin(tokens);
        // The code is used up, so the browser gets the answer of a sign-in that has ended.
        self.refusals.remember(code_name, &SignInError::LinkUnknown.into()).await;
    }
}

impl EndedAtSignOut for AuthorizationCodes {
    fn record_name(&self) -> &'static str {
        "codes of identity providers"
    }

    fn end<'a>(&'a self, slots: &'a [TokenSlot]) -> EndFuture<'a> {
        Box::pin(async move {
            self.end_all(|_, code| slots.contains(&code.slot)).await;
            for slot in slots {
                for held in self.unidentified.take_stored(slot).await? {
                    self.revoke(held.code_name(), held.into_ended_tokens()).await;
                }
            }
            Ok(())
        })
    }

    fn end_for_user<'a>(&'a self, user: &'a UserKey) -> CountFuture<'a> {
        Box::pin(async move { Ok(self.end_all(|_, code| code.presumed_user.as_ref() == Some(user)).await) })
    }
}
