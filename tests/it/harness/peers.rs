//! Programs of other people that run beside the application: SDK bots and clients, MSAL and more, on Node and Python.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::waiting::{wait_for, wait_until};

/// A program of `tests/peers`.
pub struct Program {
    /// Folder below `tests/peers`.
    pub peer: &'static str,
    /// A file in that folder. A `.py` file runs in the peer's virtual environment, any other file on Node.
    pub script: &'static str,
}

/// A running program. Dropping it kills the process.
pub struct Peer {
    label: String,
    child: Child,
    printed: Arc<Mutex<Vec<String>>>,
    complaints: Arc<Mutex<String>>,
}

impl Peer {
    /// Starts a program with exactly this environment and `PATH`. Its output also goes to `target/test-logs`, under
    /// `label`, where `scripts/test` searches for tokens.
    pub fn start(program: &Program, label: &str, environment: &[(&str, String)]) -> Self {
        let mut child = command(program)
            .env_clear()
            .env("PATH", search_path())
            .envs(environment.iter().map(|(name, value)| (*name, value.as_str())))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{} cannot be started: {error}", program.script));
        let printed = Arc::new(Mutex::new(Vec::new()));
        let complaints = Arc::new(Mutex::new(String::new()));
        keep_lines(BufReader::new(child.stdout.take().unwrap()), label, printed.clone());
        keep_text(child.stderr.take().unwrap(), complaints.clone());
        Self { label: label.to_owned(), child, printed, complaints }
    }

    /// The lines of standard output so far.
    pub fn printed(&self) -> Vec<String> {
        self.printed.lock().unwrap().clone()
    }

    /// The lines of standard output so far, read as JSON.
    pub fn events(&self) -> Vec<Value> {
        let lines = self.printed();
        lines
            .iter()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("not JSON ({error}): {line}")))
            .collect()
    }

    /// Waits for a line for which `fits` is true.
    pub async fn wait_for(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        wait_for(what, async || {
            let found = self.events().into_iter().find(&fits);
            let has_ended = found.is_none() && self.child.try_wait().unwrap().is_some();
            assert!(!has_ended, "{} ended before {what}: {}", self.label, self.account());
            found
        })
        .await
    }

    /// Waits until the program listens, and returns its port.
    pub async fn port(&mut self) -> u16 {
        let listening = self.wait_for("listening", |event| event["event"] == "listening").await;
        listening["port"].as_u64().and_then(|port| u16::try_from(port).ok()).unwrap()
    }

    /// Waits until the program has ended successfully, and returns the lines that it printed.
    pub async fn finish(mut self) -> Vec<Value> {
        let status = self.wait_for_end().await;
        assert!(status.success(), "{} failed: {}", self.label, self.account());
        self.events()
    }

    async fn wait_for_end(&mut self) -> ExitStatus {
        let status = wait_for("the program's end", async || self.child.try_wait().unwrap()).await;
        // The reading threads end when the pipes close.
        let readers = || Arc::strong_count(&self.printed) + Arc::strong_count(&self.complaints) - 2;
        wait_until("the end of what it printed", async || readers() == 0).await;
        status
    }

    fn account(&self) -> String {
        format!("{}\n{}", self.printed().join("\n"), self.complaints.lock().unwrap())
    }
}

impl Drop for Peer {
    #[allow(clippy::print_stdout, reason = "shown when the test fails")]
    fn drop(&mut self) {
        // The program may have ended before.
        let _ = self.child.kill();
        let _ = self.child.wait();
        println!("{} printed:\n{}", self.label, self.account());
    }
}

fn command(program: &Program) -> Command {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers").join(program.peer);
    let is_python = Path::new(program.script).extension().is_some_and(|extension| extension == "py");
    let mut command = if is_python {
        Command::new(installed(root.join(".venv/bin/python"), "a virtual environment"))
    } else {
        installed(root.join("node_modules"), "the Node packages");
        Command::new("node")
    };
    command.arg(root.join(program.script)).current_dir(root);
    command
}

fn installed(path: PathBuf, what: &str) -> PathBuf {
    assert!(path.exists(), "{} is missing: run scripts/test once, it installs {what} there", path.display());
    path
}

#[allow(clippy::disallowed_methods, reason = "the one variable a program needs in order to be found")]
fn search_path() -> std::ffi::OsString {
    std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into())
}

fn keep_lines(reader: impl BufRead + Send + 'static, label: &str, printed: Arc<Mutex<Vec<String>>>) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-logs");
    std::fs::create_dir_all(&directory).unwrap();
    let path = directory.join(format!("{label}.log"));
    let mut file = OpenOptions::new().create(true).write(true).truncate(true).open(path).unwrap();
    std::thread::spawn(move || {
        for line in reader.lines().map_while(Result::ok) {
            let _ = writeln!(file, "{line}");
            printed.lock().unwrap().push(line);
        }
    });
}

fn keep_text(mut reader: impl Read + Send + 'static, text: Arc<Mutex<String>>) {
    std::thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(count) = reader.read(&mut bytes) {
            if count == 0 {
                break;
            }
            text.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..count]));
        }
    });
}
