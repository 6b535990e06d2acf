use std::fs;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use bytes::Bytes;
use clap::Args;
use futures_util::StreamExt as _;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};
use url::Url;

use crate::cli::configuration_error;
use crate::config::{self, Configuration};
use crate::domain::{Secret, is_private};
use crate::outbound::{Outbound, OutboundSettings, RelayRequest, RelayedAnswer};

/// How long the service may take for one call: an erasure removes many records.
const CALL_TIMEOUT: Duration = Duration::from_mins(2);
/// How long the service may take for its checks of readiness.
const READINESS_TIMEOUT: Duration = Duration::from_secs(5);
/// The largest answer that is read, in bytes.
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;

/// Which service is called, and how its answer is printed.
#[derive(Debug, Args)]
pub(super) struct ServiceOptions {
    /// The configuration of the service: its listener and its admin token are in `[operations]`.
    #[arg(long, value_name = "FILE", required_unless_present = "url")]
    config: Option<PathBuf>,
    /// The address of the operator's listener, instead of a configuration: <https://ops.example.com:3981>.
    #[arg(long, value_name = "URL", requires = "token_file", conflicts_with = "config")]
    url: Option<Url>,
    /// A file with the bearer token, instead of the configuration's admin token. `operations.read_token` suffices to read.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Prints the service's answer as JSON.
    #[arg(long)]
    pub(super) json: bool,
}

/// One call of the service.
pub(in crate::cli) struct Call<'a> {
    /// `GET`, `POST` or `DELETE`.
    pub(in crate::cli) method: &'a str,
    /// The segments of the path, not encoded.
    pub(in crate::cli) path: &'a [&'a str],
}

/// The operator's listener of the running service.
pub(in crate::cli) struct OperatorListener {
    outbound: Outbound,
    address: Url,
    token: Secret,
    /// Where the token was found, for messages.
    token_name: String,
}

impl OperatorListener {
    /// Finds the listener that `options` name.
    pub(super) fn find(options: &ServiceOptions) -> anyhow::Result<Self> {
        let given = options.token_file.as_deref().map(read_token).transpose()?;
        let given_name = options.token_file.as_ref().map(|file| format!("the token in {}", file.display()));
        if let Some(url) = &options.url {
            let token = given.ok_or_else(|| anyhow!("--url needs --token-file"))?;
            let outbound = open_outbound(url, Vec::new())?;
            return Ok(Self { outbound, address: url.clone(), token, token_name: given_name.unwrap_or_default() });
        }
        let file = options.config.as_ref().ok_or_else(|| anyhow!("write --config FILE"))?;
        let configuration = config::load(file).map_err(|problems| configuration_error(file, &problems))?;
        let configured = Self::of(&configuration)?;
        Ok(match given {
            Some(token) => Self { token, token_name: given_name.unwrap_or_default(), ..configured },
            None => configured,
        })
    }

    /// The listener of the service that `configuration` describes, called with its admin token.
    pub(in crate::cli) fn of(configuration: &Configuration) -> anyhow::Result<Self> {
        let section = configuration.operations.as_ref().ok_or_else(|| {
            anyhow!("the configuration has no section [operations], so the service has no listener for the operator")
        })?;
        let address = find_address(configuration).context("operations.listen")?;
        let outbound = open_outbound(&address, configuration.outbound.ca_certificates_pem.clone())?;
        let (token, token_name) = (section.admin_token.clone(), "operations.admin_token".to_owned());
        Ok(Self { outbound, address, token, token_name })
    }

    /// The answer of `/readyz`, whatever its status; `None` if no service answers there.
    pub(in crate::cli) async fn ask_readiness(&self) -> Option<Value> {
        let url = self.address.join("/readyz").ok()?;
        let answer = self.outbound.get(&url, Instant::now() + READINESS_TIMEOUT, MAX_ANSWER_BYTES).await.ok()?;
        serde_json::from_slice(&answer.body).ok()
    }

    /// Makes the call, and returns the JSON of its answer.
    pub(in crate::cli) async fn call(&self, call: &Call<'_>) -> anyhow::Result<Value> {
        let mut url = self.address.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.clear().extend(call.path);
        }
        let authorization = format!("Bearer {}", self.token.expose());
        let request = RelayRequest {
            method: call.method.to_owned(),
            url,
            headers: [("authorization", &*authorization), ("accept", "application/json")].into_iter().collect(),
            body: Bytes::new(),
            counted_as: "operator".into(),
        };
        let deadline = Instant::now() + CALL_TIMEOUT;
        let answer = self.outbound.relay(request, deadline).await.with_context(|| self.silence())?;
        let status = answer.status;
        let body = timeout_at(deadline, read_body(answer)).await.with_context(|| self.silence())??;
        let json = serde_json::from_slice::<Value>(&body).ok();
        let code = json.as_ref().and_then(|json| json.pointer("/error/code")?.as_str()).unwrap_or_default();
        if status != 200 {
            bail!(self.explain(status, code));
        }
        json.context("the service's answer is no JSON: is another program at this address?")
    }

    /// What is said if the service does not answer.
    fn silence(&self) -> String {
        format!("the service does not answer at {}: does it run with this configuration?", self.address)
    }

    /// Says what an answer with another status than 200 means.
    fn explain(&self, status: u16, code: &str) -> String {
        let Self { address, token_name, .. } = self;
        match (status, code) {
            (400, _) => "the service does not take this key or id: is it an older version?".to_owned(),
            (401, _) => format!("the service refuses {token_name}: it was started with another one"),
            (403, "ReadOnlyBearer") => {
                format!("{token_name} may only read, and this changes something: use the admin token")
            }
            (403, _) => format!("the service does not answer under {address}: add the host to operations.hosts"),
            (404, "UnknownElement") => {
                "nothing with this id is kept of the user: bot-sso admin user show prints the ids".to_owned()
            }
            (404, _) => {
                format!("the service at {address} has no such call: is it an older version, or another program?")
            }
            (429, _) => "the service refuses further tokens for a while, because too many were wrong".to_owned(),
            (503, _) => "the store failed, so the work is not complete: call again".to_owned(),
            _ => format!("the service has answered with status {status}"),
        }
    }
}

