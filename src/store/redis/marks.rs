//! Which marks the records have. This file adds to [`RedisStore`].
//!
//! A sorted set has every mark with the time at which a process said last that it writes records with it. No number is
//! kept with a mark: a record and a number lie in different slots of a cluster, so they could not change together.

use std::time::Duration;

use dashmap::DashMap;

use super::{RedisStore, unavailable};
use crate::domain::Timestamp;
use crate::store::StoreError;

/// How often a process that writes records with a mark says so.
const LISTED_FOR: Duration = Duration::from_mins(1);
/// A mark that no process has listed for this long is removed when no record has it. The time is much longer than
/// [`LISTED_FOR`], so clocks may differ by minutes.
const REMOVED_AFTER: Duration = Duration::from_hours(1);

/// The marks that this process has listed, and when.
#[derive(Default)]
pub(super) struct ListedMarks(DashMap<u64, Timestamp>);

impl ListedMarks {
    fn is_listed(&self, mark: u64, now: Timestamp) -> bool {
        self.0.get(&mark).is_some_and(|listed_at| now < listed_at.plus(LISTED_FOR))
    }
}

impl RedisStore {
    /// Lists a mark before the first record is written with it, and again every minute.
    pub(super) async fn list_mark(&self, mark: u64) -> Result<(), StoreError> {
        let now = self.clock.now();
        if self.listed_marks.is_listed(mark, now) {
            return Ok(());
        }
        let mut command = redis::cmd("ZADD");
        command.arg(self.names.marks()).arg("GT").arg(now.unix_millis()).arg(mark);
        let () = self.connection.write(&command).await.map_err(unavailable)?;
        self.listed_marks.0.insert(mark, now);
        Ok(())
    }

    pub(super) async fn all_marks(&self) -> Result<Vec<u64>, StoreError> {
        let mut command = redis::cmd("ZRANGE");
        command.arg(self.names.marks()).arg(0).arg(-1);
        let mut marks: Vec<u64> = self.connection.read(&command).await.map_err(unavailable)?;
        marks.sort_unstable();
        Ok(marks)
    }

    /// Counts the live records with `mark`. Removes a mark that has none.
    pub(super) async fn count_live_marked(&self, mark: u64) -> Result<u64, StoreError> {
        let before = self.clock.now().minus(REMOVED_AFTER);
        let mut command = redis::cmd("ZSCORE");
        command.arg(self.names.marks()).arg(mark);
        let listed_at: Option<f64> = self.connection.read(&command).await.map_err(unavailable)?;
        let count = self.scan_marked(mark).await?;
        #[allow(clippy::cast_precision_loss, reason = "milliseconds since 1970 have fewer than 53 bits")]
        let is_old = listed_at.is_some_and(|listed_at| listed_at < before.unix_millis() as f64);
        if count == 0 && is_old {
            let mut command = redis::cmd("ZREM");
            command.arg(self.names.marks()).arg(mark);
            let () = self.connection.signal(&command).await.map_err(unavailable)?;
        }
        Ok(count)
    }
}
