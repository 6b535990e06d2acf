use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError};

use super::checkpoints::Checkpoints;
use super::job_queue::BoxedJob;
use super::store_files::StoreFiles;
use super::writing::Writing;

/// The maximum number of writes in one commit.
const MAX_BATCH: usize = 256;
/// Expired records that an idle writer deletes at a time. A write that arrives during a deletion waits for at most so
/// many.
const MAX_IDLE_SWEEP: usize = 256;
/// Time without a write after which the writer deletes expired records and looks whether its files are still there.
const IDLE_INTERVAL: Duration = Duration::from_secs(5);

type BoxedWrite = BoxedJob<Writing>;

/// Runs jobs until the queue is closed and empty.
pub(super) fn run(mut writing: Writing, jobs: &Receiver<BoxedWrite>, files: &StoreFiles, mut checkpoints: Checkpoints) {
    let mut timeout = Duration::ZERO;
    loop {
        match jobs.recv_timeout(timeout) {
            Ok(first) => {
                let batch = gather(first, jobs);
                if checkpoints.add_writes(batch.len()) {
                    writing.fit_cache();
                }
                timeout = commit(&mut writing, batch, files);
            }
            Err(RecvTimeoutError::Timeout) => {
                timeout = sweep_idly(&mut writing).min(fill(&mut writing));
                // Without requests, this check alone reports a lost file. It logs the error itself.
                let _ = files.check();
            }
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

fn gather(first: BoxedWrite, jobs: &Receiver<BoxedWrite>) -> Vec<BoxedWrite> {
    let mut batch = vec![first];
    batch.extend(jobs.try_iter().take(MAX_BATCH - 1));
    batch
}

/// Returns how long the writer should wait for the next write before it does what an idle writer does.
fn commit(writing: &mut Writing, mut batch: Vec<BoxedWrite>, files: &StoreFiles) -> Duration {
    let outcome = writing.transact(|writing| write(writing, &mut batch)).map_err(|error| error.to_string());
    let is_committed = outcome.is_ok();
    // Checked after the commit: a write counts only if it is in the file that a restart opens.
    let outcome = files.check().and(outcome);
    for job in batch {
        job.answer(outcome.as_ref().copied().map_err(String::as_str));
    }
    if is_committed { fill(writing) } else { IDLE_INTERVAL }
}

fn write(writing: &mut Writing, batch: &mut [BoxedWrite]) -> rusqlite::Result<()> {
    for job in batch.iter_mut() {
        job.run(writing)?;
    }
    // Deleting twice as many expired records as records are written removes them fast enough at any load and needs no
    // further commit.
    writing.sweep(batch.len().saturating_mul(2)).map(drop)
}

/// Deletes some expired records. Returns how long the writer should wait before it deletes more.
pub(super) fn sweep_idly(writing: &mut Writing) -> Duration {
    match writing.transact(|writing| writing.sweep(MAX_IDLE_SWEEP)) {
        Ok(MAX_IDLE_SWEEP) => Duration::ZERO,
        Ok(_) => IDLE_INTERVAL,
        Err(error) => {
            // No caller waits for this deletion. Expired records are never returned, and the next deletion retries.
            tracing::warn!(%error, "expired records could not be deleted");
            IDLE_INTERVAL
        }
    }
}

/// Reads some of the keys that are not known yet. Returns how long the writer should wait before it reads more.
fn fill(writing: &mut Writing) -> Duration {
    if !writing.is_filling() {
        return IDLE_INTERVAL;
    }
    match writing.fill() {
        Ok(()) => Duration::ZERO,
        Err(error) => {
            // Until all keys are known, look-ups read the file.
            tracing::warn!(%error, "the keys of the records could not be read");
            IDLE_INTERVAL
        }
    }
}
