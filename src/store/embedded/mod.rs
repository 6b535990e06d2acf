//! The embedded back end: one `SQLite` file in WAL mode, written by one thread with group commit and read by a few.
//!
//! Nothing of `SQLite` runs on an async thread. What is answered has been committed: with [`Durability::Full`] it
//! survives a power cut, and a killed process in either setting.

mod lane;
mod opening;
mod records;
mod writer;

#[cfg(test)]
mod tests;

use std::fs::File;
use std::path::Path;

use bytes::Bytes;

use self::lane::Lane;
use super::{PutIfAbsent, Record, Store, StoreError, StoreFuture};
use crate::domain::{RecordKey, SharedClock, Timestamp};

/// What a finished write survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Durability {
    /// A power cut (`synchronous=FULL`): every commit waits for the disk.
    #[default]
    Full,
    /// The end of the process, not a power cut (`synchronous=NORMAL`).
    Normal,
}

/// Threads that read. Reads take about ten microseconds; two keep a slow one from holding up all others.
const READERS: usize = 2;
/// Jobs that may wait in each lane; further callers wait asynchronously for room.
const QUEUE: usize = 4096;

/// A [`Store`] in one `SQLite` file. Dropping it writes what is queued, then ends its threads.
pub struct EmbeddedStore {
    writer: Lane,
    readers: Lane,
    clock: SharedClock,
    /// Held for as long as the store is open. Caches above rely on all writes going through one process.
    _sole_opener: File,
}

impl EmbeddedStore {
    /// Opens or creates the store at `path`, with mode 0600. Blocks on the disk: call it at start-up.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] when another process has it open, it was written by a newer version of this program, it
    /// is not a store of ours, or the file system refuses.
    pub fn open(path: &Path, durability: Durability, clock: SharedClock) -> Result<Self, StoreError> {
        let sole_opener = opening::lock(path)?;
        opening::create_private(path)?;
        let writing = opening::connect(path, durability)?;
        opening::prepare_schema(path, &writing)?;
        // `SQLite` gives its log and index the main file's mode; those left by an earlier run may have another.
        opening::make_private(path)?;
        let reading = (0..READERS).map(|_| opening::connect_reader(path)).collect::<Result<Vec<_>, _>>()?;
        let sweeping = clock.clone();
        let writer = Lane::start_one(QUEUE, "store-writer", move |jobs| writer::run(writing, &jobs, &sweeping))?;
        let readers = Lane::start_readers(QUEUE, "store-reader", reading)?;
        Ok(Self { writer, readers, clock, _sole_opener: sole_opener })
    }
}

impl Store for EmbeddedStore {
    fn get(&self, key: RecordKey) -> StoreFuture<'_, Option<Bytes>> {
        let clock = self.clock.clone();
        Box::pin(self.readers.run(move |connection| records::get(connection, key, clock.now())))
    }

    fn put(&self, key: RecordKey, record: Record) -> StoreFuture<'_, ()> {
        Box::pin(self.writer.run(move |connection| records::put(connection, key, &record)))
    }

    fn take(&self, key: RecordKey) -> StoreFuture<'_, Option<Bytes>> {
        let clock = self.clock.clone();
        Box::pin(self.writer.run(move |connection| records::take(connection, key, clock.now())))
    }

    fn put_if_absent(&self, key: RecordKey, record: Record) -> StoreFuture<'_, PutIfAbsent> {
        let clock = self.clock.clone();
        Box::pin(self.writer.run(move |connection| match records::get(connection, key, clock.now())? {
            Some(existing) => Ok(PutIfAbsent::Existing(existing)),
            None => records::put(connection, key, &record).map(|()| PutIfAbsent::Written),
        }))
    }

    fn compare_and_put(&self, key: RecordKey, expected: Option<Bytes>, record: Record) -> StoreFuture<'_, bool> {
        let clock = self.clock.clone();
        Box::pin(self.writer.run(move |connection| {
            if records::get(connection, key, clock.now())? != expected {
                return Ok(false);
            }
            records::put(connection, key, &record).map(|()| true)
        }))
    }

    fn members(&self, index: RecordKey) -> StoreFuture<'_, Vec<(RecordKey, Bytes)>> {
        let clock = self.clock.clone();
        Box::pin(self.readers.run(move |connection| records::members(connection, index, clock.now())))
    }

    fn list_expiring_by(&self, until: Timestamp, most: usize) -> StoreFuture<'_, Vec<(RecordKey, Option<RecordKey>)>> {
        let clock = self.clock.clone();
        Box::pin(self.readers.run(move |connection| records::list_expiring_by(connection, clock.now(), until, most)))
    }

    fn remove(&self, keys: Vec<RecordKey>) -> StoreFuture<'_, ()> {
        Box::pin(self.writer.run(move |connection| keys.iter().try_for_each(|key| records::remove(connection, *key))))
    }

    /// The file is locked for the store's life.
    fn is_exclusive(&self) -> bool {
        true
    }
}
