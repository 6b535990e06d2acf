use crate::records::RecordError;
use crate::vault::VaultError;

/// The store failed to read or change something. The text is for the log.
#[derive(Debug, thiserror::Error)]
pub enum StorageFailure {
    /// It concerned a token or a pin.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// It concerned another record: a challenge, a card, a code.
    #[error(transparent)]
    Record(#[from] RecordError),
}
