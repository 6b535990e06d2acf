use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Mutex;
use zeroize::Zeroizing;

use crate::domain::{RecordKey, UserKey};
use crate::records::{Content, Kind, Plaintext, catalogue};
use crate::single_flight::Registered;

/// Stands for an epoch that has not been read from the store yet. No user is signed out so often.
const NOT_LOADED: u64 = u64::MAX;
/// Stands for an epoch that was raised before it could be read: the stored epoch plus one.
const RAISED_BEFORE_LOAD: u64 = u64::MAX - 1;

/// The number of times that a user was signed out everywhere. A token is valid only in the epoch in which it was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epoch(u64);

impl Epoch {
    /// The epoch of a user who was never signed out everywhere.
    pub(super) const FIRST: Self = Self(0);

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

/// The epoch of one user in memory. There is at most one cell per user, which all its holders share.
pub(super) type UserEpoch = Registered<UserKey, EpochCell>;

/// The content of a [`UserEpoch`].
pub(super) struct EpochCell {
    pub(super) key: RecordKey,
    /// Changes once from `NOT_LOADED`, possibly by way of `RAISED_BEFORE_LOAD`, to the stored value or its successor,
    /// and afterwards only increases.
    value: AtomicU64,
    /// Serializes the writes for this user, so that no token is kept while the epoch is raised. The guarded value says
    /// whether the store may hold an older epoch than memory, because a write of a raised epoch failed.
    pub(super) write_lock: Mutex<StoreIsBehind>,
}

pub(super) struct StoreIsBehind(pub(super) bool);

impl EpochCell {
    /// A cell of the record under `key`, which has not been read yet.
    pub(super) fn new(key: RecordKey) -> Self {
        Self { key, value: AtomicU64::new(NOT_LOADED), write_lock: Mutex::new(StoreIsBehind(false)) }
    }

    /// Whether `epoch` is the user's current epoch. Reads memory only.
    pub(super) fn is_current(&self, epoch: Epoch) -> bool {
        self.value.load(Ordering::SeqCst) == epoch.0
    }

    /// The current epoch, if it has been read.
    pub(super) fn known(&self) -> Option<Epoch> {
        let value = self.value.load(Ordering::SeqCst);
        (value < RAISED_BEFORE_LOAD).then_some(Epoch(value))
    }

    /// Sets the value that was read from the store, and returns the current epoch. A value that another task has set
    /// is newer.
    pub(super) fn set_loaded(&self, stored: Epoch) -> Epoch {
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
    pub(super) fn raise(&self) {
        let next = |value| match value {
            NOT_LOADED | RAISED_BEFORE_LOAD => Some(RAISED_BEFORE_LOAD),
            known => Some(known.saturating_add(1)),
        };
        // The update cannot fail, because `next` always returns a value.
        let _ = self.value.fetch_update(Ordering::SeqCst, Ordering::SeqCst, next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_that_is_raised_before_it_is_read_is_the_successor_of_the_stored_one() {
        let cell = EpochCell::new(RecordKey([1; 32]));
        cell.raise();
        assert_eq!(cell.known(), None);
        assert_eq!(cell.set_loaded(Epoch(7)), Epoch(8));
        assert_eq!(cell.set_loaded(Epoch(7)), Epoch(8), "a second read that began earlier");
        cell.raise();
        assert_eq!(cell.known(), Some(Epoch(9)));
    }
}
