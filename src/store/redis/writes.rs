//! The operations that write records. This file adds to [`RedisStore`].
//!
//! One script writes a record and lists it in its index. In a cluster the two lie in different slots: there a record is
//! listed before it is written, and once more afterwards, because a reader may have removed the entry while the record
//! was not there yet. So a record whose write has succeeded is listed, and an entry without its record is ignored. There,
//! the time of an entry only rises: of two writers that meet, or of one that does not write after all, the record may be
//! the other's. So an entry never ends before its record, and may end later.

use bytes::Bytes;

use super::connection::Effect;
use super::record_format::{self, StoredValue};
use super::scripts::{Script, ScriptCall};
use super::{RedisStore, unavailable};
use crate::domain::{RecordKey, Timestamp};
use crate::store::{PutIfAbsent, Record, StoreError};

/// Records that are removed by one command.
const REMOVED_AT_ONCE: usize = 256;

impl RedisStore {
    pub(super) async fn put_record(&self, key: RecordKey, record: &Record) -> Result<(), StoreError> {
        self.announce(key, record).await?;
        let () = self.write(&self.write_call(&self.scripts.put, key, record)).await?;
        self.confirm_listed(key, record).await
    }

    pub(super) async fn put_record_if_absent(
        &self,
        key: RecordKey,
        record: &Record,
    ) -> Result<PutIfAbsent, StoreError> {
        self.announce(key, record).await?;
        let existing: Option<Bytes> = self.write(&self.write_call(&self.scripts.put_if_absent, key, record)).await?;
        if let Some(existing) = existing {
            return Ok(PutIfAbsent::Existing(StoredValue::parse(existing)?.value));
        }
        self.confirm_listed(key, record).await?;
        Ok(PutIfAbsent::Written)
    }

    pub(super) async fn put_record_over(
        &self,
        key: RecordKey,
        expected: Option<Bytes>,
        record: &Record,
    ) -> Result<bool, StoreError> {
        self.announce(key, record).await?;
        let call = self.write_call(&self.scripts.compare_and_put, key, record);
        let call = call.arg(u8::from(expected.is_some())).arg(expected.as_deref().unwrap_or_default());
        let is_written: bool = self.write(&call).await?;
        if is_written {
            self.confirm_listed(key, record).await?;
        }
        Ok(is_written)
    }

    pub(super) async fn take_record(&self, key: RecordKey) -> Result<Option<Bytes>, StoreError> {
        let call = self.scripts.take.key(self.names.record(key)).arg(self.clock.now().unix_millis());
        let taken: Option<Bytes> = self.write(&call).await?;
        taken.map(|stored| StoredValue::parse(stored).map(|stored| stored.value)).transpose()
    }

    pub(super) async fn remove_records(&self, keys: &[RecordKey]) -> Result<(), StoreError> {
        let at_once = if self.connection.is_cluster() { 1 } else { REMOVED_AT_ONCE };
        for keys in keys.chunks(at_once) {
            let mut command = redis::cmd("DEL");
            for key in keys {
                command.arg(self.names.record(*key));
            }
            let () = self.connection.write(&command).await.map_err(unavailable)?;
        }
        Ok(())
    }

    pub(super) async fn list_in_index(
        &self,
        index: RecordKey,
        key: RecordKey,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        let call = self.scripts.list.key(self.names.index(index)).arg(0).arg(0);
        self.write(&self.with_listing(call, key, expires_at)).await
    }

    /// Lists the mark of a record, and in a cluster the record, before it is written.
    async fn announce(&self, key: RecordKey, record: &Record) -> Result<(), StoreError> {
        if let Some(mark) = record.mark {
            self.list_mark(mark).await?;
        }
        self.confirm_listed(key, record).await
    }

    /// Lists a record of a cluster. A record that has ended already needs no entry.
    async fn confirm_listed(&self, key: RecordKey, record: &Record) -> Result<(), StoreError> {
        match record.index.filter(|_| self.connection.is_cluster()) {
            Some(index) if record.expires_at > self.clock.now() => {
                self.list_in_index(index, key, record.expires_at).await
            }
            _ => Ok(()),
        }
    }

    fn write_call<'s>(&self, script: &'s Script, key: RecordKey, record: &Record) -> ScriptCall<'s> {
        let mut call = script.key(self.names.record(key));
        if let Some(index) = record.index.filter(|_| !self.connection.is_cluster()) {
            call = call.key(self.names.index(index));
        }
        let call = call.arg(self.clock.now().unix_millis()).arg(record_format::encode(record));
        self.with_listing(call, key, record.expires_at)
    }

    /// The arguments 3 to 6 of a script that lists a record.
    fn with_listing<'s>(&self, call: ScriptCall<'s>, key: RecordKey, expires_at: Timestamp) -> ScriptCall<'s> {
        let now = self.clock.now();
        call.arg(record_format::server_life(expires_at, now))
            .arg(record_format::kept_expiry(expires_at))
            .arg(&key.0)
            .arg(record_format::tidy_before(now))
    }

    async fn write<T: redis::FromRedisValue>(&self, call: &ScriptCall<'_>) -> Result<T, StoreError> {
        self.connection.call(call, Effect::Writes).await.map_err(unavailable)
    }
}
