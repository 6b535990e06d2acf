use std::net::SocketAddr;

use serde::Deserialize;

use crate::config::review::{Place, Review, SECRET_FORM, SecretReference};
use crate::domain::Secret;

/// A shorter token could be guessed.
const SHORTEST_TOKEN: usize = 16;

/// Where the operator calls: a listener of its own.
#[derive(Clone, Debug)]
pub struct OperationsSection {
    /// The address it listens on; loopback unless the operator allows more.
    pub listen: SocketAddr,
    /// The bearer of admin calls; visible ASCII.
    pub admin_token: Secret,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(in crate::config) struct RawOperations {
    listen: Option<String>,
    admin_token: Option<SecretReference>,
    allow_remote: bool,
}

impl RawOperations {
    /// `behind_tls`: the server has a certificate, which a remote listener serves, too.
    pub(in crate::config) fn validate(self, behind_tls: bool, review: &mut Review<'_>) -> Option<OperationsSection> {
        let place = Place::section("operations");
        let at = place.key("listen");
        let text = self.listen.unwrap_or_else(|| "127.0.0.1:3981".to_owned());
        let listen = text.parse::<SocketAddr>().ok();
        match listen {
            None => review.report(
                &at,
                format!(
                    "{text:?} is not an address to listen on: write an IP address and a port, as \"127.0.0.1:3981\""
                ),
            ),
            Some(address) if !address.ip().is_loopback() && !self.allow_remote => review.report(
                &at,
                format!(
                    "{text:?} can be reached from elsewhere, and whoever calls there can sign everybody out: write a \
                     loopback address, or allow_remote = true beside it"
                ),
            ),
            Some(address) if !address.ip().is_loopback() && !behind_tls => review.warn(
                &at,
                "is served without TLS, so that the admin token can be read on the way: write [server.tls]".to_owned(),
            ),
            Some(_) => {}
        }
        let at = place.key("admin_token");
        let reference = review.required(self.admin_token, &at, SECRET_FORM);
        let admin_token = reference.and_then(|reference| review.secret(&reference, &at)).filter(|token| {
            let text = token.expose();
            let is_token = text.len() >= SHORTEST_TOKEN && text.bytes().all(|byte| byte.is_ascii_graphic());
            if !is_token {
                let message = "leads to no token: it must be at least 16 visible ASCII characters, as made by openssl \
                               rand -hex 32";
                review.report(&at, message.to_owned());
            }
            is_token
        });
        Some(OperationsSection { listen: listen?, admin_token: admin_token? })
    }
}
