//! Readers of an index that meet a write halfway. In a cluster a record and its entry are not written together.

use std::time::Duration;

use super::{key, open, record};
use crate::domain::Clock as _;
use crate::store::redis::connection::Effect;
use crate::store::testing::{cluster_settings, redis_settings};
use crate::store::{Record, RedisStore, Store};

/// Writes the record alone, as a process does between the two times that it lists it.
async fn write_alone(store: &RedisStore, number: u8, index: u8) {
    let record = record(b"v", Some(index));
    let call = store.scripts.put.key(store.names.record(key(number))).arg(0);
    let call = call.arg(super::super::record_format::encode(&record)).arg(0);
    let () = store.connection.call(&call, Effect::Writes).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_is_listed_although_a_reader_removes_its_entry_before_it_is_written() {
    let store = open(&cluster_settings()).await.unwrap();
    let expires_at = record(b"", None).expires_at;
    store.list_in_index(key(9), key(1), expires_at).await.unwrap();
    assert!(store.members(key(9), 9).await.unwrap().is_empty(), "an entry without its record is ignored");
    write_alone(&store, 1, 9).await;
    assert!(store.members(key(9), 9).await.unwrap().is_empty(), "the reader has removed the entry");
    store.list_in_index(key(9), key(1), expires_at).await.unwrap();
    assert_eq!(store.members(key(9), 9).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_is_late_removes_no_entry_of_a_record_that_has_been_written() {
    for settings in [cluster_settings(), redis_settings()] {
        let store = open(&settings).await.unwrap();
        store.put(key(1), record(b"v", Some(9))).await.unwrap();
        // The reader saw no record, and comes to remove the entry only now.
        store.unlist(key(9), key(1)).await.unwrap();
        assert_eq!(store.members(key(9), 9).await.unwrap().len(), 1);
        store.take(key(1)).await.unwrap();
        store.unlist(key(9), key(1)).await.unwrap();
        assert!(store.members(key(9), 9).await.unwrap().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_is_not_made_does_not_end_the_entry_of_the_record_that_is_there() {
    for settings in [cluster_settings(), redis_settings()] {
        let clock = super::clock();
        let store = RedisStore::open(&settings, clock.clone()).await.unwrap();
        store.put(key(1), record(b"v", Some(9))).await.unwrap();
        let expires_at = clock.now().plus(Duration::from_mins(1));
        let shorter = Record { expires_at, ..record(b"other", Some(9)) };
        store.put_if_absent(key(1), shorter.clone()).await.unwrap();
        assert!(!store.compare_and_put(key(1), None, shorter).await.unwrap());
        clock.advance(Duration::from_mins(2));
        assert_eq!(store.members(key(9), 9).await.unwrap().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_that_are_written_while_an_index_is_read_are_all_listed() {
    for settings in [cluster_settings(), redis_settings()] {
        let store = std::sync::Arc::new(open(&settings).await.unwrap());
        let writers: Vec<_> = (0..200)
            .map(|number| {
                let store = store.clone();
                tokio::spawn(async move { store.put(key(number), record(b"v", Some(255))).await.unwrap() })
            })
            .collect();
        for writer in writers {
            store.members(key(255), usize::MAX).await.unwrap();
            writer.await.unwrap();
        }
        assert_eq!(store.members(key(255), usize::MAX).await.unwrap().len(), 200);
        store.remove((0..200).map(key).collect()).await.unwrap();
        assert!(store.members(key(255), usize::MAX).await.unwrap().is_empty());
    }
}
