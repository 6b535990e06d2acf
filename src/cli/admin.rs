//! `bot-sso admin user …`: calls the operator's listener of the running service that the configuration describes.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use bytes::Bytes;
use clap::{Args, Subcommand};
use serde_json::{Map, Value};
use tokio::time::Instant;
use url::Url;

use super::process::print;
use super::{ConfigurationFile, configuration_error};
use crate::config::{self, Configuration};
use crate::domain::UserKey;
use crate::outbound::{HttpAnswer, Outbound, OutboundSettings, RequestHeader};

/// How long the service may take for one call: an erasure removes many records.
const CALL_TIMEOUT: Duration = Duration::from_mins(2);
/// The largest export that is read, in bytes.
const MAX_EXPORT_BYTES: usize = 64 * 1024 * 1024;

const USER_HELP: &str = "\
A user key is one of
  <object id>@<tenant id>          of Entra
  <subject>@<https issuer>         of another identity provider
  cloud_directory:<tenant>/<id>    of a directory

Example:
  bot-sso admin user export --config bot-sso.toml cloud_directory:market/5f0c7c0e-2f3b-4a53-9f7e-0d8f4f6f4b11";

/// What the operator does with a running service.
#[derive(Debug, Subcommand)]
pub(super) enum AdminCommand {
    /// What is kept of one user: export, erase, sign out.
    #[command(subcommand, after_help = USER_HELP)]
    User(UserCommand),
}

/// What is done with what is kept of a user.
#[derive(Debug, Subcommand)]
pub(super) enum UserCommand {
    /// Prints everything that is kept under a user key as JSON, without tokens and secrets.
    #[command(after_help = USER_HELP)]
    Export(UserOptions),
    /// Signs the user out everywhere and removes everything that is kept under the key. A user of a directory is deleted.
    #[command(after_help = USER_HELP)]
    Erase(EraseOptions),
    /// Signs the user out everywhere: sessions, refresh tokens, and the tokens of all bots, apps and back ends.
    #[command(after_help = USER_HELP)]
    SignOut(UserOptions),
}

#[derive(Debug, Args)]
pub(super) struct UserOptions {
    #[command(flatten)]
    file: ConfigurationFile,
    /// The user key.
    #[arg(value_name = "KEY")]
    key: String,
}

#[derive(Debug, Args)]
pub(super) struct EraseOptions {
    #[command(flatten)]
    user: UserOptions,
    /// Erases without a question.
    #[arg(long)]
    yes: bool,
}

/// The operator's listener of the running service.
struct OperatorListener {
    outbound: Outbound,
    address: Url,
    authorization: String,
}

