//! What every back end must do, as one suite: `conformance_suite!(open)` makes a test of each case, where `open()`
//! returns an empty store and the clock that it reads.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::{PutIfAbsent, Record, RecordKey, Store};
use crate::domain::{Clock, OffsetClock};

/// An empty store and the clock that it reads.
pub(crate) struct Bench {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<OffsetClock>,
    /// Whatever must live as long as the store (a folder, a server).
    pub(crate) _alive: Box<dyn std::any::Any + Send>,
}

macro_rules! conformance_suite {
    ($open:expr) => {
        $crate::store::conformance::conformance_suite!(@each $open,
            absent_records_are_absent, a_record_is_what_was_put, a_later_put_replaces, large_and_empty_values_survive,
            expired_records_are_invisible, a_record_born_expired_is_absent, take_gives_to_one_caller_only,
            put_if_absent_has_one_winner, compare_and_put_has_one_winner, compare_and_put_compares,
            an_index_lists_its_live_records, what_ends_soon_is_listed_in_order, replacing_moves_between_indexes, remove_removes_and_forgives,
            many_writers_lose_nothing);
    };
    (@each $open:expr, $($case:ident),+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                $crate::store::conformance::$case($open()).await;
            }
        )+
    };
}
pub(crate) use conformance_suite;

const MINUTE: Duration = Duration::from_mins(1);

fn key(number: u8) -> RecordKey {
    RecordKey([number; 32])
}

impl Bench {
    fn record(&self, value: &'static [u8]) -> Record {
        Record { value: Bytes::from_static(value), expires_at: self.clock.now().plus(MINUTE), index: None }
    }

    fn listed(&self, value: &'static [u8], index: u8) -> Record {
        Record { index: Some(key(index)), ..self.record(value) }
    }

    async fn get(&self, number: u8) -> Option<Bytes> {
        self.store.get(key(number)).await.unwrap()
    }

    async fn members(&self, index: u8) -> Vec<(RecordKey, Bytes)> {
        let mut members = self.store.members(key(index)).await.unwrap();
        members.sort();
        members
    }
}

fn bytes(value: &'static [u8]) -> Bytes {
    Bytes::from_static(value)
}

pub(crate) async fn absent_records_are_absent(bench: Bench) {
    assert_eq!(bench.get(1).await, None);
    assert_eq!(bench.store.take(key(1)).await.unwrap(), None);
    assert!(bench.members(1).await.is_empty());
}

pub(crate) async fn a_record_is_what_was_put(bench: Bench) {
    bench.store.put(key(1), bench.record(b"one")).await.unwrap();
    bench.store.put(key(2), bench.record(b"two")).await.unwrap();
    assert_eq!(bench.get(1).await, Some(bytes(b"one")));
    assert_eq!(bench.get(2).await, Some(bytes(b"two")));
}

pub(crate) async fn a_later_put_replaces(bench: Bench) {
    bench.store.put(key(1), bench.record(b"old")).await.unwrap();
    let longer = Record { expires_at: bench.clock.now().plus(3 * MINUTE), ..bench.record(b"new") };
    bench.store.put(key(1), longer).await.unwrap();
    bench.clock.advance(2 * MINUTE);
    assert_eq!(bench.get(1).await, Some(bytes(b"new")), "value and end are the later ones");
}

pub(crate) async fn large_and_empty_values_survive(bench: Bench) {
    let large: Bytes = (0..64 * 1024).map(|at| u8::try_from(at % 256).unwrap()).collect();
    bench.store.put(key(1), Record { value: large.clone(), ..bench.record(b"") }).await.unwrap();
    bench.store.put(key(2), bench.record(b"")).await.unwrap();
    assert_eq!(bench.get(1).await, Some(large));
    assert_eq!(bench.get(2).await, Some(bytes(b"")));
}

