//! Tests of what the embedded store knows of its keys.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::fs;
use std::future::Future;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use rusqlite::Connection;

use super::key_set::KeySet;
use super::known_keys::{Filling, KnownKeys, QueuedWrite};
use super::{Durability, EmbeddedStore, opening, records};
use crate::domain::{Clock, OffsetClock, RecordKey, Timestamp};
use crate::store::{PutIfAbsent, Record, Store};

const MINUTE: Duration = Duration::from_mins(1);
const INDEX: RecordKey = RecordKey([0xfe; 32]);

struct Tested {
    store: EmbeddedStore,
    clock: Arc<OffsetClock>,
}

/// Waits until all keys are known.
async fn open(path: &Path) -> Tested {
    open_at(path, Arc::new(OffsetClock::default())).await
}

async fn open_at(path: &Path, clock: Arc<OffsetClock>) -> Tested {
    let mut store = EmbeddedStore::open(path, Durability::Normal, clock.clone());
    // A process that another test starts has the locked file of a store that was just closed, until it runs its program.
    for _ in 0..1000 {
        if store.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
        store = EmbeddedStore::open(path, Durability::Normal, clock.clone());
    }
    let store = store.unwrap();
    while !store.known.indexes.is_complete() {
        tokio::task::yield_now().await;
    }
    Tested { store, clock }
}

impl Tested {
    fn record(&self, index: Option<RecordKey>) -> Record {
        let expires_at = self.clock.now().plus(MINUTE);
        Record { value: Bytes::from_static(b"value"), expires_at, index, mark: None }
    }
}

fn key(number: u32) -> RecordKey {
    let mut key = [7; 32];
    key[..4].copy_from_slice(&number.to_be_bytes());
    key[31] = number.to_le_bytes()[0];
    RecordKey(key)
}

/// The answer of an operation that needs no thread; `None` if it has to wait.
fn answer_at_once<T>(operation: impl Future<Output = T>) -> Option<T> {
    match pin!(operation).as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => Some(answer),
        Poll::Pending => None,
    }
}

#[tokio::test]
async fn what_does_not_exist_is_answered_without_a_thread() {
    let folder = tempfile::tempdir().unwrap();
    let Tested { store, clock } = open(&folder.path().join("store.db")).await;
    let record = Record { value: Bytes::new(), expires_at: clock.now().plus(MINUTE), index: None, mark: None };
    assert_eq!(answer_at_once(store.get(key(1))).unwrap().unwrap(), None);
    assert_eq!(answer_at_once(store.take(key(1))).unwrap().unwrap(), None);
    assert!(answer_at_once(store.members(INDEX, 9)).unwrap().unwrap().is_empty());
    answer_at_once(store.remove(vec![key(1), key(2)])).unwrap().unwrap();
    assert!(!answer_at_once(store.compare_and_put(key(1), Some(Bytes::new()), record)).unwrap().unwrap());
}

#[tokio::test]
async fn a_write_that_is_queued_is_seen_by_what_is_asked_later() {
    let folder = tempfile::tempdir().unwrap();
    let tested = open(&folder.path().join("store.db")).await;
    for number in 0..200 {
        assert!(answer_at_once(tested.store.put(key(number), tested.record(Some(INDEX)))).is_none());
        match number % 4 {
            0 => assert_eq!(tested.store.take(key(number)).await.unwrap().unwrap(), "value"),
            1 => tested.store.remove(vec![key(number)]).await.unwrap(),
            2 => {
                let late = tested.store.put_if_absent(key(number), tested.record(None)).await.unwrap();
                assert_eq!(late, PutIfAbsent::Existing(Bytes::from_static(b"value")));
                assert!(tested.store.get(key(number)).await.unwrap().is_some());
                tested.store.remove(vec![key(number)]).await.unwrap();
            }
            _ => {
                let expected = Some(Bytes::from_static(b"value"));
                assert!(tested.store.compare_and_put(key(number), expected, tested.record(None)).await.unwrap());
                assert!(tested.store.take(key(number)).await.unwrap().is_some());
            }
        }
        assert_eq!(answer_at_once(tested.store.get(key(number))).unwrap().unwrap(), None, "it is known to be gone");
    }
    assert!(answer_at_once(tested.store.members(INDEX, 9)).unwrap().unwrap().is_empty());
    assert_eq!(tested.store.known.records.queued() + tested.store.known.indexes.queued(), 0);
}

