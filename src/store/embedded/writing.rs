use std::collections::HashSet;
use std::hash::BuildHasherDefault;
use std::sync::Arc;

use bytes::Bytes;
use rusqlite::Connection;

use super::key_set::MacHasher;
use super::known_keys::{Filling, KnownKeys};
use super::marks::{self, MarkChanges, MarkingStep};
use super::opening;
use super::records::{self, RemovedRecord};
use crate::domain::{RecordKey, SharedClock, Timestamp};
use crate::store::{MarkReader, Marking, PutIfAbsent, Record};

type RecordKeys = HashSet<RecordKey, BuildHasherDefault<MacHasher>>;

/// The connection of the writer thread. It alone changes records, and keeps [`KnownKeys`] exact: a key is added before the
/// commit of its record, and removed after the commit that removes the record.
pub(super) struct Writing {
    connection: Connection,
    clock: SharedClock,
    known: Arc<KnownKeys>,
    filling: Filling,
    /// The records that the running transaction has removed.
    removed: RecordKeys,
    /// The indexes from which the running transaction has removed a record.
    left: RecordKeys,
    /// What the running transaction changes of the numbers of records with each mark.
    marks: MarkChanges,
    has_large_cache: bool,
}

impl Writing {
    pub(super) fn begin(connection: Connection, clock: SharedClock, known: Arc<KnownKeys>) -> rusqlite::Result<Self> {
        let (removed, left, marks) = (RecordKeys::default(), RecordKeys::default(), MarkChanges::begin(&connection)?);
        let has_large_cache = opening::fit_cache(&connection)?;
        Ok(Self { connection, clock, known, filling: Filling::begin(), removed, left, marks, has_large_cache })
    }

    /// Fits the memory for pages to a database that has grown.
    pub(super) fn fit_cache(&mut self) {
        if !self.has_large_cache {
            // It is asked again later. Until then, writes are slower.
            self.has_large_cache = opening::fit_cache(&self.connection).unwrap_or(false);
        }
    }

    /// Runs `body` in a transaction and commits it.
    pub(super) fn transact<T>(&mut self, body: impl FnOnce(&mut Self) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        // A transaction is left open only if its rollback has failed.
        if !self.connection.is_autocommit() {
            self.execute("ROLLBACK")?;
        }
        self.execute("BEGIN IMMEDIATE")?;
        let outcome = self.run_and_commit(body);
        match &outcome {
            Ok(_) => self.forget_removed(),
            Err(_) => self.roll_back(),
        }
        outcome
    }

    fn run_and_commit<T>(&mut self, body: impl FnOnce(&mut Self) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        let done = body(self)?;
        self.marks.store(&self.connection)?;
        self.keep_used_indexes()?;
        self.execute("COMMIT")?;
        Ok(done)
    }

    fn execute(&self, statement: &str) -> rusqlite::Result<()> {
        self.connection.prepare_cached(statement)?.execute([]).map(drop)
    }

    fn keep_used_indexes(&mut self) -> rusqlite::Result<()> {
        let mut used = Vec::new();
        for index in &self.left {
            if records::has_members(&self.connection, *index)? {
                used.push(*index);
            }
        }
        for index in &used {
            self.left.remove(index);
        }
        Ok(())
    }

    fn forget_removed(&mut self) {
        for key in self.removed.drain() {
            self.known.records.remove(key);
        }
        for index in self.left.drain() {
            self.known.indexes.remove(index);
        }
    }

    /// Some of the keys that were added may not be in the database, so all of them are read again.
    fn roll_back(&mut self) {
        self.removed.clear();
        self.left.clear();
        self.marks.clear();
        if !self.connection.is_autocommit() {
            // The callers are told the error that led here.
            let _ = self.execute("ROLLBACK");
        }
        self.known.clear();
        self.filling = Filling::begin();
    }

    /// Whether [`KnownKeys`] is not complete yet.
    pub(super) fn is_filling(&self) -> bool {
        !self.filling.is_complete()
    }

    /// Reads some of the keys that [`KnownKeys`] lacks.
    pub(super) fn fill(&mut self) -> rusqlite::Result<()> {
        self.filling.advance(&self.connection, &self.known)
    }

    fn find_live(&self, key: RecordKey, now: Timestamp) -> rusqlite::Result<Option<Bytes>> {
        if self.known.records.may_be_stored(key) { records::get(&self.connection, key, now) } else { Ok(None) }
    }

    fn note_removed(&mut self, removed: RemovedRecord) {
        self.removed.insert(removed.key);
        self.left.extend(removed.index);
        self.marks.remove(removed.mark);
    }
}

/// The operations of the store, each of which runs inside a transaction.
impl Writing {
    pub(super) fn put(&mut self, key: RecordKey, record: &Record) -> rusqlite::Result<()> {
        // A record that is written to remove another one has ended already: it needs no row.
        if record.expires_at <= self.clock.now() {
            return self.remove(&[key]);
        }
        if self.known.records.may_be_stored(key) {
            let replaced = records::find_replaced(&self.connection, key)?;
            let index = replaced.and_then(|replaced| replaced.index);
            self.left.extend(index.filter(|index| record.index != Some(*index)));
            self.marks.remove(replaced.and_then(|replaced| replaced.mark));
        }
        self.known.records.add(key);
        self.removed.remove(&key);
        if let Some(index) = record.index {
            self.known.indexes.add(index);
        }
        records::put(&self.connection, key, record)?;
        self.marks.add(records::mark_of(record));
        Ok(())
    }

    pub(super) fn take(&mut self, key: RecordKey) -> rusqlite::Result<Option<Bytes>> {
        let Some(taken) = records::take(&self.connection, key, self.clock.now())? else { return Ok(None) };
        self.note_removed(taken.removed);
        Ok(Some(taken.value))
    }

    pub(super) fn put_if_absent(&mut self, key: RecordKey, record: &Record) -> rusqlite::Result<PutIfAbsent> {
        match self.find_live(key, self.clock.now())? {
            Some(existing) => Ok(PutIfAbsent::Existing(existing)),
            None => self.put(key, record).map(|()| PutIfAbsent::Written),
        }
    }

    pub(super) fn compare_and_put(
        &mut self,
        key: RecordKey,
        expected: Option<&Bytes>,
        record: &Record,
    ) -> rusqlite::Result<bool> {
        if self.find_live(key, self.clock.now())?.as_ref() != expected {
            return Ok(false);
        }
        self.put(key, record).map(|()| true)
    }

    pub(super) fn remove(&mut self, keys: &[RecordKey]) -> rusqlite::Result<()> {
        for key in keys {
            if let Some(removed) = records::remove(&self.connection, *key)? {
                self.note_removed(removed);
            }
        }
        Ok(())
    }

    /// Deletes up to `limit` expired records, the earliest expiry first. Returns the number of deleted records.
    pub(super) fn sweep(&mut self, limit: usize) -> rusqlite::Result<usize> {
        let swept = records::sweep(&self.connection, self.clock.now(), limit)?;
        let count = swept.len();
        for removed in swept {
            self.note_removed(removed);
        }
        Ok(count)
    }

    pub(super) fn mark_older(&mut self, limit: usize, read: &MarkReader) -> rusqlite::Result<Marking> {
        let step = MarkingStep { limit, now: self.clock.now() };
        marks::mark_older(&self.connection, &mut self.marks, &step, read)
    }
}
