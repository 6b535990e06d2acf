use std::sync::{Arc, Weak};
use std::time::Duration;

use quick_cache::sync::Cache;
use tokio::time::sleep;

use super::VaultError;
use super::epoch::{Epoch, EpochCell, StoreIsBehind, UserEpoch};
use super::recent_sign_outs::RecentSignOuts;
use super::unstored_epochs::UnstoredEpochs;
use crate::domain::UserKey;
use crate::observability::AuditEvent;
use crate::records::{Collection, Records, SingleWriter};
use crate::single_flight::WeakRegistry;

/// Users whose epoch stays in memory although none of their tokens is in memory.
const MAX_RECENT_USERS: usize = 65_536;
/// The pause before raised epochs that the store did not take are written again.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

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
    pub(super) recent_sign_outs: RecentSignOuts,
}

impl Epochs {
    pub(super) fn new(records: &Records, _: SingleWriter) -> Self {
        Self {
            records: Collection::new(records),
            registry: WeakRegistry::default(),
            recent: Cache::new(MAX_RECENT_USERS),
            unstored: UnstoredEpochs::default(),
            recent_sign_outs: RecentSignOuts::default(),
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
        let stored = self.records.get(cell.key).await?.map_or(Epoch::FIRST, |record| record.content);
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
        self.recent_sign_outs.add(cell.key());
        cell.raise();
        let stored = self.store_if_behind(cell, behind).await;
        if stored.is_err() {
            tracing::error!(
                security = AuditEvent::SignOutNotStored.is_security(),
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
        EpochCell::new(self.records.key(&[user.issuer().as_bytes(), user.subject().as_bytes()]))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use std::sync::atomic::Ordering;

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
        assert_eq!(epochs.load(&epochs.get_cell(&ada)).await.unwrap(), Epoch::from_bytes(1_u64.to_be_bytes()));
        store.puts_fail.store(false, Ordering::SeqCst);
        assert_eq!(epochs.store_unstored().await, 0);
        let restarted = Epochs::new(&records, records.single_writer().unwrap());
        assert_eq!(restarted.load(&restarted.get_cell(&ada)).await.unwrap(), Epoch::from_bytes(1_u64.to_be_bytes()));
    }
}
