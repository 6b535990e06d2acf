//! The suites against one server, a master with sentinels, and a cluster; and what only this back end does.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod connections;
mod index_races;
mod moving_slots;
mod opening;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::RedisStore;
use crate::domain::{Clock as _, OffsetClock, RecordKey};
use crate::store::testing::conformance::StoreUnderTest;
use crate::store::testing::redis_store;
use crate::store::testing::shared_conformance::SharedStoreUnderTest;
use crate::store::{Record, RedisSettings, Store, StoreError};

async fn open_one(settings: RedisSettings) -> StoreUnderTest {
    let clock = Arc::new(OffsetClock::default());
    let store = redis_store(&settings, clock.clone()).await;
    StoreUnderTest { store, clock, _resource: Box::new(()) }
}

async fn open_shared(settings: RedisSettings, number: usize) -> SharedStoreUnderTest {
    let (mut processes, mut clocks) = (Vec::new(), Vec::new());
    for _ in 0..number {
        let clock = Arc::new(OffsetClock::default());
        processes.push(redis_store(&settings, clock.clone()).await);
        clocks.push(clock);
    }
    SharedStoreUnderTest { processes, clocks }
}

mod one_server {
    use crate::store::testing::conformance::{StoreUnderTest, conformance_suite};
    use crate::store::testing::redis_settings;
    use crate::store::testing::shared_conformance::{SharedStoreUnderTest, shared_conformance_suite};

    async fn open() -> StoreUnderTest {
        super::open_one(redis_settings()).await
    }

    async fn open_shared(number: usize) -> SharedStoreUnderTest {
        super::open_shared(redis_settings(), number).await
    }

    conformance_suite!(open().await);
    shared_conformance_suite!(open_shared);
}

mod sentinels {
    use crate::store::testing::conformance::{StoreUnderTest, conformance_suite};
    use crate::store::testing::sentinel_settings;
    use crate::store::testing::shared_conformance::{SharedStoreUnderTest, shared_conformance_suite};

    /// The master's replica must have every write.
    async fn open() -> StoreUnderTest {
        let mut settings = sentinel_settings();
        settings.wait_replicas = 1;
        super::open_one(settings).await
    }

    async fn open_shared(number: usize) -> SharedStoreUnderTest {
        super::open_shared(sentinel_settings(), number).await
    }

    conformance_suite!(open().await);
    shared_conformance_suite!(open_shared);
}

mod cluster {
    use crate::store::testing::cluster_settings;
    use crate::store::testing::conformance::{StoreUnderTest, conformance_suite};
    use crate::store::testing::shared_conformance::{SharedStoreUnderTest, shared_conformance_suite};

    async fn open() -> StoreUnderTest {
        super::open_one(cluster_settings()).await
    }

    async fn open_shared(number: usize) -> SharedStoreUnderTest {
        super::open_shared(cluster_settings(), number).await
    }

    conformance_suite!(open().await);
    shared_conformance_suite!(open_shared);
}

fn clock() -> Arc<OffsetClock> {
    Arc::new(OffsetClock::default())
}

async fn open(settings: &RedisSettings) -> Result<RedisStore, StoreError> {
    RedisStore::open(settings, clock()).await
}

fn key(number: u8) -> RecordKey {
    RecordKey([number; 32])
}

fn record(value: &'static [u8], index: Option<u8>) -> Record {
    let expires_at = OffsetClock::default().now().plus(Duration::from_hours(1));
    Record { value: Bytes::from_static(value), expires_at, index: index.map(key), mark: None }
}

#[tokio::test]
async fn a_record_of_another_version_is_reported_and_kept() {
    let server = crate::store::testing::RedisServer::start();
    let store = open(&server.settings()).await.unwrap();
    let name = store.names.record(key(1));
    let () = server.query(&["SET", &name, "2 a record of another version"]);
    store.put(key(2), record(b"", Some(9))).await.unwrap();
    let failures = [
        store.get(key(1)).await.unwrap_err(),
        store.take(key(1)).await.unwrap_err(),
        store.put_if_absent(key(1), record(b"new", None)).await.unwrap_err(),
        store.compare_and_put(key(1), None, record(b"new", None)).await.unwrap_err(),
        store.list_all(None, 9).await.unwrap_err(),
        store.count_marked(7).await.unwrap_err(),
    ];
    for failure in failures {
        assert!(failure.to_string().contains("another version"), "{failure}");
    }
    assert_eq!(server.query::<String>(&["GET", &name]), "2 a record of another version");
    assert!(store.get(key(2)).await.unwrap().is_some(), "other records are not concerned");
}

#[tokio::test]
async fn stores_with_different_prefixes_do_not_see_each_other() {
    let mut settings = crate::store::testing::redis_settings();
    settings.prefix = format!("{}a*[b]?:", settings.prefix);
    let store = open(&settings).await.unwrap();
    settings.prefix = settings.prefix.replace('*', "x").replace("[b]?", "bc");
    let other = open(&settings).await.unwrap();
    store.put(key(1), record(b"one", Some(9))).await.unwrap();
    other.put(key(2), record(b"two", Some(9))).await.unwrap();
    for (store, expected) in [(&store, key(1)), (&other, key(2))] {
        let (mut listed, mut after) = (Vec::new(), None);
        loop {
            let page = store.list_all(after, 1000).await.unwrap();
            listed.extend(page.records.into_iter().map(|(key, _)| key));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        listed.dedup();
        assert_eq!(listed, [expected]);
        assert_eq!(store.members(key(9), 9).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn an_index_forgets_entries_that_no_process_can_need() {
    let (server, clock) = (crate::store::testing::RedisServer::start(), clock());
    let store = RedisStore::open(&server.settings(), clock.clone()).await.unwrap();
    for number in 1..=3 {
        store.put(key(number), record(b"", Some(9))).await.unwrap();
    }
    let index = store.names.index(key(9));
    clock.advance(Duration::from_hours(26));
    let expires_at = clock.now().plus(Duration::from_hours(1));
    store.put(key(4), Record { expires_at, ..record(b"", Some(9)) }).await.unwrap();
    assert_eq!(server.query::<usize>(&["ZCARD", &index]), 1);
    store.take(key(4)).await.unwrap();
    assert!(store.members(key(9), 9).await.unwrap().is_empty());
    assert_eq!(server.query::<usize>(&["ZCARD", &index]), 0, "the reader removes the entry of a record that was taken");
}
