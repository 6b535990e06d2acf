use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};

use super::lane::BoxedJob;
use super::records;
use crate::domain::{SharedClock, Timestamp};

/// Writes that share one commit, at most.
const BATCH: usize = 256;
/// How many expired records an idle writer deletes at a time: a caller who comes meanwhile waits for no more than that.
const IDLE_SWEEP: usize = 256;
/// How long the writer is idle before it looks for expired records.
const IDLE: Duration = Duration::from_secs(5);

/// Works until the queue is closed and empty.
pub(super) fn run(mut connection: Connection, jobs: &Receiver<BoxedJob>, clock: &SharedClock) {
    let mut patience = IDLE;
    loop {
        match jobs.recv_timeout(patience) {
            Ok(first) => {
                commit(&mut connection, gather(first, jobs), clock.now());
                patience = IDLE;
            }
            Err(RecvTimeoutError::Timeout) => patience = sweep_idly(&connection, clock.now()),
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

fn gather(first: BoxedJob, jobs: &Receiver<BoxedJob>) -> Vec<BoxedJob> {
    let mut batch = vec![first];
    batch.extend(jobs.try_iter().take(BATCH - 1));
    batch
}

fn commit(connection: &mut Connection, mut batch: Vec<BoxedJob>, now: Timestamp) {
    let outcome = write(connection, &mut batch, now).map_err(|error| error.to_string());
    for job in batch {
        job.answer(outcome.as_ref().copied().map_err(String::as_str));
    }
}

fn write(connection: &mut Connection, batch: &mut [BoxedJob], now: Timestamp) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for job in batch.iter_mut() {
        job.run(&transaction)?;
    }
    // Deleting twice as many as are written keeps pace with expiry at any load, at no further commit.
    records::sweep(&transaction, now, batch.len().saturating_mul(2))?;
    transaction.commit()
}

/// Deletes some expired records; returns how long to wait before the next look.
pub(super) fn sweep_idly(connection: &Connection, now: Timestamp) -> Duration {
    match records::sweep(connection, now, IDLE_SWEEP) {
        Ok(IDLE_SWEEP) => Duration::ZERO,
        Ok(_) => IDLE,
        Err(error) => {
            // Nobody waits for this; the records stay invisible and are tried again.
            tracing::warn!(%error, "expired records could not be deleted");
            IDLE
        }
    }
}
