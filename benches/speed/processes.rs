use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::setting::{APP_ID, CHANNEL_ISSUER, CONNECTION, TENANT};

/// The CPU core of the measured process. Every other process runs on the other core.
const MEASURED_CORE: &str = "1";
const OTHER_CORE: &str = "0";
const BOTH_CORES: &str = "0,1";

/// A server in a process of its own. Dropping it ends the process.
pub struct Process {
    child: Child,
    pub port: u16,
    /// The signal that ends it.
    end: Signal,
}

/// A Redis that appends to its file every second. Dropping it kills the server.
pub struct RedisServer {
    child: Child,
    port: u16,
}

impl RedisServer {
    /// Starts a server with its files in `directory`, which is made empty.
    pub fn start(directory: &Path) -> Self {
        let _ = std::fs::remove_dir_all(directory);
        std::fs::create_dir_all(directory).unwrap();
        let port = free_port();
        let mut command = Run::OnOtherCore.command(Path::new("redis-server"));
        command.args([
            "--port",
            &port.to_string(),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "yes",
            "--dir",
        ]);
        let child = command.arg(directory).stdout(Stdio::null()).spawn().expect("redis-server is installed");
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < Duration::from_mins(1), "redis-server does not listen");
            std::thread::sleep(Duration::from_millis(2));
        }
        Self { child, port }
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Resident memory in bytes.
    pub fn resident(&self) -> u64 {
        resident_of(&self.child.id().to_string())
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The way in which a server process runs.
#[derive(Clone, Copy)]
pub enum Run<'d> {
    /// On the core that is not measured.
    OnOtherCore,
    /// On the measured core.
    OnMeasuredCore,
    /// On both cores, which it shares with the load.
    OnBothCores,
    /// Under a simulator that counts instructions and writes its counts to this directory.
    CountingInstructions(&'d Path),
}

/// The CPU time that a process has used so far.
#[derive(Clone, Copy, Default)]
pub struct CpuTime {
    pub all: Duration,
    /// The part of it that the threads of the embedded store used.
    pub store: Duration,
}

impl Process {
    /// Starts this program in another role. The child prints the port on which it listens.
    pub fn part(arguments: &[&str], run: Run<'_>) -> Self {
        let program = std::env::current_exe().unwrap();
        let mut child = run.command(&program).args(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().parse().expect("the part names its port");
        Self { child, port, end: Signal::KILL }
    }

    /// Starts bot-sso as an operator does, with its log in a file. Also returns the time until it listened.
    pub fn bot_sso(program: &Path, directory: &Path, port: u16, run: Run<'_>) -> (Self, Duration) {
        let log = File::create(directory.join("bot-sso.log")).unwrap();
        let begun = Instant::now();
        let child = run
            .command(program)
            .args(["serve", "--config"])
            .arg(directory.join("bot-sso.toml"))
            .stderr(log)
            .spawn()
            .unwrap();
        // It stops as it does for a service manager: with counters in it, it then writes its profile (scripts/profile).
        let process = Self { child, port, end: Signal::TERM };
        process.wait_until_it_listens(directory);
        (process, begun.elapsed())
    }

    /// Starts the unmodified SDK bot of `tests/peers/botbuilder`, whose channel and services are on `identity_port`.
    /// Its output goes to a file in `directory`.
    pub fn sdk_bot(directory: &Path, identity_port: u16) -> Self {
        let identity = format!("http://127.0.0.1:{identity_port}");
        let port = free_port();
        let log = File::create(directory.join("sdk-bot.log")).unwrap();
        let environment = [
            ("PORT", port.to_string()),
            ("MicrosoftAppId", APP_ID.to_owned()),
            ("MicrosoftAppType", "UserAssignedMsi".to_owned()),
            ("MicrosoftAppTenantId", TENANT.to_owned()),
            ("IDENTITY_ENDPOINT", format!("{identity}/msi")),
            ("IDENTITY_HEADER", "any".to_owned()),
            ("OAuthUrl", identity.clone()),
            ("ToChannelFromBotLoginUrl", format!("{identity}/{TENANT}")),
            ("ToChannelFromBotOAuthScope", "https://api.botframework.com".to_owned()),
            ("ToBotFromChannelTokenIssuer", CHANNEL_ISSUER.to_owned()),
            ("ToBotFromChannelOpenIdMetadataUrl", format!("{identity}/metadata")),
            ("ToBotFromEmulatorOpenIdMetadataUrl", format!("{identity}/metadata")),
            ("ValidateAuthority", "false".to_owned()),
            ("CallerId", "urn:botframework:azure".to_owned()),
            ("CONNECTION_NAME", CONNECTION.to_owned()),
            ("GRAPH_URL", format!("{identity}/me")),
        ];
        let peer = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/botbuilder");
        let path = std::env::var_os("PATH").unwrap();
        let mut command = Run::OnMeasuredCore.command(Path::new("node"));
        command.arg("bot.mjs").current_dir(peer).env_clear().env("PATH", path).envs(environment);
        let process = Self { child: command.stdout(log).spawn().unwrap(), port, end: Signal::KILL };
        process.wait_until_it_listens(directory);
        process
    }

    fn wait_until_it_listens(&self, directory: &Path) {
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(begun.elapsed() < Duration::from_mins(1), "nothing listens: see {}", directory.display());
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    pub fn cpu_time(&self) -> CpuTime {
        let mut time = CpuTime::default();
        for thread in std::fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap() {
            let thread = thread.unwrap().path();
            // `schedstat` counts nanoseconds, `stat` only hundredths of a second.
            let Ok(schedule) = std::fs::read_to_string(thread.join("schedstat")) else { continue };
            let spent = Duration::from_nanos(schedule.split(' ').next().unwrap().parse().unwrap());
            time.all += spent;
            if std::fs::read_to_string(thread.join("comm")).is_ok_and(|name| name.starts_with("store-")) {
                time.store += spent;
            }
        }
        time
    }

    /// The instructions that a counted process has run since the previous call. `name` labels the dump.
    pub fn instructions(&self, directory: &Path, name: &str) -> u64 {
        let id = self.child.id().to_string();
        let told = Command::new("callgrind_control").arg(format!("--dump={name}")).arg(&id).output().unwrap();
        assert!(told.status.success(), "callgrind_control: {}", String::from_utf8_lossy(&told.stderr));
        let newest = (1..).map(|number| directory.join(format!("callgrind.{id}.{number}")));
        let newest = newest.take_while(|file| file.exists()).last().expect("counts are written on demand");
        let counts = std::fs::read_to_string(newest).unwrap();
        let total = counts.lines().find_map(|line| line.strip_prefix("totals: ")).expect("counts have a total");
        total.trim().parse().unwrap()
    }

    /// Resident memory in bytes.
    pub fn resident(&self) -> u64 {
        resident_of(&self.child.id().to_string())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = kill_process(Pid::from_child(&self.child), self.end);
        let _ = self.child.wait();
    }
}

impl std::ops::Add for CpuTime {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { all: self.all + other.all, store: self.store + other.store }
    }
}

impl std::ops::Sub for CpuTime {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self { all: self.all.saturating_sub(earlier.all), store: self.store.saturating_sub(earlier.store) }
    }
}

/// Resident memory of the process `id` (or `self`) in bytes.
pub fn resident_of(id: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Moves this process off the measured core.
pub fn leave_measured_core() {
    if has_two_cores() {
        let me = std::process::id().to_string();
        let status = Command::new("taskset").args(["-a", "-p", "-c", OTHER_CORE, &me]).stdout(Stdio::null()).status();
        assert!(status.is_ok_and(|status| status.success()), "taskset does not work");
    }
}

impl Run<'_> {
    /// The command that runs `program` like this.
    pub fn command(self, program: &Path) -> Command {
        let core = match self {
            Self::OnOtherCore => OTHER_CORE,
            Self::OnMeasuredCore => MEASURED_CORE,
            Self::OnBothCores => BOTH_CORES,
            Self::CountingInstructions(directory) => {
                let mut command = Command::new("valgrind");
                let counts = directory.join("callgrind.%p");
                command
                    .args(["-q", "--tool=callgrind", "--compress-strings=no", "--dump-instr=yes"])
                    .arg(format!("--callgrind-out-file={}", counts.display()));
                command.arg(program);
                return command;
            }
        };
        if !has_two_cores() {
            return Command::new(program);
        }
        let mut command = Command::new("taskset");
        command.args(["-c", core]).arg(program);
        command
    }
}

fn has_two_cores() -> bool {
    std::fs::read_to_string("/proc/cpuinfo").is_ok_and(|text| text.matches("processor\t").count() > 1)
}
