use std::collections::HashSet;
use std::hash::BuildHasher;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use dashmap::DashMap;

use super::BROWSER_CARD_LIFETIME;
use crate::domain::{Account, QuickHashing, RecordKey, Timestamp};

/// Marks that are remembered at the same time; each takes some 40 bytes.
const MAX_KNOWN_CARDS: usize = 400_000;
/// Time between two removals of expired marks.
const SWEEP_INTERVAL: Duration = Duration::from_mins(1);

/// The cards, and the accounts with client failures, for which the store may hold a record. A card that is certainly absent needs no disk read: most exchange
/// ids belong to no pending sign-in, and the hot path reads no disk (docs/architecture.md §Speed).
///
/// A card is certainly absent only if this process alone writes to the store and did not write it, and every record
/// that an earlier process may have written has expired or is listed in `inherited`.
pub(super) struct KnownCards {
    /// Expiry of each written record, by a short hash: the record's name would cost a MAC. Two hashes that collide cost
    /// one needless disk read, so a quick hash suffices.
    marks: DashMap<u64, Timestamp, QuickHashing>,
    /// At least the number of marks: a mark is counted before it is inserted, until after it is removed. Mostly there are none, and
    /// then nothing need be hashed for a look-up.
    mark_count: AtomicUsize,
    hasher: QuickHashing,
    /// Until this time (Unix milliseconds) the store may hold records of an earlier process: those listed in
    /// `inherited` if that is set, any otherwise.
    inherited_until: i64,
    inherited: OnceLock<HashSet<RecordKey>>,
    /// Until this time (Unix milliseconds) the store may hold records whose marks were dropped, because there were more
    /// than [`MAX_KNOWN_CARDS`].
    unknown_until: AtomicI64,
    next_sweep_at: AtomicI64,
}

/// The short hash of a card id, of an account, or of an account's client failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark(u64);

impl KnownCards {
    /// Starts without marks. If the process is not alone, other processes write to the store and no record is certainly
    /// absent.
    pub(super) fn new(is_alone: bool, now: Timestamp) -> Self {
        Self {
            marks: DashMap::default(),
            mark_count: AtomicUsize::new(0),
            hasher: QuickHashing::default(),
            inherited_until: if is_alone { now.plus(BROWSER_CARD_LIFETIME).unix_millis() } else { i64::MAX },
            inherited: OnceLock::new(),
            unknown_until: AtomicI64::new(i64::MIN),
            next_sweep_at: AtomicI64::new(now.plus(SWEEP_INTERVAL).unix_millis()),
        }
    }

    pub(super) fn mark_card(&self, card_id: &str) -> Mark {
        Mark(self.hasher.hash_one(card_id))
    }

    pub(super) fn mark_account(&self, account: &Account) -> Mark {
        Mark(self.hasher.hash_one(account))
    }

    /// The mark of the record of an account's client failures.
    pub(super) fn mark_client_failures(&self, account: &Account) -> Mark {
        Mark(self.hasher.hash_one(("client failures", account)))
    }

    /// Sets the complete list of the records that an earlier process left. Only valid for a store that
    /// this process alone writes to.
    pub(super) fn set_inherited(&self, keys: HashSet<RecordKey>) {
        self.inherited.get_or_init(|| keys);
    }

    /// Records that the store may hold a record for each of `marks` until `expires_at`.
    pub(super) fn add<const MARKS: usize>(&self, marks: [Mark; MARKS], expires_at: Timestamp, now: Timestamp) {
        // Where other processes write, every lookup reads the store.
        if self.inherited_until == i64::MAX {
            return;
        }
        self.sweep(now);
        for Mark(mark) in marks {
            self.mark_count.fetch_add(1, Ordering::SeqCst);
            if self.marks.insert(mark, expires_at).is_some() {
                self.mark_count.fetch_sub(1, Ordering::SeqCst);
            }
        }
    }

    /// Whether the store may hold a record for the mark that `mark` computes. `key` computes the record's name, which costs a
    /// MAC; it is called only if the inherited records must be searched. Nor is the clock read before it decides.
    pub(super) fn may_be_stored(
        &self,
        mark: impl FnOnce() -> Mark,
        key: impl FnOnce() -> RecordKey,
        now: impl Fn() -> Timestamp,
    ) -> bool {
        let is_marked = |Mark(mark)| self.marks.get(&mark).is_some_and(|expires_at| now() < *expires_at);
        if self.mark_count.load(Ordering::SeqCst) > 0 && is_marked(mark()) {
            return true;
        }
        let unknown_until = self.unknown_until.load(Ordering::Acquire);
        if unknown_until != i64::MIN && now().unix_millis() < unknown_until {
            return true;
        }
        let inherited = self.inherited.get();
        inherited.is_none_or(|inherited| !inherited.is_empty())
            && now().unix_millis() < self.inherited_until
            && inherited.is_none_or(|inherited| inherited.contains(&key()))
    }

