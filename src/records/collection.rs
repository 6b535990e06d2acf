use std::borrow::Cow;
use std::marker::PhantomData;

use bytes::{BufMut as _, Bytes, BytesMut};

use super::{Content, Life, OpenedRecord, Plaintext, RecordBinding, RecordError, Records, SealedRecord, StoredRecord};
use crate::domain::RecordKey;
use crate::domain::Timestamp;
use crate::store::{PutIfAbsent, Record};

/// The end of year 9999, for records that do not end by themselves.
const FAR_FUTURE: Timestamp = Timestamp::from_unix_seconds(253_402_300_799);

/// The records of one kind: named by the kind's purpose and their parts, sealed for that name, ended by the kind's life.
pub struct Collection<T> {
    records: Records,
    content: PhantomData<fn() -> T>,
}

/// Names. Each part counts as a whole: `["ab", "c"]` is not `["a", "bc"]`.
impl<T: Content> Collection<T> {
    /// The records in `records` that hold a `T`.
    #[must_use]
    pub fn new(records: &Records) -> Self {
        Self { records: records.clone(), content: PhantomData }
    }

    /// The key of the record that `parts` name. Costs a MAC.
    #[must_use]
    pub fn key(&self, parts: &[&[u8]]) -> RecordKey {
        RecordKey(self.records.sealer.mac(T::KIND.purpose, parts))
    }

    /// The key of the record that these texts name. Costs a MAC.
    #[must_use]
    pub fn key_of<const PARTS: usize>(&self, parts: &[Cow<'_, str>; PARTS]) -> RecordKey {
        self.key(&parts.each_ref().map(|part| part.as_bytes()))
    }

    /// The index that these texts name. Does not compile for a kind without index.
    #[must_use]
    pub fn index<const PARTS: usize>(&self, parts: [&str; PARTS]) -> RecordKey {
        let purpose = const { T::KIND.index.expect("the catalogue gives this kind an index") };
        RecordKey(self.records.sealer.mac(purpose, &parts.map(str::as_bytes)))
    }
}

/// Sealing and opening.
impl<T: Content> Collection<T> {
    /// Seals `content` for `key`, with the life that the kind has. Does not compile for a kind whose writer sets it.
    ///
    /// # Errors
    /// [`RecordError::Seal`] if the cipher refuses; [`RecordError::Unreadable`] if the content cannot be written.
    pub fn seal(&self, key: RecordKey, content: &T) -> Result<SealedRecord<T>, RecordError> {
        const { assert!(!matches!(T::KIND.life, Life::SetByWriter), "the writer sets the life of this kind") };
        let expires_at = match T::KIND.life {
            Life::Fixed(life) => self.records.clock().now().plus(life),
            Life::UntilReplaced | Life::SetByWriter => FAR_FUTURE,
        };
        Ok(SealedRecord::new(self.sealed(key, content)?, expires_at))
    }

    /// Seals `content` for `key`, until `expires_at`. Does not compile for a kind that has a life of its own.
    ///
    /// # Errors
    /// As [`Collection::seal`].
    pub fn seal_until(
        &self,
        key: RecordKey,
        content: &T,
        expires_at: Timestamp,
    ) -> Result<SealedRecord<T>, RecordError> {
        const { assert!(matches!(T::KIND.life, Life::SetByWriter), "the catalogue sets the life of this kind") };
        Ok(SealedRecord::new(self.sealed(key, content)?, expires_at))
    }

    /// Reads a record that was listed.
    ///
    /// # Errors
    /// [`RecordError::Seal`] if its key is missing, or it was altered or belongs elsewhere; [`RecordError::Unreadable`]
    /// if a later version wrote it.
    pub fn open(&self, stored: &StoredRecord<T>) -> Result<T, RecordError> {
        let (purpose, key) = (T::KIND.purpose.as_bytes(), stored.key());
        let (plain, binding) = if T::KIND.bound {
            let (binding, envelope) = stored.sealed().split_first_chunk().ok_or(Self::UNREADABLE)?;
            (self.records.sealer.open(&[purpose, &key.0, binding], envelope)?, *binding)
        } else {
            (self.records.sealer.open(&[purpose, &key.0], stored.sealed())?, RecordBinding::default())
        };
        T::decode(Plaintext::new(&plain, binding)).ok_or(Self::UNREADABLE)
    }

