//! The embedded back end: one `SQLite` file in WAL mode. One thread writes with group commit, and a few threads read.
//!
//! No `SQLite` call runs on an async thread. A write is answered after its commit. A committed write survives the end
//! of the process; with [`Durability::Full`] it also survives a power cut. If a file of the store is removed or replaced
//! while the store is open, every operation fails until the file is back or the process restarts.

mod backup;
mod job_queue;
mod leases;
mod marks;
mod opening;
mod records;
mod store_files;
mod writer;

#[cfg(test)]
mod replaced_file_tests;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;

use self::job_queue::JobQueue;
use self::leases::InProcessLeases;
use self::store_files::StoreFiles;
use super::{
    GroupReader, LeaseTicket, MarkReader, Marking, PutIfAbsent, Record, RecordCursor, RecordPage, Store, StoreError,
    StoreFuture, StoreListener,
};
use crate::domain::{RecordKey, SharedClock, Timestamp};

/// The failures that a finished write survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Durability {
    /// A finished write survives a power cut (`synchronous=FULL`): every commit waits for the disk.
    #[default]
    Full,
    /// A finished write survives the end of the process, but a power cut may undo it (`synchronous=NORMAL`).
    Normal,
}

/// Threads that read. A read takes about ten microseconds. With two threads, one slow read does not delay all others.
const READER_THREADS: usize = 2;
/// Jobs that may wait in each queue. Further callers wait asynchronously until the queue has room.
const MAX_QUEUED_JOBS: usize = 4096;

/// A [`Store`] in one `SQLite` file. Dropping it finishes all queued jobs and then ends its threads.
pub struct EmbeddedStore {
    writer: JobQueue,
    readers: JobQueue,
    clock: SharedClock,
    leases: InProcessLeases,
    /// The locked lock file, held as long as the store is open. The caches of other rooms are correct only if all
    /// writes go through one process.
    _lock_file: File,
}

impl EmbeddedStore {
    /// Opens or creates the store at `path`, with mode 0600. Blocks on the disk: call it at start-up.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] if another process has the file open, if a newer version of this program wrote it, if
    /// it is not a store of this program, or if the file system returns an error.
    pub fn open(path: &Path, durability: Durability, clock: SharedClock) -> Result<Self, StoreError> {
        let lock_file = opening::lock(path)?;
        opening::create_private(path)?;
        let writing = opening::connect(path, durability)?;
        opening::prepare_schema(path, &writing)?;
        // `SQLite` creates its log and shared index with the mode of the main file, but files of an earlier run may
        // have another mode.
        opening::make_private(path)?;
        let reading = (0..READER_THREADS).map(|_| opening::connect_reader(path)).collect::<Result<Vec<_>, _>>()?;
        let files = Arc::new(StoreFiles::opened_at(path));
        let (sweep_clock, written_files) = (clock.clone(), Arc::clone(&files));
        let writer = JobQueue::start_one(MAX_QUEUED_JOBS, "store-writer", move |jobs| {
            writer::run(writing, &jobs, &sweep_clock, &written_files);
        })?;
        let readers = JobQueue::start_readers(MAX_QUEUED_JOBS, "store-reader", reading, &files)?;
        Ok(Self { writer, readers, clock, leases: InProcessLeases::default(), _lock_file: lock_file })
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

    fn members(&self, index: RecordKey, limit: usize) -> StoreFuture<'_, Vec<(RecordKey, Bytes)>> {
        let clock = self.clock.clone();
        Box::pin(self.readers.run(move |connection| records::members(connection, index, clock.now(), limit)))
    }

    fn list_expiring_by(&self, until: Timestamp, limit: usize) -> StoreFuture<'_, Vec<(RecordKey, Option<RecordKey>)>> {
        let clock = self.clock.clone();
        Box::pin(self.readers.run(move |connection| records::list_expiring_by(connection, clock.now(), until, limit)))
    }

    fn list_all(&self, after: Option<RecordCursor>, limit: usize) -> StoreFuture<'_, RecordPage> {
        let clock = self.clock.clone();
        Box::pin(self.readers.run(move |connection| records::list_all(connection, clock.now(), after, limit)))
    }

    fn remove(&self, keys: Vec<RecordKey>) -> StoreFuture<'_, ()> {
        Box::pin(self.writer.run(move |connection| keys.iter().try_for_each(|key| records::remove(connection, *key))))
    }

    fn list_marks(&self) -> StoreFuture<'_, Vec<u64>> {
        Box::pin(self.readers.run(marks::list))
    }

    fn count_marked(&self, mark: u64) -> StoreFuture<'_, u64> {
        let clock = self.clock.clone();
        Box::pin(self.readers.run(move |connection| marks::count_live(connection, mark, clock.now())))
    }

    fn mark_older(&self, limit: usize, read: MarkReader) -> StoreFuture<'_, Marking> {
        let clock = self.clock.clone();
        Box::pin(self.writer.run(move |connection| {
            let step = marks::MarkingStep { limit, now: clock.now() };
            marks::mark_older(connection, &step, &read)
        }))
    }

    fn count_older(&self, read: GroupReader) -> StoreFuture<'_, Vec<(u64, u64)>> {
        let clock = self.clock.clone();
        Box::pin(self.readers.run(move |connection| marks::count_older(connection, clock.now(), &*read)))
    }

    fn acquire_lease(&self, name: RecordKey, life: Duration) -> StoreFuture<'_, Option<LeaseTicket>> {
        Box::pin(async move { Ok(self.leases.acquire(name, life)) })
    }

    fn renew_lease(&self, name: RecordKey, ticket: LeaseTicket, life: Duration) -> StoreFuture<'_, bool> {
        Box::pin(async move { Ok(self.leases.renew(name, ticket, life)) })
    }

    fn release_lease(&self, name: RecordKey, ticket: LeaseTicket) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            self.leases.release(name, ticket);
            Ok(())
        })
    }

    fn add_to_count(&self, name: RecordKey, amount: i64, life: Duration) -> StoreFuture<'_, i64> {
        Box::pin(async move { Ok(self.leases.add(name, amount, life)) })
    }

    /// Does nothing: no other process uses the store.
    fn publish(&self, _message: Bytes) -> StoreFuture<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    /// Does nothing: no other process uses the store.
    fn watch(&self, _listener: Weak<dyn StoreListener>) {}

    /// Always true: the lock file keeps other processes out as long as the store is open.
    fn is_exclusive(&self) -> bool {
        true
    }
}
