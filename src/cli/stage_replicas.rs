//! The replicas of `bot-sso dev --replicas`: a private server for their store, and the gateways beside the first.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};

use crate::app::{self, Application, BoundListeners, DevelopmentMode};
use crate::config::Configuration;
use crate::dev::GatewayReplicas;
use crate::domain::ClockAndEntropy;

/// Starts the server, and ends it when standard input ends: also when this process is killed.
const RUN_SERVER: &str = r#"
"$@" > /dev/null 2>&1 &
server=$!
cat > /dev/null
kill "$server"
wait "$server"
"#;
/// How often the server is looked for, and the pause in between.
const ATTEMPTS: usize = 200;
const PAUSE: Duration = Duration::from_millis(50);

/// What all gateways of a stage are built from.
pub(super) struct Gateways {
    pub(super) configuration: Configuration,
    pub(super) ambient: ClockAndEntropy,
    pub(super) development: DevelopmentMode,
}

/// What the gateways beside the first need before they are built.
pub(super) struct StageReplicas {
    listeners: Vec<TcpListener>,
    addresses: Vec<String>,
    /// `None` if there is one gateway, whose store is in a file.
    server: Option<PrivateServer>,
}

/// All gateways, and the server, which ends after them.
pub(super) struct BuiltGateways {
    applications: Vec<Application>,
    _server: Option<PrivateServer>,
}

impl StageReplicas {
    /// Binds a port for each gateway beside the first, and starts the server if there are any. The ports follow `last_port`, or are any free
    /// ones.
    pub(super) async fn start(others: u16, last_port: Option<u16>, directory: &Path) -> anyhow::Result<Self> {
        let (mut listeners, mut addresses) = (Vec::new(), Vec::new());
        for number in 1..=others {
            let mut port = last_port.map_or(0, |last| last.saturating_add(number));
            listeners.push(bind_on_loopback("server.listen", &mut port)?);
            addresses.push(format!("127.0.0.1:{port}"));
        }
        let server = if others == 0 { None } else { Some(PrivateServer::start(directory).await?) };
        Ok(Self { listeners, addresses, server })
    }

    /// What the stage has to know of them.
    pub(super) fn facts(&self) -> GatewayReplicas {
        let url = |server: &PrivateServer| format!("redis+unix://{}", server.socket.display());
        GatewayReplicas {
            store_url: self.server.as_ref().map(url).unwrap_or_default(),
            others: self.addresses.iter().map(|address| format!("http://{address}")).collect(),
        }
    }
}

impl Gateways {
    /// Builds the first gateway on `listeners`, and `replicas` beside it. Each is a whole application with its own connections to the
    /// store. The first alone has a listener for the operator.
    pub(super) async fn build(
        self,
        listeners: BoundListeners,
        replicas: StageReplicas,
    ) -> anyhow::Result<BuiltGateways> {
        let Self { configuration, ambient, development } = self;
        let mut applications = Vec::new();
        for (listener, address) in replicas.listeners.into_iter().zip(&replicas.addresses) {
            let mut configuration = configuration.clone();
            configuration.server.listen = vec![address.parse().context("the address of a replica")?];
            configuration.operations = None;
            let bound = BoundListeners { public: vec![listener], ..BoundListeners::default() };
            applications.push(app::build(configuration, ambient.clone(), bound, Some(development.clone())).await?);
        }
        applications.push(app::build(configuration, ambient, listeners, Some(development)).await?);
        Ok(BuiltGateways { applications, _server: replicas.server })
    }
}

impl BuiltGateways {
    /// Serves until SIGTERM or Ctrl-C, which every gateway receives.
    pub(super) async fn run(self) -> std::io::Result<()> {
        futures_util::future::try_join_all(self.applications.into_iter().map(Application::run)).await.map(drop)
    }
}

/// Binds a port of 127.0.0.1 (0: any free one), and writes the bound port into `port`.
pub(super) fn bind_on_loopback(key: &str, port: &mut u16) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, *port));
    let listener = listener.with_context(|| format!("{key}: 127.0.0.1:{port}"))?;
    *port = listener.local_addr()?.port();
    Ok(listener)
}

/// A server for the store of this stage alone. It listens on a socket in the stage's directory, which is private.
struct PrivateServer {
    socket: PathBuf,
    shell: Child,
}

impl PrivateServer {
    async fn start(directory: &Path) -> anyhow::Result<Self> {
        let installed = Command::new("redis-server").arg("--version").stdout(Stdio::null()).status();
        match installed {
            Err(error) if error.kind() == ErrorKind::NotFound => bail!(
                "--replicas needs a Redis server for the store that the replicas share: install redis-server (Debian: \
                 sudo apt-get install redis-server), and start again"
            ),
            installed => installed.context("redis-server")?,
        };
        let socket = directory.join("redis.sock");
        let shell = Command::new("sh")
            .args(["-c", RUN_SERVER, "sh", "redis-server", "--port", "0", "--save", "", "--appendonly", "yes"])
            .args(["--unixsocketperm", "600", "--unixsocket"])
            .arg(&socket)
            .arg("--dir")
            .arg(directory)
            .stdin(Stdio::piped())
            // Ctrl-C goes to the whole group of the terminal, and the gateways still need the server while they drain.
            .process_group(0)
            .spawn()
            .context("redis-server")?;
        let server = Self { socket, shell };
        for _ in 0..ATTEMPTS {
            if tokio::net::UnixStream::connect(&server.socket).await.is_ok() {
                return Ok(server);
            }
            tokio::time::sleep(PAUSE).await;
        }
        bail!("redis-server did not start: try  redis-server --port 0 --unixsocket ./redis.sock  to see why")
    }
}

impl Drop for PrivateServer {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        // The shell ends by itself, also if waiting for it fails.
        let _ = self.shell.wait();
    }
}
