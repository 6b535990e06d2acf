use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;

use super::{Durability, records};
use crate::store::StoreError;

/// The version of the tables; a file with a greater one is left alone.
pub(super) const SCHEMA_VERSION: i32 = 1;
/// Marks a `SQLite` file as ours: `bsso` in ASCII.
pub(super) const APPLICATION_ID: i32 = 0x6273_736f;

const PRIVATE: u32 = 0o600;

/// Takes the lock that keeps a second process out. The operating system releases it however this process ends.
pub(super) fn lock(path: &Path) -> Result<File, StoreError> {
    let unusable = |reason: String| unusable(path, reason);
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(PRIVATE)
        .open(beside(path, ".lock"))
        .map_err(|error| unusable(format!("its lock file cannot be created: {error}")))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(unusable("another process has it open; stop that one first".to_owned())),
        Err(TryLockError::Error(error)) => Err(unusable(format!("it cannot be locked: {error}"))),
    }
}

/// Creates the file before `SQLite` does, with our mode, and makes its name durable.
pub(super) fn create_private(path: &Path) -> Result<(), StoreError> {
    match OpenOptions::new().create_new(true).write(true).mode(PRIVATE).open(path) {
        Ok(_) => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| unusable(path, error.to_string()))
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(unusable(path, error.to_string())),
    }
}

/// Takes group's and others' access away from the file, its log and its shared index.
pub(super) fn make_private(path: &Path) -> Result<(), StoreError> {
    for file in [path.to_owned(), beside(path, "-wal"), beside(path, "-shm")] {
        match fs::set_permissions(&file, Permissions::from_mode(PRIVATE)) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(unusable(path, format!("its mode cannot be set to 0600: {error}"))),
        }
    }
    Ok(())
}

/// The writer's connection. Checkpoints stay on this thread: moved to another, the log grows without end.
pub(super) fn connect(path: &Path, durability: Durability) -> Result<Connection, StoreError> {
    let open = || -> rusqlite::Result<Connection> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        let synchronous = match durability {
            Durability::Full => "FULL",
            Durability::Normal => "NORMAL",
        };
        connection.pragma_update(None, "synchronous", synchronous)?;
        connection.pragma_update(None, "journal_size_limit", 64 * 1024 * 1024)?;
        Ok(connection)
    };
    open().map_err(|error| unusable(path, error.to_string()))
}

/// A connection that cannot write.
pub(super) fn connect_reader(path: &Path) -> Result<Connection, StoreError> {
    let open = || -> rusqlite::Result<Connection> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.pragma_update(None, "query_only", true)?;
        Ok(connection)
    };
    open().map_err(|error| unusable(path, error.to_string()))
}

/// Creates the tables in a new file, and refuses files that are not ours or come from a newer version.
pub(super) fn prepare_schema(path: &Path, connection: &Connection) -> Result<(), StoreError> {
    let read = |pragma: &str| connection.pragma_query_value(None, pragma, |row| row.get::<_, i32>(0));
    let failed = |error: rusqlite::Error| unusable(path, error.to_string());
    let (application, version) = (read("application_id").map_err(failed)?, read("user_version").map_err(failed)?);
    match (application, version) {
        (0, 0) if is_empty(connection).map_err(failed)? => create_tables(connection).map_err(failed),
        (APPLICATION_ID, SCHEMA_VERSION) => Ok(()),
        (APPLICATION_ID, newer) if newer > SCHEMA_VERSION => Err(unusable(
            path,
            format!("its schema version {newer} is newer than this program's {SCHEMA_VERSION}; run the newer program"),
        )),
        _ => Err(unusable(path, "it is a database of something else".to_owned())),
    }
}

fn is_empty(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)", [], |row| row.get(0))
}

fn create_tables(connection: &Connection) -> rusqlite::Result<()> {
    // One transaction: a process killed here leaves an empty file, not half a schema.
    connection.execute_batch(&format!(
        "BEGIN IMMEDIATE; {} PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;",
        records::SCHEMA
    ))
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

fn unusable(path: &Path, reason: String) -> StoreError {
    StoreError::Unusable { place: path.display().to_string(), reason }
}
