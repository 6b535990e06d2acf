use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::domain::{ClaimsChallenge, ClockAndEntropy, Connection, Secret, TokenSlot, UserKey, UserToken};
use crate::exchange::user_token::{TokenOwner, user_token};
use crate::exchange::{Redemption, StorageFailure};
use crate::identity_provider::{Attempt, Grant, RedeemError, RedeemFailure, RedeemedToken};
use crate::vault::{KeptRecord, TokenVault, VaultError};

/// A refresh is over within this, whatever the identity provider does: a bot waits for it.
pub(super) const REFRESH_BUDGET: Duration = Duration::from_secs(5);

/// How often a refresh that must answer a challenge may be overtaken by one that need not.
const RACES: usize = 3;

/// How a refresh ended.
#[derive(Clone, Debug)]
pub(super) enum Refreshed {
    /// The user has this token now.
    Token(Arc<UserToken>),
    /// There is nothing to be had without the user.
    Nothing,
    /// Nothing was to be had just now.
    Unavailable,
}

/// What refreshes work with.
#[derive(Clone)]
pub(super) struct RefreshableTokens {
    pub(super) vault: Arc<TokenVault>,
    pub(super) redemption: Redemption,
    pub(super) ambient: ClockAndEntropy,
}

/// One refresh: read what is kept → redeem its refresh token → keep the result in its place, unless somebody was quicker:
/// a sign-out, then nothing comes back; another exchange, then its token is the user's.
pub(super) struct Refresh {
    pub(super) tokens: RefreshableTokens,
    pub(super) slot: TokenSlot,
    pub(super) connection: Arc<Connection>,
    /// What the token must answer; then what is kept does not do, however good it looks.
    pub(super) challenge: Option<ClaimsChallenge>,
}

impl Refresh {
    pub(super) async fn run(self) -> Refreshed {
        for _ in 0..RACES {
            match self.try_run().await {
                Ok(Some(refreshed)) => return refreshed,
                Ok(None) => {}
                Err(error) => {
                    tracing::error!(%error, "a token cannot be refreshed: the store failed");
                    return Refreshed::Unavailable;
                }
            }
        }
        Refreshed::Unavailable
    }

    /// None: somebody else was quicker, and what is kept now has to be looked at anew.
    async fn try_run(&self) -> Result<Option<Refreshed>, StorageFailure> {
        let vault = &self.tokens.vault;
        let Some(record) = vault.read(&self.slot, self.connection.revision).await? else {
            return self.nothing(None).await;
        };
        // Somebody may have been quicker between the look into memory and this.
        let is_good = vault.is_usable(&record.token) && !record.token.is_refresh_due(self.tokens.ambient.now());
        if is_good && self.challenge.is_none() {
            return self.present().await.map(Some);
        }
        let Some(refresh_token) = record.token.refresh_token.clone() else {
            return self.nothing(Some(record)).await;
        };
        let correlation_id = self.tokens.ambient.entropy.uuid();
        match self.redeem(&record.token.user, &refresh_token, &correlation_id).await {
            Ok(redeemed) => self.keep(record, redeemed, &correlation_id).await,
            Err(error) => {
                let refused = is_refusal(&error.failure);
                self.log(&error, refused, &correlation_id);
                let requirements = self.tokens.redemption.requirements();
                requirements.remember(&self.slot, &error.failure, None, &correlation_id).await;
                if refused { self.nothing(Some(record)).await } else { Ok(Some(Refreshed::Unavailable)) }
            }
        }
    }

    async fn redeem(
        &self,
        user: &UserKey,
        refresh_token: &Secret,
        correlation_id: &str,
    ) -> Result<RedeemedToken, RedeemError> {
        let deadline = Instant::now() + REFRESH_BUDGET;
        let attempt = Attempt { correlation_id: correlation_id.to_owned(), deadline, claims: self.challenge.clone() };
        let grant = Grant::RefreshToken { refresh_token, user };
        self.tokens.redemption.redeem(&self.connection, grant, attempt).await
    }

