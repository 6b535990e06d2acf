//! Expiring key-value records: the contract that every back end fulfils, and the back ends.
//!
//! Owns atomicity and durability. The room deliberately knows neither the content of a record, which is sealed, nor the
//! ids in its key, which is a MAC that the caller computes. No caller interprets the error text of a back end.

mod embedded;
mod redis;

#[cfg(test)]
pub(crate) mod testing;

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;

pub use self::redis::{RedisSettings, RedisStore};
pub use embedded::{Durability, EmbeddedStore};

use crate::domain::{RecordKey, Timestamp};

/// The reason why an operation of the store failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The back end failed. A write may or may not have taken effect.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// The configured place does not contain a usable store. The text says why and what the operator can do.
    #[error("the store at {place} cannot be used: {reason}")]
    Unusable {
        /// The configured place, such as a file path.
        place: String,
        /// The reason why the store cannot be used.
        reason: String,
    },
}

/// The future that a store operation returns.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// A live record that a version without marks has written.
#[derive(Clone, Debug)]
pub struct OlderRecord {
    /// The key of the record.
    pub key: RecordKey,
    /// The sealed bytes.
    pub value: Bytes,
}

/// Finds the marks of older records, one for each in their order; an inner `None` for a record without one. `None`
/// instead of a list says that the mark of a record cannot be told.
pub type MarkReader = Arc<dyn Fn(&[OlderRecord]) -> Option<Vec<Option<u64>>> + Send + Sync>;

/// Finds the number by which the value of a record is counted; `None` for a value that is not counted.
pub type GroupReader = Arc<dyn Fn(&[u8]) -> Option<u64> + Send + Sync>;

/// The result of [`Store::mark_older`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marking {
    /// Every older record has been looked at by now.
    Complete,
    /// There are more older records.
    Incomplete,
    /// The mark of a record could not be told. No record was marked by this call, and the next one begins with the same
    /// records.
    Stopped,
}

/// A record to be written.
#[derive(Clone, Debug)]
pub struct Record {
    /// The sealed bytes.
    pub value: Bytes,
    /// The time from which the record counts as absent.
    pub expires_at: Timestamp,
    /// The index that lists this record, if there is one (for example: all records of one user).
    pub index: Option<RecordKey>,
    /// A number by which the store counts its records, from 0 to `i64::MAX`; the store does not know what it means.
    /// `None` for a value that nothing has to be counted for.
    pub mark: Option<u64>,
}

/// The result of [`Store::put_if_absent`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PutIfAbsent {
    /// There was no record under the key, and the new record was written.
    Written,
    /// There was a record under the key already. It is unchanged, and this is its value.
    Existing(Bytes),
}

/// Where the next page of [`Store::list_all`] begins. Only the back end that wrote it can read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordCursor(String);

/// Some of the live records of a store.
#[derive(Clone, Debug)]
pub struct RecordPage {
    /// The records with their keys.
    pub records: Vec<(RecordKey, Record)>,
    /// Where the next page begins; `None` after the last page.
    pub next: Option<RecordCursor>,
}

/// The right of one holder to a lease. A later ticket of the same name has a greater number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeaseTicket(pub u64);

/// Receives what processes that share a store publish. The methods must not block.
pub trait StoreListener: Send + Sync {
    /// A process has published `message`. The messages of one process arrive in their order.
    fn received(&self, message: Bytes);

    /// The store answers, and every message that was published until now has arrived.
    fn answered(&self);

    /// The connection was lost and is there again: messages may have been missed.
    fn resumed(&self);
}

/// A key-value store with expiry. Every operation is atomic. A write that has returned is durable according to the
/// setting of the back end. A live record is a record that has not expired; operations treat an expired record as
/// absent.
pub trait Store: Send + Sync {
    /// Gets the value of the live record under `key`.
    fn get(&self, key: RecordKey) -> StoreFuture<'_, Option<Bytes>>;

    /// Writes a record, replacing any record under `key`.
    fn put(&self, key: RecordKey, record: Record) -> StoreFuture<'_, ()>;

    /// Removes the live record under `key` and returns its value. If several callers take the same record, one of them
    /// gets it.
    fn take(&self, key: RecordKey) -> StoreFuture<'_, Option<Bytes>>;

