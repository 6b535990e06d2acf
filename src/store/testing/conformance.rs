//! The test suite that every back end must pass. `conformance_suite!(open)` makes one test of each case; `open()`
//! returns an empty store and the clock that the store reads.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, sleep};

use crate::domain::{Clock, OffsetClock, RecordKey};
use crate::store::{PutIfAbsent, Record, Store};

/// An empty store and the clock that it reads.
pub(crate) struct StoreUnderTest {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<OffsetClock>,
    /// A resource that must exist as long as the store, such as a folder or a server.
    pub(crate) _resource: Box<dyn std::any::Any + Send>,
}

macro_rules! conformance_suite {
    ($open:expr) => {
        $crate::store::testing::conformance::conformance_suite!(@each $open,
            a_key_without_a_record_returns_nothing, get_returns_the_value_that_was_put,
            a_later_put_replaces_value_and_expiry, large_and_empty_values_are_returned_unchanged,
            operations_treat_an_expired_record_as_absent, a_record_that_was_written_expired_is_absent,
            take_returns_a_record_to_one_caller_only, put_if_absent_writes_for_one_caller_only,
            compare_and_put_writes_for_one_caller_only, compare_and_put_writes_only_over_the_expected_value,
            an_index_lists_its_live_records, records_that_expire_soon_are_listed_in_order,
            put_moves_a_record_to_its_new_index, marked_records_are_counted_through_every_kind_of_write,
            all_live_records_are_listed_page_by_page, remove_removes_records_and_ignores_absent_keys,
            concurrent_writes_are_all_stored, a_record_of_the_far_future_is_kept,
            a_lease_is_granted_to_one_of_many, a_lease_obeys_its_own_ticket_alone,
            a_lease_that_has_ended_is_granted_again_with_a_greater_ticket, counts_add_up_and_end);
    };
    (@each $open:expr, $($case:ident),+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                $crate::store::testing::conformance::$case($open).await;
            }
        )+
    };
}
pub(crate) use conformance_suite;

const MINUTE: Duration = Duration::from_mins(1);
/// The life of leases and counts whose end a test waits for: the clock of the back end judges it.
const SHORT: Duration = Duration::from_millis(200);
const HOUR: Duration = Duration::from_hours(1);

pub(crate) fn key(number: u8) -> RecordKey {
    RecordKey([number; 32])
}

impl StoreUnderTest {
    fn record(&self, value: &'static [u8]) -> Record {
        Record { value: Bytes::from_static(value), expires_at: self.clock.now().plus(MINUTE), index: None, mark: None }
    }

    fn listed(&self, value: &'static [u8], index: u8) -> Record {
        Record { index: Some(key(index)), ..self.record(value) }
    }

    async fn get(&self, number: u8) -> Option<Bytes> {
        self.store.get(key(number)).await.unwrap()
    }

    async fn members(&self, index: u8) -> Vec<(RecordKey, Bytes)> {
        let mut members = self.store.members(key(index), usize::MAX).await.unwrap();
        members.sort();
        members
    }
}

fn bytes(value: &'static [u8]) -> Bytes {
    Bytes::from_static(value)
}

pub(crate) async fn a_key_without_a_record_returns_nothing(tested: StoreUnderTest) {
    assert_eq!(tested.get(1).await, None);
    assert_eq!(tested.store.take(key(1)).await.unwrap(), None);
    assert!(tested.members(1).await.is_empty());
}

pub(crate) async fn get_returns_the_value_that_was_put(tested: StoreUnderTest) {
    tested.store.put(key(1), tested.record(b"one")).await.unwrap();
    tested.store.put(key(2), tested.record(b"two")).await.unwrap();
    assert_eq!(tested.get(1).await, Some(bytes(b"one")));
    assert_eq!(tested.get(2).await, Some(bytes(b"two")));
}

