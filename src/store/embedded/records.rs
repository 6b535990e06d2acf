use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, params};

use crate::domain::RecordKey;
use crate::domain::Timestamp;
use crate::store::{Record, RecordCursor, RecordPage};

// The table has row ids: in a WITHOUT ROWID tree, values of several kilobytes would leave room for only few keys on
// each inner page.
pub(super) const SCHEMA: &str = "
    CREATE TABLE records (
        key        BLOB PRIMARY KEY NOT NULL,
        mark       INTEGER,
        value      BLOB NOT NULL,
        expires_at INTEGER NOT NULL,
        idx        BLOB
    );
    CREATE INDEX records_by_expiry ON records (expires_at);
    CREATE INDEX records_by_idx ON records (idx) WHERE idx IS NOT NULL;
";

pub(super) fn get(connection: &Connection, key: RecordKey, now: Timestamp) -> rusqlite::Result<Option<Bytes>> {
    connection
        .prepare_cached("SELECT value FROM records WHERE key = ?1 AND expires_at > ?2")?
        .query_row(params![key.0.as_slice(), now.unix_millis()], value_at_0)
        .optional()
}

pub(super) fn put(connection: &Connection, key: RecordKey, record: &Record) -> rusqlite::Result<()> {
    let mark = record.mark.and_then(|mark| i64::try_from(mark).ok());
    let index = record.index.as_ref().map(|index| index.0.as_slice());
    connection
        .prepare_cached(
            "INSERT INTO records (key, value, expires_at, idx, mark) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (key) DO UPDATE SET
             value = excluded.value, expires_at = excluded.expires_at, idx = excluded.idx, mark = excluded.mark",
        )?
        .execute(params![key.0.as_slice(), record.value.as_ref(), record.expires_at.unix_millis(), index, mark])
        .map(drop)
}

pub(super) fn take(connection: &Connection, key: RecordKey, now: Timestamp) -> rusqlite::Result<Option<Bytes>> {
    connection
        .prepare_cached("DELETE FROM records WHERE key = ?1 AND expires_at > ?2 RETURNING value")?
        .query_row(params![key.0.as_slice(), now.unix_millis()], value_at_0)
        .optional()
}

pub(super) fn members(
    connection: &Connection,
    index: RecordKey,
    now: Timestamp,
    limit: usize,
) -> rusqlite::Result<Vec<(RecordKey, Bytes)>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    connection
        .prepare_cached(
            "SELECT value, key FROM records WHERE idx = ?1 AND expires_at > ?2 ORDER BY expires_at DESC LIMIT ?3",
        )?
        .query_map(params![index.0.as_slice(), now.unix_millis(), limit], |row| {
            Ok((RecordKey(row.get::<_, [u8; 32]>(1)?), value_at_0(row)?))
        })?
        .collect()
}

pub(super) fn list_expiring_by(
    connection: &Connection,
    now: Timestamp,
    until: Timestamp,
    limit: usize,
) -> rusqlite::Result<Vec<(RecordKey, Option<RecordKey>)>> {
    connection
        .prepare(
            "SELECT key, idx FROM records WHERE expires_at > ?1 AND expires_at <= ?2 ORDER BY expires_at LIMIT ?3",
        )?
        .query_map(params![now.unix_millis(), until.unix_millis(), i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
            Ok((RecordKey(row.get(0)?), row.get::<_, Option<[u8; 32]>>(1)?.map(RecordKey)))
        })?
        .collect()
}

/// The pages follow the row ids. A row keeps its id when its record is replaced, and a new row has a greater one.
pub(super) fn list_all(
    connection: &Connection,
    now: Timestamp,
    after: Option<RecordCursor>,
    limit: usize,
) -> rusqlite::Result<RecordPage> {
    let after = match after {
        Some(cursor) => cursor.0.parse().map_err(|_| rusqlite::Error::InvalidQuery)?,
        None => i64::MIN,
    };
    let rows: Vec<(i64, RecordKey, Record)> = connection
        .prepare_cached(
            "SELECT value, rowid, key, expires_at, idx, mark FROM records WHERE rowid > ?1 AND expires_at > ?2
             ORDER BY rowid LIMIT ?3",
        )?
        .query_map(params![after, now.unix_millis(), i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
            let record = Record {
                value: value_at_0(row)?,
                expires_at: Timestamp::from_unix_millis(row.get(3)?),
                index: row.get::<_, Option<[u8; 32]>>(4)?.map(RecordKey),
                mark: row.get::<_, Option<i64>>(5)?.and_then(|mark| u64::try_from(mark).ok()),
            };
            Ok((row.get(1)?, RecordKey(row.get(2)?), record))
        })?
        .collect::<rusqlite::Result<_>>()?;
    let next = rows.last().filter(|_| rows.len() >= limit).map(|(row_id, ..)| RecordCursor(row_id.to_string()));
    Ok(RecordPage { records: rows.into_iter().map(|(_, key, record)| (key, record)).collect(), next })
}

pub(super) fn remove(connection: &Connection, key: RecordKey) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM records WHERE key = ?1")?.execute(params![key.0.as_slice()]).map(drop)
}

/// Deletes up to `limit` expired records, the earliest expiry first. Returns the number of deleted records.
pub(super) fn sweep(connection: &Connection, now: Timestamp, limit: usize) -> rusqlite::Result<usize> {
    connection
        .prepare_cached(
            "DELETE FROM records WHERE rowid IN
             (SELECT rowid FROM records WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)",
        )?
        .execute(params![now.unix_millis(), i64::try_from(limit).unwrap_or(i64::MAX)])
}

fn value_at_0(row: &rusqlite::Row<'_>) -> rusqlite::Result<Bytes> {
    row.get::<_, Vec<u8>>(0).map(Bytes::from)
}
