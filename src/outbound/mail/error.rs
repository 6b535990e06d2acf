use std::io;

/// Why a message was not sent. The error holds no address, text or answer of the mail server, so it may be logged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// The recipient's address is none that mail is sent to.
    #[error("the address is none to which mail is sent")]
    Address,
    /// No connection could be opened.
    #[error("the mail server is unreachable")]
    Unreachable,
    /// The time for one attempt has passed.
    #[error("the mail server did not answer in time")]
    TimedOut,
    /// The TLS handshake failed, or the certificate is not trusted.
    #[error("the TLS handshake with the mail server failed")]
    Tls,
    /// The mail server does not change to TLS.
    #[error("the mail server does not offer STARTTLS")]
    NoStartTls,
    /// The mail server does not let clients authenticate by a password.
    #[error("the mail server offers no authentication by password")]
    NoAuthentication,
    /// The mail server refuses user and password.
    #[error("the mail server refused the credentials (reply {code})")]
    CredentialsRefused {
        /// The reply code.
        code: u16,
    },
    /// The mail server refuses the connection.
    #[error("the mail server refused the connection (reply {code})")]
    ConnectionRefused {
        /// The reply code.
        code: u16,
    },
    /// The mail server refuses the sender.
    #[error("the mail server refused the sender (reply {code})")]
    SenderRefused {
        /// The reply code.
        code: u16,
    },
    /// The mail server refuses the recipient for good.
    #[error("the mail server refused the recipient (reply {code})")]
    RecipientRefused {
        /// The reply code.
        code: u16,
    },
    /// The mail server takes only addresses in ASCII (RFC 6531).
    #[error("the mail server takes no address with characters outside ASCII")]
    NotInternational,
    /// The mail server refuses the message for good.
    #[error("the mail server refused the message (reply {code})")]
    MessageRefused {
        /// The reply code.
        code: u16,
    },
    /// The mail server asks to try again later.
    #[error("the mail server cannot take the message now (reply {code})")]
    Deferred {
        /// The reply code.
        code: u16,
    },
    /// The connection ended, or the mail server's answer is none of SMTP.
    #[error("the connection to the mail server broke")]
    Broken,
    /// The disk of the outbox is full.
    #[error("the disk of the outbox is full")]
    OutboxFull,
    /// The outbox cannot be written to.
    #[error("the outbox cannot be written: {0}")]
    Outbox(io::ErrorKind),
    /// The settings cannot be used.
    #[error("{0}")]
    Settings(String),
}

impl MailError {
    /// What the operator can do. No two errors share a hint.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Address => "correct the user's e-mail address: it has to be one address of the form name@host",
            Self::Unreachable => "check mail.host and mail.port, and that the network lets this machine connect there",
            Self::TimedOut => {
                "check that mail.encryption fits mail.port (\"starttls\" for 587, \"tls\" for 465), and mail.timeout_ms"
            }
            Self::Tls => {
                "the certificate must be valid for mail.host and of an authority that the system or outbound.ca_file \
                 has; check also that mail.encryption fits mail.port"
            }
            Self::NoStartTls => "nothing was sent in plain text: write the port that encrypts, or encryption = \"tls\"",
            Self::NoAuthentication => "leave mail.user and mail.password out, or write another host or port",
            Self::CredentialsRefused { .. } => "check mail.user and mail.password; SIGHUP reads the password again",
            Self::ConnectionRefused { .. } => "the mail server does not serve this machine: ask its operator why",
            Self::SenderRefused { .. } => "the mail server does not let this user send as mail.from: write another",
            Self::RecipientRefused { .. } => {
                "there may be no such mailbox, or the mail server does not relay to it without credentials"
            }
            Self::NotInternational => "use a mail server with SMTPUTF8, or addresses in ASCII",
            Self::MessageRefused { .. } => "the mail server's log says why it does not take the message",
            Self::Deferred { .. } => "the mail server is busy or limits how much is sent: its log says which",
            Self::Broken => "check that a mail server listens on mail.port, and its log",
            Self::OutboxFull => "make room on the disk of mail.outbox",
            Self::Outbox(_) => "check that the folder mail.outbox exists and that this process may write to it",
            Self::Settings(_) => "correct the section [mail]",
        }
    }

    /// Whether another attempt may succeed. A refusal of just this message is final (RFC 5321 §4.2.1).
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        !matches!(
            self,
            Self::Address
                | Self::SenderRefused { .. }
                | Self::RecipientRefused { .. }
                | Self::NotInternational
                | Self::MessageRefused { .. }
                | Self::Settings(_)
        )
    }

    pub(super) fn of_file(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::OutboxFull,
            kind => Self::Outbox(kind),
        }
    }
}
