//! Word of changes that has to reach the other replicas. This file adds to [`Records`].

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use crate::domain::RecordKey;
use crate::records::Records;

/// The pause before word that the store did not take is told again.
const PAUSE: Duration = Duration::from_millis(500);
/// How often it is told again. A replica that hears nothing for so long has lost its subscription, and reads everything again when it
/// has it back.
const REPETITIONS: usize = 120;

impl Records {
    /// Tells all replicas that the record or the state `key` was changed. Word that the store does not take is told again in the
    /// background: the change itself is stored, so the caller has nothing to undo. Over an exclusive store this does nothing.
    pub async fn announce(&self, key: RecordKey, note: &[u8]) {
        let Some(replicas) = self.replicas() else { return };
        let Err(error) = replicas.tell(key, note).await else { return };
        tracing::warn!(%error, "other replicas were not told of a change: they are told again");
        let (replicas, note) = (Arc::clone(replicas), note.to_vec());
        tokio::spawn(async move {
            for _ in 0..REPETITIONS {
                sleep(PAUSE).await;
                if replicas.tell(key, &note).await.is_ok() {
                    return;
                }
            }
            tracing::error!("other replicas were not told of a change");
        });
    }
}
