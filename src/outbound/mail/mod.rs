//! Mail to users: over SMTP, or into a folder from which a relay takes it.
//!
//! Owns the connection to the operator's mail server, its encryption and its credentials, and the headers of a message. It
//! deliberately knows neither why a message is sent nor how often: it makes one attempt, and says what failed.

mod compose;
mod error;
mod line_stream;
mod outbox;
mod settings;
mod smtp;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use lettre::Address;

pub use error::MailError;
pub use settings::{MailDelivery, MailEncryption, MailMessage, MailSettings, SmtpCredentials, SmtpSettings};

use crate::domain::{ClockAndEntropy, Secret};

use compose::{Origin, compose, parse_address};
use outbox::Outbox;
use smtp::SmtpClient;

/// Sends mail. Clones share the settings.
#[derive(Clone)]
pub struct Mailer {
    parts: Arc<MailerParts>,
}

struct MailerParts {
    from: Address,
    way: Way,
    ambient: ClockAndEntropy,
}

enum Way {
    Smtp(SmtpClient),
    Outbox(Outbox),
}

impl Mailer {
    /// Prepares the way out. Nothing is connected yet.
    ///
    /// # Errors
    /// [`MailError::Settings`].
    pub fn new(settings: MailSettings, ambient: ClockAndEntropy) -> Result<Self, MailError> {
        let MailSettings { from, delivery, ca_certificates_pem } = settings;
        let unusable = |_| MailError::Settings("the sender's address cannot be used".to_owned());
        let from = parse_address(&from).map_err(unusable)?;
        let way = match delivery {
            MailDelivery::Smtp(smtp) => Way::Smtp(SmtpClient::new(smtp, &ca_certificates_pem)?),
            MailDelivery::Outbox(folder) => Way::Outbox(Outbox::new(folder)),
        };
        Ok(Self { parts: Arc::new(MailerParts { from, way, ambient }) })
    }

    /// Sends the message, or writes it into the outbox. This is one attempt, and takes no longer than the configured time.
    ///
    /// # Errors
    /// [`MailError`].
    pub async fn send(&self, message: &MailMessage) -> Result<(), MailError> {
        let MailerParts { from, way, ambient } = self.parts.as_ref();
        let origin = Origin { from, now: ambient.now(), id: ambient.entropy.hex_id() };
        match way {
            Way::Smtp(client) => client.send(&compose(message, &origin, None)?).await,
            Way::Outbox(outbox) => outbox.write(message, &origin).await,
        }
    }

    /// Checks that mail can be sent, without sending any: greets the mail server and authenticates, or creates and removes a
    /// file of the outbox.
    ///
    /// # Errors
    /// [`MailError`].
    pub async fn check(&self) -> Result<(), MailError> {
        match &self.parts.way {
            Way::Smtp(client) => client.check().await,
            Way::Outbox(outbox) => outbox.check(&self.parts.ambient.entropy.hex_id()).await,
        }
    }

    /// Authenticates with `password` from the next message on. Changes nothing where the mail server asks for none.
    pub fn replace_password(&self, password: &Secret) {
        if let Way::Smtp(client) = &self.parts.way {
            client.replace_password(password);
        }
    }
}

impl std::fmt::Debug for Mailer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Mailer(..)")
    }
}
