use std::sync::Arc;

use crate::domain::{Account, ConnectionRevision, TokenSlot, UserKey, UserToken};
use crate::exchange::{SignInNeed, SignInRequirements, WantedToken, end_tokens_of_others, last_obtained};
use crate::records::RecordError;
use crate::vault::{CodeMark, Epoch, Permit, TokenVault, VaultError};

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
        let kept = match mark {
            Some(mark) => self.vault.keep_with_code(permit, revision, token, mark).await?,
            None => self.vault.keep(permit, revision, token).await?,
        };
        if let Err(error) = end_tokens_of_others(&self.vault, wanted, &kept.user).await {
            tracing::warn!(%error, "a parent bot's token of another user may still be kept: the store failed");
        }
        Ok(kept)
    }
}
