use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use url::Host;

use crate::config::review::{Place, Proposal, Review, SECRET_FORM, SecretReference};
use crate::domain::Secret;

/// How directories send mail to their users.
#[derive(Clone, Debug)]
pub struct MailSection {
    /// The address that messages come from.
    pub from: String,
    /// Where messages go.
    pub delivery: MailDeliverySection,
}

/// Where messages go.
#[derive(Clone, Debug)]
pub enum MailDeliverySection {
    /// To a mail server.
    Server(MailServerSection),
    /// Into a folder, which exists.
    Outbox(PathBuf),
}

/// A mail server.
#[derive(Clone, Debug)]
pub struct MailServerSection {
    /// Its host name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is encrypted; [`MailServerEncryption::None`] only on this machine.
    pub encryption: MailServerEncryption,
    /// User and password, if the mail server asks for them.
    pub credentials: Option<MailCredentialsSection>,
    /// The time limit for one attempt.
    pub timeout: Duration,
}

/// What the mail server is shown.
#[derive(Clone, Debug)]
pub struct MailCredentialsSection {
    /// The user.
    pub user: String,
    /// The password.
    pub password: Secret,
}

/// How the connection to the mail server is encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailServerEncryption {
    /// The connection changes to TLS at its begin.
    #[default]
    StartTls,
    /// TLS from the first byte.
    Tls,
    /// Nothing is encrypted.
    None,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(in crate::config) struct RawMail {
    from: Option<String>,
    host: Option<String>,
    port: Option<u64>,
    encryption: Option<MailServerEncryption>,
    user: Option<String>,
    password: Option<SecretReference>,
    timeout_ms: Option<u64>,
    outbox: Option<PathBuf>,
}

impl RawMail {
    pub(in crate::config) fn validate(mut self, review: &mut Review<'_>) -> Option<MailSection> {
        let place = Place::section("mail");
        let from = self.from.take();
        let from = review.required(from, &place.key("from"), "the address that messages come from");
        let from = from.and_then(|text| validate_from(text, review, &place.key("from")));
        let delivery = match self.outbox.take() {
            Some(outbox) => self.validate_outbox(&outbox, review, &place).map(MailDeliverySection::Outbox),
            None => self.validate_server(review, &place).map(MailDeliverySection::Server),
        };
        Some(MailSection { from: from?, delivery: delivery? })
    }

    fn validate_outbox(&self, outbox: &std::path::Path, review: &mut Review<'_>, place: &Place) -> Option<PathBuf> {
        let of_server = [
            ("host", self.host.is_some()),
            ("port", self.port.is_some()),
            ("encryption", self.encryption.is_some()),
            ("user", self.user.is_some()),
            ("password", self.password.is_some()),
            ("timeout_ms", self.timeout_ms.is_some()),
        ];
        for (key, _) in of_server.into_iter().filter(|(_, is_written)| *is_written) {
            let message = "is not used with outbox, which sends nothing: write one of the two";
            review.report(&place.key(key), message.to_owned());
        }
        let folder = review.resolve(outbox);
        if !folder.is_dir() {
            let message = format!("the directory {} does not exist: make it, or write another path", folder.display());
            review.report(&place.key("outbox"), message);
            return None;
        }
        Some(folder)
    }

    fn validate_server(self, review: &mut Review<'_>, place: &Place) -> Option<MailServerSection> {
        let at = place.key("host");
        let host = review.required(self.host, &at, "the mail server's host name, or outbox = \"a folder\" instead");
        let host = host.and_then(|text| validate_host(text, review, &at));
        let encryption = self.encryption.unwrap_or_default();
        let port = review.number(self.port, encryption.default_port(), &(1..=65_535), &place.key("port"));
        if let Some(host) = &host {
            check_encryption(encryption, host, review, place);
        }
        if let Some(port) = port {
            warn_of_port(encryption, port, review, place);
        }
        let credentials = validate_credentials(self.user, self.password, review, place);
        let timeout = review.number(self.timeout_ms, 10_000, &(1000..=60_000), &place.key("timeout_ms"));
        Some(MailServerSection {
            host: host?,
            port: u16::try_from(port?).ok()?,
            encryption,
            credentials: credentials?,
            timeout: Duration::from_millis(timeout?),
        })
    }
}

