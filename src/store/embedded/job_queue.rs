use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::store::StoreError;

/// A piece of work for a thread that owns a connection. Run and answered apart, since a write is answered only after
/// the commit that it shares with others.
pub(super) trait Job: Send {
    fn run(&mut self, connection: &Connection) -> rusqlite::Result<()>;
    fn answer(self: Box<Self>, outcome: Result<(), &str>);
}

pub(super) type BoxedJob = Box<dyn Job>;

struct TypedJob<T, F> {
    operation: Option<F>,
    result: Option<T>,
    reply: oneshot::Sender<Result<T, StoreError>>,
    _room: OwnedSemaphorePermit,
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
        // A caller that has gone away wants no answer; what it asked for is done all the same.
        drop(self.reply.send(answer));
    }
}

/// A bounded queue of jobs and the threads that work it off. Dropping it finishes what is queued and joins the threads.
pub(super) struct Lane {
    jobs: Option<Sender<BoxedJob>>,
    room: Arc<Semaphore>,
    threads: Vec<JoinHandle<()>>,
}

impl Lane {
    /// One thread that runs `body` over the queue.
    pub(super) fn start_one(
        queue: usize,
        name: &str,
        body: impl FnOnce(Receiver<BoxedJob>) + Send + 'static,
    ) -> Result<Self, StoreError> {
        let (jobs, waiting) = mpsc::channel();
        let thread = spawn(name, move || body(waiting))?;
        Ok(Self { jobs: Some(jobs), room: Arc::new(Semaphore::new(queue)), threads: vec![thread] })
    }

    /// One thread for each connection; each takes the next job and answers it at once.
    pub(super) fn start_readers(queue: usize, name: &str, connections: Vec<Connection>) -> Result<Self, StoreError> {
        let (jobs, waiting) = mpsc::channel();
        let waiting = Arc::new(Mutex::new(waiting));
        let mut lane = Self { jobs: Some(jobs), room: Arc::new(Semaphore::new(queue)), threads: Vec::new() };
        for connection in connections {
            let waiting = Arc::clone(&waiting);
            lane.threads.push(spawn(name, move || read_until_closed(&connection, &waiting))?);
        }
        Ok(lane)
    }

    /// Queues `operation` and waits for its answer. A caller that stops waiting does not stop the operation.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let room = Arc::clone(&self.room).acquire_owned().await.map_err(|_| closed())?;
        let (reply, answer) = oneshot::channel();
        let job = TypedJob { operation: Some(operation), result: None, reply, _room: room };
        self.jobs.as_ref().ok_or_else(closed)?.send(Box::new(job)).map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        drop(self.jobs.take());
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of the store had panicked");
            }
        }
    }
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StoreError> {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(body)
        .map_err(|error| StoreError::Unavailable(format!("no thread for {name}: {error}")))
}

fn read_until_closed(connection: &Connection, waiting: &Mutex<Receiver<BoxedJob>>) {
    while let Some(mut job) = next(waiting) {
        let outcome = job.run(connection).map_err(|error| error.to_string());
        job.answer(outcome.as_ref().copied().map_err(String::as_str));
    }
}

// A function of its own, so that the lock is released before the job is run.
fn next(waiting: &Mutex<Receiver<BoxedJob>>) -> Option<BoxedJob> {
    waiting.lock().ok()?.recv().ok()
}

fn closed() -> StoreError {
    StoreError::Unavailable("it has been closed".to_owned())
}