pub(crate) async fn a_later_put_replaces_value_and_expiry(tested: StoreUnderTest) {
    tested.store.put(key(1), tested.record(b"old")).await.unwrap();
    let longer = Record { expires_at: tested.clock.now().plus(3 * MINUTE), ..tested.record(b"new") };
    tested.store.put(key(1), longer).await.unwrap();
    tested.clock.advance(2 * MINUTE);
    assert_eq!(tested.get(1).await, Some(bytes(b"new")), "value and expiry are those of the later put");
}

pub(crate) async fn large_and_empty_values_are_returned_unchanged(tested: StoreUnderTest) {
    let large: Bytes = (0..64 * 1024).map(|at| u8::try_from(at % 256).unwrap()).collect();
    tested.store.put(key(1), Record { value: large.clone(), ..tested.record(b"") }).await.unwrap();
    tested.store.put(key(2), tested.record(b"")).await.unwrap();
    assert_eq!(tested.get(1).await, Some(large));
    assert_eq!(tested.get(2).await, Some(bytes(b"")));
}

pub(crate) async fn operations_treat_an_expired_record_as_absent(tested: StoreUnderTest) {
    for number in 1..=5 {
        tested.store.put(key(number), tested.listed(b"old", 9)).await.unwrap();
    }
    tested.clock.advance(MINUTE);
    assert_eq!(tested.get(1).await, None, "a record is absent from the time of its expiry on");
    assert!(tested.members(9).await.is_empty());
    assert_eq!(tested.store.take(key(1)).await.unwrap(), None);
    assert_eq!(tested.store.put_if_absent(key(2), tested.record(b"new")).await.unwrap(), PutIfAbsent::Written);
    assert!(!tested.store.compare_and_put(key(3), Some(bytes(b"old")), tested.record(b"new")).await.unwrap());
    assert!(tested.store.compare_and_put(key(4), None, tested.record(b"new")).await.unwrap());
    assert_eq!(tested.get(2).await, Some(bytes(b"new")));
    assert_eq!(tested.get(3).await, None);
    assert_eq!(tested.get(4).await, Some(bytes(b"new")));
}

pub(crate) async fn a_record_that_was_written_expired_is_absent(tested: StoreUnderTest) {
    tested.store.put(key(1), tested.listed(b"live", 9)).await.unwrap();
    let gone = Record { expires_at: tested.clock.now(), ..tested.record(b"") };
    assert!(tested.store.compare_and_put(key(1), Some(bytes(b"live")), gone).await.unwrap(), "removal by comparison");
    assert_eq!(tested.get(1).await, None);
    assert!(tested.members(9).await.is_empty());
}