pub(crate) async fn expired_records_are_invisible(bench: Bench) {
    for number in 1..=5 {
        bench.store.put(key(number), bench.listed(b"old", 9)).await.unwrap();
    }
    bench.clock.advance(MINUTE);
    assert_eq!(bench.get(1).await, None, "the end itself is already too late");
    assert!(bench.members(9).await.is_empty());
    assert_eq!(bench.store.take(key(1)).await.unwrap(), None);
    assert_eq!(bench.store.put_if_absent(key(2), bench.record(b"new")).await.unwrap(), PutIfAbsent::Written);
    assert!(!bench.store.compare_and_put(key(3), Some(bytes(b"old")), bench.record(b"new")).await.unwrap());
    assert!(bench.store.compare_and_put(key(4), None, bench.record(b"new")).await.unwrap());
    assert_eq!(bench.get(2).await, Some(bytes(b"new")));
    assert_eq!(bench.get(3).await, None);
    assert_eq!(bench.get(4).await, Some(bytes(b"new")));
}

pub(crate) async fn a_record_born_expired_is_absent(bench: Bench) {
    bench.store.put(key(1), bench.listed(b"live", 9)).await.unwrap();
    let gone = Record { expires_at: bench.clock.now(), ..bench.record(b"") };
    assert!(bench.store.compare_and_put(key(1), Some(bytes(b"live")), gone).await.unwrap(), "removal by comparison");
    assert_eq!(bench.get(1).await, None);
    assert!(bench.members(9).await.is_empty());
}

pub(crate) async fn take_gives_to_one_caller_only(bench: Bench) {
    bench.store.put(key(1), bench.listed(b"prize", 9)).await.unwrap();
    let callers: Vec<_> = (0..32)
        .map(|_| {
            let store = bench.store.clone();
            tokio::spawn(async move { store.take(key(1)).await.unwrap() })
        })
        .collect();
    let mut winners = 0;
    for caller in callers {
        if let Some(value) = caller.await.unwrap() {
            assert_eq!(value, bytes(b"prize"));
            winners += 1;
        }
    }
    assert_eq!(winners, 1);
    assert_eq!(bench.get(1).await, None);
    assert!(bench.members(9).await.is_empty());
}

pub(crate) async fn put_if_absent_has_one_winner(bench: Bench) {
    let callers: Vec<_> = (0..32_u8)
        .map(|number| {
            let (store, record) = (bench.store.clone(), bench.record(b""));
            let record = Record { value: Bytes::copy_from_slice(&[number]), ..record };
            tokio::spawn(async move { (number, store.put_if_absent(key(1), record).await.unwrap()) })
        })
        .collect();
    let (mut winners, mut seen) = (Vec::new(), Vec::new());
    for caller in callers {
        match caller.await.unwrap() {
            (number, PutIfAbsent::Written) => winners.push(Bytes::copy_from_slice(&[number])),
            (_, PutIfAbsent::Existing(value)) => seen.push(value),
        }
    }
    assert_eq!(winners.len(), 1);
    assert_eq!(seen.len(), 31);
    assert!(seen.iter().all(|value| *value == winners[0]), "all losers see the winner");
    assert_eq!(bench.get(1).await.as_ref(), winners.first());
}

pub(crate) async fn compare_and_put_has_one_winner(bench: Bench) {
    bench.store.put(key(1), bench.record(b"start")).await.unwrap();
    let callers: Vec<_> = (0..32_u8)
        .map(|number| {
            let (store, record) = (bench.store.clone(), bench.record(b""));
            let record = Record { value: Bytes::copy_from_slice(&[number]), ..record };
            tokio::spawn(async move { store.compare_and_put(key(1), Some(bytes(b"start")), record).await.unwrap() })
        })
        .collect();
    let mut winners = 0;
    for caller in callers {
        winners += u32::from(caller.await.unwrap());
    }
    assert_eq!(winners, 1);
}

