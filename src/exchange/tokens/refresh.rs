use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::id_token_renewal::{continue_id_token, refuse_other_user};
use super::refresh_aim::RefreshAim;
use super::refresh_turns::RefreshTurns;
use super::unkept::{UnkeptToken, UnkeptTokens};
use crate::domain::{ClockAndEntropy, Connection, Secret, TokenSlot, UserToken};
use crate::exchange::missing_scope_report::report_missing_scopes;
use crate::exchange::user_token::{TokenOwner, user_token};
use crate::exchange::{ObtainedToken, Outage, Redemption, StorageFailure};
use crate::identity_provider::{Attempt, Grant, RedeemError, RedeemedToken};
use crate::observability::conceal;
use crate::vault::{KeptRecord, KeptToken, TokenVault, VaultError};

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
    pub(super) unkept: UnkeptTokens,
    pub(super) turns: Arc<RefreshTurns>,
}

impl RefreshableTokens {
    /// The token in memory that serves until it ends while the store fails: one that the store did not take, else a kept
    /// one.
    pub(super) async fn find_in_memory(&self, slot: &TokenSlot, connection: &Connection) -> Option<Arc<UserToken>> {
        if let Some(token) = self.unkept.find_unended(slot, connection.revision, &self.vault).await {
            return Some(token);
        }
        self.vault.find_unended(slot, connection.revision).await.ok().flatten()
    }
}

/// One refresh: wait for the slot's turn → read the kept token → redeem its refresh token → replace the kept token. If
/// the user signs out meanwhile, the new token is dropped. If another exchange replaces the kept token meanwhile, that
/// exchange's token stays.
pub(super) struct Refresh {
    pub(super) tokens: RefreshableTokens,
    pub(super) slot: TokenSlot,
    pub(super) connection: Arc<Connection>,
    pub(super) aim: RefreshAim,
}

impl Refresh {
    pub(super) async fn run(self) -> ObtainedToken {
        // No caller waits longer than this for the whole refresh.
        let _turn = match self.tokens.turns.take(&self.slot, REFRESH_BUDGET).await {
            Ok(Some(turn)) => turn,
            Ok(None) => return ObtainedToken::Unavailable(Outage::FAULT),
            Err(error) => {
                tracing::error!(%error, "a token cannot be refreshed: the store failed");
                return ObtainedToken::Unavailable(Outage::FAULT);
            }
        };
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
        let now = self.tokens.ambient.now();
        let is_good = vault.is_usable(&record.token) && !record.token.is_refresh_due(now);
        if is_good && self.aim.is_met_by(&record.token, now) {
            return Ok(Some(ObtainedToken::Token(Arc::new(record.token.without_refresh_token()))));
        }
        let Some(refresh_token) = record.token.refresh_token.clone() else {
            return self.conclude_without_token(Some(record)).await;
        };
        let correlation_id = self.tokens.ambient.entropy.uuid();
        match self.obtain(&record.token, &refresh_token, &correlation_id).await {
            Ok(token) => self.keep_or_hold(record, refresh_token, token, &correlation_id).await,
            Err(error) => self.conclude_failure(record, &error, &correlation_id).await,
        }
    }

    /// Notes `error`, with which the refresh of `record` has failed, and concludes. A refusal says nothing about the
    /// refresh token that another writer has kept meanwhile: then the refresh starts over.
    async fn conclude_failure(
        &self,
        record: KeptRecord,
        error: &RedeemError,
        correlation_id: &str,
    ) -> Result<Option<ObtainedToken>, StorageFailure> {
        // An outage or an error of the configuration does not concern the refresh token.
        let outage = Outage::of_failure(&error.failure);
        if outage.is_none() && self.is_replaced(&record).await? {
            tracing::info!(correlation_id, "a refresh starts over: its refresh token was replaced meanwhile");
            return Ok(None);
        }
        if outage.is_none() {
            self.tokens.unkept.end(&self.slot);
        }
        self.log(error, outage.is_none(), correlation_id);
        let requirements = self.tokens.redemption.requirements();
        requirements.remember(&self.slot, &error.failure, None, correlation_id).await;
        match outage {
            Some(outage) => Ok(Some(ObtainedToken::Unavailable(outage))),
            None => self.conclude_without_token(Some(record)).await,
        }
    }

