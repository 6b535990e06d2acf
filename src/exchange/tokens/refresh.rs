use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::domain::{ClaimsChallenge, ClockAndEntropy, Connection, Secret, TokenSlot, UserKey, UserToken};
use crate::exchange::missing_scope_report::report_missing_scopes;
use crate::exchange::user_token::{TokenOwner, user_token};
use crate::exchange::{HeldContent, HeldTokens, ObtainedToken, Outage, Redemption, StorageFailure};
use crate::identity_provider::{Attempt, Grant, RedeemError, RedeemedToken};
use crate::observability::conceal;
use crate::vault::{KeptRecord, TokenVault, VaultError};

/// The identity provider must complete a refresh within this time, because a bot waits for it.
pub(super) const REFRESH_BUDGET: Duration = Duration::from_secs(5);

/// How often a refresh starts over because another writer replaced the kept token.
const MAX_ATTEMPTS: usize = 3;

/// The capabilities that a refresh uses.
#[derive(Clone)]
pub(super) struct RefreshableTokens {
    pub(super) vault: Arc<TokenVault>,
    pub(super) redemption: Redemption,
    pub(super) ambient: ClockAndEntropy,
    /// What refreshes have brought and the store did not take.
    pub(super) unkept: HeldTokens<TokenSlot, UnkeptRefresh>,
}

/// The tokens of a refresh that could not be kept. The issuer may take the refresh token only once.
pub(super) struct UnkeptRefresh {
    /// The refresh token that is kept still.
    used: Secret,
    redeemed: RedeemedToken,
}

impl HeldContent for UnkeptRefresh {
    fn bytes(&self) -> usize {
        self.used.expose().len() + self.redeemed.bytes()
    }
}

/// One refresh: read the kept token → redeem its refresh token → replace the kept token. If the user signs out
/// meanwhile, the new token is dropped. If another exchange replaces the kept token meanwhile, that exchange's token
/// stays.
pub(super) struct Refresh {
    pub(super) tokens: RefreshableTokens,
    pub(super) slot: TokenSlot,
    pub(super) connection: Arc<Connection>,
    /// The challenge that the new token must satisfy, if there is one. A kept token is then never good enough.
    pub(super) challenge: Option<ClaimsChallenge>,
}

impl Refresh {
    pub(super) async fn run(self) -> ObtainedToken {
        for _ in 0..MAX_ATTEMPTS {
            match self.try_run().await {
                Ok(Some(obtained)) => return obtained,
                Ok(None) => {}
                Err(error) => {
                    tracing::error!(%error, "a token cannot be refreshed: the store failed");
                    return ObtainedToken::Unavailable(Outage::FAULT);
                }
            }
        }
        ObtainedToken::Unavailable(Outage::FAULT)
    }

    /// `None` if another writer replaced the kept token meanwhile, so that the refresh has to start over.
    async fn try_run(&self) -> Result<Option<ObtainedToken>, StorageFailure> {
        let vault = &self.tokens.vault;
        let Some(record) = vault.read(&self.slot, self.connection.revision).await? else {
            return self.conclude_without_token(None).await;
        };
        // Another request may have refreshed the token after the caller looked into memory.
        let is_good = vault.is_usable(&record.token) && !record.token.is_refresh_due(self.tokens.ambient.now());
        if is_good && self.challenge.is_none() {
            return Ok(Some(ObtainedToken::Token(Arc::new(record.token.without_refresh_token()))));
        }
        let Some(refresh_token) = record.token.refresh_token.clone() else {
            return self.conclude_without_token(Some(record)).await;
        };
        let correlation_id = self.tokens.ambient.entropy.uuid();
        match self.obtain(&record.token.user, &refresh_token, &correlation_id).await {
            Ok(redeemed) => {
                let kept = self.keep(record, redeemed.clone(), &correlation_id).await;
                self.tokens.unkept.end(&self.slot);
                if kept.is_err() {
                    let unkept = UnkeptRefresh { used: refresh_token, redeemed };
                    self.tokens.unkept.hold(self.slot.clone(), Arc::new(unkept));
                }
                kept
            }
            Err(error) => {
                // An outage or an error of the configuration does not concern the refresh token.
                let outage = Outage::of_failure(&error.failure);
                if outage.is_none() {
                    self.tokens.unkept.end(&self.slot);
                }
                self.log(&error, outage.is_none(), &correlation_id);
                let requirements = self.tokens.redemption.requirements();
                requirements.remember(&self.slot, &error.failure, None, &correlation_id).await;
                match outage {
                    Some(outage) => Ok(Some(ObtainedToken::Unavailable(outage))),
                    None => self.conclude_without_token(Some(record)).await,
                }
            }
        }
    }

