use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use dashmap::DashMap;

use super::LIFE;
use crate::domain::Timestamp;
use crate::store::RecordKey;

/// Most keys remembered; at some 60 bytes each.
const MOST: usize = 400_000;
/// How often those that are over are forgotten.
const SWEEP: Duration = Duration::from_mins(1);

/// What this process has written and is not over yet, so that it need not ask the disk for what it never wrote: most
/// exchange ids belong to no pending sign-in, and the hot path reads no disk (DESIGN §6).
///
/// Says "not there" only when that is certain: in a store that is this process's alone, once everything an earlier
/// process may have written is over.
pub(super) struct KnownCards {
    keys: DashMap<RecordKey, Timestamp>,
    /// Before this (milliseconds) a key that is not known may exist all the same.
    complete_from: AtomicI64,
    sweep_at: AtomicI64,
}

impl KnownCards {
    /// Nothing is known yet. `exclusive`: nobody else writes to the store.
    pub(super) fn new(exclusive: bool, now: Timestamp) -> Self {
        let complete_from = if exclusive { now.plus(LIFE).unix_millis() } else { i64::MAX };
        let sweep_at = AtomicI64::new(now.plus(SWEEP).unix_millis());
        Self { keys: DashMap::new(), complete_from: AtomicI64::new(complete_from), sweep_at }
    }

    /// Notes that a record may be under each of `keys` until `over`.
    pub(super) fn note(&self, keys: [RecordKey; 2], over: Timestamp, now: Timestamp) {
        self.sweep(now);
        for key in keys {
            self.keys.insert(key, over);
        }
    }

    /// Whether a record may be under `key`.
    pub(super) fn may_hold(&self, key: RecordKey, now: Timestamp) -> bool {
        now.unix_millis() < self.complete_from.load(Ordering::Acquire)
            || self.keys.get(&key).is_some_and(|over| now < *over)
    }

    fn sweep(&self, now: Timestamp) {
        let due = self.sweep_at.load(Ordering::Relaxed);
        let next = now.plus(SWEEP).unix_millis();
        let is_due = now.unix_millis() >= due || self.keys.len() >= MOST;
        if is_due && self.sweep_at.compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            self.keys.retain(|_, over| now < *over);
        }
        if self.keys.len() >= MOST {
            // Too many to remember: for one life everything is asked of the disk again.
            let complete_from = now.plus(LIFE).unix_millis();
            self.complete_from.fetch_max(complete_from, Ordering::AcqRel);
            self.keys.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_seconds(seconds)
    }

    #[test]
    fn an_unknown_key_is_certainly_absent_only_once_an_earlier_process_records_are_over() {
        let (key, index, other) = (RecordKey([1; 32]), RecordKey([2; 32]), RecordKey([3; 32]));
        let known = KnownCards::new(true, at(0));
        assert!(known.may_hold(key, at(899)));
        assert!(!known.may_hold(key, at(900)));
        known.note([key, index], at(1900), at(1000));
        assert!(known.may_hold(key, at(1899)) && known.may_hold(index, at(1899)));
        assert!(!known.may_hold(key, at(1900)) && !known.may_hold(other, at(1000)));
    }

    #[test]
    fn in_a_shared_store_nothing_is_certainly_absent() {
        assert!(KnownCards::new(false, at(0)).may_hold(RecordKey([1; 32]), at(1_000_000)));
    }

    #[test]
    fn what_is_over_is_forgotten_and_too_much_is_asked_of_the_disk() {
        let known = KnownCards::new(true, at(0));
        let key = |number: u32| {
            let mut bytes = [0; 32];
            bytes[..4].copy_from_slice(&number.to_be_bytes());
            RecordKey(bytes)
        };
        known.note([key(0), key(1)], at(1900), at(1000));
        known.note([key(2), key(3)], at(3000), at(2000));
        assert_eq!(known.keys.len(), 2);
        for number in 0..250_000 {
            known.note([key(2 * number), key(2 * number + 1)], at(3000), at(2001));
        }
        assert!(known.keys.len() <= MOST);
        assert!(known.may_hold(key(7), at(2002)) && known.may_hold(RecordKey([9; 32]), at(2002)));
    }
}
