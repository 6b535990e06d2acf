use crate::records::RecordError;
use crate::vault::VaultError;

/// Something kept could not be read or changed. Its text is for the log.
#[derive(Debug, thiserror::Error)]
pub enum StorageFailure {
    /// A token or a pin.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// A challenge, a card, a code.
    #[error(transparent)]
    Record(#[from] RecordError),
}
