//! A running stage and an HTTP client for the unit tests of this room.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpServer;
use actix_web::dev::ServerHandle;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use futures_util::StreamExt;
use serde_json::Value;
use tempfile::TempDir;
use tokio::time::Instant;
use url::Url;

use super::{Stage, StageListeners, StageOptions, Transport};
use crate::domain::{OffsetClock, SystemEntropy};
use crate::outbound::{Outbound, OutboundSettings, ProxyExceptions, RelayRequest};

pub(super) const OBO_GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
pub(super) const GRAPH_SCOPE: &str = "https://graph.microsoft.com/User.Read";

/// An HTTP answer. `json` is the body, or `Null` if the body is not JSON.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, Vec<u8>)>,
    pub(super) text: String,
    pub(super) json: Value,
}

impl Reply {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let value = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        value.map(|(_, value)| std::str::from_utf8(value).unwrap())
    }

    pub(super) fn text_member(&self, member: &str) -> &str {
        self.json[member].as_str().unwrap_or_else(|| panic!("no {member} in {}", self.text))
    }

    /// The first AADSTS number.
    pub(super) fn aadsts_number(&self) -> u64 {
        self.json["error_codes"][0].as_u64().unwrap_or_else(|| panic!("no refusal: {} {}", self.status, self.text))
    }
}

/// Serves the stage by the framework's own server: this room's tests start no bounded one.
fn serve(listeners: StageListeners) -> std::io::Result<ServerHandle> {
    let StageListeners { http, https, tls, application } = listeners;
    let over_tls = application.clone();
    let secure = HttpServer::new(move || over_tls.clone().build(Transport::Tls)).workers(1).disable_signals();
    tokio::spawn(secure.listen_rustls_0_23(https, tls)?.run());
    let server = HttpServer::new(move || application.clone().build(Transport::Plain)).workers(1).disable_signals();
    let server = server.shutdown_timeout(1).listen(http)?.run();
    let handle = server.handle();
    tokio::spawn(server);
    Ok(handle)
}

pub(super) struct Fixture {
    pub(super) stage: Stage,
    pub(super) clock: Arc<OffsetClock>,
    http: Outbound,
    _directory: TempDir,
}

