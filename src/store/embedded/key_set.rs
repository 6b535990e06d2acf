use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::domain::RecordKey;

/// Shards of a set. Threads rarely meet at one, and a shard that grows makes its users wait for a short time only.
const SHARDS: usize = 256;
/// Capacity from which on a shard that has become mostly empty gives memory back.
const SHRINK_FROM: usize = 64;

/// The first half of a record key. Keys are MACs, so among any number of records that a disk can hold no two have the
/// same half.
type KeyHalf = [u8; 16];
type ByMac = BuildHasherDefault<MacHasher>;

/// The keys that are in the database or may get there soon. It takes 19 to 39 bytes for a key. Until the set is complete,
/// every key may exist.
pub(super) struct KeySet {
    shards: Vec<RwLock<Shard>>,
}

#[derive(Default)]
struct Shard {
    /// Contains every key that the database has, if the shard is complete.
    stored: HashSet<KeyHalf, ByMac>,
    /// The number of queued writes of each key.
    queued: HashMap<KeyHalf, u32, ByMac>,
    is_complete: bool,
}

impl KeySet {
    pub(super) fn new() -> Self {
        Self { shards: (0..SHARDS).map(|_| RwLock::default()).collect() }
    }

    /// Whether the database may have the key, or may get it by a write that is queued.
    pub(super) fn may_exist(&self, key: RecordKey) -> bool {
        self.read(key).is_none_or(|shard| {
            !shard.is_complete || shard.stored.contains(&half(key)) || shard.queued.contains_key(&half(key))
        })
    }

    /// Whether the database may have the key, with the writes that have begun.
    pub(super) fn may_be_stored(&self, key: RecordKey) -> bool {
        self.read(key).is_none_or(|shard| !shard.is_complete || shard.stored.contains(&half(key)))
    }

    /// Adds a write of the key that is queued now.
    pub(super) fn add_queued(&self, key: RecordKey) {
        if let Some(mut shard) = self.write(key) {
            *shard.queued.entry(half(key)).or_default() += 1;
        }
    }

    /// Takes back what [`KeySet::add_queued`] has added.
    pub(super) fn remove_queued(&self, key: RecordKey) {
        if let Some(mut shard) = self.write(key)
            && let Some(count) = shard.queued.get_mut(&half(key))
        {
            *count = count.saturating_sub(1);
            if *count == 0 {
                shard.queued.remove(&half(key));
            }
        }
    }

    /// Adds a key that the database has, or gets by the next commit.
    pub(super) fn add(&self, key: RecordKey) {
        if let Some(mut shard) = self.write(key) {
            shard.stored.insert(half(key));
        }
    }

    /// Removes a key that the database does not have any more.
    pub(super) fn remove(&self, key: RecordKey) {
        if let Some(mut shard) = self.write(key)
            && shard.stored.remove(&half(key))
        {
            let (left, capacity) = (shard.stored.len(), shard.stored.capacity());
            if capacity >= SHRINK_FROM && left < capacity / 4 {
                shard.stored.shrink_to(left * 2);
            }
        }
    }

    /// From now on, a key that was not added does not exist.
    pub(super) fn complete(&self) {
        for shard in &self.shards {
            shard.write().unwrap_or_else(PoisonError::into_inner).is_complete = true;
        }
    }

    /// Forgets the stored keys. Every key may exist again.
    pub(super) fn clear(&self) {
        for shard in &self.shards {
            let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
            shard.is_complete = false;
            shard.stored = HashSet::default();
        }
    }

    #[cfg(test)]
    pub(super) fn is_complete(&self) -> bool {
        self.sum(|shard| usize::from(shard.is_complete)) == SHARDS
    }

    #[cfg(test)]
    pub(super) fn stored(&self) -> usize {
        self.sum(|shard| shard.stored.len())
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.sum(|shard| shard.stored.capacity())
    }

    #[cfg(test)]
    pub(super) fn queued(&self) -> usize {
        self.sum(|shard| shard.queued.len())
    }

    #[cfg(test)]
    fn sum(&self, of: impl Fn(&Shard) -> usize) -> usize {
        self.shards.iter().map(|shard| of(&shard.read().unwrap_or_else(PoisonError::into_inner))).sum()
    }

    fn read(&self, key: RecordKey) -> Option<RwLockReadGuard<'_, Shard>> {
        self.shards.get(shard_of(key)).map(|shard| shard.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write(&self, key: RecordKey) -> Option<RwLockWriteGuard<'_, Shard>> {
        self.shards.get(shard_of(key)).map(|shard| shard.write().unwrap_or_else(PoisonError::into_inner))
    }
}

fn half(key: RecordKey) -> KeyHalf {
    key.0.first_chunk().copied().unwrap_or_default()
}

/// A byte of the second half, so that the keys of one shard still differ in all bits of their hash.
fn shard_of(key: RecordKey) -> usize {
    key.0.last().copied().map_or(0, usize::from)
}

/// Takes the first bytes of a MAC for its hash: they are as good as random already.
#[derive(Default)]
pub(super) struct MacHasher(u64);

impl Hasher for MacHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, mac: &[u8]) {
        self.0 = mac.first_chunk().copied().map_or(0, u64::from_le_bytes);
    }

    /// The length of a key is not part of its hash: all keys have the same.
    fn write_usize(&mut self, _length: usize) {}
}
