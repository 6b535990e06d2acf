//! Which records and indexes exist. Only one process writes to the store, so that it can know, and what does not exist
//! needs no look into the file.

use std::sync::Arc;

use rusqlite::Connection;

use super::key_set::KeySet;
use super::records;
use crate::domain::RecordKey;

/// Keys that are read from the database in one step. A write that arrives during a step waits for at most so many.
const STEP: usize = 512;

/// The keys of all records, and of all indexes that have members. An absent key is absent for sure; a key of the sets may
/// be that of an expired record.
pub(super) struct KnownKeys {
    pub(super) records: KeySet,
    pub(super) indexes: KeySet,
}

impl KnownKeys {
    pub(super) fn new() -> Self {
        Self { records: KeySet::new(), indexes: KeySet::new() }
    }

    /// Forgets all stored keys: every key may exist until [`Filling`] has read them again.
    pub(super) fn clear(&self) {
        self.records.clear();
        self.indexes.clear();
    }
}

/// A write that is queued and has not run. As long as this value exists, the keys of its record may exist: what is asked
/// after a write was queued is not answered as if there were no such write.
pub(super) struct QueuedWrite {
    known: Arc<KnownKeys>,
    key: RecordKey,
    index: Option<RecordKey>,
}

impl QueuedWrite {
    pub(super) fn announce(known: &Arc<KnownKeys>, key: RecordKey, index: Option<RecordKey>) -> Self {
        known.records.add_queued(key);
        if let Some(index) = index {
            known.indexes.add_queued(index);
        }
        Self { known: Arc::clone(known), key, index }
    }
}

impl Drop for QueuedWrite {
    fn drop(&mut self) {
        self.known.records.remove_queued(self.key);
        if let Some(index) = self.index {
            self.known.indexes.remove_queued(index);
        }
    }
}

/// How far [`KnownKeys`] is filled from the database. The writer fills it between its commits, so that no key is removed
/// from the database and added to the set at the same time.
pub(super) struct Filling(Progress);

enum Progress {
    Records { after: Vec<u8> },
    Indexes { after: Vec<u8> },
    Complete,
}

impl Filling {
    pub(super) fn begin() -> Self {
        Self(Progress::Records { after: Vec::new() })
    }

    pub(super) fn is_complete(&self) -> bool {
        matches!(self.0, Progress::Complete)
    }

    /// Reads the next keys.
    pub(super) fn advance(&mut self, connection: &Connection, known: &KnownKeys) -> rusqlite::Result<()> {
        match &mut self.0 {
            Progress::Records { after } => {
                let keys = records::list_keys(connection, after, STEP)?;
                for key in &keys {
                    known.records.add(*key);
                }
                if let Some(last) = keys.last().filter(|_| keys.len() == STEP) {
                    *after = last.0.to_vec();
                } else {
                    known.records.complete();
                    self.0 = Progress::Indexes { after: Vec::new() };
                }
            }
            Progress::Indexes { after } => {
                for _ in 0..STEP {
                    let Some(index) = records::find_next_index(connection, after)? else {
                        known.indexes.complete();
                        self.0 = Progress::Complete;
                        return Ok(());
                    };
                    known.indexes.add(index);
                    *after = index.0.to_vec();
                }
            }
            Progress::Complete => {}
        }
        Ok(())
    }
}
