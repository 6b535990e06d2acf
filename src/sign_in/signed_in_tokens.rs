use std::sync::Arc;

use crate::domain::{Account, Bot, Connection, TokenSlot, UserKey, UserToken};
use crate::exchange::{SignInNeed, SignInRequirements, end_tokens_of_others};
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

    /// What a browser has to ask the user of `slot` for.
    pub(super) async fn required(
        &self,
        slot: &TokenSlot,
        connection: &Connection,
    ) -> Result<SignInNeed, SignedInTokensError> {
        let kept = self.vault.find(slot, connection.revision).await?;
        Ok(self.requirements.for_browser(slot, kept.map(|kept| kept.obtained_at)).await?)
    }

    /// The present epoch of `user`: a sign-out everywhere from here on ends what comes of this.
    pub(super) async fn epoch(&self, slot: &TokenSlot, user: &UserKey) -> Result<Epoch, VaultError> {
        Ok(self.vault.permit(slot, user).await?.epoch())
    }

    /// Whether the channel's own traffic has pinned `account` to `user`.
    pub(super) async fn is_pinned_to(&self, account: &Account, user: &UserKey) -> Result<bool, VaultError> {
        Ok(self.vault.find_pin(account).await?.is_some_and(|pinned| pinned == *user))
    }

    /// Keeps `token` in `slot`, and ends what parent bots have brought there of other users.
    pub(super) async fn keep(
        &self,
        bot: &Bot,
        slot: &TokenSlot,
        connection: &Connection,
        permit: Permit,
        token: UserToken,
    ) -> Result<Arc<UserToken>, VaultError> {
        let kept = self.vault.keep(permit, connection.revision, token).await?;
        end_tokens_of_others(&self.vault, bot, slot, connection, &kept.user).await?;
        Ok(kept)
    }
}
