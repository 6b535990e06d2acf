use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The core for what is measured; everything else runs on the other one.
const MEASURED: &str = "1";
const OTHERS: &str = "0";

/// A server in a process of its own; killed when dropped.
pub struct Process {
    child: Child,
    pub port: u16,
}

/// CPU time a process has used so far.
#[derive(Clone, Copy, Default)]
pub struct CpuTime {
    pub all: Duration,
    /// Of it the threads of the embedded store.
    pub store: Duration,
}

impl Process {
    /// This very program in another part, which says on which port it listens.
    pub fn part(arguments: &[&str], measured: bool) -> Self {
        let program = std::env::current_exe().unwrap();
        let mut child = pinned(&program, measured).args(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, port: line.trim().parse().expect("the part names its port") }
    }

    /// bot-sso as it is started in earnest; its log goes to a file. Returns how long it took until it listened.
    pub fn bot_sso(program: &Path, directory: &Path, port: u16) -> (Self, Duration) {
        let log = File::create(directory.join("bot-sso.log")).unwrap();
        let begun = Instant::now();
        let child = pinned(program, true)
            .args(["serve", "--config"])
            .arg(directory.join("bot-sso.toml"))
            .stderr(log)
            .spawn()
            .unwrap();
        let process = Self { child, port };
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < Duration::from_mins(1), "bot-sso does not listen: see {}", directory.display());
            std::thread::sleep(Duration::from_millis(2));
        }
        (process, begun.elapsed())
    }

    pub fn cpu_time(&self) -> CpuTime {
        let mut time = CpuTime::default();
        for thread in std::fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap() {
            let thread = thread.unwrap().path();
            // Nanoseconds on a core; `stat` has the same in hundredths of a second.
            let Ok(schedule) = std::fs::read_to_string(thread.join("schedstat")) else { continue };
            let spent = Duration::from_nanos(schedule.split(' ').next().unwrap().parse().unwrap());
            time.all += spent;
            if std::fs::read_to_string(thread.join("comm")).is_ok_and(|name| name.starts_with("store-")) {
                time.store += spent;
            }
        }
        time
    }

    /// Resident memory in bytes.
    pub fn resident(&self) -> u64 {
        resident_of(&self.child.id().to_string())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
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

/// Keeps this process off the core of what is measured.
pub fn stay_aside() {
    if has_two_cores() {
        let me = std::process::id().to_string();
        let status = Command::new("taskset").args(["-a", "-p", "-c", OTHERS, &me]).stdout(Stdio::null()).status();
        assert!(status.is_ok_and(|status| status.success()), "taskset does not work");
    }
}

fn pinned(program: &Path, measured: bool) -> Command {
    if !has_two_cores() {
        return Command::new(program);
    }
    let mut command = Command::new("taskset");
    command.args(["-c", if measured { MEASURED } else { OTHERS }]).arg(program);
    command
}

fn has_two_cores() -> bool {
    std::fs::read_to_string("/proc/cpuinfo").is_ok_and(|text| text.matches("processor\t").count() > 1)
}