impl MailServerEncryption {
    /// The port on which servers do this (RFC 8314 §7.3; RFC 5321 §4.5.4.2 for the relay on this machine).
    const fn default_port(self) -> u64 {
        match self {
            Self::StartTls => 587,
            Self::Tls => 465,
            Self::None => 25,
        }
    }
}

/// The sender's address, alone: a name beside it would be a header that is made of a text.
fn validate_from(text: String, review: &mut Review<'_>, place: &Place) -> Option<String> {
    let is_address = |text: &str| {
        let parts = text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
        let is_odd = |letter: char| letter.is_whitespace() || letter.is_control() || "<>\",;:()[]\\".contains(letter);
        parts && text.matches('@').count() == 1 && !text.contains(is_odd)
    };
    if is_address(&text) {
        return Some(text);
    }
    let within = text.split_once('<').and_then(|(_, rest)| Some(rest.split_once('>')?.0.trim().to_owned()));
    let proposal = within.filter(|address| is_address(address)).map(|address| Proposal::text(place, address));
    let write = "one address alone, as \"sign-in@example.com\"";
    review.propose_or(place, &format!("{text:?} is not one address"), proposal, write);
    None
}

fn validate_host(text: String, review: &mut Review<'_>, place: &Place) -> Option<String> {
    if is_host(&text) {
        return Some(text);
    }
    let without_scheme = text.split_once("://").map_or(text.as_str(), |(_, rest)| rest).trim_end_matches('/');
    let (host, port) = match without_scheme.rsplit_once(':') {
        Some((host, port)) if port.parse::<u16>().is_ok() => (host, Some(port)),
        _ => (without_scheme, None),
    };
    let proposal = is_host(host).then(|| {
        let proposal = Proposal::text(place, host);
        port.map_or(proposal.clone(), |port| proposal.or(format!(", and port = {port} beside it")))
    });
    let write = "the mail server's name alone, as \"smtp.example.com\"";
    review.propose_or(place, &format!("{text:?} is no host name"), proposal, write);
    None
}

fn is_host(text: &str) -> bool {
    let parsed = text.parse::<IpAddr>().is_ok() || Host::parse(text).is_ok_and(|host| matches!(host, Host::Domain(_)));
    parsed && !text.contains(['*', '/', '@'])
}

/// In plain text, everybody on the way reads the links of messages, and the password.
fn check_encryption(encryption: MailServerEncryption, host: &str, review: &mut Review<'_>, place: &Place) {
    let is_here = host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    if encryption == MailServerEncryption::None && !is_here {
        let message = format!(
            "\"none\" is for a mail server on this machine, and {host:?} is another one: write \"starttls\" or \"tls\""
        );
        review.report(&place.key("encryption"), message);
    }
}

fn warn_of_port(encryption: MailServerEncryption, port: u64, review: &mut Review<'_>, place: &Place) {
    let message = match (encryption, port) {
        (MailServerEncryption::StartTls, 465) => "servers begin with TLS on port 465: write encryption = \"tls\"",
        (MailServerEncryption::Tls, 25 | 587) => {
            "servers begin without TLS on ports 25 and 587: write encryption = \"starttls\", or port = 465"
        }
        _ => return,
    };
    review.warn(&place.key("port"), message.to_owned());
}

/// `None` if there is a problem, `Some(None)` if the mail server asks for nothing.
#[allow(clippy::option_option, reason = "the outer option says whether the values can be used, as for every check")]
fn validate_credentials(
    user: Option<String>,
    password: Option<SecretReference>,
    review: &mut Review<'_>,
    place: &Place,
) -> Option<Option<MailCredentialsSection>> {
    let (user_at, password_at) = (place.key("user"), place.key("password"));
    match (user, password) {
        (None, None) => Some(None),
        (Some(user), Some(reference)) => {
            let password = review.secret(&reference, &password_at);
            if user.trim().is_empty() || user.chars().any(char::is_control) {
                review.report(&user_at, "is no user: write the name that the mail server knows".to_owned());
                return None;
            }
            Some(Some(MailCredentialsSection { user, password: password? }))
        }
        (Some(_), None) => {
            if !review.is_reported(&password_at) {
                review.report(&password_at, format!("is missing: write {SECRET_FORM}, or leave user out"));
            }
            None
        }
        (None, Some(_)) => {
            if !review.is_reported(&user_at) {
                review.report(&user_at, "is missing: write the mail server's user, or leave password out".to_owned());
            }
            None
        }
    }
}
