use std::net::SocketAddr;

use serde::Deserialize;
use url::{Host, Url};

use crate::config::review::{Place, Review, SECRET_FORM, SecretReference, right_url};
use crate::domain::Secret;

use super::server::describe_listen_address;

/// The default of `listen`.
const DEFAULT_LISTEN: &str = "127.0.0.1:3981";

/// The lower limit for the length of an admin token; a shorter one could be guessed.
const MIN_TOKEN_LENGTH: usize = 16;

/// The operator's separate listener.
#[derive(Clone, Debug)]
pub struct OperationsSection {
    /// The address of the listener; a loopback address unless `allow_remote` is true.
    pub listen: SocketAddr,
    /// Further host names, in lower case, under which the listener answers.
    pub hosts: Vec<String>,
    /// The bearer token of admin requests, in visible ASCII.
    pub admin_token: Secret,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(in crate::config) struct RawOperations {
    listen: Option<String>,
    hosts: Vec<String>,
    admin_token: Option<SecretReference>,
    allow_remote: bool,
}

impl RawOperations {
    /// The address as it is written, or the default.
    pub(in crate::config) fn written_listen(&self) -> String {
        self.listen.clone().unwrap_or_else(|| DEFAULT_LISTEN.to_owned())
    }

    /// `behind_tls` says that the server has a certificate, which a listener on another address than loopback uses,
    /// too.
    pub(in crate::config) fn validate(self, behind_tls: bool, review: &mut Review<'_>) -> Option<OperationsSection> {
        let place = Place::section("operations");
        let at = place.key("listen");
        let text = self.written_listen();
        let listen = text.parse::<SocketAddr>().ok();
        match listen {
            None => review.report(&at, describe_listen_address(&text, DEFAULT_LISTEN)),
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
            Some(_) => {}
        }
        let hosts = validate_hosts(&self.hosts, review, &place.key("hosts"));
        let at = place.key("admin_token");
        let reference = review.required(self.admin_token, &at, SECRET_FORM);
        let admin_token = reference.and_then(|reference| review.secret(&reference, &at)).filter(|token| {
            let text = token.expose();
            let is_token = text.len() >= MIN_TOKEN_LENGTH && text.bytes().all(|byte| byte.is_ascii_graphic());
            if !is_token {
                let message = "leads to no token: it must be at least 16 visible ASCII characters, as made by openssl \
                               rand -hex 32";
                review.report(&at, message.to_owned());
            }
            is_token
        });
        Some(OperationsSection { listen: listen?, hosts, admin_token: admin_token? })
    }
}

/// Names as a `Host` header has them, but without a port, since every port is accepted.
fn validate_hosts(written: &[String], review: &mut Review<'_>, place: &Place) -> Vec<String> {
    let mut hosts = Vec::new();
    for (index, text) in written.iter().enumerate() {
        match Host::parse(text).map(|host| host.to_string()) {
            Ok(host) if host.eq_ignore_ascii_case(text) && !host.contains('*') => hosts.push(host),
            _ => {
                let host = right_url(text).and_then(|url| Some(Url::parse(&url).ok()?.host_str()?.to_owned()));
                let write = host.filter(|host| !host.contains('*')).unwrap_or_else(|| "ops.example.com".to_owned());
                review.report(&place.index(index), format!("{text:?} is no host name: write it as {write:?}"));
            }
        }
    }
    hosts
}
