use super::{DoctorCheck, Finding};
use crate::app::BuildError;
use crate::app::services::build_mailer;
use crate::config::{Configuration, MailDeliverySection};
use crate::domain::ClockAndEntropy;

/// Asks the mail server whether it takes the encryption and the credentials. No message is sent.
pub(super) async fn check(config: &Configuration, ambient: &ClockAndEntropy) -> Result<Option<Finding>, BuildError> {
    let (Some(section), Some(mailer)) = (&config.mail, build_mailer(config, ambient)?) else { return Ok(None) };
    let (subject, passed) = match &section.delivery {
        MailDeliverySection::Server(server) => {
            let passed = if server.credentials.is_some() { "credentials accepted" } else { "reachable" };
            (format!("mail {}:{}", server.host, server.port), passed)
        }
        MailDeliverySection::Outbox(folder) => (format!("mail.outbox {}", folder.display()), "writable"),
    };
    Ok(Some(match mailer.check().await {
        Ok(()) => Finding::ok(DoctorCheck::Mail, subject, passed),
        Err(error) => Finding::failed(DoctorCheck::Mail, subject, error.to_string()).advise(error.hint()),
    }))
}
