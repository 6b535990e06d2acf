use std::net::SocketAddr;

use serde::Deserialize;
use url::{Host, Url};

use crate::config::review::{Place, Proposal, Review, SECRET_FORM, SecretReference, right_url};
use crate::domain::Secret;

use super::server::report_listen_address;

/// The default of `listen`.
const DEFAULT_LISTEN: &str = "127.0.0.1:3981";
/// An address for `health_listen` that a message shows.
const EXAMPLE_HEALTH_LISTEN: &str = "127.0.0.1:3982";

/// The lower limit for the length of a token of the operator; a shorter one could be guessed.
const MIN_TOKEN_LENGTH: usize = 16;

/// The operator's separate listeners.
#[derive(Clone, Debug)]
pub struct OperationsSection {
    /// The address of the listener; a loopback address unless `allow_remote` is true.
    pub listen: SocketAddr,
    /// Further host names, in lower case, under which the listener answers.
    pub hosts: Vec<String>,
    /// The bearer token of admin requests, in visible ASCII.
    pub admin_token: Secret,
    /// The bearer token of admin requests that only read, in visible ASCII; `None` if there is none.
    pub read_token: Option<Secret>,
    /// The address of the listener for health checks alone; `None` if there is none.
    pub health_listen: Option<SocketAddr>,
    /// Whether the listener for health checks also serves the metrics.
    pub health_metrics: bool,
    /// The bearer token of requests for metrics, in visible ASCII; `None` if they need none.
    pub metrics_token: Option<Secret>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(in crate::config) struct RawOperations {
    listen: Option<String>,
    hosts: Vec<String>,
    admin_token: Option<SecretReference>,
    read_token: Option<SecretReference>,
    allow_remote: bool,
    health_listen: Option<String>,
    health_metrics: bool,
    metrics_token: Option<SecretReference>,
}

impl RawOperations {
    /// The address as it is written, or the default.
    pub(in crate::config) fn written_listen(&self) -> String {
        self.listen.clone().unwrap_or_else(|| DEFAULT_LISTEN.to_owned())
    }

    /// The address of the listener for health checks as it is written.
    pub(in crate::config) fn written_health_listen(&self) -> Option<&str> {
        self.health_listen.as_deref()
    }

    /// `behind_tls` says that the server has a certificate, which a listener on another address than loopback uses,
    /// too.
    pub(in crate::config) fn validate(self, behind_tls: bool, review: &mut Review<'_>) -> Option<OperationsSection> {
        let place = Place::section("operations");
        let listen = self.validate_listen(behind_tls, review);
        let at = place.key("health_listen");
        let health_listen = self.health_listen.as_deref();
        let health_listen = health_listen.map(|text| read_address(text, EXAMPLE_HEALTH_LISTEN, &at, review));
        let hosts = validate_hosts(&self.hosts, review, &place.key("hosts"));
        let at = place.key("admin_token");
        let admin_token = review.required(self.admin_token, &at, SECRET_FORM);
        let admin_token = admin_token.and_then(|reference| read_token(&reference, &at, review));
        let at = place.key("metrics_token");
        let metrics_token = self.metrics_token.map(|reference| read_token(&reference, &at, review));
        let at = place.key("read_token");
        let read_token = self.read_token.map(|reference| read_token(&reference, &at, review));
        if let Some(Some(token)) = &read_token {
            let others = [("admin_token", &admin_token), ("metrics_token", metrics_token.as_ref().unwrap_or(&None))];
            for (name, _) in
                others.iter().filter(|(_, other)| other.as_ref().is_some_and(|other| is_same(token, other)))
            {
                review.report(
                    &at,
                    format!("is the same as operations.{name}: draw another one, as by openssl rand -hex 32"),
                );
            }
        }
        let at = place.key("health_metrics");
        // What a key with a problem means is not known.
        let is_known = ["health_listen", "metrics_token"].iter().all(|key| !review.is_reported(&place.key(key)));
        let serves_metrics = self.health_metrics && is_known;
        let is_remote = health_listen.flatten().is_some_and(|address| !address.ip().is_loopback());
        if serves_metrics && health_listen.is_none() {
            review
                .warn(&at, "has no effect without health_listen: the other listener always serves /metrics".to_owned());
        } else if serves_metrics && is_remote && metrics_token.is_none() {
            let message = "lets the network read the metrics, which name bots and connections: write metrics_token";
            review.warn(&at, message.to_owned());
        }
        Some(OperationsSection {
            listen: listen?,
            hosts,
            admin_token: admin_token?,
            read_token: read_token.map_or(Some(None), |token| token.map(Some))?,
            health_listen: health_listen.map_or(Some(None), |address| address.map(Some))?,
            health_metrics: self.health_metrics,
            metrics_token: metrics_token.map_or(Some(None), |token| token.map(Some))?,
        })
    }

