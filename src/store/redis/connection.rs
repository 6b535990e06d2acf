use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::try_join_all;
use redis::{Cmd, ErrorKind, FromRedisValue, Pipeline, RedisError, RedisResult, ServerErrorKind, Value};
use tokio::time::timeout;

use super::access::{Access, ClusterLimits};
use super::address::Node;
use super::cluster::Cluster;
use super::link::{self, Link};
use super::scripts::ScriptCall;
use super::sentinel::Origin;

/// How long one operation may take, a new connection included. An invoke that must be answered within 8 s has room for
/// several.
pub(super) const OPERATION_TIMEOUT: Duration = Duration::from_millis(1500);
/// How long the first connection may take.
const OPEN_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the replicas of the server may take to have a write. An operation has time for two: the first use of a script
/// may fail because the server does not have it.
const REPLICAS_TIMEOUT_MILLIS: u32 = 500;
/// Connections for writes that wait for the server's replicas: the server runs nothing else on a connection meanwhile.
const WAITING_LINKS: usize = 8;

/// What a command does, which decides whether it may be sent twice and whether it waits for the server's replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// It changes nothing, so it is sent again when the connection breaks.
    Reads,
    /// It is sent once, and it has succeeded when the configured number of the server's replicas have it.
    Writes,
    /// It is sent once, and its loss does no harm.
    Signals,
}

/// The connection to the servers of a store.
pub(super) struct Connection {
    servers: Servers,
    wait_replicas: u32,
}

enum Servers {
    /// One server, or the master that sentinels name. The first link is for all that does not wait.
    One {
        links: Vec<Link>,
        next: AtomicUsize,
    },
    Cluster(Cluster),
}

/// A part of the records: those that one server has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The one server has all.
    Whole,
    /// A server of a cluster.
    Of(Node),
}

impl Connection {
    pub(super) async fn open(access: &Access, wait_replicas: u32) -> RedisResult<Self> {
        let servers = if let Some(origin) = Origin::new(access)? {
            let number = if wait_replicas > 0 { 1 + WAITING_LINKS } else { 1 };
            let links = (0..number).map(|_| Link::new(origin.clone())).collect();
            Servers::One { links, next: AtomicUsize::new(0) }
        } else {
            let limits = ClusterLimits {
                connection: Duration::from_secs(1),
                response: link::RESPONSE_TIMEOUT,
                operation: OPERATION_TIMEOUT,
            };
            let opening = timeout(OPEN_TIMEOUT, Cluster::open(access, &limits)).await;
            Servers::Cluster(opening.unwrap_or_else(|_| Err(link::timed_out()))?)
        };
        Ok(Self { servers, wait_replicas })
    }

    /// Whether keys lie on several servers, so that one script cannot use several.
    pub(super) fn is_cluster(&self) -> bool {
        matches!(self.servers, Servers::Cluster(_))
    }

    pub(super) async fn read<T: FromRedisValue>(&self, command: &Cmd) -> RedisResult<T> {
        Ok(redis::from_redis_value(self.send(command, Effect::Reads).await?)?)
    }

    pub(super) async fn write<T: FromRedisValue>(&self, command: &Cmd) -> RedisResult<T> {
        Ok(redis::from_redis_value(self.send(command, Effect::Writes).await?)?)
    }

    pub(super) async fn signal<T: FromRedisValue>(&self, command: &Cmd) -> RedisResult<T> {
        Ok(redis::from_redis_value(self.send(command, Effect::Signals).await?)?)
    }