#[tokio::test]
async fn all_keys_of_a_file_are_known_some_time_after_it_was_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    drop(open(&path).await);
    let connection = opening::connect(&path, Durability::Normal).unwrap();
    let expires_at = Timestamp::from_unix_seconds(253_402_300_799);
    connection.execute_batch("BEGIN").unwrap();
    for number in 0..3000 {
        // Some indexes have more members than are read in one step.
        let index = (number % 3 != 0).then(|| key(if number < 1500 { 1 } else { number }));
        let record = Record { value: Bytes::new(), expires_at, index, mark: None };
        records::put(&connection, key(number), &record).unwrap();
    }
    connection.execute_batch("COMMIT").unwrap();
    drop(connection);

    let clock = Arc::new(OffsetClock::default());
    let store = EmbeddedStore::open(&path, Durability::Normal, clock.clone()).unwrap();
    // These look-ups race with the filling.
    for number in (0..3000).rev() {
        assert!(store.get(key(number)).await.unwrap().is_some(), "{number}");
    }
    drop(store);
    let Tested { store, .. } = open(&path).await;
    assert_eq!((store.known.records.stored(), store.known.indexes.stored()), (3000, 1 + 1000));
    assert_eq!(store.members(key(1), 9999).await.unwrap().len(), 1000);
    assert_eq!(store.members(key(2000), 9).await.unwrap().len(), 1);
    assert!(store.get(key(2999)).await.unwrap().is_some());
    assert_eq!(answer_at_once(store.get(key(3000))).unwrap().unwrap(), None);
}

#[tokio::test]
async fn expired_records_are_forgotten_with_their_indexes() {
    let folder = tempfile::tempdir().unwrap();
    let tested = open(&folder.path().join("store.db")).await;
    for number in 0..100 {
        tested.store.put(key(number), tested.record(Some(key(1000 + number)))).await.unwrap();
    }
    assert_eq!((tested.store.known.records.stored(), tested.store.known.indexes.stored()), (100, 100));
    tested.clock.advance(2 * MINUTE);
    for number in 100..150 {
        tested.store.put(key(number), tested.record(None)).await.unwrap();
    }
    assert_eq!((tested.store.known.records.stored(), tested.store.known.indexes.stored()), (50, 0));
}

#[tokio::test]
async fn an_index_is_known_until_its_last_record_leaves_it() {
    let folder = tempfile::tempdir().unwrap();
    let tested = open(&folder.path().join("store.db")).await;
    let (store, other) = (&tested.store, RecordKey([0xfd; 32]));
    store.put(key(1), tested.record(Some(INDEX))).await.unwrap();
    store.put(key(2), tested.record(Some(INDEX))).await.unwrap();
    store.put(key(1), tested.record(Some(other))).await.unwrap();
    assert_eq!(store.members(INDEX, 9).await.unwrap().len(), 1);
    assert_eq!(store.members(other, 9).await.unwrap().len(), 1);
    store.put(key(2), tested.record(None)).await.unwrap();
    assert!(answer_at_once(store.members(INDEX, 9)).unwrap().unwrap().is_empty());
    let gone = Record { expires_at: tested.clock.now(), ..tested.record(None) };
    assert!(store.compare_and_put(key(1), Some(Bytes::from_static(b"value")), gone).await.unwrap());
    assert!(answer_at_once(store.members(other, 9)).unwrap().unwrap().is_empty());
    assert_eq!(answer_at_once(store.get(key(1))).unwrap().unwrap(), None);
}

#[tokio::test]
async fn after_a_failed_commit_look_ups_read_the_file_until_all_keys_are_known_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let tested = open(&path).await;
    tested.store.put(key(1), tested.record(Some(INDEX))).await.unwrap();
    let other_connection = Connection::open(&path).unwrap();
    other_connection.execute_batch("ALTER TABLE records RENAME TO away").unwrap();
    tested.store.put(key(2), tested.record(None)).await.unwrap_err();
    assert!(!tested.store.known.records.is_complete());
    other_connection.execute_batch("ALTER TABLE away RENAME TO records").unwrap();
    assert_eq!(tested.store.get(key(2)).await.unwrap(), None);
    tested.store.put(key(3), tested.record(None)).await.unwrap();
    while !tested.store.known.indexes.is_complete() {
        tokio::task::yield_now().await;
    }
    assert_eq!(tested.store.known.records.stored(), 2, "the record that was not written is not known");
    assert_eq!(tested.store.members(INDEX, 9).await.unwrap().len(), 1);
    assert_eq!(answer_at_once(tested.store.get(key(2))).unwrap().unwrap(), None);
}

#[tokio::test]
async fn a_lost_file_is_noticed_by_look_ups_of_what_does_not_exist() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let Tested { store, .. } = open(&path).await;
    fs::rename(&path, folder.path().join("away")).unwrap();
    // The writer looks for its files every few seconds.
    while store.get(key(1)).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    store.take(key(1)).await.unwrap_err();
    store.members(INDEX, 1).await.unwrap_err();
    store.remove(vec![key(1)]).await.unwrap_err();
    fs::rename(folder.path().join("away"), &path).unwrap();
    assert_eq!(store.get(key(1)).await.unwrap(), None, "the file is back");
}