    /// Whether the slot holds another refresh token than `record` by now, or none.
    async fn is_replaced(&self, record: &KeptRecord) -> Result<bool, StorageFailure> {
        let kept = self.tokens.vault.read(&self.slot, self.connection.revision).await?;
        let kept = kept.and_then(|kept| kept.token.refresh_token);
        Ok(kept.as_ref().map(Secret::expose) != record.token.refresh_token.as_ref().map(Secret::expose))
    }

    /// What the kept `refresh_token` has brought already and the store did not take; else asks the issuer, by the newest
    /// refresh token.
    async fn obtain(
        &self,
        kept: &UserToken,
        refresh_token: &Secret,
        correlation_id: &str,
    ) -> Result<UserToken, RedeemError> {
        let Some(unkept) = self.tokens.unkept.find_successor(&self.slot, refresh_token) else {
            return self.redeem(kept, refresh_token, correlation_id).await;
        };
        let newest = &unkept.kept.token;
        let now = self.tokens.ambient.now();
        if self.aim.is_met_by(newest, now) && !newest.has_ended(now) {
            return Ok(newest.clone());
        }
        // The stored refresh token is used up at an issuer that rotates them.
        self.redeem(newest, newest.refresh_token.as_ref().unwrap_or(refresh_token), correlation_id).await
    }

    /// Asks the issuer for the successor of `old`, by `refresh_token`.
    async fn redeem(
        &self,
        old: &UserToken,
        refresh_token: &Secret,
        correlation_id: &str,
    ) -> Result<UserToken, RedeemError> {
        let deadline = Instant::now() + REFRESH_BUDGET;
        let attempt =
            Attempt { correlation_id: correlation_id.to_owned(), deadline, claims: self.aim.challenge().cloned() };
        let grant = Grant::RefreshToken { refresh_token, user: &old.user };
        let redeemed = self.tokens.redemption.redeem(&self.connection, grant, attempt).await?;
        refuse_other_user(old, redeemed.id_token.as_ref())?;
        // A response without `scope` grants what was granted before (RFC 6749 §5.1, §6).
        let is_scope_stated = redeemed.granted_scope.is_some() && redeemed.granted_scope != old.granted_scope;
        let granted_scope = redeemed.granted_scope.clone().or_else(|| old.granted_scope.clone());
        // An issuer that rotates refresh tokens returns a new one; otherwise the one that was sent stays valid.
        let refresh_token = redeemed.refresh_token.clone().or_else(|| Some(refresh_token.clone()));
        let redeemed = RedeemedToken { granted_scope, refresh_token, ..redeemed };
        let owner = TokenOwner { user: &old.user, security_context: old.security_context };
        let token = user_token(redeemed, &self.connection, owner, &self.tokens.ambient);
        let id_token = continue_id_token(old, &token, correlation_id);
        let token = UserToken { signed_in_at: old.signed_in_at, id_token, ..token };
        // The same scopes as before were reported when they were granted first.
        if is_scope_stated {
            report_missing_scopes(&token, &self.connection, correlation_id);
        }
        Ok(token)
    }

    /// Keeps `token`, which `used` has brought. If the store does not take it, it serves from memory until it ends
    /// (docs/architecture.md §An outage is not a sign-out).
    async fn keep_or_hold(
        &self,
        record: KeptRecord,
        used: Secret,
        token: UserToken,
        correlation_id: &str,
    ) -> Result<Option<ObtainedToken>, StorageFailure> {
        let RefreshableTokens { vault, unkept, .. } = &self.tokens;
        let (permit, revision) = (record.permit.clone(), self.connection.revision);
        let kept = KeptToken { revision, token: token.clone(), code_mark: record.code_mark };
        let failure = match self.keep(record, token, correlation_id).await {
            Err(failure) => failure,
            obtained => {
                unkept.end(&self.slot);
                return obtained;
            }
        };
        unkept.hold(&self.slot, UnkeptToken { used, kept, permit }, vault, &self.tokens.turns);
        // A sign-out that came before the token was held could not end it.
        let Some(token) = unkept.find_unended(&self.slot, revision, vault).await else { return Err(failure) };
        tracing::error!(correlation_id, error = %failure, "a refreshed token serves from memory: the store failed");
        Ok(Some(ObtainedToken::Token(token)))
    }

    async fn keep(
        &self,
        record: KeptRecord,
        token: UserToken,
        correlation_id: &str,
    ) -> Result<Option<ObtainedToken>, StorageFailure> {
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
        if let Some(challenge) = self.aim.challenge() {
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
            // Another writer's token may be good.
            let is_removed = vault.remove(record).await?;
            return Ok(is_removed.then_some(ObtainedToken::UserNeeded));
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
