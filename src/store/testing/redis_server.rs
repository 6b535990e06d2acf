//! Real Redis servers for unit tests. One server serves all tests of a process that do not disturb it; each test has a
//! prefix of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use redis::FromRedisValue;
use tempfile::TempDir;

use crate::domain::SharedClock;
use crate::store::{RedisSettings, RedisStore, Store};

/// Starts a program, prints its process id, and ends it when the standard input ends, which is at the latest when the
/// process of the tests ends.
const RUN: &str = r#"
"$@" > /dev/null 2>&1 &
echo $!
cat > /dev/null
kill -9 $!
"#;
/// Ports below those that the system gives to connections. A server of a cluster also takes its port plus 10000.
const FIRST_PORT: u16 = 11_000;
const PORTS: u16 = 9000;

static SERVER: OnceLock<RedisServer> = OnceLock::new();
static NEXT_PREFIX: AtomicU64 = AtomicU64::new(0);
static NEXT_PORT: AtomicU16 = AtomicU16::new(0);

/// A process that ends with this value.
pub(crate) struct Process {
    shell: Child,
    id: String,
}

impl Process {
    /// Starts `redis-server` and waits until its log contains `ready`. `None` if its port is taken.
    pub(crate) fn start(options: &[String], log: &Path, ready: &str) -> Option<Self> {
        let mut shell = Command::new("sh")
            .args(["-c", RUN, "sh", "redis-server"])
            .args(options)
            .arg("--logfile")
            .arg(log)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut id = String::new();
        BufReader::new(shell.stdout.take().unwrap()).read_line(&mut id).unwrap();
        let process = Self { shell, id: id.trim().to_owned() };
        for _ in 0..4000 {
            let text = fs::read_to_string(log).unwrap_or_default();
            if text.contains(ready) {
                return Some(process);
            }
            if text.contains("Failed listening") || text.contains("already in use") {
                return None;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("redis-server is installed and starts: {}", fs::read_to_string(log).unwrap_or_default());
    }

    /// Starts a server on a port that is free.
    pub(crate) fn start_on_free_port(start: impl Fn(u16) -> Option<Self>) -> (Self, u16) {
        // Processes of tests that run at the same time begin with different ports.
        let begin = u16::try_from(std::process::id() % u32::from(PORTS)).unwrap();
        (0..PORTS)
            .find_map(|_| {
                let port = FIRST_PORT + (begin + NEXT_PORT.fetch_add(1, Ordering::Relaxed)) % PORTS;
                start(port).map(|process| (process, port))
            })
            .expect("a port is free")
    }

    /// Sends a signal, such as `STOP`.
    pub(crate) fn signal(&self, signal: &str) {
        let status = Command::new("kill").arg(format!("-{signal}")).arg(&self.id).status().unwrap();
        assert!(status.success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        drop(self.shell.wait());
    }
}

/// A server that listens on a socket in a folder of its own, and on a TCP port if it has one.
pub(crate) struct RedisServer {
    pub(crate) process: Process,
    pub(crate) port: u16,
    folder: TempDir,
    options: Vec<String>,
    starts: u32,
}

impl RedisServer {
    /// A server that appends every write to a file, without a port.
    pub(crate) fn start() -> Self {
        Self::start_with(&["--appendonly", "yes"])
    }

    /// A server without a port.
    pub(crate) fn start_with(options: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = all_options(&folder, options, vec!["--port".to_owned(), "0".to_owned()]);
        let process = Process::start(&options, &folder.path().join("log-0"), READY).expect("a server without a port");
        Self { process, port: 0, folder, options, starts: 1 }
    }

    /// A server with a port of 127.0.0.1.
    pub(crate) fn start_on_port(options: &[&str]) -> Self {
        Self::start_listening(options, |port| vec!["--port".to_owned(), port.to_string()])
    }

    /// A server with a port of 127.0.0.1 that takes TLS alone.
    pub(crate) fn start_on_tls_port(options: &[&str]) -> Self {
        let ports = |port: u16| ["--port", "0", "--tls-port", &port.to_string()].map(ToOwned::to_owned).to_vec();
        Self::start_listening(options, ports)
    }

    fn start_listening(options: &[&str], ports: impl Fn(u16) -> Vec<String>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let all = |port| all_options(&folder, options, ports(port));
        let (process, port) = Process::start_on_free_port(|port| {
            Process::start(&all(port), &folder.path().join(format!("log-{port}")), READY)
        });
        let options = all(port);
        Self { process, port, folder, options, starts: 1 }
    }

    /// Kills the server and starts it again with its files.
    pub(crate) fn restart(&mut self) {
        self.process.signal("KILL");
        let log = self.folder.path().join(format!("log-again-{}", self.starts));
        self.starts += 1;
        self.process = Process::start(&self.options, &log, READY).expect("its port is free again");
    }

    pub(crate) fn url(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }

    /// The settings of a store of its own on this server.
    pub(crate) fn settings(&self) -> RedisSettings {
        settings_of(self.url())
    }

    /// Sends a command.
    pub(crate) fn query<T: FromRedisValue>(&self, command: &[&str]) -> T {
        query_at(self.url(), command)
    }

    /// Sends a command until the answer contains `expected`.
    pub(crate) fn wait_for(&self, command: &[&str], expected: &[&str]) {
        wait_for_at(&self.url(), command, expected);
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("redis.sock")
    }
}

/// A server writes `Ready`, or `now ready` if it has a socket alone.
const READY: &str = "eady to accept connections";

fn all_options(folder: &TempDir, options: &[&str], ports: Vec<String>) -> Vec<String> {
    let (path, socket) = (folder.path().display().to_string(), folder.path().join("redis.sock").display().to_string());
    let own = ["--bind", "127.0.0.1", "--save", "", "--dir", &path, "--unixsocket", &socket];
    ports.into_iter().chain(own.iter().chain(options).map(|option| (*option).to_owned())).collect()
}

/// Sends one command to the server at `url`.
pub(crate) fn query_at<T: FromRedisValue>(url: String, command: &[&str]) -> T {
    let mut connection = redis::Client::open(url).unwrap().get_connection().unwrap();
    let (name, arguments) = command.split_first().unwrap();
    redis::cmd(name).arg(arguments).query(&mut connection).unwrap()
}

/// Sends a command until its answer contains all of `expected`.
pub(crate) fn wait_for_at(url: &str, command: &[&str], expected: &[&str]) {
    for _ in 0..4000 {
        let answer: String = query_at(url.to_owned(), command);
        if expected.iter().all(|expected| answer.contains(expected)) {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("{command:?} never contains {expected:?}");
}

/// The settings of a store of its own at `url`.
pub(crate) fn settings_of(url: String) -> RedisSettings {
    RedisSettings {
        url,
        user: None,
        password: None,
        ca_file: None,
        prefix: format!("test-{}:", NEXT_PREFIX.fetch_add(1, Ordering::Relaxed)),
        allow_volatile: false,
        wait_replicas: 0,
        heartbeat: Duration::from_millis(50),
    }
}

/// The settings of an empty store on the server that all tests of this process share.
pub(crate) fn redis_settings() -> RedisSettings {
    SERVER.get_or_init(RedisServer::start).settings()
}

/// Opens the store of `settings`, as another replica does.
pub(crate) async fn redis_store(settings: &RedisSettings, clock: SharedClock) -> Arc<dyn Store> {
    Arc::new(RedisStore::open(settings, clock).await.unwrap())
}