#[test]
fn a_set_gives_its_memory_back() {
    let set = KeySet::new();
    for number in 0..100_000 {
        set.add(key(number));
    }
    let full = set.capacity();
    for number in 0..100_000 {
        set.remove(key(number));
    }
    assert!(set.capacity() < full / 8, "{} of {full}", set.capacity());
}

#[test]
fn a_queued_write_counts_until_the_last_of_its_key_has_run() {
    let known = Arc::new(KnownKeys::new());
    known.records.complete();
    let first = QueuedWrite::announce(&known, key(1), None);
    let second = QueuedWrite::announce(&known, key(1), None);
    drop(first);
    assert!(known.records.may_exist(key(1)));
    assert!(!known.records.may_be_stored(key(1)), "it has not run");
    drop(second);
    assert!(!known.records.may_exist(key(1)));
}

/// A step of the property test below; the numbers name keys and indexes.
#[derive(Clone, Debug)]
enum Step {
    Put(u32, Option<u32>, u64),
    PutIfAbsent(u32, Option<u32>),
    Take(u32),
    Remove(u32, u32),
    Advance(u64),
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let (key, index) = (0..12_u32, proptest::option::of(100..104_u32));
    let step = prop_oneof![
        4 => (key.clone(), index.clone(), 0..100_u64).prop_map(|(key, index, life)| Step::Put(key, index, life)),
        2 => (key.clone(), index).prop_map(|(key, index)| Step::PutIfAbsent(key, index)),
        2 => key.clone().prop_map(Step::Take),
        2 => (key.clone(), key).prop_map(|(first, second)| Step::Remove(first, second)),
        1 => (0..90_u64).prop_map(Step::Advance),
        1 => Just(Step::Reopen),
    ];
    proptest::collection::vec(step, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// A plain map is the reference. Every answer of the store is that of the map, the store knows no more keys than its file
    /// has, and it has counted the marks of all rows.
    #[test]
    fn the_store_answers_as_a_map_would(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(compare_with_a_map(steps));
    }
}

async fn compare_with_a_map(steps: Vec<Step>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let mut tested = open(&path).await;
    let mut map: BTreeMap<u32, Record> = BTreeMap::new();
    for step in steps {
        let now = tested.clock.now();
        match step {
            Step::Put(number, index, life) => {
                let (expires_at, mark) = (now.plus(Duration::from_secs(life)), (life % 3 > 0).then_some(life % 3));
                let record = Record { expires_at, mark, ..tested.record(index.map(key)) };
                map.insert(number, record.clone());
                tested.store.put(key(number), record).await.unwrap();
            }
            Step::PutIfAbsent(number, index) => {
                let record = Record { mark: Some(1), ..tested.record(index.map(key)) };
                let written = tested.store.put_if_absent(key(number), record.clone()).await.unwrap();
                assert_eq!(written == PutIfAbsent::Written, !map.contains_key(&number));
                map.entry(number).or_insert(record);
            }
            Step::Take(number) => {
                let taken = tested.store.take(key(number)).await.unwrap();
                assert_eq!(taken, map.remove(&number).map(|record| record.value));
            }
            Step::Remove(first, second) => {
                tested.store.remove(vec![key(first), key(second)]).await.unwrap();
                map.remove(&first);
                map.remove(&second);
            }
            Step::Advance(seconds) => tested.clock.advance(Duration::from_secs(seconds)),
            Step::Reopen => {
                let Tested { store, clock } = tested;
                drop(store);
                tested = open_at(&path, clock).await;
            }
        }
        let now = tested.clock.now();
        map.retain(|_, record| record.expires_at > now);
        for number in 0..12 {
            let found = tested.store.get(key(number)).await.unwrap();
            assert_eq!(found, map.get(&number).map(|record| record.value.clone()));
        }
        for index in 100..104 {
            let expected = map.values().filter(|record| record.index == Some(key(index))).count();
            assert_eq!(tested.store.members(key(index), 99).await.unwrap().len(), expected);
        }
    }
    let connection = Connection::open(&path).unwrap();
    let known = KnownKeys::new();
    let mut filling = Filling::begin();
    while !filling.is_complete() {
        filling.advance(&connection, &known).unwrap();
    }
    assert_eq!(tested.store.known.records.stored(), known.records.stored());
    assert_eq!(tested.store.known.indexes.stored(), known.indexes.stored());
    let counts = |statement: &str| -> Vec<(i64, i64)> {
        let mut statement = connection.prepare(statement).unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.map(Result::unwrap).collect()
    };
    assert_eq!(
        counts("SELECT mark, records FROM mark_counts WHERE records <> 0 ORDER BY mark"),
        counts("SELECT mark, count(*) FROM records WHERE mark IS NOT NULL GROUP BY mark ORDER BY mark")
    );
}
