use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::epochs::{Epoch, UserEpoch};
use super::kept_token::size_of_texts;
use crate::domain::{ConnectionRevision, RecordKey, UserToken};
use crate::records::SingleWriter;

/// A token in memory, ready to be handed out while its epoch lasts.
pub(super) struct L1Entry {
    pub(super) token: Arc<UserToken>,
    pub(super) revision: ConnectionRevision,
    pub(super) epoch: Epoch,
    /// Keeps the user's epoch in memory as long as the token is: a hit needs no disk.
    pub(super) user_epoch: Arc<UserEpoch>,
}

#[derive(Clone)]
struct Bytes;

/// What an entry takes beside its texts: the cache's own bookkeeping, the structs, and a share of the user's epoch.
const OVERHEAD: usize = 640;

impl Weighter<RecordKey, Arc<L1Entry>> for Bytes {
    fn weight(&self, _key: &RecordKey, entry: &Arc<L1Entry>) -> u64 {
        (OVERHEAD + size_of_texts(&entry.token)) as u64
    }
}

/// Slots are ordered in groups; 4096 groups seldom make two users wait for each other.
const ORDERS: usize = 4096;
/// Guess at how many bytes an entry takes; sizes the cache's tables only.
const TYPICAL_ENTRY: u64 = 3000;

#[derive(Default)]
struct SlotOrder {
    writing: tokio::sync::Mutex<()>,
    /// How many writes were done: a reader that read the store before one of them must not fill memory.
    writes: Mutex<u64>,
}

/// The state of a slot's writes when the store was read.
#[derive(Clone, Copy)]
pub(super) struct ReadTicket(u64);

/// The first level: tokens in memory, bounded by bytes, never newer or older than the store once a write is answered. That
/// holds while this process alone writes tokens, which [`SingleWriter`] proves.
pub(super) struct L1 {
    entries: Cache<RecordKey, Arc<L1Entry>, Bytes>,
    orders: Box<[SlotOrder; ORDERS]>,
}

impl L1 {
    pub(super) fn new(bytes: u64, _: SingleWriter) -> Self {
        let typical = usize::try_from(bytes / TYPICAL_ENTRY).unwrap_or(usize::MAX);
        Self {
            entries: Cache::with_weighter(typical, bytes, Bytes),
            orders: Box::new(std::array::from_fn(|_| SlotOrder::default())),
        }
    }

    pub(super) fn get(&self, key: RecordKey) -> Option<Arc<L1Entry>> {
        self.entries.get(&key)
    }

    /// Orders the writes of a slot: held from before the store is written until memory follows.
    pub(super) async fn write_order(&self, key: RecordKey) -> tokio::sync::MutexGuard<'_, ()> {
        self.order(key).writing.lock().await
    }

    /// To be drawn before the store is read.
    pub(super) fn read_ticket(&self, key: RecordKey) -> ReadTicket {
        ReadTicket(*self.writes(key))
    }

    /// Enters what was read from the store, unless the slot was written since.
    pub(super) fn fill(&self, key: RecordKey, ticket: ReadTicket, entry: L1Entry) {
        let writes = self.writes(key);
        if *writes == ticket.0 {
            self.entries.insert(key, Arc::new(entry));
        }
    }

    /// Enters what was written to the store.
    pub(super) fn replace(&self, key: RecordKey, entry: L1Entry) {
        let mut writes = self.writes(key);
        *writes = writes.wrapping_add(1);
        self.entries.insert(key, Arc::new(entry));
    }

    /// Follows a removal from the store.
    pub(super) fn remove(&self, key: RecordKey) {
        let mut writes = self.writes(key);
        *writes = writes.wrapping_add(1);
        self.entries.remove(&key);
    }

    fn writes(&self, key: RecordKey) -> MutexGuard<'_, u64> {
        self.order(key).writes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[allow(clippy::indexing_slicing, reason = "the remainder is below the length")]
    fn order(&self, key: RecordKey) -> &SlotOrder {
        let [first, second, ..] = key.0;
        &self.orders[usize::from(u16::from_be_bytes([first, second])) % ORDERS]
    }
}
