use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::{Durability, marks, records};
use crate::store::StoreError;

/// The version of the schema. A file with a greater version is refused.
pub(super) const SCHEMA_VERSION: i32 = 2;
/// The version whose records have no marks.
pub(super) const VERSION_WITHOUT_MARKS: i32 = 1;
/// The `SQLite` application id of our files: `bsso` in ASCII.
pub(super) const APPLICATION_ID: i32 = 0x6273_736f;

pub(super) const PRIVATE_MODE: u32 = 0o600;

/// Locks the lock file, so that no second process opens the store. The operating system releases the lock when this
/// process ends, even if it is killed.
pub(super) fn lock(path: &Path) -> Result<File, StoreError> {
    let unusable = |reason: String| unusable(path, reason);
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(PRIVATE_MODE)
        .open(sibling_path(path, ".lock"))
        .map_err(|error| unusable(format!("its lock file cannot be created: {error}")))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(unusable("another process has it open; stop that process first".to_owned()))
        }
        Err(TryLockError::Error(error)) => Err(unusable(format!("it cannot be locked: {error}"))),
    }
}

/// Creates the file with mode 0600 before `SQLite` creates it with another mode, and syncs its folder.
pub(super) fn create_private(path: &Path) -> Result<(), StoreError> {
    match OpenOptions::new().create_new(true).write(true).mode(PRIVATE_MODE).open(path) {
        Ok(_) => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| unusable(path, error.to_string()))
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(unusable(path, error.to_string())),
    }
}

/// Sets the mode of the file, of its log and of its shared index to 0600.
pub(super) fn make_private(path: &Path) -> Result<(), StoreError> {
    for file in [path.to_owned(), sibling_path(path, "-wal"), sibling_path(path, "-shm")] {
        match fs::set_permissions(&file, Permissions::from_mode(PRIVATE_MODE)) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(unusable(path, format!("its mode cannot be set to 0600: {error}"))),
        }
    }
    Ok(())
}

/// Pages in the log from which on the writer itself copies them into the database. The log becomes so long only if writes
/// come without a pause: the log begins anew when all of it has been copied and nothing was written meanwhile. A crash leaves
/// about 64 MiB to recover at most.
const PAGES_TO_CHECKPOINT: i64 = 16_000;
/// The memory for pages of the writer, in kibibytes. It takes what it uses. To order the pages of an index that it splits, `SQLite`
/// gives one of them the number [`LOCK_BYTE_PAGE`] for a moment. In a smaller database that is above the number of the last page, and
/// the commit then looks at every page in memory for others above it: the more are kept, the longer it takes.
const CACHE_KIB: i64 = 4 * 1024;
/// The same for a larger database, in which each write changes other pages of its indexes.
const LARGE_CACHE_KIB: i64 = 128 * 1024;
/// The page at one gibibyte, which no table uses (<https://www.sqlite.org/fileformat.html#the_lock_byte_page>).
const LOCK_BYTE_PAGE: i64 = (1 << 30) / 4096 + 1;

/// Opens the connection of the writer thread.
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
        connection.pragma_update(None, "wal_autocheckpoint", PAGES_TO_CHECKPOINT)?;
        connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
        keep_plans(&connection)?;
        Ok(connection)
    };
    open().map_err(|error| unusable(path, error.to_string()))
}

/// Gives the writer more memory for pages if its database is so large that it needs it. Returns whether it has it.
pub(super) fn fit_cache(writer: &Connection) -> rusqlite::Result<bool> {
    let pages: i64 = writer.pragma_query_value(None, "page_count", |row| row.get(0))?;
    let is_large = pages > LOCK_BYTE_PAGE;
    if is_large {
        writer.pragma_update(None, "cache_size", -LARGE_CACHE_KIB)?;
    }
    Ok(is_large)
}

/// Opens the connection that copies the log into the database, and with it all its files.
pub(super) fn connect_checkpointer(path: &Path, durability: Durability) -> Result<Connection, StoreError> {
    let connection = connect(path, durability)?;
    is_empty(&connection).map_err(|error| unusable(path, error.to_string()))?;
    Ok(connection)
}

/// Opens a connection that cannot write, and with it all its files. `SQLite` opens the log at the first read only: if the
/// log were away then, it would create another one, and this connection would go on reading that.
pub(super) fn connect_reader(path: &Path) -> Result<Connection, StoreError> {
    let open = || -> rusqlite::Result<Connection> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.pragma_update(None, "query_only", true)?;
        keep_plans(&connection)?;
        is_empty(&connection)?;
        Ok(connection)
    };
    open().map_err(|error| unusable(path, error.to_string()))
}

/// Lets `SQLite` plan a statement without its parameters. Otherwise it plans some statements again whenever they get other
/// parameters, which took more time than to run them: 28,000 of the 71,000 instructions of a write.
fn keep_plans(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

/// Creates the tables in a new file. Refuses a file of another program or of a newer version of this program.
pub(super) fn prepare_schema(path: &Path, connection: &Connection) -> Result<(), StoreError> {
    let read = |pragma: &str| connection.pragma_query_value(None, pragma, |row| row.get::<_, i32>(0));
    let failed = |error: rusqlite::Error| unusable(path, error.to_string());
    let (application, version) = (read("application_id").map_err(failed)?, read("user_version").map_err(failed)?);
    match (application, version) {
        (0, 0) if is_empty(connection).map_err(failed)? => create_tables(connection).map_err(failed),
        (APPLICATION_ID, SCHEMA_VERSION) => Ok(()),
        (APPLICATION_ID, VERSION_WITHOUT_MARKS) => add_marks(connection).map_err(failed),
        (APPLICATION_ID, newer) if newer > SCHEMA_VERSION => Err(unusable(
            path,
            format!("its schema version {newer} is newer than this program's {SCHEMA_VERSION}; run the newer version"),
        )),
        _ => Err(unusable(path, "it is a database of another program".to_owned())),
    }
}

fn is_empty(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)", [], |row| row.get(0))
}

fn create_tables(connection: &Connection) -> rusqlite::Result<()> {
    // The tables are created in one transaction, so that a process that is killed here leaves an empty file and not
    // half a schema.
    connection.execute_batch(&format!(
        "BEGIN IMMEDIATE; {} {} PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;",
        records::SCHEMA,
        marks::SCHEMA
    ))
}

/// Brings a file of the version without marks to this version. Its cost does not depend on the number of records: they
/// are marked later, by [`marks::mark_older`].
fn add_marks(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(&format!(
        "BEGIN IMMEDIATE; ALTER TABLE records ADD COLUMN mark INTEGER; {} {} PRAGMA user_version = {SCHEMA_VERSION}; \
         COMMIT;",
        marks::SCHEMA,
        marks::BEGIN_MARKING
    ))
}

pub(super) fn sibling_path(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

pub(super) fn unusable(path: &Path, reason: String) -> StoreError {
    StoreError::Unusable { place: path.display().to_string(), reason }
}
