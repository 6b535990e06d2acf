//! The users' epochs, which end all tokens of a user at once.

mod epoch;
mod recent_sign_outs;
mod shared_epochs;
mod sign_out_numbers;
mod unstored_epochs;

use std::sync::{Arc, Weak};
use std::time::Duration;

use quick_cache::sync::Cache;
use tokio::time::sleep;

use self::epoch::{EpochCell, EpochRecord, StoreIsBehind};
use self::recent_sign_outs::RecentSignOuts;
use self::shared_epochs::SharedEpochs;
use self::sign_out_numbers::Moment;
use self::unstored_epochs::UnstoredEpochs;
use super::VaultError;
use super::changes::Changes;
use crate::domain::{RecordKey, UserKey};
use crate::observability::AuditEvent;
use crate::records::{Collection, Records};
use crate::single_flight::WeakRegistry;

pub use self::epoch::Epoch;
pub(super) use self::epoch::UserEpoch;
pub use self::sign_out_numbers::SignOutMark;

/// Users whose epoch stays in memory although none of their tokens is in memory.
const MAX_RECENT_USERS: usize = 65_536;
/// The pause before raised epochs that the store did not take are written again.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// The epochs of all users. An epoch is in memory while a token in memory or a running operation needs it.
///
/// Over an exclusive store the value in memory is authoritative, because every write goes through this process. Over a
/// shared store the record is, and the value in memory serves for tokens that are copies: other replicas tell when they
/// raise it.
pub(super) struct Epochs {
    records: Collection<EpochRecord>,
    registry: WeakRegistry<RecordKey, EpochCell>,
    /// Keeps recently used cells alive.
    recent: Cache<UserKey, Arc<UserEpoch>>,
    /// Keeps the cells alive whose raised epoch the store does not hold yet.
    unstored: UnstoredEpochs,
    /// The sign-outs of this process, which are all if the store is exclusive.
    recent_sign_outs: RecentSignOuts,
    /// `None` if the store is exclusive.
    shared: Option<SharedEpochs>,
}

impl Epochs {
    /// `changes` tells other replicas of raised epochs; `None` if the store is exclusive.
    pub(super) fn new(records: &Records, changes: Option<&Arc<Changes>>) -> Self {
        Self {
            shared: changes.map(|changes| SharedEpochs::new(records, Arc::clone(changes))),
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
        let key = self.records.key(&[user.issuer().as_bytes(), user.subject().as_bytes()]);
        let cell = self.registry.get_or_register(key, |_| EpochCell::new());
        self.recent.insert(user.clone(), Arc::clone(&cell));
        cell
    }

    /// Gets the user's current epoch. Reads the store only if the epoch is not in memory, or if the store is shared.
    pub(super) async fn load(&self, cell: &UserEpoch) -> Result<Epoch, VaultError> {
        if let Some(shared) = &self.shared {
            return self.load_shared(shared, cell).await;
        }
        if let Some(known) = cell.known() {
            return Ok(known);
        }
        let stored = self.records.get(*cell.key()).await?.map_or(Epoch::FIRST, |record| record.content.epoch);
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
        let stored = match &self.shared {
            None => {
                self.recent_sign_outs.add(*cell.key());
                cell.raise();
                self.store_if_behind(cell, behind).await
            }
            Some(shared) => self.raise_shared(shared, cell, behind).await,
        };
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
    pub(super) async fn store_if_behind(&self, cell: &UserEpoch, behind: &mut StoreIsBehind) -> Result<(), VaultError> {
        if behind.0 {
            match &self.shared {
                None => {
                    let record = EpochRecord { epoch: self.load(cell).await?, sign_out: None };
                    self.records.put(self.records.seal(*cell.key(), &record)?).await?;
                }
                Some(shared) => self.complete_raise(shared, cell).await?,
            }
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

    /// The present moment between sign-outs everywhere.
    pub(super) async fn sign_out_mark(&self) -> Result<SignOutMark, VaultError> {
        match &self.shared {
            None => Ok(SignOutMark(Moment::OfProcess(self.recent_sign_outs.count()))),
            Some(shared) => self.shared_sign_out_mark(shared).await,
        }
    }

    /// Whether `user` was signed out after `mark`, or may have been.
    pub(super) async fn may_be_signed_out_since(&self, mark: SignOutMark, user: &UserKey) -> Result<bool, VaultError> {
        if let Some(shared) = &self.shared {
            return self.is_signed_out_since(shared, mark, user).await;
        }
        Ok(match mark.0 {
            Moment::OfProcess(count) => self.recent_sign_outs.may_include(*self.get_cell(user).key(), count),
            // The mark was stored while the store was shared.
            Moment::Stored(_) => true,
        })
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
        let epochs = Arc::new(Epochs::new(&records, None));
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
        let restarted = Epochs::new(&records, None);
        assert_eq!(restarted.load(&restarted.get_cell(&ada)).await.unwrap(), Epoch::from_bytes(1_u64.to_be_bytes()));
    }
}
