use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use dashmap::DashMap;

use super::HELD_FOR;
use crate::domain::{Account, RecordKey, Timestamp};
use crate::records::SingleWriter;

/// Most marks remembered; at some 40 bytes each.
const MOST: usize = 400_000;
/// How often marks that have ended are forgotten.
const SWEEP: Duration = Duration::from_mins(1);

/// What this process has written and is not over yet, so that it need not ask the disk for what it never wrote: most
/// exchange ids belong to no pending sign-in, and the hot path reads no disk (DESIGN §6).
///
/// Says "not there" only when that is certain: in a store that is this process's alone, once everything an earlier
/// process may have written has ended or is listed.
pub(super) struct KnownCards {
    /// Short hashes instead of the records' names, which cost a MAC each. Two that collide cost a look at the disk.
    marks: DashMap<u64, Timestamp>,
    hasher: RandomState,
    /// Before this (milliseconds) there may be records of an earlier process: those in `inherited`, once that is known.
    inherited_until: i64,
    inherited: OnceLock<HashSet<RecordKey>>,
    /// Before this (milliseconds) there may be records whose marks were too many to remember.
    forgotten_until: AtomicI64,
    sweep_at: AtomicI64,
}

/// What a card or an account is recognised by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark(u64);

impl KnownCards {
    /// Nothing is known yet. Without a `writer` other processes write to the store, and nothing is certainly absent.
    pub(super) fn new(writer: Option<SingleWriter>, now: Timestamp) -> Self {
        Self {
            marks: DashMap::new(),
            hasher: RandomState::new(),
            inherited_until: writer.map_or(i64::MAX, |_| now.plus(HELD_FOR).unix_millis()),
            inherited: OnceLock::new(),
            forgotten_until: AtomicI64::new(i64::MIN),
            sweep_at: AtomicI64::new(now.plus(SWEEP).unix_millis()),
        }
    }

    /// The mark of a card.
    pub(super) fn card(&self, card_id: &str) -> Mark {
        Mark(self.hasher.hash_one(card_id))
    }

    /// The mark of an account.
    pub(super) fn account(&self, account: &Account) -> Mark {
        Mark(self.hasher.hash_one(account))
    }

    /// Tells which records an earlier process has left, all of them. Only for a store that is this process's alone.
    pub(super) fn inherit(&self, keys: HashSet<RecordKey>) {
        self.inherited.get_or_init(|| keys);
    }

    /// Notes that there may be a record for each of `marks` until `over`.
    pub(super) fn note(&self, marks: [Mark; 2], over: Timestamp, now: Timestamp) {
        self.sweep(now);
        for Mark(mark) in marks {
            self.marks.insert(mark, over);
        }
    }

    /// Whether there may be a record for `mark`; `key` is its name, asked for only if needed.
    pub(super) fn may_hold(&self, Mark(mark): Mark, key: impl FnOnce() -> RecordKey, now: Timestamp) -> bool {
        if self.marks.get(&mark).is_some_and(|over| now < *over) {
            return true;
        }
        let millis = now.unix_millis();
        if millis < self.forgotten_until.load(Ordering::Acquire) {
            return true;
        }
        millis < self.inherited_until
            && self.inherited.get().is_none_or(|inherited| !inherited.is_empty() && inherited.contains(&key()))
    }

    fn sweep(&self, now: Timestamp) {
        let due = self.sweep_at.load(Ordering::Relaxed);
        let next = now.plus(SWEEP).unix_millis();
        let is_due = now.unix_millis() >= due || self.marks.len() >= MOST;
        if is_due && self.sweep_at.compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            self.marks.retain(|_, over| now < *over);
        }
        if self.marks.len() >= MOST {
            // Too many to remember: for one life everything is asked of the disk again.
            self.forgotten_until.fetch_max(now.plus(HELD_FOR).unix_millis(), Ordering::AcqRel);
            self.marks.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;
    use crate::records::testing::throwaway_records;

    const ONE: RecordKey = RecordKey([1; 32]);
    const OTHER: RecordKey = RecordKey([2; 32]);

    /// What is known where this process alone writes.
    fn known() -> KnownCards {
        KnownCards::new(throwaway_records().records.single_writer(), at(0))
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_seconds(seconds)
    }

    #[test]
    fn an_unknown_card_is_certainly_absent_only_once_an_earlier_process_records_are_over() {
        let known = known();
        assert!(known.may_hold(Mark(1), || ONE, at(1799)));
        assert!(!known.may_hold(Mark(1), || ONE, at(1800)));
        known.note([Mark(1), Mark(2)], at(2900), at(2000));
        assert!(known.may_hold(Mark(1), || ONE, at(2899)) && known.may_hold(Mark(2), || OTHER, at(2899)));
        assert!(!known.may_hold(Mark(1), || ONE, at(2900)) && !known.may_hold(Mark(3), || ONE, at(2000)));
    }

    #[test]
    fn of_an_earlier_process_records_only_those_listed_may_be_there() {
        let known = known();
        known.inherit([ONE].into());
        assert!(known.may_hold(Mark(1), || ONE, at(1)) && !known.may_hold(Mark(2), || OTHER, at(1)));
        assert!(!known.may_hold(Mark(1), || ONE, at(1800)), "it is over");
    }

    #[test]
    fn nobody_is_asked_for_a_name_where_nothing_was_left() {
        let known = known();
        known.inherit([].into());
        assert!(!known.may_hold(Mark(1), || panic!("a name costs a MAC"), at(1)));
    }

    #[test]
    fn in_a_shared_store_nothing_is_certainly_absent() {
        assert!(KnownCards::new(None, at(0)).may_hold(Mark(1), || ONE, at(1_000_000)));
    }

    #[test]
    fn what_is_over_is_forgotten_and_too_much_is_asked_of_the_disk() {
        let known = known();
        known.inherit([].into());
        known.note([Mark(0), Mark(1)], at(1900), at(1000));
        known.note([Mark(2), Mark(3)], at(3000), at(2000));
        assert_eq!(known.marks.len(), 2);
        for number in 0..250_000 {
            known.note([Mark(2 * number), Mark(2 * number + 1)], at(3000), at(2001));
        }
        assert!(known.marks.len() <= MOST);
        assert!(known.may_hold(Mark(7), || ONE, at(2002)) && known.may_hold(Mark(u64::MAX), || ONE, at(2002)));
    }
}
