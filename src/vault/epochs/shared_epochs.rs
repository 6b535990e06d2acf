//! [`Epochs`] over a shared store, where other replicas raise epochs, too. `mod.rs` has the type.

use std::sync::Arc;

use super::Epochs;
use super::epoch::{Epoch, EpochRecord, StoreIsBehind, UserEpoch};
use super::sign_out_numbers::{Moment, SignOutMark, SignOutNumbers, UNNUMBERED};
use crate::domain::{RecordKey, UserKey};
use crate::records::{OpenedRecord, Records, StoredRecord};
use crate::vault::VaultError;
use crate::vault::changes::{Change, Changes};

/// Attempts to write an epoch. An attempt fails only if another replica writes the same user's epoch at the same time.
const MAX_CAS_ATTEMPTS: usize = 16;

/// What epochs over a shared store need in addition.
pub(super) struct SharedEpochs {
    changes: Arc<Changes>,
    numbers: SignOutNumbers,
}

/// A raised epoch in the store.
struct WrittenEpoch {
    epoch: Epoch,
    record: StoredRecord<EpochRecord>,
}

impl SharedEpochs {
    pub(super) fn new(records: &Records, changes: Arc<Changes>) -> Self {
        Self { changes, numbers: SignOutNumbers::new(records) }
    }

    /// Tells the other replicas of the epoch of `cell`.
    async fn tell(&self, cell: &UserEpoch, epoch: Epoch) -> Result<(), VaultError> {
        self.changes.tell(*cell.key(), Change::Epoch(epoch)).await
    }
}

impl Epochs {
    /// The user's current epoch, read from the store. A raise that has yet to be written is written first. A store that has
    /// lost a sign-out, as a failover can, gets it again.
    pub(super) async fn load_shared(&self, shared: &SharedEpochs, cell: &UserEpoch) -> Result<Epoch, VaultError> {
        let stored = self.read(cell).await?;
        let stored = stored.map_or(Epoch::FIRST, |record| record.content.epoch);
        match cell.note_stored(stored) {
            Some(known) if known == stored => Ok(known),
            Some(known) => self.restore(shared, cell, known).await,
            None => {
                // A sign-out that is under way writes its raise itself.
                let _turn = cell.write_lock.lock().await;
                if let Some(known) = cell.known() {
                    return Ok(known);
                }
                let raised = self.raise_in_store(cell).await?;
                let epoch = raised.epoch;
                self.number(shared, raised).await;
                Ok(epoch)
            }
        }
    }

    /// Raises the epoch. From the start on, this process hands out no token of the user; when this returns, no replica that
    /// hears of changes does.
    pub(super) async fn raise_shared(
        &self,
        shared: &SharedEpochs,
        cell: &UserEpoch,
        behind: &mut StoreIsBehind,
    ) -> Result<(), VaultError> {
        cell.begin_raise();
        self.raise_and_tell(shared, cell).await?;
        behind.0 = false;
        Ok(())
    }

    /// Writes a raise that has yet to be written, and tells the other replicas of it.
    pub(super) async fn complete_raise(&self, shared: &SharedEpochs, cell: &UserEpoch) -> Result<(), VaultError> {
        match cell.known() {
            Some(known) => shared.tell(cell, known).await,
            None => self.raise_and_tell(shared, cell).await,
        }
    }

    async fn raise_and_tell(&self, shared: &SharedEpochs, cell: &UserEpoch) -> Result<(), VaultError> {
        let raised = self.raise_in_store(cell).await?;
        let told = shared.tell(cell, raised.epoch).await;
        self.number(shared, raised).await;
        told
    }

    /// Writes a raise of `cell`, whose epoch is then the successor of the stored one. The caller holds the cell's write lock.
    async fn raise_in_store(&self, cell: &UserEpoch) -> Result<WrittenEpoch, VaultError> {
        for _ in 0..MAX_CAS_ATTEMPTS {
            let stored = self.read(cell).await?;
            let raised = cell.successor_of(stored.as_ref().map_or(Epoch::FIRST, |record| record.content.epoch));
            if let Some(written) = self.write_raised(cell, stored, raised).await? {
                cell.end_raise(raised);
                return Ok(written);
            }
        }
        Err(VaultError::RecordChanged)
    }

