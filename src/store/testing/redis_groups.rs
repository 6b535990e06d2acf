//! Several Redis servers that belong together, for unit tests: a master with a replica and sentinels, and a cluster.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use tempfile::TempDir;

use super::redis_server::{Process, RedisServer, query_at, settings_of, wait_for_at};
use crate::store::RedisSettings;

static TRIO: OnceLock<SentinelTrio> = OnceLock::new();
static CLUSTER: OnceLock<RedisCluster> = OnceLock::new();

/// A master, a replica of it, and three sentinels.
pub(crate) struct SentinelTrio {
    pub(crate) servers: [RedisServer; 2],
    sentinels: Vec<(Process, u16)>,
    _folder: TempDir,
}

impl SentinelTrio {
    /// The sentinels replace a master that does not answer for `down_after` milliseconds. On a busy machine a short time is
    /// no sign of a failure.
    pub(crate) fn start(down_after: u32) -> Self {
        let master = RedisServer::start_on_port(&["--appendonly", "yes", "--repl-diskless-sync-delay", "0"]);
        let port = master.port.to_string();
        let replica = RedisServer::start_on_port(&["--appendonly", "yes", "--replicaof", "127.0.0.1", &port]);
        replica.wait_for(&["INFO", "replication"], &["master_link_status:up"]);
        let folder = tempfile::tempdir().unwrap();
        let sentinels: Vec<_> =
            (0..3).map(|number| start_sentinel(&folder.path().join(number.to_string()), &port, down_after)).collect();
        for (_, port) in &sentinels {
            let url = format!("redis://127.0.0.1:{port}");
            wait_for_at(&url, &["INFO", "sentinel"], &["status=ok", "slaves=1", "sentinels=3"]);
        }
        Self { servers: [master, replica], sentinels, _folder: folder }
    }

    pub(crate) fn settings(&self) -> RedisSettings {
        let nodes: Vec<_> = self.sentinels.iter().map(|(_, port)| format!("127.0.0.1:{port}")).collect();
        settings_of(format!("redis+sentinel://{}/main", nodes.join(",")))
    }

    /// Makes the replica the master although the master works.
    pub(crate) fn swap(&self) {
        let url = format!("redis://127.0.0.1:{}", self.sentinels[0].1);
        let answer: String = query_at(url, &["SENTINEL", "FAILOVER", "main"]);
        assert_eq!(answer, "OK");
    }

    /// The server that is the master now, by its port.
    pub(crate) fn master(&self) -> &RedisServer {
        let url = format!("redis://127.0.0.1:{}", self.sentinels[0].1);
        let (_, port): (String, u16) = query_at(url, &["SENTINEL", "GET-MASTER-ADDR-BY-NAME", "main"]);
        self.servers.iter().find(|server| server.port == port).unwrap()
    }

    /// Waits until the sentinels know a replica of the master that works.
    pub(crate) fn wait_for_replica(&self) {
        let [first, second] = &self.servers;
        let replica = if self.master().port == first.port { second } else { first };
        replica.wait_for(&["INFO", "replication"], &["role:slave", "master_link_status:up"]);
    }
}

fn start_sentinel(folder: &Path, master: &str, down_after: u32) -> (Process, u16) {
    Process::start_on_free_port(|port| {
        let folder = folder.join(port.to_string());
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join("sentinel.conf");
        let path = folder.display();
        let text = format!(
            "port {port}\nbind 127.0.0.1\ndir {path}\nsentinel monitor main 127.0.0.1 {master} 2\n\
             sentinel down-after-milliseconds main {down_after}\nsentinel failover-timeout main 2000\n"
        );
        fs::write(&file, text).unwrap();
        let options = [file.display().to_string(), "--sentinel".to_owned()];
        Process::start(&options, &folder.join("log"), "+monitor master main")
    })
}

/// Three masters that share the slots.
pub(crate) struct RedisCluster {
    pub(crate) servers: Vec<RedisServer>,
}

impl RedisCluster {
    pub(crate) fn start() -> Self {
        let options = ["--appendonly", "yes", "--cluster-enabled", "yes", "--cluster-node-timeout", "10000"];
        let servers: Vec<_> = (0..3).map(|_| RedisServer::start_on_port(&options)).collect();
        let slots = [0..5461, 5461..10923, 10923..16384];
        let first_port = servers[0].port.to_string();
        for (number, (server, slots)) in servers.iter().zip(slots).enumerate() {
            let slots: Vec<String> = slots.map(|slot: u16| slot.to_string()).collect();
            let command: Vec<&str> =
                ["CLUSTER", "ADDSLOTS"].into_iter().chain(slots.iter().map(String::as_str)).collect();
            let () = server.query(&command);
            let () = server.query(&["CLUSTER", "SET-CONFIG-EPOCH", &(number + 1).to_string()]);
            if number > 0 {
                let () = server.query(&["CLUSTER", "MEET", "127.0.0.1", &first_port]);
            }
        }
        for server in &servers {
            let expected = ["cluster_state:ok", "cluster_known_nodes:3", "cluster_size:3"];
            server.wait_for(&["CLUSTER", "INFO"], &expected);
        }
        Self { servers }
    }

    pub(crate) fn settings(&self) -> RedisSettings {
        let nodes: Vec<_> = self.servers.iter().map(|server| format!("127.0.0.1:{}", server.port)).collect();
        settings_of(format!("redis+cluster://{}", nodes.join(",")))
    }
}

/// The settings of an empty store behind the sentinels that all tests of this process share.
pub(crate) fn sentinel_settings() -> RedisSettings {
    TRIO.get_or_init(|| SentinelTrio::start(20_000)).settings()
}

/// The cluster that all tests of this process share.
pub(crate) fn shared_cluster() -> &'static RedisCluster {
    CLUSTER.get_or_init(RedisCluster::start)
}

/// The settings of an empty store on that cluster.
pub(crate) fn cluster_settings() -> RedisSettings {
    shared_cluster().settings()
}
