use std::sync::Arc;
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Receiver, Sender, unbounded};
use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::store_files::StoreFiles;
use crate::store::StoreError;

/// Work for a thread that owns a connection, which is or belongs to a `C`. Running a job and answering it are two steps,
/// because a write is answered only after the commit that it shares with other writes.
pub(super) trait Job<C>: Send {
    fn run(&mut self, connection: &mut C) -> rusqlite::Result<()>;
    fn answer(self: Box<Self>, outcome: Result<(), &str>);
}

pub(super) type BoxedJob<C> = Box<dyn Job<C>>;

struct TypedJob<T, F> {
    operation: Option<F>,
    result: Option<T>,
    reply: oneshot::Sender<Result<T, StoreError>>,
    _queue_permit: OwnedSemaphorePermit,
}

impl<C, T, F> Job<C> for TypedJob<T, F>
where
    T: Send,
    F: FnOnce(&mut C) -> rusqlite::Result<T> + Send,
{
    fn run(&mut self, connection: &mut C) -> rusqlite::Result<()> {
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
pub(super) struct JobQueue<C> {
    jobs: Option<Sender<BoxedJob<C>>>,
    queue_permits: Arc<Semaphore>,
    threads: Vec<JoinHandle<()>>,
}

impl<C: 'static> JobQueue<C> {
    /// Starts one thread, which runs `body` with the receiving end of the queue.
    pub(super) fn start_one(
        max_jobs: usize,
        name: &str,
        body: impl FnOnce(Receiver<BoxedJob<C>>) + Send + 'static,
    ) -> Result<Self, StoreError> {
        let (jobs, waiting) = unbounded();
        let thread = spawn(name, move || body(waiting))?;
        Ok(Self { jobs: Some(jobs), queue_permits: Arc::new(Semaphore::new(max_jobs)), threads: vec![thread] })
    }

    /// Queues `operation` and waits for its answer. The operation runs even if the caller stops waiting.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&mut C) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.run_prepared(move || operation).await
    }

    /// As [`JobQueue::run`] with the operation that `prepare` makes, once the queue has room for it.
    pub(super) async fn run_prepared<T, F>(&self, prepare: impl FnOnce() -> F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut C) -> rusqlite::Result<T> + Send + 'static,
    {
        let queue_permit = Arc::clone(&self.queue_permits).acquire_owned().await.map_err(|_| closed())?;
        let (reply, answer) = oneshot::channel();
        let job = TypedJob { operation: Some(prepare()), result: None, reply, _queue_permit: queue_permit };
        self.jobs.as_ref().ok_or_else(closed)?.send(Box::new(job)).map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }
}

impl JobQueue<Connection> {
    /// Starts one thread for each connection. Each thread takes the next job, runs it and answers it at once. A job fails
    /// while one of `files` is missing.
    pub(super) fn start_readers(
        max_jobs: usize,
        name: &str,
        connections: Vec<Connection>,
        files: &Arc<StoreFiles>,
    ) -> Result<Self, StoreError> {
        let (jobs, waiting) = unbounded();
        let mut job_queue =
            Self { jobs: Some(jobs), queue_permits: Arc::new(Semaphore::new(max_jobs)), threads: Vec::new() };
        for connection in connections {
            let (waiting, files) = (waiting.clone(), Arc::clone(files));
            job_queue.threads.push(spawn(name, move || read_until_closed(connection, &waiting, &files))?);
        }
        Ok(job_queue)
    }
}

impl<C> Drop for JobQueue<C> {
    fn drop(&mut self) {
        drop(self.jobs.take());
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of the store panicked");
            }
        }
    }
}

pub(super) fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StoreError> {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(body)
        .map_err(|error| StoreError::Unavailable(format!("the thread {name} could not be started: {error}")))
}

fn read_until_closed(mut connection: Connection, waiting: &Receiver<BoxedJob<Connection>>, files: &StoreFiles) {
    for mut job in waiting {
        let outcome = job.run(&mut connection).map_err(|error| error.to_string());
        let outcome = files.check().and(outcome);
        job.answer(outcome.as_ref().copied().map_err(String::as_str));
    }
}

fn closed() -> StoreError {
    StoreError::Unavailable("the store is closed".to_owned())
}
