//! A configuration on disk, and processes that run with it.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use crate::harness::waiting::{PATIENCE, wait_for, wait_within};
use crate::harness::{Answer, Harness, activities, write_private};

/// Runs `bot-sso` to its end, without the test's environment.
pub fn bot_sso(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bot-sso")).env_clear().args(arguments).output().unwrap()
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

pub fn write_with_mode(path: &Path, text: &str, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// The stage, a recorded bot, and a directory with `bot-sso.toml` and `bot-sso.keys`. The harness's requests go to the
/// service that was started last.
pub struct Setting {
    pub harness: Harness,
    pub directory: tempfile::TempDir,
    table: toml::Table,
    secrets: Vec<(String, String)>,
}

impl Setting {
    pub async fn new() -> Self {
        let harness = Harness::start().await;
        let directory = tempfile::tempdir().unwrap();
        let text = harness.stage.configuration("http://127.0.0.1:3978", "127.0.0.1:0", directory.path());
        let secrets = harness.stage.secrets();
        let mut setting = Self { table: text.parse().unwrap(), harness, directory, secrets };
        setting.remove_other_callers();
        setting.set("bots.demo.endpoint", setting.harness.bot.endpoint());
        setting.set("server.workers", 1);
        let created = bot_sso(&["keys", "create", setting.path("bot-sso.keys").to_str().unwrap()]);
        assert!(created.status.success(), "{created:?}");
        setting
    }

    /// Removes the callers of the stage that are no bots, and the connections that are theirs alone: a test adds its own.
    fn remove_other_callers(&mut self) {
        for section in ["add_ins", "back_ends", "apps"] {
            self.remove_section(section);
        }
        let connections = self.table["connections"].as_table_mut().unwrap();
        connections.retain(|_, connection| connection.get("bot").is_some());
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Sets a key of the configuration, for example `server.listen`.
    pub fn set(&mut self, key: &str, value: impl Into<toml::Value>) {
        let mut steps: Vec<&str> = key.split('.').collect();
        let last = steps.pop().unwrap();
        let mut table = &mut self.table;
        for step in steps {
            let inner = table.entry(step).or_insert_with(|| toml::Value::Table(toml::Table::new()));
            table = inner.as_table_mut().unwrap();
        }
        table.insert(last.to_owned(), value.into());
    }

    /// Replaces a connection's secret by credentials, which are written as in the file.
    pub fn set_credentials(&mut self, connection: &str, list: &str) {
        let table: toml::Table = format!("credentials = [{list}]").parse().unwrap();
        self.set(&format!("connections.{connection}.credentials"), table["credentials"].clone());
        let section = self.table["connections"][connection].as_table_mut().unwrap();
        section.remove("client_secret");
    }

    /// Sets an environment variable for processes that start later.
    pub fn set_variable(&mut self, name: &str, value: &str) {
        self.secrets.push((name.to_owned(), value.to_owned()));
    }

    /// Writes the configuration for a process that is running.
    pub fn write(&self) {
        std::fs::write(self.path("bot-sso.toml"), self.text()).unwrap();
    }

    /// Removes a section.
    pub fn remove_section(&mut self, section: &str) {
        self.table.remove(section).unwrap();
    }

    /// Removes a key of the configuration, for example `bots.demo`; returns its value.
    pub fn remove(&mut self, key: &str) -> toml::Value {
        let mut steps: Vec<&str> = key.split('.').collect();
        let last = steps.pop().unwrap();
        let table = steps.into_iter().fold(&mut self.table, |table, step| table[step].as_table_mut().unwrap());
        table.remove(last).unwrap()
    }

    /// Writes the configuration, and lets `service` reload it; waits for the end of the reload, of which the log says `end`.
    pub async fn reload(&self, service: &mut Service, end: &str) {
        self.write();
        service.forget_lines();
        service.signal("HUP");
        service.wait_for_line(end).await;
    }

    /// Writes a connection's secret to a file; returns its path.
    pub fn secret_in_file(&mut self, connection: &str, secret: &str) -> PathBuf {
        let path = self.path(&format!("{connection}.secret"));
        write_private(&path, secret);
        let mut reference = toml::Table::new();
        reference.insert("file".to_owned(), path.to_str().unwrap().into());
        self.set(&format!("connections.{connection}.client_secret"), reference);
        path
    }

    /// The configuration, to go back to with [`Setting::set_table`].
    pub fn table(&self) -> toml::Table {
        self.table.clone()
    }

    /// Replaces the configuration.
    pub fn set_table(&mut self, table: toml::Table) {
        self.table = table;
    }

    /// The text of the configuration.
    pub fn text(&self) -> String {
        self.table.to_string()
    }

    /// Writes the configuration, and prepares `bot-sso <command> --config …`.
    fn command(&self, command: &str) -> Command {
        let file = self.path("bot-sso.toml");
        self.write();
        let mut process = Command::new(env!("CARGO_BIN_EXE_bot-sso"));
        process.env_clear().envs(self.secrets.clone()).args([command, "--config"]).arg(file);
        process
    }

    /// Runs `bot-sso <command> --config …` to its end.
    pub fn run(&self, command: &str) -> Output {
        self.command(command).output().unwrap()
    }

    /// As [`Setting::admin`], for `bot-sso admin user <act>`.
    pub fn admin_user(&self, act: &str, operations: &str, more: &[&str]) -> Output {
        self.admin(&["user", act], operations, more)
    }

    /// Runs `bot-sso admin <words> --config …` with `more` arguments to its end. `operations` is the address of the operator's
    /// listener, which has taken a port of its own.
    pub fn admin(&self, words: &[&str], operations: &str, more: &[&str]) -> Output {
        let file = self.path("admin.toml");
        let mut table = self.table.clone();
        table["operations"].as_table_mut().unwrap().insert("listen".to_owned(), operations.into());
        std::fs::write(&file, table.to_string()).unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_bot-sso"));
        process.env_clear().envs(self.secrets.clone()).arg("admin").args(words).arg("--config").arg(file).args(more);
        process.stdin(Stdio::null()).output().unwrap()
    }

    /// Runs `bot-sso check --config … --online`. The stage answers on threads of its own.
    pub fn check_online(&self) -> Output {
        self.command("check").arg("--online").output().unwrap()
    }

    /// Runs `bot-sso doctor --config …` with `more` arguments and `input` on standard input to its end.
    pub fn doctor(&self, more: &[&str], input: &str) -> Output {
        let mut process = self.command("doctor");
        let mut child =
            process.args(more).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // A command that refuses its arguments reads nothing.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    /// Writes the configuration, and runs `bot-sso store` with `arguments` to its end.
    pub fn store(&self, arguments: &[&str]) -> Output {
        self.call(&[&["store"], arguments].concat())
    }

    /// Writes the configuration, and runs `bot-sso` with `arguments` to its end.
    pub fn call(&self, arguments: &[&str]) -> Output {
        self.write();
        let mut process = Command::new(env!("CARGO_BIN_EXE_bot-sso"));
        process.env_clear().envs(self.secrets.clone()).args(arguments).output().unwrap()
    }

    /// Starts `bot-sso serve`, and waits until it listens.
    pub async fn serve(&mut self) -> Service {
        let mut command = self.command("serve");
        // The environment overrides the file, which sets the text format.
        command.env("BOT_SSO_LOGGING__FORMAT", "json");
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = Arc::<Mutex<Vec<String>>>::default();
        let reading = Arc::<tokio::sync::Mutex<()>>::default();
        let (stream, shared, gate) = (child.stderr.take().unwrap(), lines.clone(), reading.clone());
        std::thread::spawn(move || collect(BufReader::new(stream), &shared, &gate));
        let mut service = Service { child, lines, reading, address: String::new() };
        let listening = service.wait_for_line("listening").await;
        service.address.push_str(listening["addresses"].as_str().unwrap().trim_matches(['[', ']']));
        self.harness.base = format!("http://{}", service.address);
        service
    }

    /// Exchanges a token of `user` for the connection `graph` of the bot `demo`.
    pub async fn exchange(&self, user: &str, id: &str) -> Answer {
        let activity = self.activity(user, id).await;
        self.harness.post(&activity).await
    }

    pub async fn activity(&self, user: &str, id: &str) -> Value {
        let token = self.harness.user_token(user, "graph").await;
        activities::exchange(&self.harness, &self.harness.user(user), id, &token)
    }

    /// The status of `GetToken` for a user.
    pub async fn get_token(&self, user: &str) -> u16 {
        self.harness.get_token("msteams", &format!("29:{}", user.to_lowercase()), "graph").await.status
    }
}

/// Keeps the lines of the log, and writes them where `scripts/test` searches for tokens. Reads while nothing else holds
/// `reading`.
fn collect(stream: impl BufRead, lines: &Mutex<Vec<String>>, reading: &tokio::sync::Mutex<()>) {
    let mut file = log_file();
    for line in stream.lines() {
        drop(reading.blocking_lock());
        let line = line.unwrap();
        writeln!(file, "{line}").unwrap();
        lines.lock().unwrap().push(line);
    }
}

fn log_file() -> File {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-logs");
    std::fs::create_dir_all(&directory).unwrap();
    OpenOptions::new().create(true).append(true).open(directory.join("process.log")).unwrap()
}

/// A running `bot-sso serve`. Dropping it kills the process.
pub struct Service {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
    /// The log is not read while a test holds this lock.
    reading: Arc<tokio::sync::Mutex<()>>,
    /// The address on which it listens.
    pub address: String,
}

impl Service {
    /// The process's id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The log is not read while a test holds this lock.
    pub fn reading(&self) -> Arc<tokio::sync::Mutex<()>> {
        self.reading.clone()
    }

    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    /// The first log line that contains `text`.
    pub async fn wait_for_line(&mut self, text: &str) -> Value {
        let line = wait_for(text, async || {
            let found = self.lines().into_iter().find(|line| line.contains(text));
            let ended = if found.is_none() { self.child.try_wait().unwrap() } else { None };
            assert!(ended.is_none(), "no line with {text:?}; {ended:?}\n{:#?}", self.lines());
            found
        })
        .await;
        serde_json::from_str(&line).unwrap()
    }

    /// Forgets the lines so far, so that later calls wait for new ones.
    pub fn forget_lines(&self) {
        self.lines.lock().unwrap().clear();
    }

    pub fn signal(&self, name: &str) {
        // Uses the `kill` of the shell, because not every machine has a program of that name.
        let sent = Command::new("sh").arg("-c").arg(format!("kill -s {name} {}", self.child.id())).status().unwrap();
        assert!(sent.success());
    }

    /// Kills the process with SIGKILL.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits until the process has ended, and returns the exit code.
    pub async fn exit_code(&mut self) -> Option<i32> {
        self.exit_code_within(PATIENCE).await
    }

    /// Waits until the process has ended; fails the test if it does not end within `limit`.
    pub async fn exit_code_within(&mut self, limit: Duration) -> Option<i32> {
        wait_within(limit, "the process's end", async || self.child.try_wait().unwrap()).await.code()
    }

    /// Sends SIGTERM, and checks that the process ends successfully.
    pub async fn stop(mut self) {
        self.signal("TERM");
        assert_eq!(self.exit_code().await, Some(0));
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // The process may have ended before.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
