//! Copies of a store's file. This file adds to [`EmbeddedStore`].

use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::EmbeddedStore;
use super::opening::{
    APPLICATION_ID, PRIVATE_MODE, SCHEMA_VERSION, VERSION_WITHOUT_MARKS, lock, sibling_path, unusable,
};
use crate::store::StoreError;

impl EmbeddedStore {
    /// Writes a copy of the store at `path` as it is at this moment into the new file `to`, with mode 0600. A process may have the
    /// store open and goes on meanwhile. Blocks on the disk.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] if `path` is not a store of this program, if `to` exists, or if the file system returns an error.
    pub fn back_up(path: &Path, to: &Path) -> Result<(), StoreError> {
        let connection = open_existing(path)?;
        copy_into(&connection, path, to)
    }

    /// Replaces the store at `path` by the copy `from`. Blocks on the disk.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] if a process has the store open, if there is a store at `path` and `overwrites` is not set, if `from` is
    /// damaged or not a store of this program, or if the file system returns an error. The store at `path` then stays.
    pub fn restore(from: &Path, path: &Path, overwrites: bool) -> Result<(), StoreError> {
        let _lock = lock(path)?;
        if !overwrites && fs::metadata(path).is_ok_and(|about| about.len() > 0) {
            return Err(unusable(path, "it exists already, and is replaced only with --force".to_owned()));
        }
        let connection = open_existing(from)?;
        check_integrity(&connection, from)?;
        let replacement = sibling_path(path, ".restored");
        remove_if_there(&replacement).map_err(|error| unusable(&replacement, error.to_string()))?;
        copy_into(&connection, from, &replacement)?;
        let replace = || {
            // The log of the replaced file must not be applied to the new one.
            remove_if_there(&sibling_path(path, "-wal"))?;
            remove_if_there(&sibling_path(path, "-shm"))?;
            fs::rename(&replacement, path)?;
            sync_folder(path)
        };
        replace().map_err(|error| unusable(path, error.to_string()))
    }
}

/// Opens the file of a store without creating or changing it.
fn open_existing(path: &Path) -> Result<Connection, StoreError> {
    let failed = |error: rusqlite::Error| unusable(path, error.to_string());
    if !path.is_file() {
        return Err(unusable(path, "there is no such file".to_owned()));
    }
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(failed)?;
    connection.busy_timeout(Duration::from_secs(5)).map_err(failed)?;
    let read = |pragma: &str| connection.pragma_query_value(None, pragma, |row| row.get::<_, i32>(0)).map_err(failed);
    let (application, version) = (read("application_id")?, read("user_version")?);
    if application != APPLICATION_ID {
        return Err(unusable(path, "it is not a store of bot-sso".to_owned()));
    }
    if !(VERSION_WITHOUT_MARKS..=SCHEMA_VERSION).contains(&version) {
        let reason =
            format!("its schema version {version} is not one of this program's; run the version that wrote it");
        return Err(unusable(path, reason));
    }
    Ok(connection)
}

fn check_integrity(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let found: Result<String, _> = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0));
    match found {
        Ok(found) if found == "ok" => Ok(()),
        Ok(found) => Err(unusable(path, format!("it is damaged: {found}"))),
        Err(error) => Err(unusable(path, format!("it is damaged: {error}"))),
    }
}

/// `SQLite` writes into an empty file, which has the right mode before the first record is in it.
fn copy_into(connection: &Connection, path: &Path, to: &Path) -> Result<(), StoreError> {
    let failed = |error: std::io::Error| unusable(to, error.to_string());
    let created = OpenOptions::new().create_new(true).write(true).mode(PRIVATE_MODE).open(to);
    match created {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            return Err(unusable(to, "the file exists already: write another name, or remove it first".to_owned()));
        }
        Err(error) => return Err(failed(error)),
    }
    let Some(name) = to.to_str() else { return Err(unusable(to, "its name is not UTF-8".to_owned())) };
    if let Err(error) = connection.execute("VACUUM INTO ?1", [name]) {
        // An incomplete copy must not stay. The error of the copy is reported, not one of the removal.
        drop(fs::remove_file(to));
        return Err(unusable(path, format!("it could not be copied to {}: {error}", to.display())));
    }
    File::open(to).and_then(|file| file.sync_all()).and_then(|()| sync_folder(to)).map_err(failed)
}

