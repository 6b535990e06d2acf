use std::sync::Arc;

use super::magic_code::{MagicCodeError, MagicCodes};
use crate::domain::{Connection, TokenSlot, UserToken};
use crate::vault::{TokenVault, VaultError};

/// Why a code could not be judged.
#[derive(Debug, thiserror::Error)]
pub enum CodeError {
    /// The code could not be read or used up.
    #[error(transparent)]
    Code(#[from] MagicCodeError),
    /// The token behind it could not be kept.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

/// Redeems magic codes: from here on the token behind a code is the user's current one.
#[derive(Clone)]
pub struct CodeRedemption {
    codes: Arc<MagicCodes>,
    vault: Arc<TokenVault>,
}

impl CodeRedemption {
    /// Over these codes, into this vault.
    #[must_use]
    pub fn new(codes: Arc<MagicCodes>, vault: Arc<TokenVault>) -> Self {
        Self { codes, vault }
    }

    /// The token behind `code`, kept under `slot`; `None` for a wrong code, or one whose sign-in was for the connection
    /// as it was configured before.
    ///
    /// # Errors
    /// [`CodeError`] if the store fails.
    pub async fn redeem(
        &self,
        slot: &TokenSlot,
        connection: &Connection,
        code: &str,
    ) -> Result<Option<Arc<UserToken>>, CodeError> {
        let Some((revision, token)) = self.codes.redeem(slot, code).await? else { return Ok(None) };
        if revision != connection.revision {
            return Ok(None);
        }
        let permit = self.vault.permit(slot, &token.user).await?;
        Ok(Some(self.vault.keep(permit, revision, token).await?))
    }
}
