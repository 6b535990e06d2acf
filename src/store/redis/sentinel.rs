//! Finds the server that is the master now.

use std::time::Duration;

use futures_util::future::select_ok;
use redis::{AsyncConnectionConfig, Client, ErrorKind, RedisError, RedisResult};

use super::access::Access;
use super::address::{Node, Servers};

/// How long one sentinel may take. All are asked at the same time, so one that is gone delays nothing.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(800);

/// Where a connection to the master comes from.
#[derive(Clone)]
pub(super) enum Origin {
    /// The one server.
    Server(Client),
    /// The server that the sentinels name.
    Sentinels(Sentinels),
}

#[derive(Clone)]
pub(super) struct Sentinels {
    access: Access,
    nodes: Vec<Node>,
    master: String,
}

impl Origin {
    /// `None` for a cluster, which has several masters.
    pub(super) fn new(access: &Access) -> RedisResult<Option<Self>> {
        Ok(match &access.address.servers {
            Servers::One(node) => Some(Self::Server(access.client(node)?)),
            Servers::Socket(path) => Some(Self::Server(access.socket_client(path.clone())?)),
            Servers::Sentinels { sentinels, master } => Some(Self::Sentinels(Sentinels {
                access: access.clone(),
                nodes: sentinels.clone(),
                master: master.clone(),
            })),
            Servers::Cluster(_) => None,
        })
    }

    /// Connects by `connect` to the master. Of the masters that sentinels name, the first to which `connect` succeeds is
    /// taken: a sentinel may not know yet that there is another.
    pub(super) async fn connect_by<T, F>(&self, connect: impl Fn(Client) -> F) -> RedisResult<T>
    where
        F: Future<Output = RedisResult<T>>,
    {
        match self {
            Self::Server(client) => connect(client.clone()).await,
            Self::Sentinels(sentinels) => {
                let connect = &connect;
                let attempts = sentinels
                    .nodes
                    .iter()
                    .map(|sentinel| Box::pin(async move { connect(sentinels.find_master(sentinel).await?).await }));
                select_ok(attempts).await.map(|(connected, _)| connected)
            }
        }
    }
}

impl Sentinels {
    /// Asks one sentinel. It gets the password only if it asks for one.
    async fn find_master(&self, sentinel: &Node) -> RedisResult<Client> {
        let found = match self.ask(sentinel, false).await {
            Err(error) if error.code() == Some("NOAUTH") => self.ask(sentinel, true).await?,
            found => found?,
        };
        let (host, port) = found.ok_or_else(|| {
            RedisError::from((ErrorKind::MasterNameNotFoundBySentinel, "no sentinel knows the configured master"))
        })?;
        self.access.client(&Node { host, port })
    }

    async fn ask(&self, sentinel: &Node, with_password: bool) -> RedisResult<Option<(String, u16)>> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(ANSWER_TIMEOUT))
            .set_response_timeout(Some(ANSWER_TIMEOUT));
        let client = self.access.sentinel_client(sentinel, with_password)?;
        let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
        let mut question = redis::cmd("SENTINEL");
        question.arg("get-master-addr-by-name").arg(&self.master).query_async(&mut connection).await
    }
}
