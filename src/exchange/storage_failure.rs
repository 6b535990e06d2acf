use crate::pending::PendingError;
use crate::records::RecordError;
use crate::vault::VaultError;

/// Something kept could not be read or changed. Its text is for the log.
#[derive(Debug, thiserror::Error)]
pub enum StorageFailure {
    /// A token or a pin.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// Another record.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// A challenge.
    #[error(transparent)]
    Pending(#[from] PendingError),
}
