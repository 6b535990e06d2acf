use std::time::Duration;

use arc_swap::ArcSwapOption;
use lettre::address::Envelope;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailParameter};
use lettre::{Address, Message};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::line_stream::LineStream;
use super::{MailEncryption, MailError, SmtpCredentials, SmtpSettings};
use crate::domain::Secret;

/// The time for a farewell, after which the connection is closed without one.
const FAREWELL_TIMEOUT: Duration = Duration::from_secs(1);

/// The client of a mail server. Each message has a connection of its own: there are few, and an idle connection would only
/// break.
pub(super) struct SmtpClient {
    host: String,
    port: u16,
    encryption: Encryption,
    credentials: ArcSwapOption<SmtpCredentials>,
    hello_name: ClientId,
    timeout: Duration,
}

enum Encryption {
    StartTls(TlsParameters),
    Tls(TlsParameters),
    None,
}

impl SmtpClient {
    pub(super) fn new(settings: SmtpSettings, ca_certificates_pem: &[Vec<u8>]) -> Result<Self, MailError> {
        let SmtpSettings { host, port, encryption, credentials, hello_name, timeout } = settings;
        let encryption = match encryption {
            MailEncryption::StartTls => Encryption::StartTls(build_tls(&host, ca_certificates_pem)?),
            MailEncryption::Tls => Encryption::Tls(build_tls(&host, ca_certificates_pem)?),
            MailEncryption::None => Encryption::None,
        };
        let credentials = ArcSwapOption::from_pointee(credentials);
        Ok(Self { host, port, encryption, credentials, hello_name: read_hello_name(hello_name), timeout })
    }

    pub(super) fn replace_password(&self, password: &Secret) {
        if let Some(present) = self.credentials.load_full() {
            let renewed = SmtpCredentials { user: present.user.clone(), password: password.clone() };
            self.credentials.store(Some(renewed.into()));
        }
    }

    pub(super) async fn send(&self, message: &Message) -> Result<(), MailError> {
        let attempt = async {
            let mut connection = self.open().await?;
            let submitted = submit(&mut connection, message.envelope(), &message.formatted()).await;
            Ok((connection, submitted))
        };
        let (connection, submitted) = self.within_time(attempt).await?;
        say_farewell(connection).await;
        submitted
    }

    /// Connects and authenticates.
    pub(super) async fn check(&self) -> Result<(), MailError> {
        let connection = self.within_time(self.open()).await?;
        say_farewell(connection).await;
        Ok(())
    }

    async fn within_time<T>(&self, attempt: impl Future<Output = Result<T, MailError>>) -> Result<T, MailError> {
        timeout(self.timeout, attempt).await.unwrap_or(Err(MailError::TimedOut))
    }

    /// Opens a connection that is encrypted and authenticated as configured.
    async fn open(&self) -> Result<AsyncSmtpConnection, MailError> {
        let mut connection = match &self.encryption {
            Encryption::StartTls(tls) => self.open_and_encrypt(tls).await?,
            Encryption::Tls(tls) => self.connect(Some(tls.clone())).await?,
            Encryption::None => self.connect(None).await?,
        };
        if let Some(credentials) = self.credentials.load_full() {
            let SmtpCredentials { user, password } = credentials.as_ref();
            let shown = Credentials::new(user.clone(), password.expose().to_owned());
            let shown = connection.auth(&[Mechanism::Plain, Mechanism::Login], &shown).await;
            shown.map_err(|error| {
                if error.is_client() {
                    MailError::NoAuthentication
                } else {
                    classify(&error, |code| MailError::CredentialsRefused { code })
                }
            })?;
        }
        Ok(connection)
    }

    async fn connect(&self, tls: Option<TlsParameters>) -> Result<AsyncSmtpConnection, MailError> {
        let server = (self.host.as_str(), self.port);
        let connected = AsyncSmtpConnection::connect_tokio1(server, None, &self.hello_name, tls, None).await;
        connected.map_err(|error| {
            if concerns_tls(&error) {
                MailError::Tls
            } else {
                classify(&error, |code| MailError::ConnectionRefused { code })
            }
        })
    }

