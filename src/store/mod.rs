//! Opaque bytes with an end: the contract that every back end keeps, and the back ends.
//!
//! Owns atomicity and durability. It deliberately knows neither what it stores (records arrive sealed) nor under whose
//! name (keys are MACs made by the callers). A back end's error text is never interpreted by anyone.

mod embedded;

#[cfg(test)]
pub(crate) mod testing;

use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;

pub use embedded::{Durability, EmbeddedStore};

use crate::domain::{RecordKey, Timestamp};

/// Why a back end could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The back end failed; nothing is known about whether a write took effect.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// What lies at the configured place cannot be opened as our store; the text says why and what to do.
    #[error("the store at {place} cannot be used: {reason}")]
    Unusable {
        /// The place as configured.
        place: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// What a store operation returns.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// A record to be written.
#[derive(Clone, Debug)]
pub struct Record {
    /// The sealed bytes.
    pub value: Bytes,
    /// From here on the record is as good as absent.
    pub expires_at: Timestamp,
    /// The index that lists this record, if any (all records of a user, say).
    pub index: Option<RecordKey>,
}

/// What [`Store::put_if_absent`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PutIfAbsent {
    /// Nothing was there: the record has been written.
    Written,
    /// The record that was there first, untouched.
    Existing(Bytes),
}

/// A key-value store with expiry. Every operation is atomic; a finished write is as durable as the back end's setting
/// promises. An expired record is never returned.
pub trait Store: Send + Sync {
    /// The live record under `key`.
    fn get(&self, key: RecordKey) -> StoreFuture<'_, Option<Bytes>>;

    /// Writes a record, replacing whatever was there.
    fn put(&self, key: RecordKey, record: Record) -> StoreFuture<'_, ()>;

    /// Removes and returns the live record under `key`: of many callers one gets it.
    fn take(&self, key: RecordKey) -> StoreFuture<'_, Option<Bytes>>;

    /// Writes a record unless a live one is there.
    fn put_if_absent(&self, key: RecordKey, record: Record) -> StoreFuture<'_, PutIfAbsent>;

    /// Writes a record only if the live one equals `expected` (`None`: there is none); says whether it did.
    fn compare_and_put(&self, key: RecordKey, expected: Option<Bytes>, record: Record) -> StoreFuture<'_, bool>;

    /// The live records listed by `index`, in no particular order.
    fn members(&self, index: RecordKey) -> StoreFuture<'_, Vec<(RecordKey, Bytes)>>;

    /// Names and indexes of the live records that end before or at `until`, the first to end first, `most` at most. For
    /// start-up: it may read that many records.
    fn list_expiring_by(&self, until: Timestamp, most: usize) -> StoreFuture<'_, Vec<(RecordKey, Option<RecordKey>)>>;

    /// Removes these records; absent ones are no error.
    fn remove(&self, keys: Vec<RecordKey>) -> StoreFuture<'_, ()>;

    /// Whether nobody but this process writes here, so that what it knows of its own writes is all there is to know.
    fn is_exclusive(&self) -> bool;
}
