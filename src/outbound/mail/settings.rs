use std::path::PathBuf;
use std::time::Duration;

use crate::domain::Secret;

/// How mail leaves the process, read once at start-up.
#[derive(Clone)]
pub struct MailSettings {
    /// The address that messages come from.
    pub from: String,
    /// Where messages go.
    pub delivery: MailDelivery,
    /// PEM bundles that are trusted in addition to the system's certificates.
    pub ca_certificates_pem: Vec<Vec<u8>>,
}

/// Where messages go.
#[derive(Clone)]
pub enum MailDelivery {
    /// To a mail server.
    Smtp(SmtpSettings),
    /// Into a folder, one file a message.
    Outbox(PathBuf),
}

/// A mail server.
#[derive(Clone)]
pub struct SmtpSettings {
    /// Its host name, which its certificate must have.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is encrypted.
    pub encryption: MailEncryption,
    /// What it is shown; `None` if it asks for nothing.
    pub credentials: Option<SmtpCredentials>,
    /// The name with which it is greeted (RFC 5321 §4.1.1.1).
    pub hello_name: String,
    /// The time for one attempt, from the first packet to the answer for the message.
    pub timeout: Duration,
}

/// What a mail server is shown.
#[derive(Clone)]
pub struct SmtpCredentials {
    /// The user.
    pub user: String,
    /// The password.
    pub password: Secret,
}

/// How the connection to a mail server is encrypted. There is no mode that goes on in plain text where encryption fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailEncryption {
    /// The connection changes to TLS before anything but the greeting is said (RFC 3207).
    StartTls,
    /// TLS from the first byte (RFC 8314 §3.3).
    Tls,
    /// Nothing is encrypted: for a relay on this machine.
    None,
}

/// A message of plain text. It has no `Debug`, because the text may hold a link that is as good as a password.
#[derive(Clone)]
pub struct MailMessage {
    /// The address of the recipient.
    pub to: String,
    /// The subject: a text of ours, never of a user.
    pub subject: String,
    /// The text.
    pub text: String,
    /// The name in the configuration of the directory that sends the message, for filters of the operator.
    pub directory: String,
}
