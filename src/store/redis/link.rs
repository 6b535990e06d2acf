use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, ErrorKind, Pipeline, PushInfo, PushKind, RedisError, RedisResult, ServerErrorKind,
    Value,
};
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use super::sentinel::Origin;

/// How long a new connection may take, the search for the master included.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(1);
/// How long the server may take to answer one command. A connection that is slower is replaced: the server may be gone.
pub(super) const RESPONSE_TIMEOUT: Duration = Duration::from_millis(1200);
/// The pause after the first failed attempt to connect. It doubles with every further one.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// The longest pause between two attempts to connect.
const MAX_PAUSE: Duration = Duration::from_secs(1);
/// Commands that may wait to be written. More wait in their callers.
const QUEUE: usize = 1024;

/// A connection to the master that is made again when it breaks. Commands are pipelined on it. A command is sent once: a
/// caller that may repeat one does so itself.
pub(super) struct Link {
    origin: Arc<Origin>,
    /// The runtime that has opened the store. A connection's task must not end with the worker that happens to need one.
    runtime: Handle,
    live: ArcSwapOption<Live>,
    attempts: Mutex<Attempts>,
}

struct Live {
    connection: MultiplexedConnection,
    is_lost: Arc<AtomicBool>,
}

/// The failed attempts since the last success.
#[derive(Default)]
struct Attempts {
    number: u32,
    last: Option<Failure>,
}

struct Failure {
    error: RedisError,
    next_attempt_at: Instant,
}

impl Link {
    /// Connects with the first command. Call this in the runtime that lives as long as the store.
    pub(super) fn new(origin: Origin) -> Self {
        let (origin, runtime) = (Arc::new(origin), Handle::current());
        Self { origin, runtime, live: ArcSwapOption::empty(), attempts: Mutex::default() }
    }

    /// Sends commands in one round trip. The answers may contain errors.
    pub(super) async fn send_all(&self, pipeline: &Pipeline) -> RedisResult<Vec<Value>> {
        let live = self.live().await?;
        let answers = live.connection.clone().send_packed_commands(pipeline, 0, pipeline.len()).await;
        live.look_at(&answers);
        let answers = answers?;
        for answer in &answers {
            if let Value::ServerError(error) = answer {
                live.look_at_error(&error.clone().into());
            }
        }
        Ok(answers)
    }

    async fn connect(&self) -> RedisResult<Live> {
        let origin = Arc::clone(&self.origin);
        let connecting = async move { timeout(CONNECTION_TIMEOUT, origin.connect_by(connect)).await };
        match self.runtime.spawn(connecting).await {
            Ok(Ok(connected)) => connected,
            // The time is over, or the program ends.
            Ok(Err(_)) | Err(_) => Err(timed_out()),
        }
    }

    async fn live(&self) -> RedisResult<Arc<Live>> {
        if let Some(live) = self.live.load_full().filter(|live| live.is_usable()) {
            return Ok(live);
        }
        // One caller connects, and the others wait for it.
        let mut attempts = self.attempts.lock().await;
        if let Some(live) = self.live.load_full().filter(|live| live.is_usable()) {
            return Ok(live);
        }
        if let Some(failure) = attempts.last.as_ref().filter(|failure| Instant::now() < failure.next_attempt_at) {
            return Err(failure.error.clone());
        }
        match self.connect().await {
            Ok(live) => {
                let live = Arc::new(live);
                self.live.store(Some(Arc::clone(&live)));
                if attempts.number > 0 {
                    tracing::info!("the store in Redis is connected again");
                }
                *attempts = Attempts::default();
                Ok(live)
            }
            Err(error) => {
                self.live.store(None);
                attempts.add(error.clone());
                Err(error)
            }
        }
    }
}

impl Attempts {
    fn add(&mut self, error: RedisError) {
        if self.number == 0 {
            tracing::warn!(%error, "the store in Redis cannot be connected");
        }
        let pause = FIRST_PAUSE.saturating_mul(1 << self.number.min(10)).min(MAX_PAUSE);
        self.number = self.number.saturating_add(1);
        self.last = Some(Failure { error, next_attempt_at: Instant::now() + pause });
    }
}

impl Live {
    fn is_usable(&self) -> bool {
        !self.is_lost.load(Ordering::Acquire)
    }

    fn look_at<T>(&self, answer: &RedisResult<T>) {
        if let Err(error) = answer {
            self.look_at_error(error);
        }
    }

    /// The connection is not used again after an error that another one may not have.
    fn look_at_error(&self, error: &RedisError) {
        if error.is_unrecoverable_error() || error.is_timeout() || is_read_only(error) {
            self.is_lost.store(true, Ordering::Release);
        }
    }
}

/// Whether the server has become a replica. It has not run the command.
pub(super) fn is_read_only(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::ReadOnly)
}

pub(super) fn timed_out() -> RedisError {
    RedisError::from(std::io::Error::new(std::io::ErrorKind::TimedOut, "the server did not answer in time"))
}

async fn connect(client: Client) -> RedisResult<Live> {
    let is_lost = Arc::new(AtomicBool::new(false));
    let lost = Arc::clone(&is_lost);
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECTION_TIMEOUT))
        .set_response_timeout(Some(RESPONSE_TIMEOUT))
        .set_pipeline_buffer_size(QUEUE)
        .set_push_sender(move |push: PushInfo| {
            if push.kind == PushKind::Disconnection {
                lost.store(true, Ordering::Release);
            }
            Ok::<(), ()>(())
        });
    let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
    // A replica would answer with old records, and would lose what it is told.
    let role: Vec<Value> = redis::cmd("ROLE").query_async(&mut connection).await?;
    match role.into_iter().next().map(redis::from_redis_value::<String>) {
        Some(Ok(role)) if role == "master" => Ok(Live { connection, is_lost }),
        _ => Err(RedisError::from((ErrorKind::InvalidClientConfig, "the server is a replica, not the master"))),
    }
}
