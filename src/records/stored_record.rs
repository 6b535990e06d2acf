use std::fmt;
use std::marker::PhantomData;

use bytes::Bytes;

use crate::domain::RecordKey;
use crate::domain::Timestamp;
use crate::sealing::KeyMark;
use crate::store::Record;

/// The key and the sealed bytes of a record in the store. An operation that takes a `StoredRecord` changes the store
/// only if it still holds exactly these bytes under the key.
pub struct StoredRecord<T> {
    key: RecordKey,
    sealed: Bytes,
    content: PhantomData<fn() -> T>,
}

/// A record that was read and opened.
#[derive(Debug)]
pub struct OpenedRecord<T> {
    /// The content of the record.
    pub content: T,
    /// The sealed form of the record in the store.
    pub stored: StoredRecord<T>,
}

/// A record that is sealed for its key and can be written.
pub struct SealedRecord<T> {
    stored: StoredRecord<T>,
    expires_at: Timestamp,
    index: Option<RecordKey>,
}

impl<T> StoredRecord<T> {
    pub(super) fn new(key: RecordKey, sealed: Bytes) -> Self {
        Self { key, sealed, content: PhantomData }
    }

    /// The key under which the record is stored.
    #[must_use]
    pub fn key(&self) -> RecordKey {
        self.key
    }

    /// The same sealed bytes with a new expiry and without an index, to be written again.
    #[must_use]
    pub fn with_expiry(self, expires_at: Timestamp) -> SealedRecord<T> {
        SealedRecord::new(self, expires_at)
    }

    pub(super) fn sealed(&self) -> &[u8] {
        &self.sealed
    }

    pub(super) fn into_sealed(self) -> Bytes {
        self.sealed
    }
}

impl<T> SealedRecord<T> {
    pub(super) fn new(stored: StoredRecord<T>, expires_at: Timestamp) -> Self {
        Self { stored, expires_at, index: None }
    }

    /// Adds the record to `index`, which is [an index of its collection](super::Collection::index).
    #[must_use]
    pub fn listed_by(self, index: RecordKey) -> Self {
        Self { index: Some(index), ..self }
    }

    /// The time from which the record counts as absent.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// The form that the record has in the store after it was written.
    #[must_use]
    pub fn stored(&self) -> StoredRecord<T> {
        self.stored.clone()
    }

    pub(super) fn key(&self) -> RecordKey {
        self.stored.key
    }

    pub(super) fn sealed(&self) -> &[u8] {
        self.stored.sealed()
    }

    /// The record for the store; `mark` is that of the key that sealed it.
    pub(super) fn into_record(self, mark: Option<KeyMark>) -> Record {
        let mark = mark.map(KeyMark::number);
        Record { value: self.stored.sealed, expires_at: self.expires_at, index: self.index, mark }
    }
}

impl<T> Clone for StoredRecord<T> {
    fn clone(&self) -> Self {
        Self::new(self.key, self.sealed.clone())
    }
}

impl<T> Clone for SealedRecord<T> {
    fn clone(&self) -> Self {
        Self { stored: self.stored.clone(), ..*self }
    }
}

impl<T> fmt::Debug for StoredRecord<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("StoredRecord(..)")
    }
}

impl<T> fmt::Debug for SealedRecord<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SealedRecord(..)")
    }
}
