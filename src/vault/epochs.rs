use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use quick_cache::sync::Cache;
use tokio::sync::Mutex;
use tokio::time::sleep;
use zeroize::Zeroizing;

use super::VaultError;
use super::unstored_epochs::UnstoredEpochs;
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
/// Stands for an epoch that was raised before it could be read: the stored epoch plus one.
const RAISED_BEFORE_LOAD: u64 = u64::MAX - 1;
/// Users whose epoch stays in memory although none of their tokens is in memory.
const MAX_RECENT_USERS: usize = 65_536;
/// The pause before raised epochs that the store did not take are written again.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// The epoch of one user in memory. There is at most one cell per user, which all its holders share.
pub(super) type UserEpoch = Registered<UserKey, EpochCell>;

/// The content of a [`UserEpoch`].
pub(super) struct EpochCell {
    key: RecordKey,
    /// Changes once from `NOT_LOADED`, possibly by way of `RAISED_BEFORE_LOAD`, to the stored value or its successor,
    /// and afterwards only increases.
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

    fn known(&self) -> Option<Epoch> {
        let value = self.value.load(Ordering::SeqCst);
        (value < RAISED_BEFORE_LOAD).then_some(Epoch(value))
    }

    /// Sets the value that was read from the store, and returns the current epoch. A value that another task has set
    /// is newer.
    fn set_loaded(&self, stored: Epoch) -> Epoch {
        let next = |value| match value {
            NOT_LOADED => Some(stored.0),
            RAISED_BEFORE_LOAD => Some(stored.0.saturating_add(1)),
            _ => None,
        };
        match self.value.fetch_update(Ordering::SeqCst, Ordering::SeqCst, next) {
            Ok(NOT_LOADED) => stored,
            Ok(_) => Epoch(stored.0.saturating_add(1)),
            Err(known) => Epoch(known),
        }
    }

    /// From here on, no earlier epoch is current. Needs no store.
    fn raise(&self) {
        let next = |value| match value {
            NOT_LOADED | RAISED_BEFORE_LOAD => Some(RAISED_BEFORE_LOAD),
            known => Some(known.saturating_add(1)),
        };
        // The update cannot fail, because `next` always returns a value.
        let _ = self.value.fetch_update(Ordering::SeqCst, Ordering::SeqCst, next);
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
    /// Keeps the cells alive whose raised epoch the store does not hold yet.
    unstored: UnstoredEpochs,
}

impl Epochs {
    pub(super) fn new(records: &Records, _: SingleWriter) -> Self {
        Self {
            records: Collection::new(records),
            registry: WeakRegistry::default(),
            recent: Cache::new(MAX_RECENT_USERS),
            unstored: UnstoredEpochs::default(),
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
        if let Some(known) = cell.known() {
            return Ok(known);
        }
        let stored = self.records.get(cell.key).await?.map_or(Epoch(0), |record| record.content);
        Ok(cell.set_loaded(stored))
    }

    /// Raises the epoch in memory and then in the store. From the change in memory on, no token of an earlier epoch is
    /// handed out. If the store fails, the epoch in memory stays raised, so the user counts as signed out, and the epoch
    /// is written again until the store holds it.
    ///
    /// # Errors
    /// [`VaultError`] if the store fails: a restart would undo the sign-out at the moment.
    pub(super) async fn raise(
        self: &Arc<Self>,
        cell: &Arc<UserEpoch>,
        behind: &mut StoreIsBehind,
    ) -> Result<(), VaultError> {
        behind.0 = true;
        cell.raise();
        let stored = self.store_if_behind(cell, behind).await;
        if stored.is_err() {
            tracing::error!(
                security = true,
                "a sign-out everywhere could not be stored: it holds in memory and is written again; a restart before that undoes it"
            );
            if self.unstored.add(cell) {
                tokio::spawn(Self::retry(Arc::downgrade(self)));
            }
        }
        stored
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

    /// Writes every raised epoch that the store does not hold yet; stops when the store fails. Returns how many are left.
    pub(super) async fn store_unstored(&self) -> usize {
        for cell in self.unstored.list() {
            let mut behind = cell.write_lock.lock().await;
            if self.store_if_behind(&cell, &mut behind).await.is_err() {
                break;
            }
            self.unstored.remove(&cell);
            tracing::info!(security = true, "a sign-out everywhere that could not be stored before is stored now");
        }
        self.unstored.len()
    }

    /// Writes raised epochs again until the store holds all of them.
    async fn retry(epochs: Weak<Self>) {
        loop {
            sleep(RETRY_PAUSE).await;
            // A strong reference would keep the store open after the process has drained.
            let Some(epochs) = epochs.upgrade() else { return };
            epochs.store_unstored().await;
            if epochs.unstored.end_retries_if_empty() {
                return;
            }
        }
    }

    fn new_cell(&self, user: &UserKey) -> EpochCell {
        EpochCell {
            key: self.records.key(&[user.issuer().as_bytes(), user.subject().as_bytes()]),
            value: AtomicU64::new(NOT_LOADED),
            write_lock: Mutex::new(StoreIsBehind(false)),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;
    use crate::records::testing::{GatedStore, throwaway_records};

    #[tokio::test]
    async fn many_other_users_do_not_push_out_a_raised_epoch_that_is_not_stored() {
        let storage = throwaway_records();
        let store = GatedStore::new(storage.store.clone());
        let records = Records::new(store.clone(), storage.sealer.clone(), storage.shared_clock.clone());
        let epochs = Arc::new(Epochs::new(&records, records.single_writer().unwrap()));
        let ada = UserKey::entra("0a0a", "7e7e");
        store.puts_fail.store(true, Ordering::SeqCst);
        let cell = epochs.get_cell(&ada);
        epochs.raise(&cell, &mut *cell.write_lock.lock().await).await.unwrap_err();
        drop(cell);
        for number in 0..2 * MAX_RECENT_USERS {
            epochs.get_cell(&UserKey::entra(&number.to_string(), "7e7e"));
        }
        assert_eq!(epochs.load(&epochs.get_cell(&ada)).await.unwrap(), Epoch(1));
        store.puts_fail.store(false, Ordering::SeqCst);
        assert_eq!(epochs.store_unstored().await, 0);
        let restarted = Epochs::new(&records, records.single_writer().unwrap());
        assert_eq!(restarted.load(&restarted.get_cell(&ada)).await.unwrap(), Epoch(1));
    }

    #[test]
    fn an_epoch_that_is_raised_before_it_is_read_is_the_successor_of_the_stored_one() {
        let storage = throwaway_records();
        let epochs = Epochs::new(&storage.records, storage.records.single_writer().unwrap());
        let cell = epochs.get_cell(&UserKey::entra("0a0a", "7e7e"));
        cell.raise();
        assert_eq!(cell.known(), None);
        assert_eq!(cell.set_loaded(Epoch(7)), Epoch(8));
        assert_eq!(cell.set_loaded(Epoch(7)), Epoch(8), "a second read that began earlier");
        cell.raise();
        assert_eq!(cell.known(), Some(Epoch(9)));
    }
}