pub(crate) async fn take_returns_a_record_to_one_caller_only(tested: StoreUnderTest) {
    tested.store.put(key(1), tested.listed(b"prize", 9)).await.unwrap();
    let callers: Vec<_> = (0..32)
        .map(|_| {
            let store = tested.store.clone();
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
    assert_eq!(tested.get(1).await, None);
    assert!(tested.members(9).await.is_empty());
}

pub(crate) async fn put_if_absent_writes_for_one_caller_only(tested: StoreUnderTest) {
    let callers: Vec<_> = (0..32_u8)
        .map(|number| {
            let (store, record) = (tested.store.clone(), tested.record(b""));
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
    assert!(seen.iter().all(|value| *value == winners[0]), "every other caller gets the written value");
    assert_eq!(tested.get(1).await.as_ref(), winners.first());
}

pub(crate) async fn compare_and_put_writes_for_one_caller_only(tested: StoreUnderTest) {
    tested.store.put(key(1), tested.record(b"start")).await.unwrap();
    let callers: Vec<_> = (0..32_u8)
        .map(|number| {
            let (store, record) = (tested.store.clone(), tested.record(b""));
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

pub(crate) async fn compare_and_put_writes_only_over_the_expected_value(tested: StoreUnderTest) {
    assert!(!tested.store.compare_and_put(key(1), Some(bytes(b"x")), tested.record(b"y")).await.unwrap());
    assert_eq!(tested.get(1).await, None);
    assert!(tested.store.compare_and_put(key(1), None, tested.record(b"one")).await.unwrap());
    assert!(!tested.store.compare_and_put(key(1), None, tested.record(b"two")).await.unwrap());
    assert!(!tested.store.compare_and_put(key(1), Some(bytes(b"on")), tested.record(b"two")).await.unwrap());
    assert!(tested.store.compare_and_put(key(1), Some(bytes(b"one")), tested.record(b"two")).await.unwrap());
    assert_eq!(tested.get(1).await, Some(bytes(b"two")));
}

pub(crate) async fn an_index_lists_its_live_records(tested: StoreUnderTest) {
    tested.store.put(key(1), tested.listed(b"one", 9)).await.unwrap();
    let longer = Record { expires_at: tested.clock.now().plus(3 * MINUTE), ..tested.listed(b"two", 9) };
    tested.store.put(key(2), longer).await.unwrap();
    tested.store.put(key(3), tested.listed(b"three", 8)).await.unwrap();
    tested.store.put(key(4), tested.record(b"four")).await.unwrap();
    assert_eq!(tested.members(9).await, [(key(1), bytes(b"one")), (key(2), bytes(b"two"))]);
    let newest = tested.store.members(key(9), 1).await.unwrap();
    assert_eq!(newest, [(key(2), bytes(b"two"))], "the one that expires last");
    let both = tested.store.members(key(9), 2).await.unwrap();
    assert_eq!(both, [(key(2), bytes(b"two")), (key(1), bytes(b"one"))]);
    tested.clock.advance(MINUTE);
    assert_eq!(tested.members(9).await, [(key(2), bytes(b"two"))]);
}

pub(crate) async fn records_that_expire_soon_are_listed_in_order(tested: StoreUnderTest) {
    let now = tested.clock.now();
    for (number, minutes, index) in [(1, 3, Some(key(9))), (2, 2, None), (3, 9, None)] {
        let record = Record { expires_at: now.plus(minutes * MINUTE), index, ..tested.record(b"") };
        tested.store.put(key(number), record).await.unwrap();
    }
    tested.store.put(key(4), tested.record(b"expired")).await.unwrap();
    tested.clock.advance(MINUTE);
    let until = now.plus(5 * MINUTE);
    let expiring = tested.store.list_expiring_by(until, 9).await.unwrap();
    assert_eq!(expiring, [(key(2), None), (key(1), Some(key(9)))]);
    assert_eq!(tested.store.list_expiring_by(until, 1).await.unwrap(), [(key(2), None)]);
}

pub(crate) async fn marked_records_are_counted_through_every_kind_of_write(tested: StoreUnderTest) {
    let marked = |value: &'static [u8], mark: u64| Record { mark: Some(mark), ..tested.record(value) };
    let (store, first, second) = (tested.store.clone(), 1 << 32 | 7, 2 << 32 | 8);
    assert!(store.list_marks().await.unwrap().is_empty());
    store.put(key(1), marked(b"one", first)).await.unwrap();
    store.put(key(2), marked(b"two", first)).await.unwrap();
    store.put_if_absent(key(3), marked(b"three", second)).await.unwrap();
    store.put_if_absent(key(3), marked(b"not written", first)).await.unwrap();
    store.put(key(4), tested.record(b"without a mark")).await.unwrap();
    assert_eq!(store.list_marks().await.unwrap(), [first, second]);
    assert_eq!(counts(&tested, [first, second]).await, [2, 1]);
    store.put(key(1), marked(b"again", first)).await.unwrap();
    store.put(key(2), marked(b"sealed anew", second)).await.unwrap();
    assert_eq!(counts(&tested, [first, second]).await, [1, 2]);
    assert!(store.compare_and_put(key(1), Some(bytes(b"again")), tested.record(b"")).await.unwrap());
    store.take(key(2)).await.unwrap();
    assert_eq!(counts(&tested, [first, second]).await, [0, 1]);
    assert!(store.list_marks().await.unwrap().contains(&second));
    tested.clock.advance(2 * MINUTE);
    assert_eq!(counts(&tested, [first, second]).await, [0, 0], "an expired record counts as absent");
    store.remove(vec![key(3)]).await.unwrap();
    tested.clock.advance(2 * HOUR);
    assert_eq!(counts(&tested, [first, second]).await, [0, 0]);
    assert!(store.list_marks().await.unwrap().is_empty(), "a mark without records is not listed for ever");
    store.put(key(5), marked(b"late", first)).await.unwrap();
    assert_eq!(store.list_marks().await.unwrap(), [first], "a mark that was removed is listed again");
}

pub(crate) async fn all_live_records_are_listed_page_by_page(tested: StoreUnderTest) {
    tested.store.put(key(250), tested.listed(b"expires", 200)).await.unwrap();
    tested.clock.advance(MINUTE);
    let expires_at = tested.clock.now().plus(MINUTE);
    for number in 0..100 {
        let record = Record { mark: Some(u64::from(number)), expires_at, ..tested.listed(b"v", 201) };
        tested.store.put(key(number), record).await.unwrap();
    }
    tested.store.put(key(100), tested.record(b"bare")).await.unwrap();
    let (mut found, mut after, mut pages) = (BTreeMap::new(), None, 0);
    loop {
        let page = tested.store.list_all(after, 16).await.unwrap();
        found.extend(page.records);
        pages += 1;
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert!(pages > 3, "{pages} pages");
    assert_eq!(found.len(), 101);
    let (marked, bare) = (&found[&key(7)], &found[&key(100)]);
    assert_eq!((marked.index, marked.mark, &marked.value), (Some(key(201)), Some(7), &bytes(b"v")));
    assert_eq!(marked.expires_at, expires_at);
    assert_eq!((bare.index, bare.mark, &bare.value), (None, None, &bytes(b"bare")));
}

async fn counts(tested: &StoreUnderTest, marks: [u64; 2]) -> [u64; 2] {
    let [first, second] = marks;
    [tested.store.count_marked(first).await.unwrap(), tested.store.count_marked(second).await.unwrap()]
}

pub(crate) async fn put_moves_a_record_to_its_new_index(tested: StoreUnderTest) {
    tested.store.put(key(1), tested.listed(b"one", 9)).await.unwrap();
    tested.store.put(key(1), tested.listed(b"two", 8)).await.unwrap();
    assert!(tested.members(9).await.is_empty());
    assert_eq!(tested.members(8).await, [(key(1), bytes(b"two"))]);
    tested.store.put(key(1), tested.record(b"three")).await.unwrap();
    assert!(tested.members(8).await.is_empty());
}

pub(crate) async fn remove_removes_records_and_ignores_absent_keys(tested: StoreUnderTest) {
    tested.store.put(key(1), tested.listed(b"one", 9)).await.unwrap();
    tested.store.put(key(2), tested.listed(b"two", 9)).await.unwrap();
    tested.store.remove(vec![key(1), key(7)]).await.unwrap();
    tested.store.remove(Vec::new()).await.unwrap();
    assert_eq!(tested.get(1).await, None);
    assert_eq!(tested.members(9).await, [(key(2), bytes(b"two"))]);
}

pub(crate) async fn concurrent_writes_are_all_stored(tested: StoreUnderTest) {
    let writers: Vec<_> = (0..600_u16)
        .map(|number| {
            let (store, record) = (tested.store.clone(), tested.listed(b"v", 200));
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
    assert_eq!(tested.members(200).await.len(), 600);
}

pub(crate) async fn a_record_of_the_far_future_is_kept(tested: StoreUnderTest) {
    let far = Record { expires_at: tested.clock.now().plus(Duration::MAX), ..tested.listed(b"kept", 9) };
    tested.store.put(key(1), far).await.unwrap();
    tested.store.put(key(2), tested.listed(b"two", 9)).await.unwrap();
    tested.clock.advance(10_000 * HOUR);
    assert_eq!(tested.get(1).await, Some(bytes(b"kept")));
    assert_eq!(tested.members(9).await, [(key(1), bytes(b"kept"))]);
}

pub(crate) async fn a_lease_is_granted_to_one_of_many(tested: StoreUnderTest) {
    let callers: Vec<_> = (0..32)
        .map(|_| {
            let store = tested.store.clone();
            tokio::spawn(async move { store.acquire_lease(key(1), HOUR).await.unwrap() })
        })
        .collect();
    let mut granted = 0;
    for caller in callers {
        granted += u32::from(caller.await.unwrap().is_some());
    }
    assert_eq!(granted, 1);
    assert!(tested.store.acquire_lease(key(2), HOUR).await.unwrap().is_some(), "another name is another lease");
    assert_eq!(tested.get(1).await, None, "a lease is no record");
}

pub(crate) async fn a_lease_obeys_its_own_ticket_alone(tested: StoreUnderTest) {
    let store = &tested.store;
    let first = store.acquire_lease(key(1), HOUR).await.unwrap().unwrap();
    assert!(store.renew_lease(key(1), first, HOUR).await.unwrap());
    store.release_lease(key(1), first).await.unwrap();
    assert!(!store.renew_lease(key(1), first, HOUR).await.unwrap(), "a released lease is not renewed");
    let second = store.acquire_lease(key(1), HOUR).await.unwrap().unwrap();
    assert!(second > first);
    assert!(!store.renew_lease(key(1), first, HOUR).await.unwrap());
    store.release_lease(key(1), first).await.unwrap();
    assert_eq!(store.acquire_lease(key(1), HOUR).await.unwrap(), None, "an old ticket releases nothing");
    assert!(store.renew_lease(key(1), second, HOUR).await.unwrap());
    store.release_lease(key(7), second).await.unwrap();
}

pub(crate) async fn a_lease_that_has_ended_is_granted_again_with_a_greater_ticket(tested: StoreUnderTest) {
    let store = &tested.store;
    let first = store.acquire_lease(key(1), SHORT).await.unwrap().unwrap();
    tested.clock.advance(HOUR);
    let begun = Instant::now();
    let second = loop {
        if let Some(ticket) = store.acquire_lease(key(1), SHORT).await.unwrap() {
            break ticket;
        }
        sleep(SHORT / 10).await;
    };
    assert!(second > first);
    assert!(begun.elapsed() > SHORT / 2, "the clock of the process ends no lease");
    assert!(!store.renew_lease(key(1), first, SHORT).await.unwrap());
    // A lease that is renewed lasts longer than its first life.
    assert!(store.renew_lease(key(1), second, HOUR).await.unwrap());
    sleep(SHORT + SHORT / 2).await;
    assert_eq!(store.acquire_lease(key(1), SHORT).await.unwrap(), None);
}

pub(crate) async fn counts_add_up_and_end(tested: StoreUnderTest) {
    let store = &tested.store;
    let callers: Vec<_> = (0..32)
        .map(|_| {
            let store = tested.store.clone();
            tokio::spawn(async move { store.add_to_count(key(1), 2, HOUR).await.unwrap() })
        })
        .collect();
    let mut sums = Vec::new();
    for caller in callers {
        sums.push(caller.await.unwrap());
    }
    sums.sort_unstable();
    assert_eq!(sums, (1..=32).map(|number| 2 * number).collect::<Vec<i64>>(), "every caller gets a sum of its own");
    assert_eq!(store.add_to_count(key(1), -70, HOUR).await.unwrap(), -6);
    assert_eq!(store.add_to_count(key(1), 0, HOUR).await.unwrap(), -6);

    assert_eq!(store.add_to_count(key(2), 5, SHORT).await.unwrap(), 5);
    assert_eq!(store.add_to_count(key(2), 5, HOUR).await.unwrap(), 10, "later additions do not prolong a count");
    tested.clock.advance(HOUR);
    while store.add_to_count(key(2), 0, HOUR).await.unwrap() != 0 {
        sleep(SHORT / 10).await;
    }
}
