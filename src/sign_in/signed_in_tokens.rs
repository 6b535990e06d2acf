use std::sync::Arc;

use crate::domain::{Account, TokenSlot, UserKey, UserToken};
use crate::exchange::{SignInNeed, SignInRequirements, WantedToken, end_tokens_of_others, last_obtained};
use crate::records::RecordError;
use crate::vault::{Epoch, Permit, TokenVault, VaultError};

/// What an interactive sign-in does to the tokens that are kept.
#[derive(Clone)]
pub struct SignedInTokens {
    vault: Arc<TokenVault>,
    requirements: SignInRequirements,
}

/// Why kept tokens or requirements could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum SignedInTokensError {
    /// The vault refused or failed.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The requirements could not be read or ended.
    #[error(transparent)]
    Requirements(#[from] RecordError),
}

impl SignedInTokens {
    /// Tokens in `vault`; what their next sign-ins must bring is in `requirements`.
    #[must_use]
    pub fn new(vault: Arc<TokenVault>, requirements: SignInRequirements) -> Self {
        Self { vault, requirements }
    }

    /// The vault.
    pub(super) fn vault(&self) -> &TokenVault {
        &self.vault
    }

    /// What the next sign-ins must bring.
    pub(super) const fn requirements(&self) -> &SignInRequirements {
        &self.requirements
    }

    /// What a browser has to ask the user for, who signs in for the wanted token.
    pub(super) async fn required(&self, wanted: WantedToken<'_>) -> Result<SignInNeed, SignedInTokensError> {
        let obtained_at = last_obtained(&self.vault, wanted).await?;
        Ok(self.requirements.for_browser(wanted.slot, obtained_at).await?)
    }

    /// The present epoch of `user`: a sign-out everywhere from here on ends what comes of this.
    pub(super) async fn epoch(&self, slot: &TokenSlot, user: &UserKey) -> Result<Epoch, VaultError> {
        Ok(self.vault.permit(slot, user).await?.epoch())
    }

    /// Whether the channel's own traffic has pinned `account` to `user`.
    pub(super) async fn is_pinned_to(&self, account: &Account, user: &UserKey) -> Result<bool, VaultError> {
        Ok(self.vault.find_pin(account).await?.is_some_and(|pinned| pinned == *user))
    }

    /// Keeps `token` in the wanted slot, and ends what parent bots have brought there of other users.
    pub(super) async fn keep(
        &self,
        wanted: WantedToken<'_>,
        permit: Permit,
        token: UserToken,
    ) -> Result<Arc<UserToken>, VaultError> {
        end_tokens_of_others(&self.vault, wanted, &token.user).await?;
        let kept = self.vault.keep(permit, wanted.connection.revision, token).await?;
        if let Err(error) = end_tokens_of_others(&self.vault, wanted, &kept.user).await {
            tracing::warn!(%error, "a parent bot's token was not looked for");
        }
        Ok(kept)
    }
}