    async fn open_and_encrypt(&self, tls: &TlsParameters) -> Result<AsyncSmtpConnection, MailError> {
        let connected = TcpStream::connect((self.host.as_str(), self.port)).await;
        let stream = Box::new(LineStream::new(connected.map_err(|_| MailError::Unreachable)?));
        let greeted = AsyncSmtpConnection::connect_with_transport(stream, &self.hello_name).await;
        let refused = |code| MailError::ConnectionRefused { code };
        let mut connection = greeted.map_err(|error| classify(&error, refused))?;
        if !connection.can_starttls() {
            say_farewell(connection).await;
            return Err(MailError::NoStartTls);
        }
        let encrypted = connection.starttls(tls.clone(), &self.hello_name).await;
        encrypted.map_err(|error| match error.status() {
            Some(_) => classify(&error, |_| MailError::NoStartTls),
            None => MailError::Tls,
        })?;
        Ok(connection)
    }
}

/// Says from whom and to whom the message is, and then the message.
async fn submit(connection: &mut AsyncSmtpConnection, envelope: &Envelope, message: &[u8]) -> Result<(), MailError> {
    let mut parameters = Vec::new();
    let is_ascii = |address: &Address| AsRef::<str>::as_ref(address).is_ascii();
    if !envelope.to().iter().chain(envelope.from()).all(is_ascii) {
        if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
            return Err(MailError::NotInternational);
        }
        parameters.push(MailParameter::SmtpUtfEight);
    }
    let sender = connection.command(Mail::new(envelope.from().cloned(), parameters)).await;
    sender.map_err(|error| classify(&error, |code| MailError::SenderRefused { code }))?;
    for recipient in envelope.to() {
        let recipient = connection.command(Rcpt::new(recipient.clone(), Vec::new())).await;
        recipient.map_err(|error| classify(&error, |code| MailError::RecipientRefused { code }))?;
    }
    let refused = |error: Error| classify(&error, |code| MailError::MessageRefused { code });
    connection.command(Data).await.map_err(refused)?;
    // The end of the message brings a line break of its own.
    let message = message.strip_suffix(b"\r\n").unwrap_or(message);
    connection.message(message).await.map_err(refused)?;
    Ok(())
}

/// Ends the connection. The answer changes nothing: a message that was accepted stays accepted.
async fn say_farewell(mut connection: AsyncSmtpConnection) {
    let _ = timeout(FAREWELL_TIMEOUT, connection.quit()).await;
}

/// The error for a reply or a broken connection; `refused` is that for a final refusal.
fn classify(error: &Error, refused: impl FnOnce(u16) -> MailError) -> MailError {
    match error.status() {
        Some(code) if error.is_transient() => MailError::Deferred { code: code.into() },
        Some(code) => refused(code.into()),
        None if error.is_timeout() => MailError::TimedOut,
        None if error.is_response() || is_ended(error) => MailError::Broken,
        None => MailError::Unreachable,
    }
}

/// Whether the connection was open and has ended.
fn is_ended(error: &Error) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    find_cause::<std::io::Error>(error)
        .is_some_and(|cause| matches!(cause.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof))
}

/// Whether the handshake failed: the client says of it that the connection failed, and by what.
fn concerns_tls(error: &Error) -> bool {
    let cause = find_cause::<std::io::Error>(error).and_then(std::io::Error::get_ref);
    error.is_tls() || cause.is_some_and(<dyn std::error::Error + Send + Sync>::is::<rustls::Error>)
}

fn find_cause<E: std::error::Error + 'static>(error: &Error) -> Option<&E> {
    let first = std::error::Error::source(error);
    std::iter::successors(first, |cause| cause.source()).find_map(|cause| cause.downcast_ref())
}

fn build_tls(host: &str, ca_certificates_pem: &[Vec<u8>]) -> Result<TlsParameters, MailError> {
    let unusable = |_| MailError::Settings("the TLS client could not be set up; are CA certificates installed?".into());
    let mut builder = TlsParameters::builder(host.to_owned());
    for pem in ca_certificates_pem {
        builder = builder.add_root_certificate(Certificate::from_pem(pem).map_err(unusable)?);
    }
    builder.build().map_err(unusable)
}

/// An address is greeted with in brackets (RFC 5321 §4.1.3).
fn read_hello_name(name: String) -> ClientId {
    match name.trim_start_matches('[').trim_end_matches(']').parse() {
        Ok(std::net::IpAddr::V4(address)) => ClientId::Ipv4(address),
        Ok(std::net::IpAddr::V6(address)) => ClientId::Ipv6(address),
        Err(_) => ClientId::Domain(name),
    }
}
