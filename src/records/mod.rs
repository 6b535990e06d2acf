//! Typed, sealed and expiring records, which are stored under keys that reveal no ids.
//!
//! Owns the name, the sealing, the lifetime and the version of every record, and the [`catalogue`] of all kinds. The
//! room deliberately knows neither which caller needs a record nor what its content means. No other room calls the
//! sealer or the store to keep data.

pub mod catalogue;
mod collection;
mod content;
mod key_use;
mod kind;
mod kind_counts;
mod older_keys;
mod replicas;
mod sealed_store;
mod stored_record;

#[cfg(test)]
mod collection_tests;
#[cfg(test)]
pub(crate) mod testing;

pub use collection::Collection;
pub use content::{Content, Plaintext, RecordBinding, encode_json};
pub use key_use::{MissingKey, OlderRecords};
pub use kind::{Kind, Lifetime, MacPurpose};
pub use kind_counts::KindCounts;
pub use replicas::{ChangeListener, CopyHolder, CopyTrust, CopyUpkeep, LeaseError, ReplicaLease, Replicas, SharedRate};
pub use sealed_store::Records;
pub use stored_record::{OpenedRecord, SealedRecord, StoredRecord};

pub use crate::sealing::SealError;
use crate::store::StoreError;

/// The reason why a record could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The record could not be sealed or opened.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The record was opened, but this version of the program cannot read its content.
    #[error("this version of the program cannot read a stored record of the kind {purpose}")]
    Unreadable {
        /// The purpose of the record's [`Kind`].
        purpose: &'static str,
    },
    /// The store took longer than the caller can wait. A write may or may not have taken effect.
    #[error("the store did not answer in time")]
    TooSlow,
    /// Another replica was changing the same the whole time. Nothing was written.
    #[error("another replica is changing the same")]
    Held,
}

impl From<LeaseError> for RecordError {
    fn from(error: LeaseError) -> Self {
        match error {
            LeaseError::Held => Self::Held,
            LeaseError::Store(error) => Self::Store(error),
        }
    }
}

impl RecordError {
    /// The cipher library refused, and what was to be written is not.
    pub const CIPHER_REFUSED: Self = Self::Seal(SealError::Refused);
}
