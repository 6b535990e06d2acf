use crate::app::BuildError;
use crate::config::{
    Configuration, MailCredentialsSection, MailDeliverySection, MailServerEncryption, MailServerSection,
};
use crate::domain::ClockAndEntropy;
use crate::outbound::{MailDelivery, MailEncryption, MailSettings, Mailer, SmtpCredentials, SmtpSettings};

/// Builds what sends mail; `None` if the configuration has no section for it.
pub(in crate::app) fn build_mailer(
    config: &Configuration,
    ambient: &ClockAndEntropy,
) -> Result<Option<Mailer>, BuildError> {
    let Some(section) = &config.mail else { return Ok(None) };
    let delivery = match &section.delivery {
        MailDeliverySection::Server(server) => MailDelivery::Smtp(smtp_settings(server, config)),
        MailDeliverySection::Outbox(folder) => MailDelivery::Outbox(folder.clone()),
    };
    let ca_certificates_pem = config.outbound.ca_certificates_pem.clone();
    let settings = MailSettings { from: section.from.clone(), delivery, ca_certificates_pem };
    Ok(Some(Mailer::new(settings, ambient.clone())?))
}

/// The mail server is greeted with the name at which this service is reached: it has an address, as RFC 5321 §4.1.4 wants it.
fn smtp_settings(server: &MailServerSection, config: &Configuration) -> SmtpSettings {
    let credentials = server.credentials.as_ref().map(|section| {
        let MailCredentialsSection { user, password } = section.clone();
        SmtpCredentials { user, password }
    });
    SmtpSettings {
        host: server.host.clone(),
        port: server.port,
        encryption: match server.encryption {
            MailServerEncryption::StartTls => MailEncryption::StartTls,
            MailServerEncryption::Tls => MailEncryption::Tls,
            MailServerEncryption::None => MailEncryption::None,
        },
        credentials,
        hello_name: config.server.public_url.host_str().unwrap_or_default().to_owned(),
        timeout: server.timeout,
    }
}
