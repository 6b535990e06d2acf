use std::path::PathBuf;
use std::time::Duration;

use super::address::Address;
use crate::domain::Secret;

/// Where the records are, and how they are reached.
///
/// With an access control list, the user needs these rights (`PREFIX` is [`RedisSettings::prefix`]); a cluster needs
/// `+cluster|slots +asking` as well:
///
/// ```text
/// user bot-sso on >PASSWORD resetkeys resetchannels ~PREFIX* &PREFIX* -@all +get +getrange +set +del +zadd +zrem
///   +zrange +zrevrangebyscore +zremrangebyscore +zscore +exists +incrby +persist +pexpire +pttl +time +eval +evalsha
///   +scan +publish +subscribe +ping +role +info +config|get +select +wait
/// ```
#[derive(Clone, Debug)]
pub struct RedisSettings {
    /// The address, without user and password:
    ///
    /// - `redis://HOST:PORT/DATABASE`, with TLS `rediss://…`; port 6379 and database 0 may be left out;
    /// - `redis+unix:///PATH`;
    /// - `redis+sentinel://HOST:PORT,HOST:PORT/MASTER/DATABASE`, with TLS `rediss+sentinel://…`; the port of a sentinel is
    ///   26379 unless it is given;
    /// - `redis+cluster://HOST:PORT,HOST:PORT`, with TLS `rediss+cluster://…`.
    pub url: String,
    /// The user of the server's access control list, if there is one.
    pub user: Option<String>,
    /// The password of the user, or of the server if there is no user. A sentinel that asks for a password gets the same.
    pub password: Option<Secret>,
    /// A file with the certificates that vouch for the servers, in PEM; `None` for those of the system.
    pub ca_file: Option<PathBuf>,
    /// Stands before the name of every key, so that several installations can share a server.
    pub prefix: String,
    /// Whether a server that keeps records in memory only may be used.
    pub allow_volatile: bool,
    /// The number of the server's replicas that must have a write before it counts as kept; 0 does not wait.
    pub wait_replicas: u32,
    /// How often the subscription to changes asks the server for a sign of life.
    pub heartbeat: Duration,
}

impl RedisSettings {
    /// Says what is wrong with the URL and what to write, without a connection.
    ///
    /// # Errors
    /// The text for the operator. It does not quote the URL.
    pub fn check_url(&self) -> Result<(), String> {
        Address::parse(&self.url).map(drop)
    }
}