    /// Writes the epoch `known` unless the store holds this one or a later one.
    async fn restore(&self, shared: &SharedEpochs, cell: &UserEpoch, known: Epoch) -> Result<Epoch, VaultError> {
        for _ in 0..MAX_CAS_ATTEMPTS {
            let stored = self.read(cell).await?;
            if let Some(record) = stored.as_ref().filter(|record| record.content.epoch >= known) {
                return Ok(cell.note_stored(record.content.epoch).unwrap_or(record.content.epoch));
            }
            if let Some(written) = self.write_raised(cell, stored, known).await? {
                tracing::warn!(security = true, "the store had lost a sign-out everywhere: it is written again");
                self.number(shared, written).await;
                return Ok(known);
            }
        }
        Err(VaultError::RecordChanged)
    }

    /// Puts the epoch `raised` in place of `stored`. `None` if another replica was faster.
    async fn write_raised(
        &self,
        cell: &UserEpoch,
        stored: Option<OpenedRecord<EpochRecord>>,
        raised: Epoch,
    ) -> Result<Option<WrittenEpoch>, VaultError> {
        let record = self.records.seal(*cell.key(), &EpochRecord { epoch: raised, sign_out: Some(UNNUMBERED) })?;
        let written = WrittenEpoch { epoch: raised, record: record.stored() };
        let is_written = self.records.compare_and_put(stored.map(|stored| stored.stored), record).await?;
        Ok(is_written.then_some(written))
    }

    /// Draws the number of the sign-out that has raised the epoch `written`. If that fails, the next caller that needs
    /// the number draws it.
    async fn number(&self, shared: &SharedEpochs, written: WrittenEpoch) {
        let numbered = async {
            let WrittenEpoch { epoch, record } = written;
            let sign_out = Some(shared.numbers.draw().await?);
            let numbered = self.records.seal(record.key(), &EpochRecord { epoch, sign_out })?;
            self.records.compare_and_put(Some(record), numbered).await?;
            Ok::<_, VaultError>(())
        };
        if let Err(error) = numbered.await {
            tracing::debug!(%error, "a sign-out everywhere has no number yet");
        }
    }

    pub(super) async fn shared_sign_out_mark(&self, shared: &SharedEpochs) -> Result<SignOutMark, VaultError> {
        Ok(SignOutMark(Moment::Stored(shared.numbers.last().await?)))
    }

    /// Whether `user` was signed out after `mark`, or may have been.
    pub(super) async fn is_signed_out_since(
        &self,
        shared: &SharedEpochs,
        mark: SignOutMark,
        user: &UserKey,
    ) -> Result<bool, VaultError> {
        // A moment of a process says nothing of the sign-outs of other replicas.
        let Moment::Stored(mark) = mark.0 else { return Ok(true) };
        let cell = self.get_cell(user);
        self.load_shared(shared, &cell).await?;
        let Some(record) = self.read(&cell).await? else { return Ok(false) };
        let EpochRecord { epoch, sign_out } = record.content;
        if sign_out == Some(UNNUMBERED) {
            self.number(shared, WrittenEpoch { epoch, record: record.stored }).await;
        }
        // An epoch without a number was raised while the store was exclusive, before any mark.
        Ok(sign_out.is_some_and(|number| number > mark))
    }

    /// Notes that another replica has told of the epoch under `key`.
    pub(in crate::vault) fn note_told(&self, key: RecordKey, epoch: Epoch) {
        if let Some(cell) = self.registry.find(&key) {
            cell.note_stored(epoch);
        }
    }

    async fn read(&self, cell: &UserEpoch) -> Result<Option<OpenedRecord<EpochRecord>>, VaultError> {
        Ok(self.records.get(*cell.key()).await?)
    }
}
