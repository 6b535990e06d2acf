//! `Speakers` over a shared store: the record decides. Every note and every decision reads it, and changes it by
//! compare-and-put. `mod.rs` has the type.
//!
//! While one account goes on speaking, its record is written once a minute at most. So a dispute may be taken to end up to a
//! minute early.

use std::time::Duration;

use tokio::time::timeout;

use super::cell::WrittenHistory;
use super::history::SpeakerHistory;
use super::{HistoryPlace, SharedSpeakers, WRITE_INTERVAL};
use crate::domain::{Account, Timestamp};
use crate::records::{OpenedRecord, RecordError, StoredRecord};

/// Attempts to change a record while other replicas change the same record.
const MAX_CAS_ATTEMPTS: usize = 16;

/// How long an activity or a call of a bot waits for the record.
const STORE_PATIENCE: Duration = Duration::from_secs(2);

/// A record as it was read.
struct ReadHistory {
    written: WrittenHistory,
    stored: Option<StoredRecord<SpeakerHistory>>,
}

impl SharedSpeakers {
    /// Notes that `account` speaks.
    pub(super) async fn note_in_store(&self, place: HistoryPlace<'_>, account: &Account) -> Result<(), RecordError> {
        timeout(STORE_PATIENCE, self.note_patiently(place, account)).await.unwrap_or(Err(RecordError::TooSlow))
    }

    async fn note_patiently(&self, place: HistoryPlace<'_>, account: &Account) -> Result<(), RecordError> {
        for _ in 0..MAX_CAS_ATTEMPTS {
            let read = self.read(place).await?;
            let (mut history, now) = (read.written.history.clone(), self.now());
            // Where no parent has an account any more, the channel's word ends the record of one that had.
            if !place.bot.keeps_parents_apart() && !history.names_parent() {
                return Ok(());
            }
            history.note(account.parent(), now);
            if !read.written.is_outdated(&history, now, WRITE_INTERVAL)
                || self.write_if_unchanged(place, read.stored, history, now).await?
            {
                return Ok(());
            }
        }
        Err(RecordError::Held)
    }

    /// As [`SharedSpeakers::consult`]. What is read is an answer also if the store does not take what is to be written.
    pub(super) async fn consult_store<R>(
        &self,
        place: HistoryPlace<'_>,
        age: Option<Duration>,
        work: impl Fn(&mut SpeakerHistory, Timestamp) -> R,
    ) -> Result<R, RecordError> {
        timeout(STORE_PATIENCE, self.consult_patiently(place, age, work)).await.unwrap_or(Err(RecordError::TooSlow))
    }

    async fn consult_patiently<R>(
        &self,
        place: HistoryPlace<'_>,
        age: Option<Duration>,
        work: impl Fn(&mut SpeakerHistory, Timestamp) -> R,
    ) -> Result<R, RecordError> {
        for _ in 0..MAX_CAS_ATTEMPTS {
            let read = self.read(place).await?;
            let (mut history, now) = (read.written.history.clone(), self.now());
            let result = work(&mut history, now);
            if !age.is_some_and(|age| read.written.is_outdated(&history, now, age)) {
                return Ok(result);
            }
            match self.write_if_unchanged(place, read.stored, history, now).await {
                Ok(true) => return Ok(result),
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(%error, "which account spoke under a user id is not written again: the store failed");
                    return Ok(result);
                }
            }
        }
        Err(RecordError::Held)
    }

    async fn read(&self, place: HistoryPlace<'_>) -> Result<ReadHistory, RecordError> {
        let Some(OpenedRecord { content, stored }) = self.histories.get(place.cell.key).await? else {
            return Ok(ReadHistory { written: WrittenHistory::read(None), stored: None });
        };
        let mut written = WrittenHistory::read(Some(place.read(content)));
        // This process may have written the record again since the last account spoke.
        written.written_at = written.written_at.max(place.cell.written_at());
        Ok(ReadHistory { written, stored: Some(stored) })
    }

    /// Writes `history` if the store still holds `stored`. Returns whether it was written.
    async fn write_if_unchanged(
        &self,
        place: HistoryPlace<'_>,
        stored: Option<StoredRecord<SpeakerHistory>>,
        history: SpeakerHistory,
        now: Timestamp,
    ) -> Result<bool, RecordError> {
        // The mark precedes the first record that names a parent: else a crash would leave the record unread once the
        // parent is removed from the configuration.
        if history.names_parent() {
            self.marked_bots.mark(&place.cell.key().holder, now).await?;
        }
        let record = self.histories.seal(place.cell.key, &history)?;
        let is_written = self.histories.compare_and_put(stored, record).await?;
        if is_written {
            place.cell.set_written(history, now);
        }
        Ok(is_written)
    }
}
