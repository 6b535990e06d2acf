use std::borrow::Cow;
use std::marker::PhantomData;
use std::mem;

use bytes::Bytes;

use super::{
    Content, Lifetime, OpenedRecord, Plaintext, RecordBinding, RecordError, Records, SealedRecord, StoredRecord,
};
use crate::domain::{RecordKey, Timestamp, wipe};
use crate::store::{PutIfAbsent, Record, StoreError};

/// The bytes of a binding in front of the envelope.
pub(super) const BINDING_BYTES: usize = size_of::<RecordBinding>();

/// How often a record that other replicas change meanwhile is read again before it is taken.
const TAKE_ATTEMPTS: usize = 8;

/// The end of the year 9999: the time of expiry of records that do not expire.
const FAR_FUTURE: Timestamp = Timestamp::from_unix_seconds(253_402_300_799);

/// The records of one kind. The key of a record is computed from the kind's purpose and the record's parts, and the
/// seal is bound to that key.
pub struct Collection<T> {
    records: Records,
    content: PhantomData<fn() -> T>,
}

/// Keys. The boundaries between parts count: `["ab", "c"]` and `["a", "bc"]` have different keys.
impl<T: Content> Collection<T> {
    /// The collection of all records in `records` whose content is a `T`.
    #[must_use]
    pub fn new(records: &Records) -> Self {
        Self { records: records.clone(), content: PhantomData }
    }

    /// The key of the record with these parts. Costs a MAC.
    #[must_use]
    pub fn key(&self, parts: &[&[u8]]) -> RecordKey {
        RecordKey(self.records.sealer.mac(T::KIND.purpose, parts))
    }

    /// The key of the record with these parts, given as texts. Costs a MAC.
    #[must_use]
    pub fn key_from_texts<const PARTS: usize>(&self, parts: &[Cow<'_, str>; PARTS]) -> RecordKey {
        self.key(&parts.each_ref().map(|part| part.as_bytes()))
    }

    /// The key of the index with these parts. Costs a MAC. Does not compile for a kind without an index.
    #[must_use]
    pub fn index<const PARTS: usize>(&self, parts: [&str; PARTS]) -> RecordKey {
        let purpose = const { T::KIND.index.expect("the catalogue gives this kind an index") };
        RecordKey(self.records.sealer.mac(purpose, &parts.map(str::as_bytes)))
    }
}

/// Sealing and opening.
impl<T: Content> Collection<T> {
    /// Seals `content` for `key`, with the lifetime of the kind. Does not compile for a kind whose writer sets the
    /// lifetime.
    ///
    /// # Errors
    /// [`RecordError::Seal`] if the cipher refuses; [`RecordError::Unreadable`] if the content cannot be written.
    pub fn seal(&self, key: RecordKey, content: &T) -> Result<SealedRecord<T>, RecordError> {
        const { assert!(!matches!(T::KIND.lifetime, Lifetime::SetByWriter), "the writer sets the expiry") };
        let expires_at = match T::KIND.lifetime {
            Lifetime::Fixed(lifetime) => self.records.clock().now().plus(lifetime),
            Lifetime::UntilReplaced | Lifetime::SetByWriter => FAR_FUTURE,
        };
        Ok(SealedRecord::new(self.sealed(key, content)?, expires_at))
    }

    /// Seals `content` for `key`, with the expiry `expires_at`. Does not compile for a kind with a lifetime in the
    /// catalogue.
    ///
    /// # Errors
    /// As [`Collection::seal`].
    pub fn seal_until(
        &self,
        key: RecordKey,
        content: &T,
        expires_at: Timestamp,
    ) -> Result<SealedRecord<T>, RecordError> {
        const { assert!(matches!(T::KIND.lifetime, Lifetime::SetByWriter), "the catalogue sets the lifetime") };
        Ok(SealedRecord::new(self.sealed(key, content)?, expires_at))
    }

    /// Opens a stored record.
    ///
    /// # Errors
    /// [`RecordError::Seal`] if the sealing key is missing, or if the record was altered or moved from another key;
    /// [`RecordError::Unreadable`] if a later version of the program wrote it.
    pub fn open(&self, stored: &StoredRecord<T>) -> Result<T, RecordError> {
        let (purpose, key) = (T::KIND.purpose.as_bytes(), stored.key());
        let (mut plain, binding) = if T::KIND.bound {
            let (binding, envelope) = stored.sealed().split_first_chunk().ok_or(Self::UNREADABLE)?;
            (self.records.sealer.open(&[purpose, &key.0, binding], envelope)?, *binding)
        } else {
            (self.records.sealer.open(&[purpose, &key.0], stored.sealed())?, RecordBinding::default())
        };
        let content = T::decode(Plaintext::new(&plain, binding)).ok_or(Self::UNREADABLE);
        wipe(mem::take(&mut *plain));
        content
    }

    fn sealed(&self, key: RecordKey, content: &T) -> Result<StoredRecord<T>, RecordError> {
        let (purpose, mut plain) = (T::KIND.purpose.as_bytes(), content.encode().ok_or(Self::UNREADABLE)?);
        let sealed = if T::KIND.bound {
            let binding = content.binding();
            self.records.sealer.seal_behind(&binding, &[purpose, &key.0, &binding], &plain)?
        } else {
            self.records.sealer.seal(&[purpose, &key.0], &plain)?
        };
        // Where this is not reached, the buffer wipes itself, byte by byte.
        wipe(mem::take(&mut *plain));
        Ok(StoredRecord::new(key, Bytes::from(sealed)))
    }

