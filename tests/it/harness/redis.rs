//! A real Redis for the tests of several replicas.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use super::waiting::wait_until;

/// Starts the server and ends it when standard input ends, which is when this value is dropped or the process of the tests ends.
/// A line of standard input is sent to the server as a signal.
const RUN: &str = r#"
"$@" > /dev/null 2>&1 &
server=$!
while read -r signal; do kill -s "$signal" "$server"; done
kill -s CONT "$server"
kill "$server"
wait "$server"
"#;

/// A server that listens on a socket in a folder of its own, and appends every write to a file there.
pub struct RedisServer {
    folder: tempfile::TempDir,
    shell: std::sync::Mutex<Child>,
}

static SHARED: OnceLock<Arc<RedisServer>> = OnceLock::new();
static NEXT_PREFIX: AtomicU64 = AtomicU64::new(0);

impl RedisServer {
    /// The server that all tests share. No test may stop or pause it.
    pub async fn shared() -> Arc<Self> {
        let server = SHARED.get_or_init(|| Arc::new(Self::begin())).clone();
        server.wait().await;
        server
    }

    /// A server of this test alone.
    pub async fn start() -> Arc<Self> {
        let server = Arc::new(Self::begin());
        server.wait().await;
        server
    }

    fn begin() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let shell = std::sync::Mutex::new(run_in(&folder));
        Self { folder, shell }
    }

    /// Ends the server and starts it again with what it has kept.
    pub async fn restart(&self) {
        self.stop().await;
        *self.shell.lock().unwrap() = run_in(&self.folder);
        self.wait().await;
    }

    /// Ends the server. What it keeps stays.
    pub async fn stop(&self) {
        drop(self.shell.lock().unwrap().stdin.take());
        wait_until("the end of redis-server", async || self.shell.lock().unwrap().try_wait().unwrap().is_some()).await;
        let _ = std::fs::remove_file(self.socket());
    }

    /// Sends a signal such as `STOP` or `CONT`.
    pub fn signal(&self, signal: &str) {
        use std::io::Write as _;
        let mut shell = self.shell.lock().unwrap();
        writeln!(shell.stdin.as_mut().unwrap(), "{signal}").unwrap();
    }

    /// The lines of `[store]` for a store of its own on this server.
    pub fn new_store(&self) -> String {
        let number = NEXT_PREFIX.fetch_add(1, Ordering::Relaxed);
        format!("url = \"redis+unix://{}\"\nprefix = \"it-{number}:\"", self.socket().display())
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("redis.sock")
    }

    async fn wait(&self) {
        let socket = self.socket();
        wait_until("redis-server", async || tokio::net::UnixStream::connect(&socket).await.is_ok()).await;
    }
}

fn run_in(folder: &tempfile::TempDir) -> Child {
    Command::new("sh")
        .args(["-c", RUN, "sh", "redis-server", "--port", "0", "--save", "", "--appendonly", "yes", "--unixsocket"])
        .arg(folder.path().join("redis.sock"))
        .arg("--dir")
        .arg(folder.path())
        .stdin(Stdio::piped())
        .spawn()
        .expect("redis-server is installed")
}
