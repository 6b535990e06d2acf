use std::time::Duration;

use redis::aio::ConnectionLike as _;
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::{MultipleNodeRoutingInfo, RoutingInfo, SingleNodeRoutingInfo};
use redis::{Cmd, ErrorKind, Pipeline, RedisError, RedisResult, ServerErrorKind, Value};
use tokio::time::sleep;

use super::access::{Access, ClusterLimits};
use super::address::Node;

/// How often a command that a server has refused to run is sent again, to the server that has its key now.
const MAX_REDIRECTIONS: u32 = 6;
/// The pause before the second redirection. It doubles with every further one.
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// The connections to all servers of a cluster.
pub(super) struct Cluster(ClusterConnection);

impl Cluster {
    pub(super) async fn open(access: &Access, limits: &ClusterLimits) -> RedisResult<Self> {
        Ok(Self(access.cluster_client(limits)?.get_async_connection().await?))
    }

    /// Sends commands whose keys lie in one slot, to the server that has the slot. They are repeated only if that server
    /// has not run them. The answers may contain errors that are no redirections.
    pub(super) async fn send(&self, commands: &Pipeline) -> RedisResult<Vec<Value>> {
        let mut answer = self.send_once(commands).await;
        for number in 0..MAX_REDIRECTIONS {
            answer = match answer {
                Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::Ask) => {
                    self.send_asking(commands, &error).await
                }
                Err(error) if has_not_run(&error) => {
                    sleep(FIRST_PAUSE * ((1 << number) - 1)).await;
                    self.send_once(commands).await
                }
                answer => return answer,
            };
        }
        answer
    }

    async fn send_once(&self, commands: &Pipeline) -> RedisResult<Vec<Value>> {
        self.0.clone().req_packed_commands(commands, 0, commands.len()).await
    }

    /// Sends commands to the server to which their slot is moving.
    async fn send_asking(&self, commands: &Pipeline, redirection: &RedisError) -> RedisResult<Vec<Value>> {
        let Some(node) = redirection.redirect_node().and_then(|(address, _)| parse_node(address)) else {
            return Err(redirection.clone());
        };
        let mut asking = Pipeline::with_capacity(commands.len() + 1);
        asking.cmd("ASKING");
        for command in commands.cmd_iter() {
            asking.add_command(command.clone());
        }
        let (route, count) = (SingleNodeRoutingInfo::ByAddress { host: node.host, port: node.port }, commands.len());
        self.0.clone().route_pipeline(asking, 1, count, route).await
    }

    /// Sends a command to one server.
    pub(super) async fn send_to(&self, node: &Node, command: &Cmd) -> RedisResult<Value> {
        let route = SingleNodeRoutingInfo::ByAddress { host: node.host.clone(), port: node.port };
        self.0.clone().route_command(command.clone(), RoutingInfo::SingleNode(route)).await?.extract_error()
    }

    /// The servers that have slots, in a fixed order.
    pub(super) async fn masters(&self) -> RedisResult<Vec<Node>> {
        let route = RoutingInfo::MultiNode((MultipleNodeRoutingInfo::AllMasters, None));
        let answers = self.0.clone().route_command(redis::cmd("PING"), route).await?.extract_error()?;
        let answers: Vec<(String, Value)> = redis::from_redis_value(answers)?;
        let mut masters: Vec<Node> = answers.iter().filter_map(|(address, _)| parse_node(address)).collect();
        masters.sort_by(|one, other| (&one.host, one.port).cmp(&(&other.host, other.port)));
        Ok(masters)
    }
}

/// Whether the server has refused to run the command, so that it may be sent again.
fn has_not_run(error: &RedisError) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Server(
            ServerErrorKind::Moved
                | ServerErrorKind::TryAgain
                | ServerErrorKind::ClusterDown
                | ServerErrorKind::MasterDown
                | ServerErrorKind::ReadOnly
        ) | ErrorKind::ClusterConnectionNotFound
    )
}

fn parse_node(address: &str) -> Option<Node> {
    let (host, port) = address.rsplit_once(':')?;
    Some(Node { host: host.trim_matches(['[', ']']).to_owned(), port: port.parse().ok()? })
}