    fn sealed(&self, key: RecordKey, content: &T) -> Result<StoredRecord<T>, RecordError> {
        let (purpose, plain) = (T::KIND.purpose.as_bytes(), content.encode().ok_or(Self::UNREADABLE)?);
        let sealed = if T::KIND.bound {
            let binding = content.binding();
            let envelope = self.records.sealer.seal(&[purpose, &key.0, &binding], &plain)?;
            let mut bytes = BytesMut::with_capacity(binding.len() + envelope.len());
            bytes.put_slice(&binding);
            bytes.put_slice(&envelope);
            bytes.freeze()
        } else {
            Bytes::from(self.records.sealer.seal(&[purpose, &key.0], &plain)?)
        };
        Ok(StoredRecord::new(key, sealed))
    }

    const UNREADABLE: RecordError = RecordError::Unreadable { purpose: T::KIND.purpose };
}

/// Reading and writing. Each is atomic, and fails with [`RecordError`] where the store does or a record does not open.
impl<T: Content> Collection<T> {
    /// Whether there is a live record under `key`. Does not open it.
    ///
    /// # Errors
    /// [`RecordError::Store`] if the store fails.
    pub async fn contains(&self, key: RecordKey) -> Result<bool, RecordError> {
        Ok(self.records.store.get(key).await?.is_some())
    }

    /// The live record under `key`.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails or the record does not open.
    pub async fn get(&self, key: RecordKey) -> Result<Option<OpenedRecord<T>>, RecordError> {
        let Some(sealed) = self.records.store.get(key).await? else { return Ok(None) };
        self.opened(StoredRecord::new(key, sealed)).map(Some)
    }

    /// Writes `record` in the place of whatever is there.
    ///
    /// # Errors
    /// [`RecordError::Store`] if the store fails; whether the record was written is then not known.
    pub async fn put(&self, record: SealedRecord<T>) -> Result<(), RecordError> {
        Ok(self.records.store.put(record.key(), record.into_record()).await?)
    }

    /// Removes the live record under `key` and returns what it held: of many callers one gets it.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails, or the record does not open; in the latter case it is removed all the same.
    pub async fn take(&self, key: RecordKey) -> Result<Option<T>, RecordError> {
        let Some(sealed) = self.records.store.take(key).await? else { return Ok(None) };
        self.open(&StoredRecord::new(key, sealed)).map(Some)
    }

    /// Writes `record` unless there is a live one, which is then returned.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails, or the record that is there does not open.
    pub async fn put_if_absent(&self, record: SealedRecord<T>) -> Result<Option<OpenedRecord<T>>, RecordError> {
        let key = record.key();
        match self.records.store.put_if_absent(key, record.into_record()).await? {
            PutIfAbsent::Written => Ok(None),
            PutIfAbsent::Existing(sealed) => self.opened(StoredRecord::new(key, sealed)).map(Some),
        }
    }

    /// Writes `record` in the place of `expected` (`None`: of nothing) and of no other; says whether it did.
    ///
    /// # Errors
    /// [`RecordError::Store`] if the store fails; whether the record was written is then not known.
    pub async fn compare_and_put(
        &self,
        expected: Option<StoredRecord<T>>,
        record: SealedRecord<T>,
    ) -> Result<bool, RecordError> {
        let expected = expected.map(StoredRecord::into_sealed);
        Ok(self.records.store.compare_and_put(record.key(), expected, record.into_record()).await?)
    }

    /// Ends this very record, and none that has taken its place; says whether it did.
    ///
    /// # Errors
    /// [`RecordError::Store`] if the store fails; the record may then still be there.
    pub async fn end(&self, stored: StoredRecord<T>) -> Result<bool, RecordError> {
        // The store compares and writes, but does not compare and remove: the record is replaced by one that has ended.
        let tombstone = Record { value: Bytes::new(), expires_at: self.records.clock().now(), index: None };
        Ok(self.records.store.compare_and_put(stored.key(), Some(stored.into_sealed()), tombstone).await?)
    }

    /// Removes the records under `keys`, whatever they are; absent ones are no error.
    ///
    /// # Errors
    /// [`RecordError::Store`] if the store fails; some records may then still be there.
    pub async fn remove(&self, keys: Vec<RecordKey>) -> Result<(), RecordError> {
        Ok(self.records.store.remove(keys).await?)
    }

    /// The live records that `index` lists, in no particular order and not opened.
    ///
    /// # Errors
    /// [`RecordError::Store`] if the store fails.
    pub async fn members(&self, index: RecordKey) -> Result<Vec<StoredRecord<T>>, RecordError> {
        let members = self.records.store.members(index).await?;
        Ok(members.into_iter().map(|(key, sealed)| StoredRecord::new(key, sealed)).collect())
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
