//! What is kept, as typed records: sealed, with an end, found by keys that give no id away.
//!
//! Owns naming, sealing, life and version of every record, and the [`catalogue`] of all kinds. It deliberately knows
//! neither who asks for a record nor what its content means. Nothing else calls the sealer or the store for what is kept.

pub mod catalogue;
mod collection;
mod content;
mod kind;
mod sealed_store;
mod stored_record;

#[cfg(test)]
mod collection_tests;
#[cfg(test)]
pub(crate) mod testing;

pub use collection::Collection;
pub use content::{Content, Plaintext, RecordBinding, encode_json};
pub use kind::{Kind, Life, MacPurpose};
pub use sealed_store::{Records, SingleWriter};
pub use stored_record::{OpenedRecord, SealedRecord, StoredRecord};

pub use crate::sealing::SealError;
use crate::store::StoreError;

/// Why a record could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The record could not be sealed or opened.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The record opened, but holds what this version cannot read.
    #[error("a kept record is not readable by this version: {purpose}")]
    Unreadable {
        /// The purpose of its [`Kind`].
        purpose: &'static str,
    },
}
