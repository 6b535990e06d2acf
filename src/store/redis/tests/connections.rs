//! What happens when servers are stopped, killed and replaced.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::{key, open, record};
use crate::store::testing::shared_conformance::{Listening, Told};
use crate::store::testing::{RedisServer, SentinelTrio};
use crate::store::{Store, StoreError};

/// Far more than any operation may take: a test that waits for it has failed.
const FENCE: Duration = Duration::from_secs(30);

/// Repeats a write until it succeeds.
async fn put_until_it_works(store: &dyn Store, number: u8) {
    let writing = async {
        while store.put(key(number), record(b"later", None)).await.is_err() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(FENCE, writing).await.expect("the store works again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operation_on_a_stopped_server_fails_in_time_and_runs_once_at_most() {
    let server = RedisServer::start();
    let store = open(&server.settings()).await.unwrap();
    assert_eq!(store.add_to_count(key(1), 1, FENCE * 100).await.unwrap(), 1);
    store.put(key(2), record(b"kept", None)).await.unwrap();
    server.process.signal("STOP");
    for _ in 0..2 {
        let failures = tokio::join!(
            timeout(FENCE, store.add_to_count(key(1), 1, FENCE * 100)),
            timeout(FENCE, store.get(key(2))),
            timeout(FENCE, store.put(key(3), record(b"", Some(9)))),
        );
        assert!(failures.0.unwrap().is_err() && failures.1.unwrap().is_err() && failures.2.unwrap().is_err());
    }
    server.process.signal("CONT");
    put_until_it_works(&store, 4).await;
    assert_eq!(store.get(key(2)).await.unwrap().as_deref(), Some(b"kept".as_slice()));
    // The first addition was sent before the connection was given up, the second was not.
    let sum = store.add_to_count(key(1), 0, FENCE * 100).await.unwrap();
    assert!((1..=3).contains(&sum), "{sum}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_restarted_is_used_again_and_listeners_are_told() {
    let mut server = RedisServer::start_with(&["--appendonly", "yes", "--appendfsync", "always"]);
    let store = open(&server.settings()).await.unwrap();
    let mut listening = Listening::begin(&store).await;
    store.put(key(1), record(b"kept", Some(9))).await.unwrap();
    server.restart();
    put_until_it_works(&store, 2).await;
    assert_eq!(store.get(key(1)).await.unwrap().as_deref(), Some(b"kept".as_slice()));
    assert_eq!(store.members(key(9), 9).await.unwrap().len(), 1);
    timeout(FENCE, listening.wait_for(&Told::Resumed)).await.unwrap();
    timeout(FENCE, listening.wait_for(&Told::Answered)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscription_that_is_killed_is_made_again() {
    let server = RedisServer::start();
    let store = open(&server.settings()).await.unwrap();
    let mut listening = Listening::begin(&store).await;
    let killed: u32 = server.query(&["CLIENT", "KILL", "TYPE", "pubsub"]);
    assert_eq!(killed, 1);
    timeout(FENCE, listening.wait_for(&Told::Resumed)).await.unwrap();
    store.publish(bytes::Bytes::from_static(b"news")).await.unwrap();
    timeout(FENCE, listening.wait_for(&Told::Received(bytes::Bytes::from_static(b"news")))).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_is_killed_while_it_is_idle_fails_no_operation() {
    let server = RedisServer::start();
    let store = open(&server.settings()).await.unwrap();
    store.put(key(1), record(b"kept", None)).await.unwrap();
    let _: u32 = server.query(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
    assert!(store.get(key(1)).await.unwrap().is_some(), "a read is sent again");
    store.take(key(1)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_too_few_replicas_of_the_server_have_is_not_kept() {
    let server = RedisServer::start();
    let mut settings = server.settings();
    settings.wait_replicas = 1;
    let store = open(&settings).await.unwrap();
    let error = store.put(key(1), record(b"", None)).await.unwrap_err();
    assert!(matches!(&error, StoreError::Unavailable(text) if text.contains("too few replicas")), "{error}");
    store.get(key(1)).await.expect("a read waits for no replica");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_new_master_is_found_after_each_failover_and_has_all_that_its_replica_had() {
    let trio = SentinelTrio::start(500);
    let mut settings = trio.settings();
    settings.wait_replicas = 1;
    let store = open(&settings).await.unwrap();
    let mut listening = Listening::begin(&store).await;
    store.put(key(1), record(b"kept", None)).await.unwrap();
    let first = trio.master().port;

    trio.swap();
    let swapped = async {
        while trio.master().port == first {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(FENCE, swapped).await.unwrap();
    // The old master lives, as a replica: what is written must not be sent to it.
    put_until_it_works(&store, 2).await;
    assert!(store.get(key(1)).await.unwrap().is_some());
    timeout(FENCE, listening.wait_for(&Told::Resumed)).await.unwrap();
    trio.wait_for_replica();

    settings.wait_replicas = 0;
    let store = open(&settings).await.unwrap();
    trio.master().process.signal("KILL");
    put_until_it_works(&store, 3).await;
    assert!(store.get(key(1)).await.unwrap().is_some() && store.get(key(2)).await.unwrap().is_some());
}
