use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::store_files::StoreFiles;
use crate::store::StoreError;

/// Work for a thread that owns a connection. Running a job and answering it are two steps, because a write is answered
/// only after the commit that it shares with other writes.
pub(super) trait Job: Send {
    fn run(&mut self, connection: &Connection) -> rusqlite::Result<()>;
    fn answer(self: Box<Self>, outcome: Result<(), &str>);
}

pub(super) type BoxedJob = Box<dyn Job>;

struct TypedJob<T, F> {
    operation: Option<F>,
    result: Option<T>,
    reply: oneshot::Sender<Result<T, StoreError>>,
    _queue_permit: OwnedSemaphorePermit,
}

impl<T, F> Job for TypedJob<T, F>
where
    T: Send,
    F: FnOnce(&Connection) -> rusqlite::Result<T> + Send,
{
    fn run(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        if let Some(operation) = self.operation.take() {
            self.result = Some(operation(connection)?);
        }
        Ok(())
    }

    fn answer(self: Box<Self>, outcome: Result<(), &str>) {
        let answer = match (outcome, self.result) {
            (Ok(()), Some(result)) => Ok(result),
            (Ok(()), None) => Err(StoreError::Unavailable("the operation was not run".to_owned())),
            (Err(reason), _) => Err(StoreError::Unavailable(reason.to_owned())),
        };
        // The send fails if the caller has hung up. Its job was still run.
        drop(self.reply.send(answer));
    }
}

/// A bounded queue of jobs and the threads that run them. Dropping it finishes all queued jobs and joins the threads.
pub(super) struct JobQueue {
    jobs: Option<Sender<BoxedJob>>,
    queue_permits: Arc<Semaphore>,
    threads: Vec<JoinHandle<()>>,
}

impl JobQueue {
    /// Starts one thread, which runs `body` with the receiving end of the queue.
    pub(super) fn start_one(
        max_jobs: usize,
        name: &str,
        body: impl FnOnce(Receiver<BoxedJob>) + Send + 'static,
    ) -> Result<Self, StoreError> {
        let (jobs, waiting) = mpsc::channel();
        let thread = spawn(name, move || body(waiting))?;
        Ok(Self { jobs: Some(jobs), queue_permits: Arc::new(Semaphore::new(max_jobs)), threads: vec![thread] })
    }

    /// Starts one thread for each connection. Each thread takes the next job, runs it and answers it at once. A job fails
    /// while one of `files` is missing.
    pub(super) fn start_readers(
        max_jobs: usize,
        name: &str,
        connections: Vec<Connection>,
        files: &Arc<StoreFiles>,
    ) -> Result<Self, StoreError> {
        let (jobs, waiting) = mpsc::channel();
        let waiting = Arc::new(Mutex::new(waiting));
        let mut job_queue =
            Self { jobs: Some(jobs), queue_permits: Arc::new(Semaphore::new(max_jobs)), threads: Vec::new() };
        for connection in connections {
            let (waiting, files) = (Arc::clone(&waiting), Arc::clone(files));
            job_queue.threads.push(spawn(name, move || read_until_closed(&connection, &waiting, &files))?);
        }
        Ok(job_queue)
    }

    /// Queues `operation` and waits for its answer. The operation runs even if the caller stops waiting.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let queue_permit = Arc::clone(&self.queue_permits).acquire_owned().await.map_err(|_| closed())?;
        let (reply, answer) = oneshot::channel();
        let job = TypedJob { operation: Some(operation), result: None, reply, _queue_permit: queue_permit };
        self.jobs.as_ref().ok_or_else(closed)?.send(Box::new(job)).map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }
}

impl Drop for JobQueue {
    fn drop(&mut self) {
        drop(self.jobs.take());
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of the store panicked");
            }
        }
    }
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StoreError> {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(body)
        .map_err(|error| StoreError::Unavailable(format!("the thread {name} could not be started: {error}")))
}

fn read_until_closed(connection: &Connection, waiting: &Mutex<Receiver<BoxedJob>>, files: &StoreFiles) {
    while let Some(mut job) = next(waiting) {
        let outcome = job.run(connection).map_err(|error| error.to_string());
        let outcome = files.check().and(outcome);
        job.answer(outcome.as_ref().copied().map_err(String::as_str));
    }
}

// A separate function, so that the lock is released before the job runs.
fn next(waiting: &Mutex<Receiver<BoxedJob>>) -> Option<BoxedJob> {
    waiting.lock().ok()?.recv().ok()
}

fn closed() -> StoreError {
    StoreError::Unavailable("the store is closed".to_owned())
}
