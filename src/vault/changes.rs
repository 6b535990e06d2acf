use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::sleep;

use super::VaultError;
use super::epochs::Epoch;
use crate::domain::RecordKey;
use crate::records::{Records, Replicas};

/// The first bytes of every note of this room.
const NOTE_PREFIX: &[u8] = b"vault1";
/// The pause before a change that the store did not take is told again.
const RETRY_PAUSE: Duration = Duration::from_secs(1);
/// How often a change is told again. A replica that was cut off for as long has emptied its copies since.
const MAX_RETRIES: usize = 600;
/// The changes that are told again at the same time.
const MAX_UNTOLD: usize = 1_024;

/// What a replica tells the others of a record under a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// The epoch of a user is this one, or a later one.
    Epoch(Epoch),
    /// The token of a slot was replaced or removed.
    Slot,
    /// A pin was removed.
    Pin,
}

/// Tells the other replicas what this one has changed in a shared store, so that they use no outdated copy.
pub(super) struct Changes {
    replicas: Arc<Replicas>,
    /// Stands for this vault in its notes. Its own memory is up to date already.
    origin: [u8; 16],
    retries: Arc<Semaphore>,
}

impl Changes {
    /// `None` if the store is exclusive: there is no other replica.
    pub(super) fn new(records: &Records) -> Option<Arc<Self>> {
        let replicas = Arc::clone(records.replicas()?);
        let retries = Arc::new(Semaphore::new(MAX_UNTOLD));
        Some(Arc::new(Self { replicas, origin: records.draw_id(), retries }))
    }

    /// Whether copies of records in memory may be used.
    pub(super) fn may_use_copies(&self) -> bool {
        self.replicas.may_use_copies()
    }

    /// Tells that the record `key` has changed.
    ///
    /// # Errors
    /// [`VaultError`] if the store does not take the message.
    pub(super) async fn tell(&self, key: RecordKey, change: Change) -> Result<(), VaultError> {
        Ok(self.replicas.tell(key, &self.write(change)).await?)
    }

    /// As [`Changes::tell`]. If the store does not take the message, it is also tried again in the background.
    ///
    /// # Errors
    /// As [`Changes::tell`].
    pub(super) async fn tell_surely(self: &Arc<Self>, key: RecordKey, change: Change) -> Result<(), VaultError> {
        let told = self.tell(key, change).await;
        if told.is_err() {
            self.tell_later(key, change);
        }
        told
    }

    /// As [`Changes::tell`], in the background, until the store takes the message.
    pub(super) fn tell_later(self: &Arc<Self>, key: RecordKey, change: Change) {
        if let Ok(permit) = Arc::clone(&self.retries).try_acquire_owned() {
            let changes = Arc::downgrade(self);
            tokio::spawn(async move {
                Self::tell_again(changes, key, change).await;
                drop(permit);
            });
        }
    }

    /// The change that `note` tells; `None` if this vault has told it, or if it is no note of this room.
    pub(super) fn read(&self, note: &[u8]) -> Option<Change> {
        let (origin, change) = note.strip_prefix(NOTE_PREFIX)?.split_first_chunk()?;
        if *origin == self.origin {
            return None;
        }
        match change.split_first()? {
            (b'e', epoch) => Some(Change::Epoch(Epoch::from_bytes(epoch.try_into().ok()?))),
            (b's', _) => Some(Change::Slot),
            (b'p', _) => Some(Change::Pin),
            _ => None,
        }
    }

    fn write(&self, change: Change) -> Vec<u8> {
        let start = [NOTE_PREFIX, &self.origin];
        match change {
            Change::Epoch(epoch) => [start.concat().as_slice(), b"e", &epoch.to_bytes()].concat(),
            Change::Slot => [start.concat().as_slice(), b"s"].concat(),
            Change::Pin => [start.concat().as_slice(), b"p"].concat(),
        }
    }

    async fn tell_again(changes: Weak<Self>, key: RecordKey, change: Change) {
        for _ in 0..MAX_RETRIES {
            sleep(RETRY_PAUSE).await;
            // A strong reference would keep the store open after the process has drained.
            let Some(changes) = changes.upgrade() else { return };
            if changes.tell(key, change).await.is_ok() {
                return;
            }
        }
        tracing::warn!(
            "other replicas were not told of a change: a copy of the record serves until they are cut off, too"
        );
    }
}
