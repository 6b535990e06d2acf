//! The program with a configuration written by hand: what must hold with and without the feature `stage`.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

/// Longer than an answer takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

const CONFIGURATION: &str = r#"
[server]
public_url = "https://sso.example.com"
listen = ["127.0.0.1:0"]
workers = 1

[operations]
listen = "127.0.0.1:0"
admin_token = { env = "ADMIN_TOKEN" }

[bots.help-desk]
app_id = "11111111-1111-4111-8111-111111111111"
endpoint = "http://127.0.0.1:9/api/messages"

[store]
path = "DIRECTORY/bot-sso.db"

[keys]
file = "DIRECTORY/bot-sso.keys"

[logging]
format = "json"
"#;

fn bot_sso() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bot-sso"));
    command.env_clear();
    command
}

fn run(arguments: &[&str]) -> Output {
    bot_sso().args(arguments).output().unwrap()
}

/// A running `bot-sso serve`. Dropping it kills the process.
struct Service {
    child: Child,
    /// The address of the gateway.
    gateway: String,
    /// The address of the operator's listener.
    operations: String,
    _directory: tempfile::TempDir,
    /// Stays open, because the service writes its log into it.
    _log: BufReader<ChildStderr>,
}

impl Service {
    fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
        let created = run(&["keys", "create", &path("bot-sso.keys")]);
        assert!(created.status.success(), "{created:?}");
        let text = CONFIGURATION.replace("DIRECTORY", directory.path().to_str().unwrap());
        std::fs::write(path("bot-sso.toml"), text).unwrap();
        let mut command = bot_sso();
        command.env("ADMIN_TOKEN", "an-admin-token-of-thirty-two-letters").args(["serve", "--config"]);
        let mut child =
            command.arg(Path::new(&path("bot-sso.toml"))).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let listening = first_line_containing(&mut log, "listening");
        Self {
            child,
            gateway: listening["addresses"].as_str().unwrap().trim_matches(['[', ']']).to_owned(),
            operations: listening["operations"].as_str().unwrap().to_owned(),
            _directory: directory,
            _log: log,
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // The process may have ended before.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The first line of the log that contains `text`. If the process ends without it, the log ends too, so the test does
/// not hang.
fn first_line_containing(log: &mut BufReader<ChildStderr>, text: &str) -> Value {
    let mut seen = String::new();
    loop {
        let start = seen.len();
        assert_ne!(log.read_line(&mut seen).unwrap(), 0, "no line with {text:?} in\n{seen}");
        if seen[start..].contains(text) {
            return serde_json::from_str(&seen[start..]).unwrap();
        }
    }
}

/// The status of one request without credentials.
fn status(address: &str, request_line: &str, body: &str) -> u16 {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let length = body.len();
    let head = format!("{request_line} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    let members = format!("Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}");
    stream.write_all(format!("{head}{members}").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).unwrap_or_else(|| panic!("no answer: {answer:?}")).parse().unwrap()
}

#[test]
fn the_binary_serves_a_configuration_written_by_hand() {
    let service = Service::start();
    assert_eq!(status(&service.operations, "GET /healthz", ""), 200);
    assert_eq!(status(&service.gateway, "POST /api/messages", r#"{"type": "message"}"#), 401);
}

#[cfg(not(feature = "stage"))]
#[test]
fn dev_is_an_unknown_command_without_the_stage() {
    let refused = run(&["dev"]);
    let told = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(2), "{told}");
    assert!(told.contains("unrecognized subcommand 'dev'"), "{told}");
}
