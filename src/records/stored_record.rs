use std::fmt;
use std::marker::PhantomData;

use bytes::Bytes;

use crate::domain::RecordKey;
use crate::domain::Timestamp;
use crate::store::Record;

/// A record as it lies in the store: its key and its sealed bytes. What is done to it is done to this very record, and
/// not to another that has taken its place.
pub struct StoredRecord<T> {
    key: RecordKey,
    sealed: Bytes,
    content: PhantomData<fn() -> T>,
}

/// A record that was read.
#[derive(Debug)]
pub struct OpenedRecord<T> {
    /// What it holds.
    pub content: T,
    /// How it lies in the store.
    pub stored: StoredRecord<T>,
}

/// A record that is sealed for its place and can be written.
pub struct SealedRecord<T> {
    stored: StoredRecord<T>,
    expires_at: Timestamp,
    index: Option<RecordKey>,
}

impl<T> StoredRecord<T> {
    pub(super) fn new(key: RecordKey, sealed: Bytes) -> Self {
        Self { key, sealed, content: PhantomData }
    }

    /// The name that the record lies under.
    #[must_use]
    pub fn key(&self) -> RecordKey {
        self.key
    }

    /// The same bytes, to be written again with another end and in no index.
    #[must_use]
    pub fn again_until(self, expires_at: Timestamp) -> SealedRecord<T> {
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

    /// The same record, listed by `index`, which is [an index of its collection](super::Collection::index).
    #[must_use]
    pub fn listed_by(self, index: RecordKey) -> Self {
        Self { index: Some(index), ..self }
    }

    /// When it ends.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// How it lies in the store once it is written.
    #[must_use]
    pub fn stored(&self) -> StoredRecord<T> {
        self.stored.clone()
    }

    pub(super) fn key(&self) -> RecordKey {
        self.stored.key
    }

    pub(super) fn into_record(self) -> Record {
        Record { value: self.stored.sealed, expires_at: self.expires_at, index: self.index }
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