    fn sweep(&self, now: Timestamp) {
        let due = self.next_sweep_at.load(Ordering::Relaxed);
        let next = now.plus(SWEEP_INTERVAL).unix_millis();
        let is_due = now.unix_millis() >= due || self.marks.len() >= MAX_KNOWN_CARDS;
        if is_due && self.next_sweep_at.compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            self.keep_marks(|expires_at| now < expires_at);
        }
        if self.marks.len() >= MAX_KNOWN_CARDS {
            // All marks are dropped. Until every dropped record has expired, each lookup reads the disk again.
            self.unknown_until.fetch_max(now.plus(BROWSER_CARD_LIFETIME).unix_millis(), Ordering::AcqRel);
            self.keep_marks(|_| false);
        }
    }

    fn keep_marks(&self, is_kept: impl Fn(Timestamp) -> bool) {
        let mut removed = 0;
        self.marks.retain(|_, expires_at| {
            let keeps = is_kept(*expires_at);
            removed += usize::from(!keeps);
            keeps
        });
        self.mark_count.fetch_sub(removed, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    const ONE: RecordKey = RecordKey([1; 32]);
    const OTHER: RecordKey = RecordKey([2; 32]);

    /// The known cards of a process that alone writes to its store.
    fn known() -> KnownCards {
        KnownCards::new(true, at(0))
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_seconds(seconds)
    }

    #[test]
    fn an_unknown_card_is_absent_only_after_all_records_of_an_earlier_process_have_expired() {
        let known = known();
        assert!(known.may_be_stored(|| Mark(1), || ONE, || at(1799)));
        assert!(!known.may_be_stored(|| Mark(1), || ONE, || at(1800)));
        known.add([Mark(1), Mark(2)], at(2900), at(2000));
        assert!(
            known.may_be_stored(|| Mark(1), || ONE, || at(2899))
                && known.may_be_stored(|| Mark(2), || OTHER, || at(2899))
        );
        assert!(
            !known.may_be_stored(|| Mark(1), || ONE, || at(2900))
                && !known.may_be_stored(|| Mark(3), || ONE, || at(2000))
        );
    }

    #[test]
    fn a_card_is_known_all_the_time_while_expired_ones_are_removed() {
        let known = known();
        for number in 0..20_000 {
            known.add([Mark(number)], at(1_000_000), at(2000));
        }
        std::thread::scope(|scope| {
            let sweeping = scope.spawn(|| {
                for minute in 1..200 {
                    known.add([Mark(u64::MAX)], at(2000), at(2000 + 61 * minute));
                }
            });
            while !sweeping.is_finished() {
                assert!(known.may_be_stored(|| Mark(7), || ONE, || at(2000)));
            }
        });
        known.keep_marks(|_| false);
        assert_eq!((known.marks.len(), known.mark_count.load(Ordering::SeqCst)), (0, 0));
    }

    #[test]
    fn known_cards_trust_the_list_of_inherited_records() {
        let known = known();
        known.set_inherited([ONE].into());
        assert!(
            known.may_be_stored(|| Mark(1), || ONE, || at(1)) && !known.may_be_stored(|| Mark(2), || OTHER, || at(1))
        );
        assert!(!known.may_be_stored(|| Mark(1), || ONE, || at(1800)), "the inherited record has expired");
    }

    #[test]
    fn known_cards_compute_no_record_name_when_no_record_was_inherited() {
        let known = known();
        known.set_inherited([].into());
        assert!(!known.may_be_stored(|| Mark(1), || panic!("a name costs a MAC"), || at(1)));
    }

    #[test]
    fn no_card_is_certainly_absent_in_a_store_with_several_writers() {
        assert!(KnownCards::new(false, at(0)).may_be_stored(|| Mark(1), || ONE, || at(1_000_000)));
    }

    #[test]
    fn known_cards_remove_expired_marks_and_read_the_disk_after_too_many() {
        let known = known();
        known.set_inherited([].into());
        known.add([Mark(0), Mark(1)], at(1900), at(1000));
        known.add([Mark(2), Mark(3)], at(3000), at(2000));
        assert_eq!(known.marks.len(), 2);
        for number in 0..250_000 {
            known.add([Mark(2 * number), Mark(2 * number + 1)], at(3000), at(2001));
        }
        assert!(known.marks.len() <= MAX_KNOWN_CARDS);
        assert!(
            known.may_be_stored(|| Mark(7), || ONE, || at(2002))
                && known.may_be_stored(|| Mark(u64::MAX), || ONE, || at(2002))
        );
    }
}
