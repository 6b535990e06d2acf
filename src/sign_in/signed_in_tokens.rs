use std::sync::Arc;

use crate::cards::StatedIdentity;
use crate::domain::{Bot, ConnectionRevision, Registrations, TokenSlot, UserKey, UserToken};
use crate::exchange::{
    BrowserBinding, ProvenIdentity, SignInNeed, SignInRequirements, WantedToken, bind_browser_sign_in,
    end_tokens_of_others, last_obtained,
};
use crate::observability::{AuditEntry, AuditEvent};
use crate::records::RecordError;
use crate::vault::{CodeMark, Epoch, Permit, TokenVault, VaultError};

/// The tokens and requirements that an interactive sign-in reads and changes.
#[derive(Clone)]
pub struct SignedInTokens {
    vault: Arc<TokenVault>,
    requirements: SignInRequirements,
    registrations: Arc<Registrations>,
}

/// Why tokens or requirements could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum SignedInTokensError {
    /// The user was signed out, or the vault failed.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The requirements could not be read or removed.
    #[error(transparent)]
    Requirements(#[from] RecordError),
}

impl SignedInTokens {
    /// Keeps tokens in `vault`, and reads and removes the needs and challenges in `requirements`. `registrations` has the
    /// connections of the bots.
    #[must_use]
    pub fn new(vault: Arc<TokenVault>, requirements: SignInRequirements, registrations: Arc<Registrations>) -> Self {
        Self { vault, requirements, registrations }
    }

    pub(super) fn vault(&self) -> &TokenVault {
        &self.vault
    }

    /// What the next sign-ins must satisfy.
    pub(super) const fn requirements(&self) -> &SignInRequirements {
        &self.requirements
    }

    /// What a browser sign-in for the wanted token has to ask the user for.
    pub(super) async fn find_need(&self, wanted: WantedToken<'_>) -> Result<SignInNeed, SignedInTokensError> {
        let obtained_at = last_obtained(&self.vault, wanted).await?;
        Ok(self.requirements.for_browser(wanted.slot, obtained_at).await?)
    }

    /// The current epoch of `user`. A sign-out everywhere raises it, which invalidates every grant with an older epoch.
    pub(super) async fn read_epoch(&self, slot: &TokenSlot, user: &UserKey) -> Result<Epoch, VaultError> {
        Ok(self.vault.permit(slot, user).await?.epoch())
    }

    /// What the browser sign-in of `user` proves about the account of the wanted slot, for which `stated` is stated
    /// (docs/architecture.md §Security rules, rule 8). Reads the vault if the rule depends on whom the channel has shown
    /// already, so the result is never [`BrowserBinding::ProvenIfPinned`] or [`BrowserBinding::CodeUnlessOwnerIsKnown`].
    pub(super) async fn bind(
        &self,
        wanted: WantedToken<'_>,
        stated: &StatedIdentity,
        user: &UserKey,
    ) -> Result<BrowserBinding, VaultError> {
        let account = &wanted.slot.account;
        Ok(match bind_browser_sign_in(wanted, stated, ProvenIdentity::of_user(user)) {
            BrowserBinding::ProvenIfPinned if self.vault.find_pin(account).await?.as_ref() == Some(user) => {
                BrowserBinding::Proven
            }
            BrowserBinding::CodeUnlessOwnerIsKnown => {
                let owner = self.find_owner(wanted.bot, wanted.slot).await?;
                if owner.is_some_and(|owner| owner != *user) {
                    BrowserBinding::NoCode
                } else {
                    BrowserBinding::CodeByHand
                }
            }
            BrowserBinding::ProvenIfPinned => BrowserBinding::CodeByHand,
            binding => binding,
        })
    }

    /// The person to whom a silent exchange has shown that the account of `slot` belongs: the pin, else the user of a kept
    /// token that no code was typed for. A bot with parents may repeat what a parent told it, so there the pin alone counts.
    async fn find_owner(&self, bot: &Bot, slot: &TokenSlot) -> Result<Option<UserKey>, VaultError> {
        let pinned = self.vault.find_pin(&slot.account).await?;
        if pinned.is_some() || bot.has_parents() {
            return Ok(pinned);
        }
        for connection in self.registrations.list_connections(bot.name.as_str()) {
            let slot = TokenSlot::new(&slot.account, &connection.name);
            let held = self.vault.read(&slot, connection.revision).await?;
            if let Some(held) = held.filter(|held| held.code_mark.is_none()) {
                return Ok(Some(held.token.user));
            }
        }
        Ok(None)
    }

    /// Whether `slot` holds the token that came of the code of `mark`, or what that token was refreshed to.
    pub(super) async fn holds_token_of_code(
        &self,
        slot: &TokenSlot,
        revision: ConnectionRevision,
        mark: CodeMark,
    ) -> Result<bool, VaultError> {
        let held = self.vault.read(slot, revision).await?;
        Ok(held.and_then(|held| held.code_mark).is_some_and(|held| held.is_same(&mark)))
    }

    /// Keeps `token` in the wanted slot, and removes the tokens of other users that parent bots brought for the same
    /// user id. `mark` is that of the magic code which the token was redeemed with.
    pub(super) async fn keep(
        &self,
        wanted: WantedToken<'_>,
        permit: Permit,
        token: UserToken,
        mark: Option<CodeMark>,
    ) -> Result<Arc<UserToken>, VaultError> {
        end_tokens_of_others(&self.vault, wanted, &token.user).await?;
        let revision = wanted.connection.revision;
        let proof = if mark.is_some() { "code" } else { "verified" };
        let kept = match mark {
            Some(mark) => self.vault.keep_with_code(permit, revision, token, mark).await?,
            None => self.vault.keep(permit, revision, token).await?,
        };
        AuditEntry::new(AuditEvent::SignedIn).slot(wanted.slot).user(&kept.user).detail(proof).write();
        if let Err(error) = end_tokens_of_others(&self.vault, wanted, &kept.user).await {
            tracing::warn!(%error, "a parent bot's token of another user may still be kept: the store failed");
        }
        Ok(kept)
    }
}