    fn validate_listen(&self, behind_tls: bool, review: &mut Review<'_>) -> Option<SocketAddr> {
        let at = Place::section("operations").key("listen");
        let text = self.written_listen();
        let listen = read_address(&text, DEFAULT_LISTEN, &at, review);
        let allow_at = Place::section("operations").key("allow_remote");
        match listen {
            Some(address) if address.ip().is_loopback() || review.is_reported(&allow_at) => {}
            Some(_) if !self.allow_remote => review.report(
                &at,
                format!(
                    "{text:?} is not a loopback address, and a caller of this listener can sign users out: write a \
                     loopback address, or allow_remote = true beside it"
                ),
            ),
            Some(_) if !behind_tls && !review.is_reported(&Place::section("server")) => review.warn(
                &at,
                "is served without TLS, so the network can read the admin token: write [server.tls]".to_owned(),
            ),
            _ => {}
        }
        listen
    }
}

/// Names as a `Host` header has them, but without a port, since every port is accepted, and without the dot at the end of a
/// complete name.
fn validate_hosts(written: &[String], review: &mut Review<'_>, place: &Place) -> Vec<String> {
    let mut hosts = Vec::new();
    for (index, text) in written.iter().enumerate() {
        match Host::parse(text).map(|host| host.to_string()) {
            Ok(host) if host.eq_ignore_ascii_case(text) && !host.contains('*') => {
                hosts.push(host.strip_suffix('.').unwrap_or(&host).to_owned());
            }
            _ if review.refuse_several(written, index, place) => {}
            _ => {
                let at = place.index(index);
                let host = right_url(text).and_then(|url| Some(Url::parse(&url).ok()?.host_str()?.to_owned()));
                let proposal = host.filter(|host| !host.contains('*')).map(|host| Proposal::text(&at, host));
                let write = if text.contains('*') {
                    "the whole name of each host, since there are no patterns here"
                } else {
                    "it as \"ops.example.com\""
                };
                review.propose_or(&at, &format!("{text:?} is no host name"), proposal, write);
            }
        }
    }
    hosts
}

fn read_address(text: &str, default: &str, at: &Place, review: &mut Review<'_>) -> Option<SocketAddr> {
    let address = text.parse::<SocketAddr>().ok();
    if address.is_none() {
        report_listen_address(text, default, review, at);
    }
    address
}

fn is_same(token: &Secret, other: &Secret) -> bool {
    token.expose() == other.expose()
}

fn read_token(reference: &SecretReference, at: &Place, review: &mut Review<'_>) -> Option<Secret> {
    review.secret(reference, at).filter(|token| {
        let text = token.expose();
        let is_token = text.len() >= MIN_TOKEN_LENGTH && text.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_token {
            let message = "leads to no token: it must be at least 16 visible ASCII characters, as made by openssl \
                           rand -hex 32";
            review.report(at, message.to_owned());
        }
        is_token
    })
}
