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

/// How often a user has been signed out everywhere. A token is good only in the epoch it was kept in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epoch(u64);

impl Epoch {
    /// As bound into sealed bytes.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }

    /// Reads what [`Epoch::to_bytes`] wrote.
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

/// No user can be signed out that often: the epoch has not been read from the store yet.
const UNKNOWN: u64 = u64::MAX;
/// Users whose epoch stays in memory though no token of theirs does.
const RECENT_USERS: usize = 65_536;

/// The epoch of one user in memory. There is at most one per user, and all who use it share it.
pub(super) type UserEpoch = Registered<UserKey, EpochCell>;

/// What is registered for a user.
pub(super) struct EpochCell {
    key: RecordKey,
    /// Goes from `UNKNOWN` to a value once, then only up.
    value: AtomicU64,
    /// Orders the writes of this user: a token is kept in an epoch or the epoch is raised, never both at once. Tells
    /// whether the store may be behind memory, because writing a raised epoch failed.
    pub(super) writing: Mutex<StoreIsBehind>,
}

pub(super) struct StoreIsBehind(bool);

impl EpochCell {
    /// Whether `epoch` is the user's present one. Touches memory only.
    pub(super) fn is(&self, epoch: Epoch) -> bool {
        self.value.load(Ordering::SeqCst) == epoch.0
    }
}

/// The epochs of all users, in memory as far as anything needs them.
///
/// Memory is authoritative: every write to the store goes through this process, which [`SingleWriter`] proves.
pub(super) struct Epochs {
    records: Collection<Epoch>,
    registry: WeakRegistry<UserKey, EpochCell>,
    /// Keeps the lately used alive.
    recent: Cache<UserKey, Arc<UserEpoch>>,
}

impl Epochs {
    pub(super) fn new(records: &Records, _: SingleWriter) -> Self {
        Self { records: Collection::new(records), registry: WeakRegistry::default(), recent: Cache::new(RECENT_USERS) }
    }

    /// The one cell of `user`.
    pub(super) fn of(&self, user: &UserKey) -> Arc<UserEpoch> {
        if let Some(known) = self.recent.get(user) {
            return known;
        }
        let cell = self.registry.get_or_register(user.clone(), |user| self.unread(user));
        self.recent.insert(user.clone(), Arc::clone(&cell));
        cell
    }

    /// The user's present epoch; reads the store only if it is not in memory.
    pub(super) async fn current(&self, cell: &EpochCell) -> Result<Epoch, VaultError> {
        let known = cell.value.load(Ordering::SeqCst);
        if known != UNKNOWN {
            return Ok(Epoch(known));
        }
        let stored = self.records.get(cell.key).await?.map_or(Epoch(0), |record| record.content);
        // A value that came first is right: a sign-out may have raised the epoch since this one was read.
        match cell.value.compare_exchange(UNKNOWN, stored.0, Ordering::SeqCst, Ordering::SeqCst) {
            Ok(_) => Ok(stored),
            Err(known) => Ok(Epoch(known)),
        }
    }

    /// Raises the epoch: in memory at once, so that nothing older is handed out from here on, then in the store. If
    /// the store fails, memory stays raised (rather signed out than not) and the next write catches up.
    pub(super) async fn raise(&self, cell: &EpochCell, behind: &mut StoreIsBehind) -> Result<(), VaultError> {
        let Epoch(current) = self.current(cell).await?;
        behind.0 = true;
        cell.value.store(current.saturating_add(1), Ordering::SeqCst);
        self.catch_up(cell, behind).await
    }

    /// Writes the epoch if the store may be behind: nothing must be kept in an epoch that the store does not know.
    pub(super) async fn catch_up(&self, cell: &EpochCell, behind: &mut StoreIsBehind) -> Result<(), VaultError> {
        if behind.0 {
            let epoch = self.current(cell).await?;
            self.records.put(self.records.seal(cell.key, &epoch)?).await?;
            behind.0 = false;
        }
        Ok(())
    }

    fn unread(&self, user: &UserKey) -> EpochCell {
        EpochCell {
            key: self.records.key(&[user.issuer().as_bytes(), user.subject().as_bytes()]),
            value: AtomicU64::new(UNKNOWN),
            writing: Mutex::new(StoreIsBehind(false)),
        }
    }
}
