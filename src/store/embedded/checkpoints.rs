use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, bounded};
use rusqlite::Connection;

use super::job_queue::spawn;
use crate::store::StoreError;

/// Writes after which the log is copied into the database: about 2000 pages of it.
const WRITES_BETWEEN: usize = 512;

/// Copies the log into the database on a thread of its own, while the writer goes on. The copy waits for the disk, and on
/// the writer's thread all writes would wait with it. The writer copies what is left when the log becomes long nevertheless.
pub(super) struct Checkpoints {
    wanted: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
    writes: usize,
}

impl Checkpoints {
    pub(super) fn start(connection: Connection) -> Result<Self, StoreError> {
        let (wanted, waiting) = bounded(1);
        let thread = spawn("store-checkpoint", move || run(&connection, &waiting))?;
        Ok(Self { wanted: Some(wanted), thread: Some(thread), writes: 0 })
    }

    /// Tells that the writer commits `writes`. Returns whether they have the log copied.
    pub(super) fn add_writes(&mut self, writes: usize) -> bool {
        self.writes += writes;
        let is_due = self.writes >= WRITES_BETWEEN;
        if is_due {
            self.writes = 0;
            if let Some(wanted) = &self.wanted {
                // The send fails while another copy is wanted already.
                let _ = wanted.try_send(());
            }
        }
        is_due
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        drop(self.wanted.take());
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("a thread of the store panicked");
        }
    }
}

fn run(connection: &Connection, waiting: &Receiver<()>) {
    for () in waiting {
        let copied = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        if let Err(error) = copied {
            // Nothing is lost: the log is copied later.
            tracing::warn!(%error, "the log of the store could not be copied into its database");
        }
    }
}
