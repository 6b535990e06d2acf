//! The number of records with each mark, which triggers keep up to date in the transaction of every write.

use rusqlite::{Connection, OptionalExtension, params};

use crate::domain::Timestamp;

/// The counters, and the position up to which older records have been marked (no row: all of them).
pub(super) const SCHEMA: &str = "
    CREATE TABLE mark_counts (mark INTEGER PRIMARY KEY NOT NULL, records INTEGER NOT NULL);
    CREATE TABLE marking (after_rowid INTEGER NOT NULL);
    CREATE TRIGGER mark_inserted AFTER INSERT ON records WHEN NEW.mark IS NOT NULL BEGIN
        INSERT INTO mark_counts (mark, records) VALUES (NEW.mark, 1)
        ON CONFLICT (mark) DO UPDATE SET records = records + 1;
    END;
    CREATE TRIGGER mark_deleted AFTER DELETE ON records WHEN OLD.mark IS NOT NULL BEGIN
        UPDATE mark_counts SET records = records - 1 WHERE mark = OLD.mark;
    END;
    CREATE TRIGGER mark_changed AFTER UPDATE OF mark ON records WHEN OLD.mark IS NOT NEW.mark BEGIN
        UPDATE mark_counts SET records = records - 1 WHERE mark = OLD.mark;
        INSERT INTO mark_counts (mark, records) SELECT NEW.mark, 1 WHERE NEW.mark IS NOT NULL
        ON CONFLICT (mark) DO UPDATE SET records = records + 1;
    END;
";

/// Records without a mark are looked at from the first row on.
pub(super) const BEGIN_MARKING: &str = "INSERT INTO marking (after_rowid) VALUES (-9223372036854775808);";

pub(super) fn list(connection: &Connection) -> rusqlite::Result<Vec<u64>> {
    connection
        .prepare_cached("SELECT mark FROM mark_counts WHERE records > 0 ORDER BY mark")?
        .query_map([], |row| row.get::<_, i64>(0))?
        .filter_map(|mark| mark.map(|mark| u64::try_from(mark).ok()).transpose())
        .collect()
}

/// The counter minus the expired records, which are few: every write deletes some of them.
pub(super) fn count_live(connection: &Connection, mark: u64, now: Timestamp) -> rusqlite::Result<u64> {
    let live: i64 = connection
        .prepare_cached(
            "SELECT coalesce((SELECT records FROM mark_counts WHERE mark = ?1), 0)
             - (SELECT count(*) FROM records INDEXED BY records_by_expiry WHERE expires_at <= ?2 AND mark = ?1)",
        )?
        .query_row(params![i64::try_from(mark).unwrap_or(i64::MAX), now.unix_millis()], |row| row.get(0))?;
    Ok(u64::try_from(live).unwrap_or(0))
}

/// Marks up to `limit` older records in the order of their rows. Records that are written meanwhile bring their own
/// mark, so one pass is enough.
pub(super) fn mark_older(
    connection: &Connection,
    limit: usize,
    read: &dyn Fn(&[u8]) -> Option<u64>,
) -> rusqlite::Result<bool> {
    let position =
        connection.query_row("SELECT after_rowid FROM marking", [], |row| row.get::<_, i64>(0)).optional()?;
    let Some(position) = position else { return Ok(true) };
    let limit_in_rows = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows: Vec<Unmarked> = connection
        .prepare_cached("SELECT rowid, value, mark IS NULL FROM records WHERE rowid > ?1 ORDER BY rowid LIMIT ?2")?
        .query_map(params![position, limit_in_rows], |row| {
            let (row_id, is_unmarked) = (row.get(0)?, row.get(2)?);
            Ok(Unmarked { row_id, mark: read(row.get_ref(1)?.as_blob()?).filter(|_| is_unmarked) })
        })?
        .collect::<rusqlite::Result<_>>()?;
    let mut update = connection.prepare_cached("UPDATE records SET mark = ?2 WHERE rowid = ?1")?;
    for row in &rows {
        if let Some(mark) = row.mark.and_then(|mark| i64::try_from(mark).ok()) {
            update.execute(params![row.row_id, mark])?;
        }
    }
    match rows.last() {
        Some(last) if rows.len() == limit => {
            connection.execute("UPDATE marking SET after_rowid = ?1", params![last.row_id])?;
            Ok(false)
        }
        _ => connection.execute("DELETE FROM marking", []).map(|_| true),
    }
}

/// A row that was looked at, and the mark that it gets.
struct Unmarked {
    row_id: i64,
    mark: Option<u64>,
}
