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
    let index = record.index.as_ref().map(|index| index.0.as_slice());
    connection
        .prepare_cached(
            "INSERT INTO records (key, value, expires_at, idx, mark) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (key) DO UPDATE SET
             value = excluded.value, expires_at = excluded.expires_at, idx = excluded.idx, mark = excluded.mark",
        )?
        .execute(params![
            key.0.as_slice(),
            record.value.as_ref(),
            record.expires_at.unix_millis(),
            index,
            mark_of(record)
        ])
        .map(drop)
}

/// The mark of the row of `record`.
pub(super) fn mark_of(record: &Record) -> Option<i64> {
    record.mark.and_then(|mark| i64::try_from(mark).ok())
}

/// The keys of a record that was removed, and its mark.
#[derive(Clone, Copy)]
pub(super) struct RemovedRecord {
    pub(super) key: RecordKey,
    pub(super) index: Option<RecordKey>,
    pub(super) mark: Option<i64>,
}

/// A record that was removed, with its value.
pub(super) struct TakenRecord {
    pub(super) removed: RemovedRecord,
    pub(super) value: Bytes,
}

pub(super) fn take(connection: &Connection, key: RecordKey, now: Timestamp) -> rusqlite::Result<Option<TakenRecord>> {
    connection
        .prepare_cached("DELETE FROM records WHERE key = ?1 AND expires_at > ?2 RETURNING value, idx, mark")?
        .query_row(params![key.0.as_slice(), now.unix_millis()], |row| {
            let removed = RemovedRecord { key, index: key_at(row, 1)?, mark: row.get(2)? };
            Ok(TakenRecord { removed, value: value_at_0(row)? })
        })
        .optional()
}

/// The record under `key`, expired or not, that a write is about to replace.
pub(super) fn find_replaced(connection: &Connection, key: RecordKey) -> rusqlite::Result<Option<RemovedRecord>> {
    connection
        .prepare_cached("SELECT idx, mark FROM records WHERE key = ?1")?
        .query_row(params![key.0.as_slice()], |row| removed_at(row, key))
        .optional()
}

/// Whether `index` lists a record, expired or not.
pub(super) fn has_members(connection: &Connection, index: RecordKey) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM records WHERE idx = ?1)")?
        .query_row(params![index.0.as_slice()], |row| row.get(0))
}

/// Lists up to `limit` keys of records that follow `after` in their order. Reads the index of the keys alone.
pub(super) fn list_keys(connection: &Connection, after: &[u8], limit: usize) -> rusqlite::Result<Vec<RecordKey>> {
    connection
        .prepare_cached("SELECT key FROM records WHERE key > ?1 ORDER BY key LIMIT ?2")?
        .query_map(params![after, i64::try_from(limit).unwrap_or(i64::MAX)], |row| row.get(0).map(RecordKey))?
        .collect()
}

/// Finds the next key of an index that has members. Skips over its members, which can be many.
pub(super) fn find_next_index(connection: &Connection, after: &[u8]) -> rusqlite::Result<Option<RecordKey>> {
    connection
        .prepare_cached("SELECT idx FROM records WHERE idx > ?1 ORDER BY idx LIMIT 1")?
        .query_row(params![after], |row| row.get(0).map(RecordKey))
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
            Ok((RecordKey(row.get(0)?), key_at(row, 1)?))
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
                index: key_at(row, 4)?,
                mark: row.get::<_, Option<i64>>(5)?.and_then(|mark| u64::try_from(mark).ok()),
            };
            Ok((row.get(1)?, RecordKey(row.get(2)?), record))
        })?
        .collect::<rusqlite::Result<_>>()?;
    let next = rows.last().filter(|_| rows.len() >= limit).map(|(row_id, ..)| RecordCursor(row_id.to_string()));
    Ok(RecordPage { records: rows.into_iter().map(|(_, key, record)| (key, record)).collect(), next })
}

pub(super) fn remove(connection: &Connection, key: RecordKey) -> rusqlite::Result<Option<RemovedRecord>> {
    connection
        .prepare_cached("DELETE FROM records WHERE key = ?1 RETURNING idx, mark")?
        .query_row(params![key.0.as_slice()], |row| removed_at(row, key))
        .optional()
}

/// Deletes up to `limit` expired records, the earliest expiry first. Returns their keys.
pub(super) fn sweep(connection: &Connection, now: Timestamp, limit: usize) -> rusqlite::Result<Vec<RemovedRecord>> {
    // The deletion makes a table for what it returns, so it is begun only if there is something to delete.
    if !has_expired(connection, now)? {
        return Ok(Vec::new());
    }
    connection
        .prepare_cached(
            "DELETE FROM records WHERE rowid IN
             (SELECT rowid FROM records WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2) RETURNING idx, mark, key",
        )?
        .query_map(params![now.unix_millis(), i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
            removed_at(row, RecordKey(row.get(2)?))
        })?
        .collect()
}

fn has_expired(connection: &Connection, now: Timestamp) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM records WHERE expires_at <= ?1)")?
        .query_row(params![now.unix_millis()], |row| row.get(0))
}

/// The record under `key`, whose row begins with its index and its mark.
fn removed_at(row: &rusqlite::Row<'_>, key: RecordKey) -> rusqlite::Result<RemovedRecord> {
    Ok(RemovedRecord { key, index: key_at(row, 0)?, mark: row.get(1)? })
}

fn value_at_0(row: &rusqlite::Row<'_>) -> rusqlite::Result<Bytes> {
    row.get::<_, Vec<u8>>(0).map(Bytes::from)
}

fn key_at(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Option<RecordKey>> {
    Ok(row.get::<_, Option<[u8; 32]>>(column)?.map(RecordKey))
}