    /// What the kept `refresh_token` has brought already and the store did not take; else asks the issuer, by the newest
    /// refresh token.
    async fn obtain(
        &self,
        user: &UserKey,
        refresh_token: &Secret,
        correlation_id: &str,
    ) -> Result<RedeemedToken, RedeemError> {
        let unkept = self.tokens.unkept.find(&self.slot);
        let unkept = unkept.filter(|unkept| unkept.used.expose() == refresh_token.expose());
        let Some(unkept) = unkept else { return self.redeem(user, refresh_token, correlation_id).await };
        if self.challenge.is_none() && unkept.redeemed.expires_at > self.tokens.ambient.now() {
            return Ok(unkept.redeemed.clone());
        }
        let newest = unkept.redeemed.refresh_token.as_ref().unwrap_or(refresh_token);
        let redeemed = self.redeem(user, newest, correlation_id).await?;
        // An issuer that returns no other one lets the newest stay valid, not the one that is stored.
        let refresh_token = redeemed.refresh_token.clone().or_else(|| Some(newest.clone()));
        Ok(RedeemedToken { refresh_token, ..redeemed })
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
    ) -> Result<Option<ObtainedToken>, StorageFailure> {
        let old = &record.token;
        // An issuer that rotates refresh tokens returns a new one; otherwise the old one stays valid.
        let refresh_token = redeemed.refresh_token.clone().or_else(|| old.refresh_token.clone());
        // A response without `scope` grants what was granted before (RFC 6749 §5.1, §6).
        let is_scope_stated = redeemed.granted_scope.is_some() && redeemed.granted_scope != old.granted_scope;
        let granted_scope = redeemed.granted_scope.clone().or_else(|| old.granted_scope.clone());
        let redeemed = RedeemedToken { granted_scope, refresh_token, ..redeemed };
        let owner = TokenOwner { user: &old.user, security_context: old.security_context };
        let token = user_token(redeemed, &self.connection, owner, &self.tokens.ambient);
        let token = UserToken { signed_in_at: old.signed_in_at, ..token };
        // The same scopes as before were reported when they were granted first.
        if is_scope_stated {
            report_missing_scopes(&token, &self.connection, correlation_id);
        }
        match self.tokens.vault.replace(record, token).await {
            Ok(token) => {
                tracing::info!(
                    correlation_id,
                    bot = self.slot.account.holder.as_str(),
                    connection = self.slot.connection.as_str(),
                    user = %conceal(&token.user),
                    "a token was refreshed"
                );
                Ok(Some(ObtainedToken::Token(token)))
            }
            Err(VaultError::SignedOut) => {
                tracing::info!(correlation_id, "a refreshed token was dropped: the user was signed out meanwhile");
                Ok(Some(ObtainedToken::UserNeeded))
            }
            // The other writer's token may be good, or wants a refresh of its own.
            Err(VaultError::RecordChanged) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Concludes a refresh that got no token. A refused refresh token is dropped, so it is not tried again; a usable
    /// access token stays. If there is a challenge, it is kept for the user's next exchange, and the kept token, which
    /// the resource rejects, is removed.
    async fn conclude_without_token(
        &self,
        record: Option<KeptRecord>,
    ) -> Result<Option<ObtainedToken>, StorageFailure> {
        let vault = &self.tokens.vault;
        let Some(record) = record else { return Ok(Some(ObtainedToken::UserNeeded)) };
        if let Some(challenge) = &self.challenge {
            // The challenge is put before the token is removed: an exchange in between must find at least one of the
            // two.
            self.tokens
                .redemption
                .requirements()
                .put_challenge(&self.slot, Some(&record.token.user), challenge)
                .await?;
            // This also removes a token that was kept meanwhile and revokes the permits of running exchanges, because
            // none of those tokens satisfies the challenge.
            vault.forget(&self.slot).await?;
            return Ok(Some(ObtainedToken::UserNeeded));
        }
        if record.token.refresh_token.is_none() {
            return Ok(Some(ObtainedToken::UserNeeded));
        }
        if !vault.is_usable(&record.token) {
            vault.remove(record).await?;
            return Ok(Some(ObtainedToken::UserNeeded));
        }
        let token = UserToken { refresh_token: None, refresh_at: None, ..record.token.clone() };
        match vault.replace(record, token).await {
            Ok(token) => Ok(Some(ObtainedToken::Token(token))),
            Err(VaultError::SignedOut) => Ok(Some(ObtainedToken::UserNeeded)),
            Err(VaultError::RecordChanged) => Ok(None),
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
