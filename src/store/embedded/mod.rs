//! The embedded back end: one `SQLite` file in WAL mode. One thread writes with group commit, a few
//! threads read, and one copies the log into the database.
//!
//! No `SQLite` call runs on an async thread. A write is answered after its commit. A committed write survives the end
//! of the process; with [`Durability::Full`] it also survives a power cut. If a file of the store is removed or replaced
//! while the store is open, every operation fails until the file is back or the process restarts; an operation on what
//! does not exist may succeed for some more seconds.
//!
//! The keys of all records and indexes are known ([`KnownKeys`]): an operation on what does not exist is answered at once,
//! on the calling thread.

mod backup;
mod checkpoints;
mod job_queue;
mod key_set;
mod known_keys;
mod leases;
mod marks;
mod opening;
mod records;
mod store_files;
mod writer;
mod writing;

#[cfg(test)]
mod known_keys_tests;
#[cfg(test)]
mod replaced_file_tests;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::future::ready;
use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use rusqlite::Connection;

use self::checkpoints::Checkpoints;
use self::job_queue::JobQueue;
use self::known_keys::{KnownKeys, QueuedWrite};
use self::leases::InProcessLeases;
use self::store_files::StoreFiles;
use self::writing::Writing;
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
    // Ended before the writer, whose connection is then the last one that is closed: that copies the log into the database. Of two
    // that are closed at once, each finds the other one still open, and neither copies it.
    readers: JobQueue<Connection>,
    writer: JobQueue<Writing>,
    known: Arc<KnownKeys>,
    files: Arc<StoreFiles>,
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
        let connection = opening::connect(path, durability)?;
        opening::prepare_schema(path, &connection)?;
        // `SQLite` creates its log and shared index with the mode of the main file, but files of an earlier run may
        // have another mode.
        opening::make_private(path)?;
        let reading = (0..READER_THREADS).map(|_| opening::connect_reader(path)).collect::<Result<Vec<_>, _>>()?;
        let files = Arc::new(StoreFiles::opened_at(path));
        let known = Arc::new(KnownKeys::new());
        let writing = Writing::begin(connection, clock.clone(), Arc::clone(&known))
            .map_err(|error| opening::unusable(path, error.to_string()))?;
        let checkpoints = Checkpoints::start(opening::connect_checkpointer(path, durability)?)?;
        let written_files = Arc::clone(&files);
        let writer = JobQueue::start_one(MAX_QUEUED_JOBS, "store-writer", move |jobs| {
            writer::run(writing, &jobs, &written_files, checkpoints);
        })?;
        let readers = JobQueue::start_readers(MAX_QUEUED_JOBS, "store-reader", reading, &files)?;
        Ok(Self { writer, readers, known, files, clock, leases: InProcessLeases::default(), _lock_file: lock_file })
    }

    /// Whether there is no record under `key` and no queued write of one. False if that is not known, and while a file of
    /// the store is missing: the operation then takes the long way, on which the files are checked.
    fn is_absent(&self, key: RecordKey) -> bool {
        !self.known.records.may_exist(key) && !self.files.are_lost()
    }

    /// Queues a write of `record`, whose keys may exist from then on.
    async fn write<T: Send + 'static>(
        &self,
        key: RecordKey,
        record: Record,
        operation: impl FnOnce(&mut Writing, &Record) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let prepare = || {
            let queued = QueuedWrite::announce(&self.known, key, record.index);
            move |writing: &mut Writing| {
                let result = operation(writing, &record);
                drop(queued);
                result
            }
        };
        self.writer.run_prepared(prepare).await
    }
}

impl Store for EmbeddedStore {
    fn get(&self, key: RecordKey) -> StoreFuture<'_, Option<Bytes>> {
        if self.is_absent(key) {
            return Box::pin(ready(Ok(None)));
        }
        let clock = self.clock.clone();
        Box::pin(self.readers.run(move |connection| records::get(connection, key, clock.now())))
    }

    fn put(&self, key: RecordKey, record: Record) -> StoreFuture<'_, ()> {
        Box::pin(self.write(key, record, move |writing, record| writing.put(key, record)))
    }

    fn take(&self, key: RecordKey) -> StoreFuture<'_, Option<Bytes>> {
        if self.is_absent(key) {
            return Box::pin(ready(Ok(None)));
        }
        Box::pin(self.writer.run(move |writing| writing.take(key)))
    }

    fn put_if_absent(&self, key: RecordKey, record: Record) -> StoreFuture<'_, PutIfAbsent> {
        Box::pin(self.write(key, record, move |writing, record| writing.put_if_absent(key, record)))
    }

    fn compare_and_put(&self, key: RecordKey, expected: Option<Bytes>, record: Record) -> StoreFuture<'_, bool> {
        if expected.is_some() && self.is_absent(key) {
            return Box::pin(ready(Ok(false)));
        }
        Box::pin(
            self.write(key, record, move |writing, record| writing.compare_and_put(key, expected.as_ref(), record)),
        )
    }

    fn members(&self, index: RecordKey, limit: usize) -> StoreFuture<'_, Vec<(RecordKey, Bytes)>> {
        if !self.known.indexes.may_exist(index) && !self.files.are_lost() {
            return Box::pin(ready(Ok(Vec::new())));
        }
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

    fn remove(&self, mut keys: Vec<RecordKey>) -> StoreFuture<'_, ()> {
        keys.retain(|key| !self.is_absent(*key));
        if keys.is_empty() {
            return Box::pin(ready(Ok(())));
        }
        Box::pin(self.writer.run(move |writing| writing.remove(&keys)))
    }

    fn list_marks(&self) -> StoreFuture<'_, Vec<u64>> {
        Box::pin(self.readers.run(|connection| marks::list(connection)))
    }

    fn count_marked(&self, mark: u64) -> StoreFuture<'_, u64> {
        let clock = self.clock.clone();
        Box::pin(self.readers.run(move |connection| marks::count_live(connection, mark, clock.now())))
    }

    fn mark_older(&self, limit: usize, read: MarkReader) -> StoreFuture<'_, Marking> {
        Box::pin(self.writer.run(move |writing| writing.mark_older(limit, &read)))
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
