//! Operations that read all records. This file adds to [`RedisStore`].

use bytes::Bytes;

use super::connection::Part;
use super::record_format::{HEADER_BYTES, StoredValue};
use super::{RedisStore, unavailable};
use crate::domain::{RecordKey, Timestamp};
use crate::store::{Record, RecordCursor, RecordPage, StoreError};

/// How many keys a server is asked to look at in one step.
const STEP: usize = 1000;

/// A place in the list of all records: the server, and the place that it has named.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    part: Part,
    cursor: u64,
}

impl RedisStore {
    pub(super) async fn scan_expiring_by(
        &self,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<(RecordKey, Option<RecordKey>)>, StoreError> {
        let now = self.clock.now();
        let mut expiring = Vec::new();
        self.for_each_head(|key, head| {
            if head.expires_at > now && head.expires_at <= until {
                expiring.push((head.expires_at, key, head.index));
            }
        })
        .await?;
        expiring.sort_by_key(|(expires_at, key, _)| (*expires_at, *key));
        // A server may name a key twice.
        expiring.dedup_by_key(|(_, key, _)| *key);
        expiring.truncate(limit);
        Ok(expiring.into_iter().map(|(_, key, index)| (key, index)).collect())
    }

    pub(super) async fn scan_marked(&self, mark: u64) -> Result<u64, StoreError> {
        let (now, mut marked) = (self.clock.now(), std::collections::HashSet::new());
        self.for_each_head(|key, head| {
            if head.mark == Some(mark) && head.expires_at > now {
                marked.insert(key);
            }
        })
        .await?;
        Ok(marked.len().try_into().unwrap_or(u64::MAX))
    }

    pub(super) async fn scan_all(&self, after: Option<RecordCursor>, limit: usize) -> Result<RecordPage, StoreError> {
        let (now, parts) = (self.clock.now(), self.connection.parts().await.map_err(unavailable)?);
        let place = match after {
            Some(cursor) => Place::parse(&cursor.0, &parts)?,
            None => Place::first(&parts)?,
        };
        let (keys, next) = self.scan(&place, limit.max(1)).await?;
        let mut records = Vec::with_capacity(keys.len());
        for (key, stored) in keys.iter().zip(self.get_many(&keys).await?) {
            if let Some(stored) = stored.filter(|stored| stored.expires_at > now) {
                let (value, expires_at) = (stored.value, stored.expires_at);
                records.push((*key, Record { value, expires_at, index: stored.index, mark: stored.mark }));
            }
        }
        let next = place.next(next, &parts).map(|place| RecordCursor(place.to_text()));
        Ok(RecordPage { records, next })
    }

    /// Calls `look` with the head of every record, which may come twice. A record that is written meanwhile may be missed.
    async fn for_each_head(&self, mut look: impl FnMut(RecordKey, &StoredValue)) -> Result<(), StoreError> {
        let parts = self.connection.parts().await.map_err(unavailable)?;
        let mut place = Some(Place::first(&parts)?);
        while let Some(here) = place {
            let (keys, next) = self.scan(&here, STEP).await?;
            for (key, head) in keys.iter().zip(self.get_heads(&keys).await?) {
                if let Some(head) = head {
                    look(*key, &head);
                }
            }
            place = here.next(next, &parts);
        }
        Ok(())
    }

    /// Lists the keys of some records, and the place of the server that comes next.
    async fn scan(&self, place: &Place, step: usize) -> Result<(Vec<RecordKey>, u64), StoreError> {
        let mut scan = redis::cmd("SCAN");
        scan.arg(place.cursor).arg("MATCH").arg(self.names.pattern()).arg("COUNT").arg(step);
        let (next, names): (u64, Vec<Vec<u8>>) =
            self.connection.read_part(&place.part, &scan).await.map_err(unavailable)?;
        Ok((names.iter().filter_map(|name| self.names.parse_record(name)).collect(), next))
    }

    async fn get_heads(&self, keys: &[RecordKey]) -> Result<Vec<Option<StoredValue>>, StoreError> {
        let commands = keys.iter().map(|key| {
            let mut command = redis::cmd("GETRANGE");
            command.arg(self.names.record(*key)).arg(0).arg(HEADER_BYTES - 1);
            command
        });
        let heads: Vec<Bytes> = self.connection.read_each(commands.collect()).await.map_err(unavailable)?;
        // A record that is gone meanwhile has an empty head.
        heads.into_iter().map(|head| (!head.is_empty()).then(|| StoredValue::parse(head)).transpose()).collect()
    }
}

impl Place {
    fn first(parts: &[Part]) -> Result<Self, StoreError> {
        let part =
            parts.first().cloned().ok_or_else(|| StoreError::Unavailable("the cluster has no servers".into()))?;
        Ok(Self { part, cursor: 0 })
    }

    /// The place after this one, when the server has named `cursor`. 0 says that the server has no more.
    fn next(self, cursor: u64, parts: &[Part]) -> Option<Self> {
        if cursor != 0 {
            return Some(Self { cursor, ..self });
        }
        let part = parts.iter().skip_while(|part| **part != self.part).nth(1)?.clone();
        Some(Self { part, cursor: 0 })
    }

    fn to_text(&self) -> String {
        match &self.part {
            Part::Whole => self.cursor.to_string(),
            Part::Of(node) => format!("{} {} {}", self.cursor, node.port, node.host),
        }
    }

    fn parse(text: &str, parts: &[Part]) -> Result<Self, StoreError> {
        let cursor = text.split(' ').next().and_then(|cursor| cursor.parse().ok());
        let found = cursor.and_then(|cursor| {
            parts.iter().map(|part| Self { part: part.clone(), cursor }).find(|place| place.to_text() == text)
        });
        found.ok_or_else(|| {
            let reason = "the servers of the store have changed while its records were listed; begin again";
            StoreError::Unavailable(reason.to_owned())
        })
    }
}
