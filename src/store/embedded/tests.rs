#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rusqlite::Connection;

use super::known_keys::KnownKeys;
use super::writing::Writing;
use super::{Durability, EmbeddedStore, opening, writer};
use crate::domain::{Clock, OffsetClock, RecordKey, SystemClock, Timestamp};
use crate::store::testing::conformance::{StoreUnderTest, conformance_suite};
use crate::store::{PutIfAbsent, Record, Store, StoreError};

fn open_store() -> StoreUnderTest {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(OffsetClock::default());
    let store = EmbeddedStore::open(&folder.path().join("store.db"), Durability::Full, clock.clone()).unwrap();
    StoreUnderTest { store: Arc::new(store), clock, _resource: Box::new(folder) }
}

conformance_suite!(open_store());

fn open(path: &Path) -> Result<EmbeddedStore, StoreError> {
    EmbeddedStore::open(path, Durability::Full, Arc::new(SystemClock))
}

fn open_error(path: &Path) -> String {
    open(path).err().expect("the file must be refused").to_string()
}

fn record(value: &'static [u8], expires_at: Timestamp) -> Record {
    Record { value: Bytes::from_static(value), expires_at, index: None, mark: None }
}

fn tomorrow() -> Timestamp {
    SystemClock.now().plus(Duration::from_hours(24))
}

#[tokio::test]
async fn a_record_is_found_after_the_store_is_reopened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = open(&path).unwrap();
    store.put(RecordKey([1; 32]), record(b"kept", tomorrow())).await.unwrap();
    drop(store);
    let store = open(&path).unwrap();
    assert_eq!(store.get(RecordKey([1; 32])).await.unwrap(), Some(Bytes::from_static(b"kept")));
}

#[tokio::test]
async fn finished_writes_are_in_the_files_although_the_store_was_not_closed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = open(&path).unwrap();
    for number in 0..50 {
        store.put(RecordKey([number; 32]), record(b"kept", tomorrow())).await.unwrap();
    }
    // The files as a killed process would leave them: copied while the store is still open.
    let (after, copy) = (tempfile::tempdir().unwrap(), "store.db");
    for suffix in ["", "-wal"] {
        let name = format!("{copy}{suffix}");
        fs::copy(folder.path().join(&name), after.path().join(&name)).unwrap();
    }
    let reopened = open(&after.path().join(copy)).unwrap();
    for number in 0..50 {
        assert!(reopened.get(RecordKey([number; 32])).await.unwrap().is_some());
    }
}

/// As the kill drill does with a process: what was answered while others still wrote is in the files of that moment.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_answered_under_load_is_in_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = Arc::new(open(&path).unwrap());
    let (answered, mut answers) = tokio::sync::mpsc::unbounded_channel();
    let writers: Vec<_> = (0..16_u8)
        .map(|writer| {
            let (store, answered) = (Arc::clone(&store), answered.clone());
            tokio::spawn(async move {
                for number in 0..16 {
                    let mut key = [writer; 32];
                    key[0] = number;
                    let written = store.put_if_absent(RecordKey(key), record(b"kept", tomorrow())).await.unwrap();
                    assert_eq!(written, PutIfAbsent::Written);
                    let _ = answered.send(RecordKey(key));
                }
            })
        })
        .collect();
    let mut until_now = Vec::new();
    while until_now.len() < 64 {
        until_now.push(answers.recv().await.unwrap());
    }
    // So few pages are written that the log is never applied to the database, so its copy is whole.
    let after = tempfile::tempdir().unwrap();
    for name in ["store.db", "store.db-wal"] {
        fs::copy(folder.path().join(name), after.path().join(name)).unwrap();
    }
    let reopened = open(&after.path().join("store.db")).unwrap();
    for key in until_now {
        assert!(reopened.get(key).await.unwrap().is_some());
    }
    for writer in writers {
        writer.await.unwrap();
    }
}

#[tokio::test]
async fn dropping_the_store_finishes_queued_writes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = open(&path).unwrap();
    {
        let abandoned = store.put(RecordKey([1; 32]), record(b"queued", tomorrow()));
        let mut abandoned = std::pin::pin!(abandoned);
        // The future is polled once and then dropped: the caller has hung up, but the write is queued.
        let waker = std::task::Waker::noop();
        let _ = abandoned.as_mut().poll(&mut std::task::Context::from_waker(waker));
    }
    drop(store);
    let store = open(&path).unwrap();
    assert!(store.get(RecordKey([1; 32])).await.unwrap().is_some());
}