    const UNREADABLE: RecordError = RecordError::Unreadable { purpose: T::KIND.purpose };
}

/// Reading and writing. Each operation is atomic.
impl<T: Content> Collection<T> {
    /// Whether the store holds a record under `key` that has not expired. Does not open the record.
    ///
    /// # Errors
    /// [`RecordError::Store`] if the store fails.
    pub async fn contains(&self, key: RecordKey) -> Result<bool, RecordError> {
        Ok(self.records.store.get(key).await?.is_some())
    }

    /// Gets the record under `key`, unless it has expired.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails or the record does not open.
    pub async fn get(&self, key: RecordKey) -> Result<Option<OpenedRecord<T>>, RecordError> {
        let Some(sealed) = self.records.store.get(key).await? else { return Ok(None) };
        self.opened(StoredRecord::new(key, sealed)).map(Some)
    }

    /// Writes `record`, replacing any record under the same key.
    ///
    /// # Errors
    /// [`RecordError::Store`] if the store fails. The record may or may not have been written.
    pub async fn put(&self, record: SealedRecord<T>) -> Result<(), RecordError> {
        Ok(self.records.store.put(record.key(), self.marked(record)).await?)
    }

    /// Removes the record under `key` and returns its content. If several callers take the same record, one of them
    /// gets it.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails, or the record does not open. A record that does not open is removed as well,
    /// unless the store is shared.
    pub async fn take(&self, key: RecordKey) -> Result<Option<T>, RecordError> {
        if self.records.replicas().is_some() {
            return self.take_readable(key).await;
        }
        let Some(sealed) = self.records.store.take(key).await? else { return Ok(None) };
        self.open(&StoredRecord::new(key, sealed)).map(Some)
    }

    /// Opens the record before it is removed. A replica of an earlier version, or one that has not read the newest key ring yet,
    /// meets records that it cannot read: it reports them and leaves them to the others.
    async fn take_readable(&self, key: RecordKey) -> Result<Option<T>, RecordError> {
        for _ in 0..TAKE_ATTEMPTS {
            let Some(OpenedRecord { content, stored }) = self.get(key).await? else { return Ok(None) };
            if self.remove_if_unchanged(stored).await? {
                return Ok(Some(content));
            }
        }
        Err(StoreError::Unavailable("a record is written again and again while it is taken".to_owned()).into())
    }

    /// Writes `record` unless the store holds a record under the same key that has not expired. Returns that record.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails, or the existing record does not open.
    pub async fn put_if_absent(&self, record: SealedRecord<T>) -> Result<Option<OpenedRecord<T>>, RecordError> {
        let key = record.key();
        match self.records.store.put_if_absent(key, self.marked(record)).await? {
            PutIfAbsent::Written => Ok(None),
            PutIfAbsent::Existing(sealed) => self.opened(StoredRecord::new(key, sealed)).map(Some),
        }
    }

    /// Writes `record` only if the store still holds `expected`; `None` means that it holds no record under the key.
    /// Returns whether the record was written.
    ///
    /// # Errors
    /// [`RecordError::Store`] if the store fails. The record may or may not have been written.
    pub async fn compare_and_put(
        &self,
        expected: Option<StoredRecord<T>>,
        record: SealedRecord<T>,
    ) -> Result<bool, RecordError> {
        let expected = expected.map(StoredRecord::into_sealed);
        Ok(self.records.store.compare_and_put(record.key(), expected, self.marked(record)).await?)
    }

    /// Removes `stored` only if the store still holds it; a newer record under the same key stays. Returns whether it
    /// was removed.
    ///
    /// # Errors
    /// [`RecordError::Store`] if the store fails. The record may then still be stored.
    pub async fn remove_if_unchanged(&self, stored: StoredRecord<T>) -> Result<bool, RecordError> {
        // The store has no compare-and-remove operation, so the record is replaced by one that has already expired.
        let tombstone = Record { value: Bytes::new(), expires_at: self.records.clock().now(), index: None, mark: None };
        Ok(self.records.store.compare_and_put(stored.key(), Some(stored.into_sealed()), tombstone).await?)
    }

    /// Removes the records under `keys`. A key without a record is no error.
    ///
    /// # Errors
    /// [`RecordError::Store`] if the store fails. Some records may then still be stored.
    pub async fn remove(&self, keys: Vec<RecordKey>) -> Result<(), RecordError> {
        Ok(self.records.store.remove(keys).await?)
    }

    /// Lists the records of `index` that have not expired, without opening them.
    ///
    /// # Errors
    /// [`RecordError::Store`] if the store fails.
    pub async fn members(&self, index: RecordKey) -> Result<Vec<StoredRecord<T>>, RecordError> {
        self.last_members(index, usize::MAX).await
    }

    /// As [`Collection::members`], up to `limit` records: those that expire last, the last first.
    ///
    /// # Errors
    /// [`RecordError::Store`] if the store fails.
    pub async fn last_members(&self, index: RecordKey, limit: usize) -> Result<Vec<StoredRecord<T>>, RecordError> {
        let members = self.records.store.members(index, limit).await?;
        Ok(members.into_iter().map(|(key, sealed)| StoredRecord::new(key, sealed)).collect())
    }

    /// The record for the store, with the mark of the key that sealed it.
    fn marked(&self, record: SealedRecord<T>) -> Record {
        let envelope = if T::KIND.bound { record.sealed().get(BINDING_BYTES..) } else { Some(record.sealed()) };
        let mark = envelope.and_then(|envelope| self.records.sealer.find_mark(envelope));
        record.into_record(mark)
    }

    fn opened(&self, stored: StoredRecord<T>) -> Result<OpenedRecord<T>, RecordError> {
        Ok(OpenedRecord { content: self.open(&stored)?, stored })
    }
}

impl<T> Clone for Collection<T> {
    fn clone(&self) -> Self {
        Self { records: self.records.clone(), content: PhantomData }
    }
}