/// Runs the command.
pub(super) fn admin(command: AdminCommand) -> anyhow::Result<ExitCode> {
    let AdminCommand::User(command) = command;
    match command {
        UserCommand::Export(options) => {
            let answer = call(&options, "export")?;
            print(&serde_json::to_string_pretty(&answer)?)?;
        }
        UserCommand::Erase(EraseOptions { user, yes }) => {
            let key = read_key(&user.key)?;
            if !yes && !is_confirmed(&key)? {
                print("Nothing was erased.")?;
                return Ok(ExitCode::FAILURE);
            }
            let answer = call(&user, "erase")?;
            print(&format!("{key} is erased: {}", describe(&answer, &["ended", "removed"])))?;
            if let Some(linked) = list_linked_keys(&answer) {
                print(&format!("The same person has other keys, which are erased by calls of their own: {linked}"))?;
            }
        }
        UserCommand::SignOut(options) => {
            let key = read_key(&options.key)?;
            let answer = call(&options, "sign-out")?;
            print(&format!("{key} is signed out everywhere: {}", describe(&answer, &["ended"])))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Calls `/admin/users/{key}/{act}`.
fn call(options: &UserOptions, act: &str) -> anyhow::Result<Value> {
    let key = read_key(&options.key)?;
    let file: &PathBuf = &options.file.config;
    let configuration = config::load(file).map_err(|problems| configuration_error(file, &problems))?;
    let listener = OperatorListener::find(&configuration)?;
    let answer = actix_web::rt::System::new().block_on(listener.call(&key, act))?;
    serde_json::from_slice(&answer.body).context("the service's answer is no JSON: is another program at this address?")
}

fn read_key(text: &str) -> anyhow::Result<UserKey> {
    UserKey::parse(text).ok_or_else(|| anyhow!("{text:?} is no user key.\n{USER_HELP}"))
}

/// Asks on the terminal whether everything is to be erased.
fn is_confirmed(key: &UserKey) -> anyhow::Result<bool> {
    let input = std::io::stdin();
    if !input.is_terminal() {
        bail!("erase asks on a terminal, and there is none: add --yes to erase without a question");
    }
    print(&format!("Everything that is kept of {key} will be removed. This cannot be undone. Type yes to go on:"))?;
    std::io::stdout().flush()?;
    let mut line = String::new();
    input.lock().read_line(&mut line)?;
    Ok(line.trim() == "yes")
}

impl OperatorListener {
    fn find(configuration: &Configuration) -> anyhow::Result<Self> {
        let section = configuration.operations.as_ref().ok_or_else(|| {
            anyhow!("the configuration has no section [operations], so the service has no listener for the operator")
        })?;
        let (ip, port) = (section.listen.ip(), section.listen.port());
        let has_tls = configuration.server.tls.is_some() && !ip.is_loopback();
        // The certificate is for a name, and not for an address of this machine.
        let named = section.hosts.first().map(String::as_str).or(configuration.server.public_url.host_str());
        let address = match (has_tls, named) {
            (true, Some(host)) => format!("https://{host}:{port}"),
            _ if ip.is_unspecified() => format!("http://127.0.0.1:{port}"),
            _ => format!("http://{}", section.listen),
        };
        let address = Url::parse(&address).context("operations.listen")?;
        let host: Vec<String> =
            address.host_str().map(|host| host.trim_matches(['[', ']']).to_owned()).into_iter().collect();
        let outbound = Outbound::new(OutboundSettings {
            ca_certificates_pem: configuration.outbound.ca_certificates_pem.clone(),
            connect_timeout: configuration.outbound.connect_timeout,
            plain_http_hosts: host.clone(),
            private_hosts: host,
            max_connections_per_host: 1,
            ..OutboundSettings::default()
        })?;
        Ok(Self { outbound, address, authorization: format!("Bearer {}", section.admin_token.expose()) })
    }

    async fn call(&self, key: &UserKey, act: &str) -> anyhow::Result<HttpAnswer> {
        let mut url = self.address.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.clear().extend(["admin", "users", key.to_string().as_str(), act]);
        }
        let headers = [RequestHeader::new("authorization", &self.authorization)];
        let deadline = Instant::now() + CALL_TIMEOUT;
        let answer = match act {
            "export" => self.outbound.get_with(&url, &headers, deadline, MAX_EXPORT_BYTES).await,
            _ => self.outbound.post_json(&url, &headers, Bytes::new(), deadline).await,
        };
        let answer = answer.with_context(|| {
            format!("the service does not answer at {}: does it run with this configuration?", self.address)
        })?;
        match answer.status {
            200 => Ok(answer),
            400 => bail!("the service does not take this user key: is it an older version?"),
            401 => bail!("the service refuses operations.admin_token: it was started with another one"),
            403 => bail!("the service does not answer under {}: add the host to operations.hosts", self.address),
            404 => {
                bail!("the service at {} has no such call: is it an older version, or another program?", self.address)
            }
            429 => bail!("the service refuses further tokens for a while, because too many were wrong"),
            503 => bail!("the store failed, so the work is not complete: call again"),
            status => bail!("the service has answered with status {status}"),
        }
    }
}

/// Counts of the members `names` of an answer: `tokens 2, sessions 1`.
fn describe(answer: &Value, names: &[&str]) -> String {
    let counts = names.iter().filter_map(|name| answer.get(name)?.as_object()).flat_map(Map::iter);
    let counts: Vec<String> = counts.map(|(name, count)| format!("{name} {count}")).collect();
    if counts.is_empty() { "nothing was kept".to_owned() } else { counts.join(", ") }
}

fn list_linked_keys(answer: &Value) -> Option<String> {
    let keys: Vec<&str> = answer.get("linkedKeys")?.as_array()?.iter().filter_map(Value::as_str).collect();
    (!keys.is_empty()).then(|| keys.join(", "))
}
