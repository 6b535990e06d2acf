//! `bot-sso dev` in a process of its own, on free ports.

use std::io::{BufRead as _, BufReader, Read};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::waiting::PATIENCE;

/// The beginning of the last line about the listeners.
const LAST_LISTENER: &str = "  for bots built on SDKs";

/// A running process; stopped when dropped.
pub struct Development {
    child: Child,
    lines: Receiver<String>,
    log: Arc<Mutex<String>>,
    /// The lines that were read so far.
    pub printed: Vec<String>,
}

impl Development {
    /// Starts the process in an environment that it must ignore, and reads its output up to the list of listeners.
    pub fn start_with(options: &[&str]) -> Self {
        let mut child = command(options).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (sender, lines) = channel();
        let output = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let log = Arc::new(Mutex::new(String::new()));
        keep(child.stderr.take().unwrap(), log.clone());
        let mut started = Self { child, lines, log, printed: Vec::new() };
        started.read_to(|line, _| line.starts_with(LAST_LISTENER));
        started
    }

    /// Runs the process to its end.
    pub fn run(options: &[&str]) -> Output {
        command(options).output().unwrap()
    }

    /// Reads lines until `is_last` is true of one; its second argument are the lines before.
    pub fn read_to(&mut self, is_last: impl Fn(&str, &[String]) -> bool) {
        loop {
            let line = self.lines.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("it printed no more: {:#?}\n{}", self.printed, self.log()));
            let is_last = is_last(&line, &self.printed);
            self.printed.push(line);
            if is_last {
                return;
            }
        }
    }

    /// The address on the line that begins with `name`.
    pub fn address(&self, name: &str) -> &str {
        let line = self.printed.iter().find(|line| line.trim_start().starts_with(name)).unwrap();
        line.split_whitespace().last().unwrap()
    }

    pub fn gateway(&self) -> &str {
        self.address("gateway, token service")
    }

    pub async fn manifest(&self) -> Value {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = client.get(format!("{}/dev/manifest.json", self.gateway())).send().await.unwrap();
        serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
    }

    /// The variables of the environment block that was printed.
    pub fn block(&self) -> Vec<(&str, String)> {
        let exports = self.printed.iter().filter_map(|line| line.strip_prefix("export ")?.split_once('='));
        exports.map(|(name, value)| (name, value.to_owned())).collect()
    }

    /// The log so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }
}

impl Drop for Development {
    fn drop(&mut self) {
        // A process that is stopped and not killed removes its temporary directory.
        let _ = Command::new("sh").arg("-c").arg(format!("kill -s TERM {}", self.child.id())).status();
        let _ = self.child.wait();
    }
}

fn command(options: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bot-sso"));
    let port: &[&str] = if options.contains(&"--port") { &[] } else { &["--port", "0"] };
    command.arg("dev").args(port).args(options).env("BOT_SSO_SERVER__LISTEN", "[\"0.0.0.0:0\"]");
    command
}

fn keep(mut reader: impl Read + Send + 'static, text: Arc<Mutex<String>>) {
    std::thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(count @ 1..) = reader.read(&mut bytes) {
            text.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..count]));
        }
    });
}
