//! The test suite that every back end must pass that several processes can share. `shared_conformance_suite!(open)` makes
//! one test of each case; `open(number)` opens one empty store as often as `number` says.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::conformance::key;
use crate::domain::{Clock as _, OffsetClock};
use crate::store::{Record, Store, StoreListener};

/// One store, opened by several processes.
pub(crate) struct SharedStoreUnderTest {
    pub(crate) processes: Vec<Arc<dyn Store>>,
    pub(crate) clocks: Vec<Arc<OffsetClock>>,
}

macro_rules! shared_conformance_suite {
    ($open:path) => {
        $crate::store::testing::shared_conformance::shared_conformance_suite!(@each $open,
            it_is_not_exclusive, messages_reach_all_processes_in_their_order,
            a_listener_that_is_dropped_is_told_nothing, each_process_judges_the_end_of_records_by_its_clock,
            a_lease_excludes_other_processes_whatever_their_clocks);
    };
    (@each $open:path, $($case:ident),+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                $crate::store::testing::shared_conformance::$case($open(2).await).await;
            }
        )+
    };
}
pub(crate) use shared_conformance_suite;

/// What a listener was told.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Received(Bytes),
    Answered,
    Resumed,
}

/// Listens to a store until it is dropped.
pub(crate) struct Listening {
    told: UnboundedReceiver<Told>,
    listener: Arc<dyn StoreListener>,
}

struct Forwarder(UnboundedSender<Told>);

impl StoreListener for Forwarder {
    fn received(&self, message: Bytes) {
        drop(self.0.send(Told::Received(message)));
    }

    fn answered(&self) {
        drop(self.0.send(Told::Answered));
    }

    fn resumed(&self) {
        drop(self.0.send(Told::Resumed));
    }
}

impl Listening {
    /// Listens, and waits until the store has answered once.
    pub(crate) async fn begin(store: &dyn Store) -> Self {
        let (sender, told) = unbounded_channel();
        let listener: Arc<dyn StoreListener> = Arc::new(Forwarder(sender));
        store.watch(Arc::downgrade(&listener));
        let mut listening = Self { told, listener };
        listening.wait_for(&Told::Answered).await;
        listening
    }

    /// Waits for an event and ignores those before it.
    pub(crate) async fn wait_for(&mut self, event: &Told) {
        while self.told.recv().await.unwrap() != *event {}
    }

    /// The next message.
    async fn next_message(&mut self) -> Bytes {
        loop {
            if let Told::Received(message) = self.told.recv().await.unwrap() {
                return message;
            }
        }
    }
}

pub(crate) async fn it_is_not_exclusive(tested: SharedStoreUnderTest) {
    assert!(tested.processes.iter().all(|store| !store.is_exclusive()));
}

pub(crate) async fn messages_reach_all_processes_in_their_order(tested: SharedStoreUnderTest) {
    let (sender, other) = (&tested.processes[0], &tested.processes[1]);
    let mut listening = [Listening::begin(&**sender).await, Listening::begin(&**other).await];
    for number in 0..100_u8 {
        sender.publish(Bytes::copy_from_slice(&[number])).await.unwrap();
    }
    for listening in &mut listening {
        for number in 0..100_u8 {
            assert_eq!(listening.next_message().await, Bytes::copy_from_slice(&[number]));
        }
        listening.wait_for(&Told::Answered).await;
    }
}

pub(crate) async fn a_listener_that_is_dropped_is_told_nothing(tested: SharedStoreUnderTest) {
    let store = &tested.processes[0];
    let Listening { mut told, listener } = Listening::begin(&**store).await;
    drop(listener);
    let mut other = Listening::begin(&**store).await;
    store.publish(Bytes::from_static(b"late")).await.unwrap();
    assert_eq!(other.next_message().await, Bytes::from_static(b"late"));
    while let Some(event) = told.recv().await {
        assert_eq!(event, Told::Answered, "nothing but what was told before");
    }
}

pub(crate) async fn each_process_judges_the_end_of_records_by_its_clock(tested: SharedStoreUnderTest) {
    let (store, ahead) = (&tested.processes[0], &tested.processes[1]);
    let expires_at = tested.clocks[0].now().plus(Duration::from_mins(1));
    let record = Record { value: Bytes::from_static(b"v"), expires_at, index: Some(key(9)), mark: None };
    store.put(key(1), record).await.unwrap();
    tested.clocks[1].advance(Duration::from_mins(2));
    assert_eq!(ahead.get(key(1)).await.unwrap(), None);
    assert!(ahead.members(key(9), 9).await.unwrap().is_empty());
    assert_eq!(ahead.take(key(1)).await.unwrap(), None);
    assert_eq!(store.get(key(1)).await.unwrap(), Some(Bytes::from_static(b"v")), "the server has kept it");
    assert_eq!(store.members(key(9), 9).await.unwrap().len(), 1);
}

pub(crate) async fn a_lease_excludes_other_processes_whatever_their_clocks(tested: SharedStoreUnderTest) {
    let (store, other) = (&tested.processes[0], &tested.processes[1]);
    let ticket = store.acquire_lease(key(1), Duration::from_hours(1)).await.unwrap().unwrap();
    tested.clocks[1].advance(Duration::from_hours(2));
    assert_eq!(other.acquire_lease(key(1), Duration::from_hours(1)).await.unwrap(), None);
    store.release_lease(key(1), ticket).await.unwrap();
    assert!(other.acquire_lease(key(1), Duration::from_hours(1)).await.unwrap().is_some_and(|later| later > ticket));
    assert_eq!(other.add_to_count(key(2), 1, Duration::from_hours(1)).await.unwrap(), 1);
    assert_eq!(store.add_to_count(key(2), 1, Duration::from_hours(1)).await.unwrap(), 2);
}
