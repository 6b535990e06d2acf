use std::net::SocketAddr;

use serde::Deserialize;

use crate::config::review::{Place, Review, SECRET_FORM, SecretReference};
use crate::domain::Secret;

/// The lower limit for the length of an admin token; a shorter one could be guessed.
const MIN_TOKEN_LENGTH: usize = 16;

/// The operator's separate listener.
#[derive(Clone, Debug)]
pub struct OperationsSection {
    /// The address of the listener; a loopback address unless `allow_remote` is true.
    pub listen: SocketAddr,
    /// The bearer token of admin requests, in visible ASCII.
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
    /// The address as it is written, or the default.
    pub(in crate::config) fn written_listen(&self) -> String {
        self.listen.clone().unwrap_or_else(|| "127.0.0.1:3981".to_owned())
    }

    /// `behind_tls` says that the server has a certificate, which a listener on another address than loopback uses,
    /// too.
    pub(in crate::config) fn validate(self, behind_tls: bool, review: &mut Review<'_>) -> Option<OperationsSection> {
        let place = Place::section("operations");
        let at = place.key("listen");
        let text = self.written_listen();
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
        Some(OperationsSection { listen: listen?, admin_token: admin_token? })
    }
}