fn remove_if_there(path: &Path) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn sync_folder(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::os::unix::fs::PermissionsExt as _;
    use std::sync::Arc;

    use bytes::Bytes;

    use super::*;
    use crate::domain::{RecordKey, SystemClock, Timestamp};
    use crate::store::{Durability, Record, Store as _};

    const KEY: RecordKey = RecordKey([1; 32]);

    fn open(path: &Path) -> EmbeddedStore {
        EmbeddedStore::open(path, Durability::Normal, Arc::new(SystemClock)).unwrap()
    }

    async fn put(store: &EmbeddedStore, value: &'static str) {
        let expires_at = Timestamp::from_unix_seconds(253_402_300_799);
        let record = Record { value: Bytes::from_static(value.as_bytes()), expires_at, index: None, mark: None };
        store.put(KEY, record).await.unwrap();
    }

    fn reason(result: Result<(), StoreError>) -> String {
        result.unwrap_err().to_string()
    }

    #[tokio::test]
    async fn a_store_is_backed_up_while_it_is_open_and_restored_while_it_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let (path, copy) = (folder.path().join("store.db"), folder.path().join("copy.db"));
        let store = open(&path);
        put(&store, "then").await;
        EmbeddedStore::back_up(&path, &copy).unwrap();
        assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(reason(EmbeddedStore::back_up(&path, &copy)).contains("exists already"));
        put(&store, "later").await;
        assert!(reason(EmbeddedStore::restore(&copy, &path, true)).contains("another process has it open"));
        drop(store);

        assert!(reason(EmbeddedStore::restore(&copy, &path, false)).contains("exists already"));
        let store = open(&path);
        assert_eq!(store.get(KEY).await.unwrap().unwrap(), "later", "a refused restore changes nothing");
        drop(store);
        EmbeddedStore::restore(&copy, &path, true).unwrap();
        assert_eq!(open(&path).get(KEY).await.unwrap().unwrap(), "then");
    }

    #[tokio::test]
    async fn a_restored_backup_gives_back_the_space_of_removed_records() {
        let folder = tempfile::tempdir().unwrap();
        let (path, copy) = (folder.path().join("store.db"), folder.path().join("copy.db"));
        let store = open(&path);
        put(&store, "stays").await;
        let expires_at = Timestamp::from_unix_seconds(253_402_300_799);
        for number in 2..200 {
            let record = Record { value: Bytes::from(vec![number; 4000]), expires_at, index: None, mark: None };
            store.put(RecordKey([number; 32]), record).await.unwrap();
        }
        store.remove((2..200).map(|number| RecordKey([number; 32])).collect()).await.unwrap();
        drop(store);
        assert!(!folder.path().join("store.db-wal").exists(), "a store that has ended has no log");
        let size = |path: &Path| fs::metadata(path).unwrap().len();
        let before = size(&path);
        EmbeddedStore::back_up(&path, &copy).unwrap();
        EmbeddedStore::restore(&copy, &path, true).unwrap();
        assert!(size(&path) * 4 < before, "{before} bytes before, {} after", size(&path));
        assert_eq!(open(&path).get(KEY).await.unwrap().unwrap(), "stays");
    }

    #[tokio::test]
    async fn what_is_no_store_of_this_program_is_neither_copied_nor_restored() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("store.db"), folder.path().join("other.db"));
        assert!(reason(EmbeddedStore::back_up(&path, &folder.path().join("copy.db"))).contains("no such file"));
        assert!(!path.exists());
        Connection::open(&other).unwrap().execute_batch("CREATE TABLE diary (day TEXT)").unwrap();
        assert!(reason(EmbeddedStore::restore(&other, &path, false)).contains("not a store of bot-sso"));
        fs::write(&other, "no database at all, but long enough to be the header of one of those that SQLite writes, which has a hundred bytes").unwrap();
        assert!(EmbeddedStore::restore(&other, &path, false).is_err());
        assert!(!path.exists());
    }
}
