use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use crate::app::services::Services;
use crate::app::tls::RenewableCertificate;
use crate::config::{self, Configuration, MailDeliverySection, MailSection, Problems};
use crate::observability::{AuditEntry, AuditEvent, reopen_audit};
use crate::outbound::Mailer;
use crate::sealing::{KeyRing, Sealer};

/// The files that each reload reads again. If one cannot be read, its old content stays in use and the log says why.
pub(in crate::app) struct RenewableFiles {
    pub(in crate::app) sealer: Arc<Sealer>,
    /// The file of the key ring.
    pub(in crate::app) keys: PathBuf,
    pub(in crate::app) certificate: Option<Arc<RenewableCertificate>>,
    /// The configuration file; `None` if the configuration was not read from a file.
    pub(in crate::app) file: Option<PathBuf>,
}

/// What a reload has read from files.
pub(in crate::app) struct FilesReadAgain {
    /// `None` if the configuration was not read from a file.
    pub(in crate::app) config: Option<Result<Configuration, Problems>>,
    /// The names in the audit stream of what was replaced.
    pub(in crate::app) renewed: Vec<&'static str>,
}

/// The secrets of the services that are served, which can be replaced while nothing else changes.
pub(in crate::app) struct RenewableSecrets<'a> {
    pub(in crate::app) services: &'a Services,
    /// `None` if no mail is sent.
    pub(in crate::app) mail: Option<&'a RenewableMail>,
}

/// What sends mail, with the section that it was built from.
pub(in crate::app) struct RenewableMail {
    pub(in crate::app) mailer: Mailer,
    pub(in crate::app) then: Option<MailSection>,
}

impl RenewableMail {
    /// What sends mail for `services`, which were built from `config`; `None` if nothing does.
    pub(in crate::app) fn find(config: &Configuration, services: &Services) -> Option<Self> {
        let mailer = services.directories.as_ref()?.mailer.clone()?;
        Some(Self { mailer, then: config.mail.clone() })
    }
}

impl RenewableFiles {
    /// Reads everything. It must not run on an async thread.
    pub(in crate::app) fn read_again(&self) -> FilesReadAgain {
        match reopen_audit() {
            None => {}
            Some(Ok(())) => tracing::info!("the audit file was opened again"),
            Some(Err(error)) => {
                tracing::error!(%error, "audit.file: the file could not be opened again; the open one stays in use");
            }
        }
        let mut renewed = Vec::new();
        match KeyRing::load(&self.keys).and_then(|ring| self.sealer.replace(ring)) {
            Ok(()) => {
                tracing::info!("the key ring was read again");
                renewed.push(audit_renewed("key_ring"));
            }
            Err(error) => tracing::error!(%error, "keys.file: the key ring could not be read again; the old one stays"),
        }
        match self.certificate.as_ref().map(|certificate| certificate.renew()) {
            None => {}
            Some(Ok(())) => {
                tracing::info!("the certificate was read again");
                renewed.push(audit_renewed("certificate"));
            }
            Some(Err(error)) => {
                tracing::error!(error, "server.tls: the certificate could not be read again; the old one stays");
            }
        }
        let check_keys = |path: &Path| KeyRing::load(path).map(drop).map_err(|error| error.to_string());
        let config = self.file.as_deref().map(|file| config::load_with_keys(file, check_keys));
        FilesReadAgain { config, renewed }
    }
}

