use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use bytes::Bytes;
use dashmap::{DashMap, Entry};
use quick_cache::sync::Cache;
use tokio::sync::Mutex;

use super::{FOR_EVER, VaultError};
use crate::domain::UserKey;
use crate::sealing::Sealer;
use crate::store::{Record, RecordKey, Store};

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

/// No user can be signed out that often: the epoch has not been read from the store yet.
const UNKNOWN: u64 = u64::MAX;
/// Users whose epoch stays in memory though no token of theirs does.
const RECENT_USERS: usize = 65_536;

type Registry = DashMap<UserKey, Weak<UserEpoch>>;

/// The epoch of one user in memory. There is at most one per user, and all who use it share it.
pub(super) struct UserEpoch {
    user: UserKey,
    key: RecordKey,
    /// Goes from `UNKNOWN` to a value once, then only up.
    value: AtomicU64,
    registry: Arc<Registry>,
    /// Orders the writes of this user: a token is kept in an epoch or the epoch is raised, never both at once. Tells
    /// whether the store may be behind memory, because writing a raised epoch failed.
    pub(super) writing: Mutex<StoreIsBehind>,
}

pub(super) struct StoreIsBehind(bool);

impl UserEpoch {
    /// Whether `epoch` is the user's present one. Touches memory only.
    pub(super) fn is(&self, epoch: Epoch) -> bool {
        self.value.load(Ordering::SeqCst) == epoch.0
    }
}

impl Drop for UserEpoch {
    fn drop(&mut self) {
        // Meanwhile another one may have taken the place: that one is alive and stays.
        self.registry.remove_if(&self.user, |_, registered| registered.strong_count() == 0);
    }
}

/// The epochs of all users, in memory as far as anyone needs them.
///
/// Memory is authoritative: every write to the store goes through this process (the embedded store sees to that).
pub(super) struct Epochs {
    store: Arc<dyn Store>,
    sealer: Arc<Sealer>,
    registry: Arc<Registry>,
    /// Keeps the lately used alive.
    recent: Cache<UserKey, Arc<UserEpoch>>,
}

impl Epochs {
    pub(super) fn new(store: Arc<dyn Store>, sealer: Arc<Sealer>) -> Self {
        Self { store, sealer, registry: Arc::new(DashMap::new()), recent: Cache::new(RECENT_USERS) }
    }

    /// The one cell of `user`.
    pub(super) fn of(&self, user: &UserKey) -> Arc<UserEpoch> {
        if let Some(known) = self.recent.get(user) {
            return known;
        }
        let cell = self.registered(user);
        self.recent.insert(user.clone(), Arc::clone(&cell));
        cell
    }

    /// The user's present epoch; reads the store only if it is not in memory.
    pub(super) async fn current(&self, cell: &UserEpoch) -> Result<Epoch, VaultError> {
        let known = cell.value.load(Ordering::SeqCst);
        if known != UNKNOWN {
            return Ok(Epoch(known));
        }
        let stored = match self.store.get(cell.key).await? {
            Some(sealed) => self.open(cell.key, &sealed)?,
            None => 0,
        };
        // Whoever came first is right: it may have raised the epoch since we read it.
        match cell.value.compare_exchange(UNKNOWN, stored, Ordering::SeqCst, Ordering::SeqCst) {
            Ok(_) => Ok(Epoch(stored)),
            Err(known) => Ok(Epoch(known)),
        }
    }

    /// Raises the epoch: in memory at once, so that nothing older is handed out from here on, then in the store. If
    /// the store fails, memory stays raised (rather signed out than not) and the next write catches up.
    pub(super) async fn raise(&self, cell: &UserEpoch, behind: &mut StoreIsBehind) -> Result<(), VaultError> {
        let Epoch(current) = self.current(cell).await?;
        behind.0 = true;
        cell.value.store(current.saturating_add(1), Ordering::SeqCst);
        self.catch_up(cell, behind).await
    }

    /// Writes the epoch if the store may be behind: nothing must be kept in an epoch that the store does not know.
    pub(super) async fn catch_up(&self, cell: &UserEpoch, behind: &mut StoreIsBehind) -> Result<(), VaultError> {
        if behind.0 {
            let epoch = self.current(cell).await?;
            let sealed = self.sealer.seal(&[PURPOSE.as_bytes(), &cell.key.0], &epoch.to_bytes())?;
            self.store.put(cell.key, Record { value: Bytes::from(sealed), expires_at: FOR_EVER, index: None }).await?;
            behind.0 = false;
        }
        Ok(())
    }

    fn registered(&self, user: &UserKey) -> Arc<UserEpoch> {
        match self.registry.entry(user.clone()) {
            Entry::Occupied(mut place) => place.get().upgrade().unwrap_or_else(|| {
                let cell = Arc::new(self.unread(user));
                place.insert(Arc::downgrade(&cell));
                cell
            }),
            Entry::Vacant(place) => {
                let cell = Arc::new(self.unread(user));
                place.insert(Arc::downgrade(&cell));
                cell
            }
        }
    }

    fn unread(&self, user: &UserKey) -> UserEpoch {
        UserEpoch {
            user: user.clone(),
            key: RecordKey(self.sealer.mac(PURPOSE, &[user.issuer().as_bytes(), user.subject().as_bytes()])),
            value: AtomicU64::new(UNKNOWN),
            registry: Arc::clone(&self.registry),
            writing: Mutex::new(StoreIsBehind(false)),
        }
    }

    fn open(&self, key: RecordKey, sealed: &[u8]) -> Result<u64, VaultError> {
        let plain = self.sealer.open(&[PURPOSE.as_bytes(), &key.0], sealed)?;
        let epoch = plain.as_slice().try_into().map_err(|_| VaultError::Unreadable)?;
        Ok(u64::from_be_bytes(epoch))
    }
}

const PURPOSE: &str = "vault.epoch";
