use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Mutex;
use zeroize::Zeroizing;

use crate::domain::RecordKey;
use crate::records::{Content, Kind, Plaintext, catalogue};
use crate::single_flight::Registered;

/// Stands for an epoch that has not been read from the store yet. No user is signed out so often.
const NOT_LOADED: u64 = u64::MAX;
/// Stands for an epoch that was raised and whose number is not known yet. Over an exclusive store it is the stored epoch
/// plus one; over a shared store it has yet to be written, and no epoch is current until then.
const RAISED: u64 = u64::MAX - 1;

/// The number of times that a user was signed out everywhere. A token is valid only in the epoch in which it was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Epoch(u64);

impl Epoch {
    /// The epoch of a user who was never signed out everywhere.
    pub(in crate::vault) const FIRST: Self = Self(0);

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

    pub(super) const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// What the store holds of a user's epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EpochRecord {
    pub(super) epoch: Epoch,
    /// The number of the sign-out that has raised the epoch, among those of all replicas
    /// ([`SignOutNumbers`](super::sign_out_numbers::SignOutNumbers)). An exclusive store has none.
    pub(super) sign_out: Option<u64>,
}

impl Content for EpochRecord {
    const KIND: &'static Kind = &catalogue::EPOCH;

    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(16));
        bytes.extend(self.epoch.to_bytes());
        bytes.extend(self.sign_out.into_iter().flat_map(u64::to_be_bytes));
        Some(bytes)
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        let (epoch, rest) = plain.split_first_chunk()?;
        let sign_out = match rest.bytes() {
            [] => None,
            number => Some(u64::from_be_bytes(number.try_into().ok()?)),
        };
        Some(Self { epoch: Epoch::from_bytes(*epoch), sign_out })
    }
}

/// The epoch of one user in memory, by the key of its record. There is at most one cell per user, which all its holders
/// share.
pub(in crate::vault) type UserEpoch = Registered<RecordKey, EpochCell>;

/// The content of a [`UserEpoch`].
pub(in crate::vault) struct EpochCell {
    /// Over an exclusive store it changes once from `NOT_LOADED`, possibly by way of `RAISED`, to the stored value or its
    /// successor, and afterwards only increases. Over a shared store it is the latest value that this process has read or
    /// was told.
    value: AtomicU64,
    /// The least value that a raise over a shared store can result in, as far as this process knows.
    floor: AtomicU64,
    /// Serializes the writes for this user, so that no token is kept while the epoch is raised. The guarded value says
    /// whether the store may hold an older epoch than memory, because a write of a raised epoch failed.
    pub(in crate::vault) write_lock: Mutex<StoreIsBehind>,
}

pub(in crate::vault) struct StoreIsBehind(pub(super) bool);

impl EpochCell {
    /// A cell that has not been read yet.
    pub(super) fn new() -> Self {
        let (value, floor) = (AtomicU64::new(NOT_LOADED), AtomicU64::new(0));
        Self { value, floor, write_lock: Mutex::new(StoreIsBehind(false)) }
    }

    /// Whether `epoch` is the user's current epoch. Reads memory only.
    pub(in crate::vault) fn is_current(&self, epoch: Epoch) -> bool {
        self.value.load(Ordering::SeqCst) == epoch.0
    }

    /// The current epoch, if it has been read.
    pub(super) fn known(&self) -> Option<Epoch> {
        let value = self.value.load(Ordering::SeqCst);
        (value < RAISED).then_some(Epoch(value))
    }

    /// Changes the value to what `next` makes of it, and returns the old one.
    fn update(&self, next: impl Fn(u64) -> u64) -> u64 {
        let updated = self.value.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |value| Some(next(value)));
        // The update cannot fail, because there is always a next value.
        updated.unwrap_or_else(|value| value)
    }
}

/// Over an exclusive store.
impl EpochCell {
    /// Sets the value that was read from the store, and returns the current epoch. A value that another task has set
    /// is newer.
    pub(super) fn set_loaded(&self, stored: Epoch) -> Epoch {
        let loaded = |value| match value {
            NOT_LOADED => stored.0,
            RAISED => stored.next().0,
            known => known,
        };
        Epoch(loaded(self.update(loaded)))
    }

    /// From here on, no earlier epoch is current. Needs no store.
    pub(super) fn raise(&self) {
        self.update(|value| if value < RAISED { value.saturating_add(1) } else { RAISED });
    }
}

/// Over a shared store.
impl EpochCell {
    /// Notes that the store holds the epoch `stored`, or a later one. Returns the latest epoch that this process knows;
    /// `None` while a raise has yet to be written.
    pub(super) fn note_stored(&self, stored: Epoch) -> Option<Epoch> {
        let noted = |value| match value {
            NOT_LOADED => stored.0,
            RAISED => RAISED,
            known => known.max(stored.0),
        };
        let value = noted(self.update(noted));
        (value < RAISED).then_some(Epoch(value))
    }

    /// From here on, no epoch is current until [`EpochCell::end_raise`].
    pub(super) fn begin_raise(&self) {
        let known = self.update(|_| RAISED);
        if known < RAISED {
            self.floor.fetch_max(known.saturating_add(1), Ordering::SeqCst);
        }
    }

    /// The epoch that follows `stored` and every epoch that this process has known.
    pub(super) fn successor_of(&self, stored: Epoch) -> Epoch {
        stored.next().max(Epoch(self.floor.load(Ordering::SeqCst)))
    }

    /// Notes that the store holds the `raised` epoch, so that a raise that was begun has its number.
    pub(super) fn end_raise(&self, raised: Epoch) {
        self.update(|value| if value < RAISED { value.max(raised.0) } else { raised.0 });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_that_is_raised_before_it_is_read_is_the_successor_of_the_stored_one() {
        let cell = EpochCell::new();
        cell.raise();
        assert_eq!(cell.known(), None);
        assert_eq!(cell.set_loaded(Epoch(7)), Epoch(8));
        assert_eq!(cell.set_loaded(Epoch(7)), Epoch(8), "a second read that began earlier");
        cell.raise();
        assert_eq!(cell.known(), Some(Epoch(9)));
    }

    #[test]
    fn over_a_shared_store_a_cell_knows_the_latest_epoch_and_none_while_it_is_raised() {
        let cell = EpochCell::new();
        assert_eq!(cell.note_stored(Epoch(7)), Some(Epoch(7)));
        assert_eq!(cell.note_stored(Epoch(5)), Some(Epoch(7)));
        cell.begin_raise();
        assert!(!cell.is_current(Epoch(7)));
        assert_eq!(cell.note_stored(Epoch(7)), None);
        assert_eq!(cell.successor_of(Epoch(7)), Epoch(8));
        assert_eq!(cell.successor_of(Epoch(2)), Epoch(8), "the store has lost a sign-out");
        assert_eq!(cell.successor_of(Epoch(9)), Epoch(10));
        cell.end_raise(Epoch(10));
        assert!(cell.is_current(Epoch(10)));
        cell.end_raise(Epoch(8));
        assert!(cell.is_current(Epoch(10)));
    }
}