/// The address of the operator's listener.
fn find_address(configuration: &Configuration) -> anyhow::Result<Url> {
    let section = configuration.operations.as_ref().context("there is no section [operations]")?;
    let (ip, port) = (section.listen.ip(), section.listen.port());
    let has_tls = configuration.server.tls.is_some() && !ip.is_loopback();
    // The certificate is for a name, and not for an address of this machine.
    let named = section.hosts.first().map(String::as_str).or(configuration.server.public_url.host_str());
    let address = match (has_tls, named) {
        (true, Some(host)) => format!("https://{host}:{port}"),
        _ if ip.is_unspecified() => format!("http://127.0.0.1:{port}"),
        _ => format!("http://{}", section.listen),
    };
    Ok(Url::parse(&address)?)
}

/// A client of the listener at `address` alone.
fn open_outbound(address: &Url, ca_certificates_pem: Vec<Vec<u8>>) -> anyhow::Result<Outbound> {
    let host: Vec<String> =
        address.host_str().map(|host| host.trim_matches(['[', ']']).to_owned()).into_iter().collect();
    Ok(Outbound::new(&OutboundSettings {
        ca_certificates_pem,
        plain_http_hosts: host.clone(),
        private_hosts: host,
        max_connections_per_host: 1,
        ..OutboundSettings::default()
    })?)
}

fn read_token(file: &Path) -> anyhow::Result<Secret> {
    let about = fs::metadata(file).with_context(|| format!("the token file {} cannot be read", file.display()))?;
    if !is_private(&about) {
        bail!("the token file {} may be read by others: let only its owner read it (chmod 600)", file.display());
    }
    let text = zeroize::Zeroizing::new(
        fs::read_to_string(file).with_context(|| format!("the token file {} cannot be read", file.display()))?,
    );
    let token = text.trim_end_matches(['\r', '\n']);
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        bail!("the token file {} holds no token: write one line of visible ASCII characters", file.display());
    }
    Ok(Secret::from(token))
}

async fn read_body(answer: RelayedAnswer) -> anyhow::Result<Vec<u8>> {
    let mut stream = pin!(answer.into_stream());
    let mut body = Vec::new();
    while let Some(chunk) = stream.next().await {
        body.extend_from_slice(&chunk.context("the service's answer has broken off")?);
        if body.len() > MAX_ANSWER_BYTES {
            bail!("the service's answer is larger than {} MiB", MAX_ANSWER_BYTES / (1024 * 1024));
        }
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn listener() -> OperatorListener {
        let address = Url::parse("http://127.0.0.1:3981/").unwrap();
        let (outbound, token) = (open_outbound(&address, Vec::new()).unwrap(), Secret::from("0123456789abcdef"));
        OperatorListener { outbound, address, token, token_name: "the token in read.token".to_owned() }
    }

    #[test]
    fn each_refusal_says_what_to_do_and_never_the_token() {
        for (status, code, part) in [
            (401, "InvalidToken", "the service refuses the token in read.token"),
            (403, "ReadOnlyBearer", "may only read, and this changes something"),
            (403, "HostNotAllowed", "operations.hosts"),
            (404, "UnknownElement", "nothing with this id is kept of the user"),
            (404, "NotFound", "has no such call"),
            (503, "ServiceUnavailable", "call again"),
        ] {
            let text = listener().explain(status, code);
            assert!(text.contains(part) && !text.contains("0123456789"), "{status} {code}: {text}");
        }
    }

    #[test]
    fn a_token_file_holds_one_line_and_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("read.token");
        fs::write(&file, "abc").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(read_token(&file).unwrap_err().to_string().contains("chmod 600"));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        for (text, token) in [("abc\n", Some("abc")), ("abc", Some("abc")), ("", None), ("a b\n", None), ("a\nb", None)]
        {
            fs::write(&file, text).unwrap();
            let read = read_token(&file).ok();
            assert_eq!(read.as_ref().map(Secret::expose), token, "{text:?}");
        }
    }
}