    /// Runs a script. Its text is sent only if the server does not have it.
    pub(super) async fn call<T: FromRedisValue>(&self, call: &ScriptCall<'_>, effect: Effect) -> RedisResult<T> {
        let answer = match self.send(&call.by_hash(), effect).await {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                self.send(&call.by_text(), effect).await?
            }
            answer => answer?,
        };
        Ok(redis::from_redis_value(answer)?)
    }

    /// Sends commands that read, each of one key, at the same time.
    pub(super) async fn read_each<T: FromRedisValue>(&self, commands: Vec<Cmd>) -> RedisResult<Vec<T>> {
        if commands.is_empty() {
            return Ok(Vec::new());
        }
        if self.is_cluster() {
            return try_join_all(commands.iter().map(|command| self.read(command))).await;
        }
        let mut pipeline = Pipeline::with_capacity(commands.len());
        for command in commands {
            pipeline.add_command(command);
        }
        let answers = bounded(self.send_all(&pipeline, Effect::Reads)).await?;
        answers.into_iter().map(|answer| Ok(redis::from_redis_value(answer.extract_error()?)?)).collect()
    }

    /// The parts in a fixed order.
    pub(super) async fn parts(&self) -> RedisResult<Vec<Part>> {
        match &self.servers {
            Servers::One { .. } => Ok(vec![Part::Whole]),
            Servers::Cluster(cluster) => Ok(bounded(cluster.masters()).await?.into_iter().map(Part::Of).collect()),
        }
    }

    /// Sends a command without a key, which reads, to the server of one part.
    pub(super) async fn read_part<T: FromRedisValue>(&self, part: &Part, command: &Cmd) -> RedisResult<T> {
        let answer = match (&self.servers, part) {
            (Servers::Cluster(cluster), Part::Of(node)) => bounded(cluster.send_to(node, command)).await?,
            _ => self.send(command, Effect::Reads).await?,
        };
        Ok(redis::from_redis_value(answer)?)
    }

    async fn send(&self, command: &Cmd, effect: Effect) -> RedisResult<Value> {
        let waits = effect == Effect::Writes && self.wait_replicas > 0;
        let mut pipeline = Pipeline::with_capacity(2);
        pipeline.add_command(command.clone());
        if waits {
            pipeline.cmd("WAIT").arg(self.wait_replicas).arg(REPLICAS_TIMEOUT_MILLIS);
        }
        let mut answers = bounded(self.send_all(&pipeline, effect)).await?.into_iter();
        let answer = answers.next().ok_or_else(link::timed_out)?.extract_error()?;
        if waits {
            let kept_by: u32 = redis::from_redis_value(answers.next().ok_or_else(link::timed_out)?.extract_error()?)?;
            if kept_by < self.wait_replicas {
                let detail = format!("{kept_by} of {} have it", self.wait_replicas);
                return Err(RedisError::from((ErrorKind::Io, "too few replicas of the server have the write", detail)));
            }
        }
        Ok(answer)
    }

    async fn send_all(&self, pipeline: &Pipeline, effect: Effect) -> RedisResult<Vec<Value>> {
        match &self.servers {
            Servers::One { links, next } => {
                let number = match links.len() - 1 {
                    waiting if effect == Effect::Writes && waiting > 0 => {
                        1 + next.fetch_add(1, Ordering::Relaxed) % waiting
                    }
                    _ => 0,
                };
                let link = links.get(number).ok_or_else(link::timed_out)?;
                let answers = link.send_all(pipeline).await;
                if may_repeat(&answers, effect) { link.send_all(pipeline).await } else { answers }
            }
            Servers::Cluster(cluster) => {
                let answers = cluster.send(pipeline).await;
                if may_repeat(&answers, effect) { cluster.send(pipeline).await } else { answers }
            }
        }
    }
}

/// Whether the commands may be sent again: the server has refused them all because it is a replica now, or they change
/// nothing and the connection broke.
fn may_repeat(answers: &RedisResult<Vec<Value>>, effect: Effect) -> bool {
    match answers {
        Ok(answers) => matches!(
            answers.first(),
            Some(Value::ServerError(error)) if error.kind() == Some(ServerErrorKind::ReadOnly)
        ),
        Err(error) => effect == Effect::Reads && error.is_connection_dropped(),
    }
}

async fn bounded<T>(sending: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
    timeout(OPERATION_TIMEOUT, sending).await.unwrap_or_else(|_| Err(link::timed_out()))
}
