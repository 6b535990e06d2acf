//! A mail server of a test, and what sends to it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bot_sso::domain::{ClockAndEntropy, Secret, SystemClock, SystemEntropy};
use bot_sso::outbound::{
    MailDelivery, MailEncryption, MailError, MailMessage, MailSettings, Mailer, SmtpCredentials, SmtpSettings,
};
use serde_json::Value;
use tempfile::TempDir;

use crate::harness::peers::{Peer, Program};
use crate::harness::write_private;

const SERVER: Program = Program { peer: "smtp", script: "server.py" };
pub const USER: &str = "bot-sso";
pub const PASSWORD: &str = "password-of-the-mail-server";

/// A running mail server with a certificate for 127.0.0.1.
pub struct MailServer {
    pub peer: Peer,
    pub port: u16,
    certificate: PathBuf,
    folder: TempDir,
}

impl MailServer {
    /// `encryption` and `more` are variables of the peer.
    pub async fn start(label: &str, encryption: &str, more: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pair = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
        let (certificate, key) = (folder.path().join("certificate.pem"), folder.path().join("key.pem"));
        std::fs::write(&certificate, pair.cert.pem()).unwrap();
        write_private(&key, &pair.signing_key.serialize_pem());
        let mut environment = vec![
            ("ENCRYPTION", encryption.to_owned()),
            ("CERTIFICATE", certificate.display().to_string()),
            ("KEY", key.display().to_string()),
        ];
        environment.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let mut peer = Peer::start(&SERVER, label, &environment);
        let port = peer.port().await;
        Self { peer, port, certificate, folder }
    }

    /// One that has a user.
    pub async fn start_with_user(label: &str, encryption: &str) -> Self {
        Self::start(label, encryption, &[("USERNAME", USER), ("PASSWORD", PASSWORD)]).await
    }

    /// The settings of a client that trusts the server and shows it nothing.
    pub fn settings(&self, encryption: MailEncryption) -> SmtpSettings {
        SmtpSettings {
            host: "127.0.0.1".to_owned(),
            port: self.port,
            encryption,
            credentials: None,
            hello_name: "sso.example.com".to_owned(),
            timeout: Duration::from_secs(30),
        }
    }

    /// A client with these settings that trusts the server's certificate.
    pub fn client(&self, settings: SmtpSettings) -> Mailer {
        client(settings, vec![std::fs::read(&self.certificate).unwrap()])
    }

    /// The sections of a configuration that sends to this server, with `lines` in that for mail.
    pub fn sections(&self, lines: &str) -> String {
        let (certificate, port) = (&self.certificate, self.port);
        format!("[outbound]\nca_file = \"{}\"\n{}", certificate.display(), mail_section(port, lines))
    }

    /// The reference to a file with this password of the server's user.
    pub fn password_lines(&self, password: &str) -> String {
        let file = self.folder.path().join("password");
        write_private(&file, password);
        format!("user = \"{USER}\"\npassword = {{ file = \"{}\" }}\n", file.display())
    }

    /// What the server has printed with this event.
    pub fn told(&self, event: &str) -> Vec<Value> {
        self.peer.events().into_iter().filter(|line| line["event"] == event).collect()
    }
}

/// The section of a configuration that sends to a server on this machine.
pub fn mail_section(port: u16, lines: &str) -> String {
    format!("[mail]\nfrom = \"sign-in@example.com\"\nhost = \"127.0.0.1\"\nport = {port}\n{lines}\n")
}

/// A client with these settings that trusts `ca_certificates_pem` beside the system's certificates.
pub fn client(settings: SmtpSettings, ca_certificates_pem: Vec<Vec<u8>>) -> Mailer {
    let ambient = ClockAndEntropy { clock: Arc::new(SystemClock), entropy: Arc::new(SystemEntropy) };
    let delivery = MailDelivery::Smtp(settings);
    Mailer::new(MailSettings { from: "sign-in@example.com".to_owned(), delivery, ca_certificates_pem }, ambient)
        .unwrap()
}

/// The settings with the user and this password.
pub fn with_password(settings: SmtpSettings, password: &str) -> SmtpSettings {
    let credentials = Some(SmtpCredentials { user: USER.to_owned(), password: Secret::new(password.to_owned()) });
    SmtpSettings { credentials, ..settings }
}

pub fn message(to: &str) -> MailMessage {
    MailMessage {
        to: to.to_owned(),
        subject: "パスワード – Bestätigen Sie Ihre E-Mail-Adresse, bevor Sie sich anmelden".to_owned(),
        text: "こんにちは、Grüße\n\nhttps://sso.example.com/link?token=abc\n\n.\n.eine Zeile mit Punkt\n".to_owned(),
        directory: "market".to_owned(),
    }
}

/// Sends a message to `to`.
pub async fn send(client: &Mailer, to: &str) -> Result<(), MailError> {
    client.send(&message(to)).await
}
