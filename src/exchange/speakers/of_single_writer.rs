//! `Speakers` over an exclusive store: memory decides, and the store is written for the time after a restart. `mod.rs` has
//! the type.

use std::sync::Arc;
use std::time::Duration;

use super::cell::SpeakersCell;
use super::{HistoryPlace, SharedSpeakers};
use crate::domain::Account;
use crate::records::RecordError;
use crate::single_flight::Registered;

impl SharedSpeakers {
    /// Reads the record of `cell`, unless it was read before.
    pub(super) async fn load(&self, place: HistoryPlace<'_>) -> Result<(), RecordError> {
        if place.cell.is_loaded() {
            return Ok(());
        }
        let stored = self.histories.get(place.cell.key).await?;
        place.cell.set_loaded(stored.map(|record| place.read(record.content)));
        Ok(())
    }

    /// Writes the record of `cell` if the store lacks an account that spoke, or if the record is older than `age`. Writes
    /// of one record follow each other, and go on if the caller hangs up.
    pub(super) async fn write_if_due(self: &Arc<Self>, cell: &Arc<Registered<Account, SpeakersCell>>, age: Duration) {
        while cell.is_write_due(self.now(), age) {
            let flight = self.writes.join(cell.key, || {
                let (shared, cell) = (Arc::clone(self), Arc::clone(cell));
                async move { shared.write(&cell).await }
            });
            if flight.outcome().await != Some(true) {
                return;
            }
        }
    }

    async fn write(&self, cell: &Registered<Account, SpeakersCell>) -> bool {
        let (history, now) = (cell.with_history(|history| history.clone()), self.now());
        let written = async {
            // The mark precedes the first record that names a parent: else a crash would leave the record unread once the
            // parent is removed from the configuration.
            if history.names_parent() {
                self.marked_bots.mark(&cell.key().holder, now).await?;
            }
            self.histories.put(self.histories.seal(cell.key, &history)?).await
        };
        if let Err(error) = written.await {
            tracing::warn!(%error, "which account spoke under a user id is kept in memory only: the store failed");
            return false;
        }
        cell.set_written(history, now);
        true
    }
}
