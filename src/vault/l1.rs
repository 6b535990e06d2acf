use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::epochs::{Epoch, UserEpoch};
use super::kept_token::size_of_texts;
use crate::domain::{ConnectionRevision, RecordKey, UserToken};

/// A token in memory. It can be handed out while its epoch is the user's current one.
pub(super) struct L1Entry {
    pub(super) token: Arc<UserToken>,
    pub(super) revision: ConnectionRevision,
    pub(super) epoch: Epoch,
    /// Keeps the user's epoch in memory as long as the token, so that a hit needs no disk read.
    pub(super) user_epoch: Arc<UserEpoch>,
}

/// Weighs cache entries by the bytes that they occupy.
#[derive(Clone)]
struct EntryBytes;

/// Bytes of an entry in addition to its texts: the cache's bookkeeping, the structs, and a share of the user's epoch.
const ENTRY_OVERHEAD_BYTES: usize = 640;

impl Weighter<RecordKey, Arc<L1Entry>> for EntryBytes {
    fn weight(&self, _key: &RecordKey, entry: &Arc<L1Entry>) -> u64 {
        (ENTRY_OVERHEAD_BYTES + size_of_texts(&entry.token)) as u64
    }
}

/// Slots are divided into this many groups, and the writes of one group are serialized. With 4096 groups two users
/// rarely wait for each other.
const SLOT_GROUPS: usize = 4096;
/// Estimated size of an entry. It determines only the initial size of the cache's tables.
const TYPICAL_ENTRY_BYTES: u64 = 3000;

/// Serializes the writes of one group of slots.
#[derive(Default)]
struct SlotGroup {
    write_lock: tokio::sync::Mutex<()>,
    /// The number of writes so far. A reader that read the store before the last write must not fill memory.
    write_count: Mutex<u64>,
}

/// The write count of a slot's group before the store was read.
#[derive(Clone, Copy)]
pub(super) struct ReadTicket(u64);

/// The first-level cache: tokens in memory, bounded by bytes. When a write returns, memory and store hold the same
/// token. Over a shared store this is so while no other replica writes; each tells of its writes, and the vault then removes
/// the token here.
pub(super) struct L1 {
    entries: Cache<RecordKey, Arc<L1Entry>, EntryBytes>,
    groups: Box<[SlotGroup]>,
}

impl L1 {
    pub(super) fn new(bytes: u64) -> Self {
        let typical = usize::try_from(bytes / TYPICAL_ENTRY_BYTES).unwrap_or(usize::MAX);
        Self {
            entries: Cache::with_weighter(typical, bytes, EntryBytes),
            // Collected on the heap: as an array they would pass through a quarter of a megabyte of stack.
            groups: (0..SLOT_GROUPS).map(|_| SlotGroup::default()).collect(),
        }
    }

    pub(super) fn get(&self, key: RecordKey) -> Option<Arc<L1Entry>> {
        self.entries.get(&key)
    }

    /// Locks the writes of a slot. A writer holds the lock until it has changed both the store and memory.
    pub(super) async fn lock_writes(&self, key: RecordKey) -> tokio::sync::MutexGuard<'_, ()> {
        self.group(key).write_lock.lock().await
    }

    /// Issues the ticket for [`L1::fill`]. Call this before reading the store.
    pub(super) fn read_ticket(&self, key: RecordKey) -> ReadTicket {
        ReadTicket(*self.write_count(key))
    }

    /// Inserts a token that was read from the store, unless the slot's group was written after the ticket was issued.
    pub(super) fn fill(&self, key: RecordKey, ticket: ReadTicket, entry: L1Entry) {
        let count = self.write_count(key);
        if *count == ticket.0 {
            self.entries.insert(key, Arc::new(entry));
        }
    }

    /// Inserts a token that was written to the store.
    pub(super) fn replace(&self, key: RecordKey, entry: L1Entry) {
        let mut count = self.write_count(key);
        *count = count.wrapping_add(1);
        self.entries.insert(key, Arc::new(entry));
    }

    /// Inserts a token that was written to a shared store, unless the slot's group was written after the ticket was issued,
    /// which is before the write. The slot's earlier token is removed in any case.
    pub(super) fn settle(&self, key: RecordKey, ticket: ReadTicket, entry: L1Entry) {
        let mut count = self.write_count(key);
        if *count == ticket.0 {
            self.entries.insert(key, Arc::new(entry));
        } else {
            self.entries.remove(&key);
        }
        *count = count.wrapping_add(1);
    }

    /// Removes a token that was removed from the store, or that another replica has replaced there.
    pub(super) fn remove(&self, key: RecordKey) {
        let mut count = self.write_count(key);
        *count = count.wrapping_add(1);
        self.entries.remove(&key);
    }

    /// Removes all tokens.
    pub(super) fn clear(&self) {
        for group in &self.groups {
            let mut count = group.write_count.lock().unwrap_or_else(PoisonError::into_inner);
            *count = count.wrapping_add(1);
        }
        self.entries.clear();
    }

    fn write_count(&self, key: RecordKey) -> MutexGuard<'_, u64> {
        self.group(key).write_count.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[allow(clippy::indexing_slicing, reason = "the remainder is below the length")]
    fn group(&self, key: RecordKey) -> &SlotGroup {
        let [first, second, ..] = key.0;
        &self.groups[usize::from(u16::from_be_bytes([first, second])) % SLOT_GROUPS]
    }
}