impl Fixture {
    pub(super) async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = Arc::new(OffsetClock::default());
        let options = StageOptions {
            http_port: 0,
            https_port: 0,
            directory: directory.path().to_owned(),
            clock: clock.clone(),
            entropy: Arc::new(SystemEntropy),
        };
        let stage = Stage::start(options, serve).await.unwrap();
        let loopback = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
        let http = Outbound::new(&OutboundSettings {
            proxy_exceptions: ProxyExceptions::default(),
            ca_certificates_pem: vec![std::fs::read(stage.ca_file()).unwrap()],
            egress_proxy: None,
            connect_timeout: Duration::from_secs(5),
            plain_http_hosts: loopback.clone(),
            private_hosts: loopback,
            private_networks: Vec::new(),
            max_connections_per_host: 16,
            threads: 1,
        })
        .unwrap();
        Self { stage, clock, http, _directory: directory }
    }

    pub(super) async fn call(&self, method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let request = RelayRequest {
            method: method.to_owned(),
            url: Url::parse(url).unwrap(),
            headers: headers.iter().copied().collect(),
            body: Bytes::from(body.to_owned()),
            counted_as: "".into(),
        };
        let relayed = self.http.relay(request, Instant::now() + Duration::from_secs(10)).await.unwrap();
        let headers = relayed.headers.iter().map(|(name, value)| (name.to_owned(), value.to_vec())).collect();
        let status = relayed.status;
        let mut text = Vec::new();
        let mut chunks = std::pin::pin!(relayed.into_stream());
        while let Some(chunk) = chunks.next().await {
            text.extend_from_slice(&chunk.unwrap());
        }
        let json = serde_json::from_slice(&text).unwrap_or(Value::Null);
        Reply { status, headers, text: String::from_utf8(text).unwrap(), json }
    }

    pub(super) async fn get(&self, url: &str) -> Reply {
        self.call("GET", url, &[], "").await
    }

    pub(super) async fn get_as(&self, url: &str, token: &str) -> Reply {
        self.call("GET", url, &[("authorization", &format!("Bearer {token}"))], "").await
    }

    pub(super) async fn post_json_as(&self, url: &str, token: &str, body: &Value) -> Reply {
        let headers = [("authorization", &*format!("Bearer {token}")), ("content-type", "application/json")];
        self.call("POST", url, &headers, &body.to_string()).await
    }

    pub(super) async fn form(&self, url: &str, fields: &[(&str, &str)]) -> Reply {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.call("POST", url, &[("content-type", "application/x-www-form-urlencoded")], &body).await
    }

    pub(super) fn tenant(&self) -> &'static str {
        self.stage.directory().main_tenant_id()
    }

    /// The URL of a tenant's token endpoint on the plain listener.
    pub(super) fn token_url(&self, tenant: &str) -> String {
        format!("{}/{tenant}/oauth2/v2.0/token", self.stage.http_base())
    }

    /// An exchangeable token of `user` for the connection called `connection`, through the first client.
    pub(super) async fn get_exchangeable_token(&self, user: &str, connection: &str) -> String {
        self.password_grant(user, connection, &[]).await.text_member("access_token").to_owned()
    }

    pub(super) async fn password_grant(&self, user: &str, connection: &str, more: &[(&str, &str)]) -> Reply {
        let directory = self.stage.directory();
        let user = directory.find_user(user).unwrap();
        let connection = directory.connections.iter().find(|entry| entry.name == connection).unwrap();
        let mut fields = vec![
            ("grant_type", "password"),
            ("client_id", directory.clients[0].client_id),
            ("username", user.name),
            ("password", user.password),
            ("scope", &connection.exchange_scope),
        ];
        fields.extend_from_slice(more);
        self.form(&self.token_url(user.tid), &fields).await
    }

    /// Exchanges `assertion` on behalf of its user as the first bot, at the main tenant.
    pub(super) async fn exchange(&self, assertion: &str, more: &[(&str, &str)]) -> Reply {
        let bot = &self.stage.directory().bots[0];
        let mut fields = vec![
            ("grant_type", OBO_GRANT_TYPE),
            ("requested_token_use", "on_behalf_of"),
            ("client_id", bot.app_id),
            ("assertion", assertion),
        ];
        for default in [("client_secret", bot.app_secret), ("scope", GRAPH_SCOPE)] {
            if !more
                .iter()
                .any(|(name, _)| *name == default.0 || (*name == "client_assertion" && default.0 == "client_secret"))
            {
                fields.push(default);
            }
        }
        fields.extend_from_slice(more);
        self.form(&self.token_url(self.tenant()), &fields).await
    }

    /// A channel's token for the first bot.
    pub(super) async fn channel_token(&self, more: &[(&str, &str)]) -> String {
        self.channel_token_for(self.stage.directory().bots[0].app_id, more).await
    }

    pub(super) async fn channel_token_for(&self, app_id: &str, more: &[(&str, &str)]) -> String {
        let manifest = self.stage.manifest("http://127.0.0.1:1");
        let channel = &manifest["channel"];
        let scope = format!("{app_id}/.default");
        let mut fields = vec![
            ("grant_type", "client_credentials"),
            ("client_id", channel["client_id"].as_str().unwrap()),
            ("client_secret", channel["client_secret"].as_str().unwrap()),
            ("scope", &scope),
        ];
        fields.extend_from_slice(more);
        self.form(channel["token_endpoint"].as_str().unwrap(), &fields).await.text_member("access_token").to_owned()
    }
}

/// The header (0) or the claims (1) of a JWT, unverified.
pub(super) fn decode_part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

pub(super) fn decode_claims(token: &str) -> Value {
    decode_part(token, 1)
}
