//! Tests of a store whose files are removed, replaced or emptied while it is open.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::{Durability, EmbeddedStore};
use crate::domain::{Clock, RecordKey, SystemClock};
use crate::store::{Record, Store, StoreError};

const KEY: RecordKey = RecordKey([1; 32]);

async fn open_with_a_record(path: &Path) -> EmbeddedStore {
    let store = EmbeddedStore::open(path, Durability::Normal, Arc::new(SystemClock)).unwrap();
    put(&store).await.unwrap();
    store
}

async fn put(store: &EmbeddedStore) -> Result<(), StoreError> {
    let expires_at = SystemClock.now().plus(Duration::from_hours(1));
    store.put(KEY, Record { value: Bytes::from_static(b"kept"), expires_at, index: None, mark: None }).await
}

async fn refuses_all_work(store: &EmbeddedStore, reason: &str) {
    let (written, read) = (put(store).await.unwrap_err(), store.get(KEY).await.unwrap_err());
    for error in [written, read, store.members(KEY, 1).await.unwrap_err(), store.take(KEY).await.unwrap_err()] {
        assert!(matches!(&error, StoreError::Unavailable(text) if text.contains(reason)), "{error}");
    }
}

#[tokio::test]
async fn a_store_whose_file_is_moved_away_or_replaced_refuses_all_work_until_it_is_back() {
    for name in ["store.db", "store.db-wal", "store.db.lock"] {
        let folder = tempfile::tempdir().unwrap();
        let store = open_with_a_record(&folder.path().join("store.db")).await;
        let (file, away) = (folder.path().join(name), folder.path().join("away"));
        fs::rename(&file, &away).unwrap();
        refuses_all_work(&store, "was removed while it was open").await;
        fs::copy(&away, &file).unwrap();
        refuses_all_work(&store, "was replaced while it was open").await;
        fs::rename(&away, &file).unwrap();
        put(&store).await.unwrap();
        assert_eq!(store.get(KEY).await.unwrap(), Some(Bytes::from_static(b"kept")), "{name}");
    }
}

#[tokio::test]
async fn a_store_whose_folder_is_removed_refuses_all_work() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_with_a_record(&folder.path().join("store.db")).await;
    folder.close().unwrap();
    refuses_all_work(&store, "was removed while it was open").await;
}

#[tokio::test]
async fn a_store_whose_file_is_emptied_refuses_all_work() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = open_with_a_record(&path).await;
    fs::OpenOptions::new().write(true).truncate(true).open(&path).unwrap();
    let error = put(&store).await.unwrap_err();
    assert!(error.to_string().contains("was emptied while it was open"), "{error}");
}