pub(crate) async fn compare_and_put_compares(bench: Bench) {
    assert!(!bench.store.compare_and_put(key(1), Some(bytes(b"x")), bench.record(b"y")).await.unwrap());
    assert_eq!(bench.get(1).await, None);
    assert!(bench.store.compare_and_put(key(1), None, bench.record(b"one")).await.unwrap());
    assert!(!bench.store.compare_and_put(key(1), None, bench.record(b"two")).await.unwrap());
    assert!(!bench.store.compare_and_put(key(1), Some(bytes(b"on")), bench.record(b"two")).await.unwrap());
    assert!(bench.store.compare_and_put(key(1), Some(bytes(b"one")), bench.record(b"two")).await.unwrap());
    assert_eq!(bench.get(1).await, Some(bytes(b"two")));
}

pub(crate) async fn an_index_lists_its_live_records(bench: Bench) {
    bench.store.put(key(1), bench.listed(b"one", 9)).await.unwrap();
    let longer = Record { expires_at: bench.clock.now().plus(3 * MINUTE), ..bench.listed(b"two", 9) };
    bench.store.put(key(2), longer).await.unwrap();
    bench.store.put(key(3), bench.listed(b"three", 8)).await.unwrap();
    bench.store.put(key(4), bench.record(b"four")).await.unwrap();
    assert_eq!(bench.members(9).await, [(key(1), bytes(b"one")), (key(2), bytes(b"two"))]);
    bench.clock.advance(MINUTE);
    assert_eq!(bench.members(9).await, [(key(2), bytes(b"two"))]);
}

pub(crate) async fn what_ends_soon_is_listed_in_order(bench: Bench) {
    let now = bench.clock.now();
    for (number, minutes, index) in [(1, 3, Some(key(9))), (2, 2, None), (3, 9, None)] {
        let record = Record { expires_at: now.plus(minutes * MINUTE), index, ..bench.record(b"") };
        bench.store.put(key(number), record).await.unwrap();
    }
    bench.store.put(key(4), bench.record(b"over")).await.unwrap();
    bench.clock.advance(MINUTE);
    let until = now.plus(5 * MINUTE);
    let ending = bench.store.list_ending_by(until, 9).await.unwrap();
    assert_eq!(ending, [(key(2), None), (key(1), Some(key(9)))]);
    assert_eq!(bench.store.list_ending_by(until, 1).await.unwrap(), [(key(2), None)]);
}

pub(crate) async fn replacing_moves_between_indexes(bench: Bench) {
    bench.store.put(key(1), bench.listed(b"one", 9)).await.unwrap();
    bench.store.put(key(1), bench.listed(b"two", 8)).await.unwrap();
    assert!(bench.members(9).await.is_empty());
    assert_eq!(bench.members(8).await, [(key(1), bytes(b"two"))]);
    bench.store.put(key(1), bench.record(b"three")).await.unwrap();
    assert!(bench.members(8).await.is_empty());
}

pub(crate) async fn remove_removes_and_forgives(bench: Bench) {
    bench.store.put(key(1), bench.listed(b"one", 9)).await.unwrap();
    bench.store.put(key(2), bench.listed(b"two", 9)).await.unwrap();
    bench.store.remove(vec![key(1), key(7)]).await.unwrap();
    bench.store.remove(Vec::new()).await.unwrap();
    assert_eq!(bench.get(1).await, None);
    assert_eq!(bench.members(9).await, [(key(2), bytes(b"two"))]);
}

pub(crate) async fn many_writers_lose_nothing(bench: Bench) {
    let writers: Vec<_> = (0..600_u16)
        .map(|number| {
            let (store, record) = (bench.store.clone(), bench.listed(b"v", 200));
            let mut bytes = [0; 32];
            bytes[..2].copy_from_slice(&number.to_be_bytes());
            tokio::spawn(async move {
                store.put(RecordKey(bytes), record).await.unwrap();
                assert!(
                    store.get(RecordKey(bytes)).await.unwrap().is_some(),
                    "a finished write is seen by every reader"
                );
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(bench.members(200).await.len(), 600);
}
