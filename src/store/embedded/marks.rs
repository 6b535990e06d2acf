//! The number of records with each mark, which is kept up to date in the transaction of every write.

use std::collections::BTreeMap;

use bytes::Bytes;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OptionalExtension, params};

use crate::domain::{RecordKey, Timestamp};
use crate::store::{MarkReader, Marking, OlderRecord};

/// The counters, and the position up to which older records have been marked (no row: all of them). The triggers count for a
/// connection that does not count by [`MarkChanges`].
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

/// What the running transaction changes of the counters. The triggers would run two statements for each record, and keep a copy of
/// each page that they change: a fifth of the instructions of a write.
#[derive(Default)]
pub(super) struct MarkChanges(BTreeMap<i64, i64>);

impl MarkChanges {
    /// Nothing yet. From now on the triggers do not count what `connection` writes.
    pub(super) fn begin(connection: &Connection) -> rusqlite::Result<Self> {
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
        Ok(Self::default())
    }

    /// Counts a record that was written.
    pub(super) fn add(&mut self, mark: Option<i64>) {
        self.change(mark, 1);
    }

    /// Counts a record that was removed or replaced.
    pub(super) fn remove(&mut self, mark: Option<i64>) {
        self.change(mark, -1);
    }

    /// Writes the changes.
    pub(super) fn store(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        while let Some((mark, change)) = self.0.pop_first() {
            if change != 0 {
                connection
                    .prepare_cached(
                        "INSERT INTO mark_counts (mark, records) VALUES (?1, ?2)
                         ON CONFLICT (mark) DO UPDATE SET records = records + excluded.records",
                    )?
                    .execute(params![mark, change])?;
            }
        }
        Ok(())
    }

    /// Forgets the changes of a transaction that was rolled back.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    fn change(&mut self, mark: Option<i64>, by: i64) {
        if let Some(mark) = mark {
            *self.0.entry(mark).or_default() += by;
        }
    }
}

/// How many records are looked at in one step, and the time at which they are live or not.
pub(super) struct MarkingStep {
    pub(super) limit: usize,
    pub(super) now: Timestamp,
}

/// Marks older records in the order of their rows. Records that are written meanwhile bring their own mark, so one pass
/// is enough. An expired record gets no mark: nothing reads it any more.
pub(super) fn mark_older(
    connection: &Connection,
    changes: &mut MarkChanges,
    step: &MarkingStep,
    read: &MarkReader,
) -> rusqlite::Result<Marking> {
    let position =
        connection.query_row("SELECT after_rowid FROM marking", [], |row| row.get::<_, i64>(0)).optional()?;
    let Some(position) = position else { return Ok(Marking::Complete) };
    let limit_in_rows = i64::try_from(step.limit).unwrap_or(i64::MAX);
    let rows: Vec<SightedRow> = connection
        .prepare_cached(
            "SELECT rowid, mark IS NULL AND expires_at > ?3, key, value FROM records WHERE rowid > ?1
             ORDER BY rowid LIMIT ?2",
        )?
        .query_map(params![position, limit_in_rows, step.now.unix_millis()], SightedRow::read)?
        .collect::<rusqlite::Result<_>>()?;
    let last = rows.last().map(|row| row.row_id).filter(|_| rows.len() == step.limit);
    let (row_ids, older): (Vec<i64>, Vec<OlderRecord>) =
        rows.into_iter().filter_map(|row| Some((row.row_id, row.older?))).unzip();
    let Some(found) = read(&older) else { return Ok(Marking::Stopped) };
    let mut update = connection.prepare_cached("UPDATE records SET mark = ?2 WHERE rowid = ?1")?;
    for (row_id, mark) in row_ids.iter().zip(found) {
        if let Some(mark) = mark.and_then(|mark| i64::try_from(mark).ok()) {
            update.execute(params![row_id, mark])?;
            changes.add(Some(mark));
        }
    }
    match last {
        Some(last) => {
            connection.execute("UPDATE marking SET after_rowid = ?1", params![last]).map(|_| Marking::Incomplete)
        }
        None => connection.execute("DELETE FROM marking", []).map(|_| Marking::Complete),
    }
}

/// Counts the live records that have not been looked at yet, by the number that `read` finds in their values.
pub(super) fn count_older(
    connection: &Connection,
    now: Timestamp,
    read: &dyn Fn(&[u8]) -> Option<u64>,
) -> rusqlite::Result<Vec<(u64, u64)>> {
    let mut counts = BTreeMap::new();
    let mut statement = connection.prepare(
        "SELECT value FROM records
         WHERE rowid > (SELECT after_rowid FROM marking) AND mark IS NULL AND expires_at > ?1",
    )?;
    let mut rows = statement.query(params![now.unix_millis()])?;
    while let Some(row) = rows.next()? {
        if let Some(number) = read(row.get_ref(0)?.as_blob()?) {
            *counts.entry(number).or_insert(0) += 1;
        }
    }
    Ok(counts.into_iter().collect())
}

/// A row that was looked at, with its record if that is live and has no mark.
struct SightedRow {
    row_id: i64,
    older: Option<OlderRecord>,
}

impl SightedRow {
    fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        let is_older: bool = row.get(1)?;
        let older = || {
            let value = Bytes::from(row.get::<_, Vec<u8>>(3)?);
            Ok::<_, rusqlite::Error>(OlderRecord { key: RecordKey(row.get(2)?), value })
        };
        Ok(Self { row_id: row.get(0)?, older: is_older.then(older).transpose()? })
    }
}
