use std::sync::Arc;

use crate::domain::{Account, TokenSlot, UserKey, UserToken};
use crate::exchange::{SignInNeed, SignInRequirements, WantedToken, end_tokens_of_others, last_obtained};
use crate::records::RecordError;
use crate::vault::{Epoch, Permit, TokenVault, VaultError};

/// The tokens and requirements that an interactive sign-in reads and changes.
#[derive(Clone)]
pub struct SignedInTokens {
    vault: Arc<TokenVault>,
    requirements: SignInRequirements,
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
    /// Keeps tokens in `vault`, and reads and removes the needs and challenges in `requirements`.
    #[must_use]
    pub fn new(vault: Arc<TokenVault>, requirements: SignInRequirements) -> Self {
        Self { vault, requirements }
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

    /// Whether the channel's own traffic has pinned `account` to `user`.
    pub(super) async fn is_pinned_to(&self, account: &Account, user: &UserKey) -> Result<bool, VaultError> {
        Ok(self.vault.find_pin(account).await?.is_some_and(|pinned| pinned == *user))
    }

    /// Keeps `token` in the wanted slot, and removes the tokens of other users that parent bots brought for the same
    /// user id.
    pub(super) async fn keep(
        &self,
        wanted: WantedToken<'_>,
        permit: Permit,
        token: UserToken,
    ) -> Result<Arc<UserToken>, VaultError> {
        end_tokens_of_others(&self.vault, wanted, &token.user).await?;
        let kept = self.vault.keep(permit, wanted.connection.revision, token).await?;
        if let Err(error) = end_tokens_of_others(&self.vault, wanted, &kept.user).await {
            tracing::warn!(%error, "a parent bot's token of another user may still be kept: the store failed");
        }
        Ok(kept)
    }
}
