use std::net::SocketAddr;

use serde::Deserialize;

use crate::config::review::{Place, Review, SECRET_FORM, SecretReference};
use crate::domain::Secret;

/// The lower limit for the length of a token of the operator; a shorter one could be guessed.
const MIN_TOKEN_LENGTH: usize = 16;

/// The operator's separate listeners.
#[derive(Clone, Debug)]
pub struct OperationsSection {
    /// The address of the listener; a loopback address unless `allow_remote` is true.
    pub listen: SocketAddr,
    /// The bearer token of admin requests, in visible ASCII.
    pub admin_token: Secret,
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
    admin_token: Option<SecretReference>,
    allow_remote: bool,
    health_listen: Option<String>,
    health_metrics: bool,
    metrics_token: Option<SecretReference>,
}

impl RawOperations {
    /// The address as it is written, or the default.
    pub(in crate::config) fn written_listen(&self) -> String {
        self.listen.clone().unwrap_or_else(|| "127.0.0.1:3981".to_owned())
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
        let health_listen =
            self.health_listen.as_deref().map(|text| read_address(text, &place.key("health_listen"), review));
        let at = place.key("admin_token");
        let admin_token = review.required(self.admin_token, &at, SECRET_FORM);
        let admin_token = admin_token.and_then(|reference| read_token(&reference, &at, review));
        let at = place.key("metrics_token");
        let metrics_token = self.metrics_token.map(|reference| read_token(&reference, &at, review));
        let at = place.key("health_metrics");
        let is_remote = health_listen.flatten().is_some_and(|address| !address.ip().is_loopback());
        if self.health_metrics && health_listen.is_none() {
            review
                .warn(&at, "has no effect without health_listen: the other listener always serves /metrics".to_owned());
        } else if self.health_metrics && is_remote && metrics_token.is_none() {
            let message = "lets the network read the metrics, which name bots and connections: write metrics_token";
            review.warn(&at, message.to_owned());
        }
        Some(OperationsSection {
            listen: listen?,
            admin_token: admin_token?,
            health_listen: health_listen.map_or(Some(None), |address| address.map(Some))?,
            health_metrics: self.health_metrics,
            metrics_token: metrics_token.map_or(Some(None), |token| token.map(Some))?,
        })
    }

    fn validate_listen(&self, behind_tls: bool, review: &mut Review<'_>) -> Option<SocketAddr> {
        let at = Place::section("operations").key("listen");
        let text = self.written_listen();
        let listen = read_address(&text, &at, review);
        match listen {
            Some(address) if !address.ip().is_loopback() && !self.allow_remote => review.report(
                &at,
                format!(
                    "{text:?} is not a loopback address, and a caller of this listener can sign users out: write a \
                     loopback address, or allow_remote = true beside it"
                ),
            ),
            Some(address) if !address.ip().is_loopback() && !behind_tls => review.warn(
                &at,
                "is served without TLS, so the network can read the admin token: write [server.tls]".to_owned(),
            ),
            _ => {}
        }
        listen
    }
}

fn read_address(text: &str, at: &Place, review: &mut Review<'_>) -> Option<SocketAddr> {
    let address = text.parse::<SocketAddr>().ok();
    if address.is_none() {
        let message =
            format!("{text:?} is not an address to listen on: write an IP address and a port, as \"127.0.0.1:3981\"");
        review.report(at, message);
    }
    address
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