#[tokio::test]
async fn opening_the_store_makes_its_files_private() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    fs::write(&path, b"").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let store = open(&path).unwrap();
    store.put(RecordKey([1; 32]), record(b"x", tomorrow())).await.unwrap();
    for suffix in ["", "-wal", "-shm", ".lock"] {
        let mode = fs::metadata(folder.path().join(format!("store.db{suffix}"))).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "store.db{suffix}");
    }
}

#[test]
fn a_second_process_cannot_open_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let first = open(&path).unwrap();
    assert!(open_error(&path).contains("another process has it open"));
    drop(first);
    open(&path).unwrap();
}

#[test]
fn a_file_with_a_newer_schema_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    drop(open(&path).unwrap());
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 7).unwrap();
    let message = open_error(&path);
    assert!(message.contains("schema version 7 is newer than this program's 2"), "{message}");
}

#[test]
fn files_of_other_programs_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let foreign = folder.path().join("foreign.db");
    let connection = Connection::open(&foreign).unwrap();
    connection.execute_batch("CREATE TABLE theirs (a);").unwrap();
    drop(connection);
    assert!(open_error(&foreign).contains("a database of another program"));

    let text = folder.path().join("notes.txt");
    fs::write(&text, "this is a text file and not a database, as anyone can see; ".repeat(40)).unwrap();
    assert!(open_error(&text).contains("not a database"));

    assert!(open_error(&folder.path().join("missing/store.db")).contains("lock file"));
}

#[tokio::test]
async fn writes_delete_expired_records_from_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let clock = Arc::new(OffsetClock::default());
    let store = EmbeddedStore::open(&path, Durability::Normal, clock.clone()).unwrap();
    let soon = clock.now().plus(Duration::from_secs(1));
    for number in 0..10 {
        store.put(RecordKey([number; 32]), record(b"x", soon)).await.unwrap();
    }
    clock.advance(Duration::from_secs(2));
    for number in 100..105 {
        store.put(RecordKey([number; 32]), record(b"y", tomorrow())).await.unwrap();
    }
    drop(store);
    assert_eq!(rows(&path), 5);
}

#[test]
fn an_idle_writer_deletes_expired_records() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    drop(open(&path).unwrap());
    let connection = opening::connect(&path, Durability::Normal).unwrap();
    for number in 0..300_u16 {
        let mut key = [0; 32];
        key[..2].copy_from_slice(&number.to_be_bytes());
        super::records::put(&connection, RecordKey(key), &record(b"x", Timestamp::from_unix_millis(1))).unwrap();
    }
    let mut writing = Writing::begin(connection, Arc::new(SystemClock), Arc::new(KnownKeys::new())).unwrap();
    assert_eq!(writer::sweep_idly(&mut writing), Duration::ZERO, "the limit was reached, so there may be more");
    assert_eq!(rows(&path), 300 - 256);
    assert_ne!(writer::sweep_idly(&mut writing), Duration::ZERO);
    assert_eq!(rows(&path), 0);
}

#[tokio::test]
async fn a_failed_commit_is_reported_to_every_caller_and_the_store_continues() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = open(&path).unwrap();
    store.put(RecordKey([1; 32]), record(b"x", tomorrow())).await.unwrap();
    let other_connection = Connection::open(&path).unwrap();
    other_connection.execute_batch("ALTER TABLE records RENAME TO away").unwrap();
    assert!(matches!(store.put(RecordKey([2; 32]), record(b"x", tomorrow())).await, Err(StoreError::Unavailable(_))));
    assert!(matches!(store.get(RecordKey([1; 32])).await, Err(StoreError::Unavailable(_))));
    other_connection.execute_batch("ALTER TABLE away RENAME TO records").unwrap();
    store.put(RecordKey([2; 32]), record(b"x", tomorrow())).await.unwrap();
    assert!(store.get(RecordKey([1; 32])).await.unwrap().is_some());
}

fn rows(path: &Path) -> i64 {
    Connection::open(path).unwrap().query_row("SELECT count(*) FROM records", [], |row| row.get(0)).unwrap()
}