    /// Writes a record unless there is a live record under `key`.
    fn put_if_absent(&self, key: RecordKey, record: Record) -> StoreFuture<'_, PutIfAbsent>;

    /// Writes a record only if the value of the live record under `key` equals `expected`; `None` means that there must
    /// be no live record. Returns whether the record was written.
    fn compare_and_put(&self, key: RecordKey, expected: Option<Bytes>, record: Record) -> StoreFuture<'_, bool>;

    /// Lists the keys and values of up to `limit` live records in `index`: those that expire last, the last first.
    fn members(&self, index: RecordKey, limit: usize) -> StoreFuture<'_, Vec<(RecordKey, Bytes)>>;

    /// Lists the keys and indexes of up to `limit` live records that expire at or before `until`, earliest first. For
    /// use at start-up, because it may read that many records.
    fn list_expiring_by(&self, until: Timestamp, limit: usize) -> StoreFuture<'_, Vec<(RecordKey, Option<RecordKey>)>>;

    /// Lists all live records, page by page; `after` is `None` for the first page. A page has about `limit` records, and
    /// may have none although there are more pages. Every record that is kept from the first page to the last is listed,
    /// and may be listed twice. Leases and counts are no records. A record that [`Store::mark_older`] has not marked yet
    /// is listed without its mark.
    fn list_all(&self, after: Option<RecordCursor>, limit: usize) -> StoreFuture<'_, RecordPage>;

    /// Removes the records under `keys`. A key without a record is no error.
    fn remove(&self, keys: Vec<RecordKey>) -> StoreFuture<'_, ()>;

    /// Lists the marks that stored records have. Its cost does not depend on the number of records. A shared back end may
    /// also list a mark that no record has any more, until [`Store::count_marked`] has counted none for an hour.
    fn list_marks(&self) -> StoreFuture<'_, Vec<u64>>;

    /// Counts the live records with `mark`. In the embedded back end its cost depends on the number of expired records
    /// alone, because the number of all records with a mark is kept up to date with every write. A shared back end reads
    /// the heads of all records: ask it only for a mark that should have none.
    fn count_marked(&self, mark: u64) -> StoreFuture<'_, u64>;

    /// Marks up to `limit` live records that a version without marks has written, with the marks that `read` finds.
    fn mark_older(&self, limit: usize, read: MarkReader) -> StoreFuture<'_, Marking>;

    /// Counts the live records that [`Store::mark_older`] has not marked yet, by the number that `read` finds in each
    /// value; pairs of the number and the count. It reads every such record: call it when the process refuses to start.
    fn count_older(&self, read: GroupReader) -> StoreFuture<'_, Vec<(u64, u64)>>;

    /// Grants the lease `name` for `life`, unless another holder has it. The clock of the back end alone judges when a
    /// lease ends, so the clocks of processes do not matter.
    fn acquire_lease(&self, name: RecordKey, life: Duration) -> StoreFuture<'_, Option<LeaseTicket>>;

    /// Lets the lease `name` last for `life` from now. Returns whether `ticket` still holds it.
    fn renew_lease(&self, name: RecordKey, ticket: LeaseTicket, life: Duration) -> StoreFuture<'_, bool>;

    /// Ends the lease `name` if `ticket` still holds it.
    fn release_lease(&self, name: RecordKey, ticket: LeaseTicket) -> StoreFuture<'_, ()>;

    /// Adds `amount` to the count `name` and returns the sum. A count begins with 0 and ends `life` after its first
    /// addition, by the clock of the back end.
    fn add_to_count(&self, name: RecordKey, amount: i64, life: Duration) -> StoreFuture<'_, i64>;

    /// Sends `message` to the listeners of all processes that share the store, this one included. A process that is cut
    /// off does not get it. An exclusive store sends nothing.
    fn publish(&self, message: Bytes) -> StoreFuture<'_, ()>;

    /// Tells `listener` what is published from now on, until it is dropped. An exclusive store tells nothing.
    fn watch(&self, listener: Weak<dyn StoreListener>);

    /// Whether only this process writes to the store. If so, the process may keep copies of records in memory.
    fn is_exclusive(&self) -> bool;
}