    async fn keep(
        &self,
        record: KeptRecord,
        redeemed: RedeemedToken,
        correlation_id: &str,
    ) -> Result<Option<Refreshed>, StorageFailure> {
        let old = &record.token;
        // Rotation: the new refresh token if there is one, else the old one goes on.
        let refresh_token = redeemed.refresh_token.clone().or_else(|| old.refresh_token.clone());
        let redeemed = RedeemedToken { refresh_token, ..redeemed };
        let owner = TokenOwner { user: &old.user, security_context: old.security_context };
        let token = user_token(redeemed, &self.connection, owner, &self.tokens.ambient);
        match self.tokens.vault.replace(record, token).await {
            Ok(token) => {
                tracing::info!(
                    correlation_id,
                    bot = self.slot.account.holder.as_str(),
                    connection = self.slot.connection.as_str(),
                    user = %token.user,
                    "a token was refreshed"
                );
                Ok(Some(Refreshed::Token(token)))
            }
            Err(VaultError::SignedOut) => {
                tracing::info!(correlation_id, "a refreshed token was dropped: the user was signed out meanwhile");
                Ok(Some(Refreshed::Nothing))
            }
            // Its token was not made for the challenge.
            Err(VaultError::Overtaken) if self.challenge.is_some() => Ok(None),
            Err(VaultError::Overtaken) => self.present().await.map(Some),
            Err(error) => Err(error.into()),
        }
    }

    /// What the user has, if anything.
    async fn present(&self) -> Result<Refreshed, StorageFailure> {
        let found = self.tokens.vault.find(&self.slot, self.connection.revision).await?;
        Ok(found.map_or(Refreshed::Nothing, Refreshed::Token))
    }

    /// The user is needed. A refresh token that was refused is not tried again. A challenge that nothing answers waits
    /// for the user's next exchange, and the token it is about, which the resource takes no more, goes.
    async fn nothing(&self, record: Option<KeptRecord>) -> Result<Option<Refreshed>, StorageFailure> {
        let vault = &self.tokens.vault;
        let Some(record) = record else { return Ok(Some(Refreshed::Nothing)) };
        if let Some(challenge) = &self.challenge {
            // First: an exchange in between must find the challenge, or the old token, but not neither.
            self.tokens
                .redemption
                .requirements()
                .put_challenge(&self.slot, Some(&record.token.user), challenge)
                .await?;
            // Whatever lies there by now, and whatever is about to: none of it was made for the challenge.
            vault.forget(&self.slot).await?;
            return Ok(Some(Refreshed::Nothing));
        }
        if record.token.refresh_token.is_none() {
            return Ok(Some(Refreshed::Nothing));
        }
        if !vault.is_usable(&record.token) {
            vault.remove(record).await?;
            return Ok(Some(Refreshed::Nothing));
        }
        let token = UserToken { refresh_token: None, refresh_at: None, ..record.token.clone() };
        match vault.replace(record, token).await {
            Ok(token) => Ok(Some(Refreshed::Token(token))),
            Err(VaultError::SignedOut) => Ok(Some(Refreshed::Nothing)),
            Err(VaultError::Overtaken) => self.present().await.map(Some),
            Err(error) => Err(error.into()),
        }
    }

    fn log(&self, error: &RedeemError, refused: bool, correlation_id: &str) {
        let diagnostics = &error.diagnostics;
        let (bot, connection) = (self.slot.account.holder.as_str(), self.slot.connection.as_str());
        let refresh_token = if refused { "dropped" } else { "kept" };
        tracing::warn!(
            correlation_id,
            bot,
            connection,
            http_status = diagnostics.http_status,
            error = diagnostics.error.as_deref(),
            suberror = diagnostics.suberror.as_deref(),
            aadsts = diagnostics.aadsts,
            trace_id = diagnostics.trace_id.as_deref(),
            hint = diagnostics.hint,
            refresh_token,
            "a token was not refreshed"
        );
    }
}

/// Whether the issuer has judged the refresh token itself. The operator's mistakes and the issuer's outages pass.
fn is_refusal(failure: &RedeemFailure) -> bool {
    match failure {
        RedeemFailure::ConsentRequired
        | RedeemFailure::InteractionRequired { .. }
        | RedeemFailure::AssertionExpired
        | RedeemFailure::AssertionRejected
        | RedeemFailure::Denied => true,
        RedeemFailure::Misconfigured | RedeemFailure::Throttled { .. } | RedeemFailure::Transient => false,
    }
}
