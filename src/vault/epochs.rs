use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use quick_cache::sync::Cache;
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use super::VaultError;
use crate::domain::RecordKey;
use crate::domain::UserKey;
use crate::records::{Collection, Content, Kind, Plaintext, Records, SingleWriter, catalogue};
use crate::single_flight::{Registered, WeakRegistry};

/// The number of times that a user was signed out everywhere. A token is valid only in the epoch in which it was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epoch(u64);

impl Epoch {
    /// The bytes that are bound into a sealed record.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }

    /// Reads the bytes that [`Epoch::to_bytes`] returns.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(u64::from_be_bytes(bytes))
    }
}

impl Content for Epoch {
    const KIND: &'static Kind = &catalogue::EPOCH;

    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        Some(Zeroizing::new(self.to_bytes().to_vec()))
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        plain.bytes().try_into().ok().map(Self::from_bytes)
    }
}

/// Stands for an epoch that has not been read from the store yet. No user is signed out so often.
const NOT_LOADED: u64 = u64::MAX;
/// Users whose epoch stays in memory although none of their tokens is in memory.
const MAX_RECENT_USERS: usize = 65_536;

/// The epoch of one user in memory. There is at most one cell per user, which all its holders share.
pub(super) type UserEpoch = Registered<UserKey, EpochCell>;

/// The content of a [`UserEpoch`].
pub(super) struct EpochCell {
    key: RecordKey,
    /// Changes once from `NOT_LOADED` to the stored value, and afterwards only increases.
    value: AtomicU64,
    /// Serializes the writes for this user, so that no token is kept while the epoch is raised. The guarded value says
    /// whether the store may hold an older epoch than memory, because a write of a raised epoch failed.
    pub(super) write_lock: Mutex<StoreIsBehind>,
}

pub(super) struct StoreIsBehind(bool);

impl EpochCell {
    /// Whether `epoch` is the user's current epoch. Reads memory only.
    pub(super) fn is_current(&self, epoch: Epoch) -> bool {
        self.value.load(Ordering::SeqCst) == epoch.0
    }
}

/// The epochs of all users. An epoch is in memory while a token in memory or a running operation needs it.
///
/// The value in memory is authoritative, because every write to the store goes through this process. [`SingleWriter`]
/// proves this.
pub(super) struct Epochs {
    records: Collection<Epoch>,
    registry: WeakRegistry<UserKey, EpochCell>,
    /// Keeps recently used cells alive.
    recent: Cache<UserKey, Arc<UserEpoch>>,
}

impl Epochs {
    pub(super) fn new(records: &Records, _: SingleWriter) -> Self {
        Self {
            records: Collection::new(records),
            registry: WeakRegistry::default(),
            recent: Cache::new(MAX_RECENT_USERS),
        }
    }

    /// Gets the cell of `user`, which may not be loaded yet.
    pub(super) fn get_cell(&self, user: &UserKey) -> Arc<UserEpoch> {
        if let Some(known) = self.recent.get(user) {
            return known;
        }
        let cell = self.registry.get_or_register(user.clone(), |user| self.new_cell(user));
        self.recent.insert(user.clone(), Arc::clone(&cell));
        cell
    }

    /// Gets the user's current epoch. Reads the store only if the epoch is not in memory.
    pub(super) async fn load(&self, cell: &EpochCell) -> Result<Epoch, VaultError> {
        let known = cell.value.load(Ordering::SeqCst);
        if known != NOT_LOADED {
            return Ok(Epoch(known));
        }
        let stored = self.records.get(cell.key).await?.map_or(Epoch(0), |record| record.content);
        // A value that another task has set is newer: a sign-out may have raised the epoch after this read.
        match cell.value.compare_exchange(NOT_LOADED, stored.0, Ordering::SeqCst, Ordering::SeqCst) {
            Ok(_) => Ok(stored),
            Err(known) => Ok(Epoch(known)),
        }
    }

    /// Raises the epoch in memory and then in the store. From the change in memory on, no token of an earlier epoch is
    /// handed out. If the store fails, the epoch in memory stays raised, so the user counts as signed out, and the next
    /// write for this user stores the epoch first.
    pub(super) async fn raise(&self, cell: &EpochCell, behind: &mut StoreIsBehind) -> Result<(), VaultError> {
        let Epoch(current) = self.load(cell).await?;
        behind.0 = true;
        cell.value.store(current.saturating_add(1), Ordering::SeqCst);
        self.store_if_behind(cell, behind).await
    }

    /// Writes the epoch if the store may hold an older one. A token must not be stored in an epoch that the store does
    /// not hold.
    pub(super) async fn store_if_behind(&self, cell: &EpochCell, behind: &mut StoreIsBehind) -> Result<(), VaultError> {
        if behind.0 {
            let epoch = self.load(cell).await?;
            self.records.put(self.records.seal(cell.key, &epoch)?).await?;
            behind.0 = false;
        }
        Ok(())
    }

    fn new_cell(&self, user: &UserKey) -> EpochCell {
        EpochCell {
            key: self.records.key(&[user.issuer().as_bytes(), user.subject().as_bytes()]),
            value: AtomicU64::new(NOT_LOADED),
            write_lock: Mutex::new(StoreIsBehind(false)),
        }
    }
}
