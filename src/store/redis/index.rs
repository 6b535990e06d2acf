//! The indexes: sorted sets of record keys, by the time of expiry. This file adds to [`RedisStore`].
//!
//! A record that is taken or removed stays in its index until a reader looks for it.

use std::cmp::Reverse;
use std::collections::HashSet;

use bytes::Bytes;

use super::connection::Effect;
use super::record_format::{self, StoredValue};
use super::{RedisStore, unavailable};
use crate::domain::RecordKey;
use crate::store::StoreError;

/// Entries that are read in one step, at most.
const PAGE: usize = 256;
/// Entries that are read in one step, at least: some may have no record.
const SMALLEST_PAGE: usize = 16;

impl RedisStore {
    pub(super) async fn list_members(
        &self,
        index: RecordKey,
        limit: usize,
    ) -> Result<Vec<(RecordKey, Bytes)>, StoreError> {
        let now = self.clock.now();
        let (mut members, mut seen, mut unlisted) = (Vec::new(), HashSet::new(), Vec::new());
        let mut offset = 0;
        while members.len() < limit {
            let size = limit.saturating_sub(members.len()).clamp(SMALLEST_PAGE, PAGE);
            let entries = self.read_entries(index, offset, size).await?;
            // An entry may come twice if another one is added meanwhile.
            let keys: Vec<RecordKey> = entries.iter().copied().filter(|key| seen.insert(*key)).collect();
            for (key, stored) in keys.iter().zip(self.get_many(&keys).await?) {
                match stored {
                    Some(stored) if stored.index == Some(index) && stored.expires_at > now => {
                        members.push((stored.expires_at, *key, stored.value));
                    }
                    Some(_) => {}
                    None => unlisted.push(*key),
                }
            }
            if entries.len() < size {
                break;
            }
            offset += size;
        }
        // In a cluster, an entry may say a later time than its record.
        members.sort_by_key(|(expires_at, ..)| Reverse(*expires_at));
        members.truncate(limit);
        // Entries are removed after the last page, so that the places of the others do not change before.
        for key in unlisted {
            self.unlist(index, key).await?;
        }
        Ok(members.into_iter().map(|(_, key, value)| (key, value)).collect())
    }

    async fn read_entries(&self, index: RecordKey, offset: usize, size: usize) -> Result<Vec<RecordKey>, StoreError> {
        let after = format!("({}", record_format::kept_expiry(self.clock.now()));
        let mut page = redis::cmd("ZREVRANGEBYSCORE");
        page.arg(self.names.index(index)).arg("+inf").arg(after).arg("LIMIT").arg(offset).arg(size);
        let entries: Vec<Vec<u8>> = self.connection.read(&page).await.map_err(unavailable)?;
        Ok(entries.into_iter().filter_map(|entry| entry.try_into().ok().map(RecordKey)).collect())
    }

    /// Gets the records under `keys`, the expired ones that the server still has included.
    pub(super) async fn get_many(&self, keys: &[RecordKey]) -> Result<Vec<Option<StoredValue>>, StoreError> {
        let commands = keys.iter().map(|key| {
            let mut command = redis::cmd("GET");
            command.arg(self.names.record(*key));
            command
        });
        let stored: Vec<Option<Bytes>> = self.connection.read_each(commands.collect()).await.map_err(unavailable)?;
        stored.into_iter().map(|stored| stored.map(StoredValue::parse).transpose()).collect()
    }

    /// Removes the entry of a record that is not there, unless the record has been written meanwhile.
    pub(super) async fn unlist(&self, index: RecordKey, key: RecordKey) -> Result<(), StoreError> {
        if !self.connection.is_cluster() {
            let call = self.scripts.unlist.key(self.names.index(index)).key(self.names.record(key)).arg(&key.0);
            return self.connection.call(&call, Effect::Signals).await.map_err(unavailable);
        }
        let mut command = redis::cmd("ZREM");
        command.arg(self.names.index(index)).arg(&key.0);
        let () = self.connection.signal(&command).await.map_err(unavailable)?;
        // The writer may have listed the record for the second time just before.
        match self.get_many(&[key]).await?.pop().flatten().filter(|stored| stored.index == Some(index)) {
            Some(written) => self.list_in_index(index, key, written.expires_at).await,
            None => Ok(()),
        }
    }
}
