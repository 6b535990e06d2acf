use std::sync::Arc;

use crate::domain::{Connection, TokenSlot, UserToken};
use crate::vault::{TokenVault, VaultError};

/// Reads the token that a user has for a connection right now.
#[derive(Clone)]
pub struct CurrentTokens {
    vault: Arc<TokenVault>,
}

impl CurrentTokens {
    /// Over this vault.
    #[must_use]
    pub fn new(vault: Arc<TokenVault>) -> Self {
        Self { vault }
    }

    /// The user's token, if there is one that was obtained for the connection as it is configured now, has not been
    /// signed out and has enough life left to be handed out.
    ///
    /// # Errors
    /// If the store is unavailable or the record cannot be opened.
    pub async fn find(&self, slot: &TokenSlot, connection: &Connection) -> Result<Option<Arc<UserToken>>, VaultError> {
        self.vault.find(slot, connection.revision).await
    }
}
