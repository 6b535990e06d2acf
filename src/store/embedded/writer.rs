use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};

use super::job_queue::BoxedJob;
use super::records;
use super::store_files::StoreFiles;
use crate::domain::{SharedClock, Timestamp};

/// The maximum number of writes in one commit.
const MAX_BATCH: usize = 256;
/// Expired records that an idle writer deletes at a time. A write that arrives during a deletion waits for at most so
/// many.
const MAX_IDLE_SWEEP: usize = 256;
/// Time without a write after which the writer deletes expired records.
const IDLE_INTERVAL: Duration = Duration::from_secs(5);

/// Runs jobs until the queue is closed and empty.
pub(super) fn run(mut connection: Connection, jobs: &Receiver<BoxedJob>, clock: &SharedClock, files: &StoreFiles) {
    let mut timeout = IDLE_INTERVAL;
    loop {
        match jobs.recv_timeout(timeout) {
            Ok(first) => {
                commit(&mut connection, gather(first, jobs), clock.now(), files);
                timeout = IDLE_INTERVAL;
            }
            Err(RecvTimeoutError::Timeout) => {
                timeout = sweep_idly(&connection, clock.now());
                // Without requests, this check alone reports a lost file. It logs the error itself.
                let _ = files.check();
            }
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

fn gather(first: BoxedJob, jobs: &Receiver<BoxedJob>) -> Vec<BoxedJob> {
    let mut batch = vec![first];
    batch.extend(jobs.try_iter().take(MAX_BATCH - 1));
    batch
}

fn commit(connection: &mut Connection, mut batch: Vec<BoxedJob>, now: Timestamp, files: &StoreFiles) {
    let outcome = write(connection, &mut batch, now).map_err(|error| error.to_string());
    // Checked after the commit: a write counts only if it is in the file that a restart opens.
    let outcome = files.check().and(outcome);
    for job in batch {
        job.answer(outcome.as_ref().copied().map_err(String::as_str));
    }
}

fn write(connection: &mut Connection, batch: &mut [BoxedJob], now: Timestamp) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for job in batch.iter_mut() {
        job.run(&transaction)?;
    }
    // Deleting twice as many expired records as records are written removes them fast enough at any load and needs no
    // further commit.
    records::sweep(&transaction, now, batch.len().saturating_mul(2))?;
    transaction.commit()
}

/// Deletes some expired records. Returns how long the writer should wait before it deletes more.
pub(super) fn sweep_idly(connection: &Connection, now: Timestamp) -> Duration {
    match records::sweep(connection, now, MAX_IDLE_SWEEP) {
        Ok(MAX_IDLE_SWEEP) => Duration::ZERO,
        Ok(_) => IDLE_INTERVAL,
        Err(error) => {
            // No caller waits for this deletion. Expired records are never returned, and the next deletion retries.
            tracing::warn!(%error, "expired records could not be deleted");
            IDLE_INTERVAL
        }
    }
}