/// Writes to the audit stream that `detail` was replaced; returns it.
fn audit_renewed(detail: &'static str) -> &'static str {
    AuditEntry::new(AuditEvent::Reloaded).detail(detail).write();
    detail
}

impl RenewableSecrets<'_> {
    /// Replaces all secrets by those of `config`, whose other settings are not applied. Returns the names of what was replaced.
    pub(in crate::app) fn renew(&self, config: &Configuration) -> Vec<&'static str> {
        let mut renewed = self.renew_credentials(config);
        renewed.extend(self.renew_caller_secrets(config));
        renewed.extend(self.renew_of_process(config));
        renewed
    }

    /// The same for the secrets that do not depend on what is served: the operator's tokens and that of the mail server.
    pub(in crate::app) fn renew_of_process(&self, config: &Configuration) -> Vec<&'static str> {
        let mut renewed = self.renew_mail_password(config);
        renewed.extend(self.renew_operator_tokens(config));
        renewed
    }

    /// Replaces the credentials of connections and bots whose client is unchanged. A connection or a bot that changed in any
    /// other way needs a restart.
    fn renew_credentials(&self, config: &Configuration) -> Vec<&'static str> {
        let mut builder = self.services.lasting.credential_builder.lock().unwrap_or_else(PoisonError::into_inner);
        for credential in &self.services.credentials {
            let (path, kind) = (credential.holder.place(), credential.holder.kind());
            match credential.find_sections(config).map(|sections| builder.build_all(&sections)) {
                Some(Ok(renewed)) => (credential.replace)(renewed),
                Some(Err(error)) => tracing::error!(path, %error, "the old credentials stay"),
                None => tracing::warn!(
                    path,
                    "the {kind} was changed or removed: restart to apply that; the old credential stays"
                ),
            }
        }
        report_credentials()
    }

    /// Replaces what callers that are no bots are checked by: hashes of secrets, and public keys.
    fn renew_caller_secrets(&self, config: &Configuration) -> Vec<&'static str> {
        self.services.caller_secrets.replace(config);
        report_caller_secrets(self.services)
    }

    /// Replaces the password for the mail server. It is shown to no other server, and for no other user, than before.
    fn renew_mail_password(&self, config: &Configuration) -> Vec<&'static str> {
        let Some(mail) = self.mail else { return Vec::new() };
        let server = |section: &Option<MailSection>| match section.as_ref().map(|section| section.delivery.clone()) {
            Some(MailDeliverySection::Server(server)) => Some(server),
            _ => None,
        };
        let Some((then, now)) = server(&mail.then).zip(server(&config.mail)) else { return Vec::new() };
        let Some((before, renewed)) = then.credentials.zip(now.credentials) else { return Vec::new() };
        let is_same =
            (then.host, then.port, then.encryption, before.user) == (now.host, now.port, now.encryption, renewed.user);
        if !is_same {
            tracing::warn!("mail: the mail server was changed: restart to apply that; the old password stays");
            return Vec::new();
        }
        mail.mailer.replace_password(&renewed.password);
        tracing::info!("the password for the mail server was read again");
        vec![audit_renewed("mail_password")]
    }

    fn renew_operator_tokens(&self, config: &Configuration) -> Vec<&'static str> {
        let (Some(section), tokens) = (&config.operations, &self.services.operator_tokens) else { return Vec::new() };
        let mut renewed = Vec::new();
        if let (Some(present), Some(token)) = (&tokens.metrics, &section.metrics_token) {
            present.replace(token.clone());
            tracing::info!("the metrics token was read again");
            renewed.push(audit_renewed("metrics_token"));
        }
        if let Some(present) = &tokens.admin {
            present.replace(section.admin_token.clone(), section.read_token.clone());
            tracing::info!("the admin token was read again");
            renewed.push(audit_renewed("admin_token"));
        }
        renewed
    }
}

/// Says that the clients have the credentials of the file.
pub(in crate::app) fn report_credentials() -> Vec<&'static str> {
    tracing::info!("the client credentials were read again");
    vec![audit_renewed("client_credentials")]
}

/// Says that the callers of `services` are checked by what the file holds, if there are such callers.
pub(in crate::app) fn report_caller_secrets(services: &Services) -> Vec<&'static str> {
    if services.caller_secrets.is_empty() {
        return Vec::new();
    }
    tracing::info!("the hashes of callers' secrets and the keys of back ends were read again");
    vec![audit_renewed("caller_secrets")]
}
