use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use super::caller_secrets::CallerSecrets;
use super::credentials::{CredentialBuilder, CredentialEnds};
use super::operator_tokens::OperatorTokens;
use super::tls::RenewableCertificate;
use crate::config::{self, AppIdentitySection, Configuration, CredentialSection, MailDeliverySection, MailSection};
use crate::domain::Connection;
use crate::identity_provider::ClientCredential;
use crate::observability::{AuditEntry, AuditEvent, reopen_audit};
use crate::outbound::Mailer;
use crate::sealing::{KeyRing, Sealer};

/// The files and credentials that SIGHUP reloads. If a file cannot be read, its old content stays in use and the log says why.
pub(super) struct Renewable {
    pub(super) sealer: Arc<Sealer>,
    /// The file of the key ring.
    pub(super) keys: PathBuf,
    pub(super) certificate: Option<Arc<RenewableCertificate>>,
    pub(super) credentials: Vec<RenewableCredential>,
    /// Has built the credentials that are in use. An assertion file that is away at the moment of a SIGHUP must not end
    /// the assertion that was read from it, so the same builder builds them again.
    pub(super) credential_builder: Mutex<CredentialBuilder>,
    pub(super) operator_tokens: OperatorTokens,
    pub(super) caller_secrets: CallerSecrets,
    /// `None` if no mail is sent.
    pub(super) mail: Option<RenewableMail>,
    pub(super) credential_ends: CredentialEnds,
    /// The configuration file; `None` if the configuration was not read from a file.
    pub(super) file: Option<PathBuf>,
}

/// What sends mail, with the section that it was built from.
pub(super) struct RenewableMail {
    pub(super) mailer: Mailer,
    pub(super) then: Option<MailSection>,
}

/// The reloadable credentials of one application.
pub(super) struct RenewableCredential {
    pub(super) holder: CredentialHolder,
    /// Where the credentials are sent, as a text; see [`Configuration::find_credentials_destination`].
    pub(super) goes_to: Option<String>,
    /// Hands the new credentials to the client of the token endpoint.
    pub(super) replace: ReplaceCredentials,
}

/// The application that credentials belong to, as it was at start-up.
pub(super) enum CredentialHolder {
    /// The client of a connection.
    Connection {
        /// The section that configures it.
        place: String,
        /// Boxed, because it is much larger than the other variant.
        connection: Box<Connection>,
    },
    /// A bot that calls skills.
    Bot {
        /// The section that configures it.
        place: String,
        app_id: String,
    },
}

/// Hands new credentials to an identity provider.
pub(super) type ReplaceCredentials = Box<dyn Fn(Vec<ClientCredential>) + Send + Sync>;

impl Renewable {
    /// Reloads everything. It reads files, so it must not run on an async thread.
    pub(super) fn renew(&self) {
        match reopen_audit() {
            None => {}
            Some(Ok(())) => tracing::info!("the audit file was opened again"),
            Some(Err(error)) => {
                tracing::error!(%error, "audit.file: the file could not be opened again; the open one stays in use");
            }
        }
        match KeyRing::load(&self.keys).and_then(|ring| self.sealer.replace(ring)) {
            Ok(()) => {
                tracing::info!("the key ring was read again");
                AuditEntry::new(AuditEvent::Reloaded).detail("key_ring").write();
            }
            Err(error) => tracing::error!(%error, "keys.file: the key ring could not be read again; the old one stays"),
        }
        match self.certificate.as_ref().map(|certificate| certificate.renew()) {
            None => {}
            Some(Ok(())) => {
                tracing::info!("the certificate was read again");
                AuditEntry::new(AuditEvent::Reloaded).detail("certificate").write();
            }
            Some(Err(error)) => {
                tracing::error!(error, "server.tls: the certificate could not be read again; the old one stays");
            }
        }
        match self.file.as_deref().map(config::load) {
            None => {}
            Some(Ok(config)) => {
                self.credential_ends.replace(config.credential_ends.clone());
                self.renew_credentials(&config);
                self.renew_caller_secrets(&config);
                self.renew_mail_password(&config);
                self.renew_operator_tokens(config);
            }
            Some(Err(problems)) => {
                for problem in &problems.0 {
                    tracing::error!(path = problem.path, "{}", problem.message);
                }
                tracing::error!("the configuration could not be read again; the old credentials stay");
            }
        }
    }

    /// Replaces the credentials of connections and bots whose client is unchanged. A connection or a bot that changed in any
    /// other way needs a restart.
    fn renew_credentials(&self, config: &Configuration) {
        let mut builder = self.credential_builder.lock().unwrap_or_else(PoisonError::into_inner);
        for credential in &self.credentials {
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
        tracing::info!("the client credentials were read again");
        AuditEntry::new(AuditEvent::Reloaded).detail("client_credentials").write();
    }

    /// Replaces what callers that are no bots are checked by: hashes of secrets, and public keys.
    fn renew_caller_secrets(&self, config: &Configuration) {
        if self.caller_secrets.is_empty() {
            return;
        }
        self.caller_secrets.replace(config);
        tracing::info!("the hashes of callers' secrets and the keys of back ends were read again");
        AuditEntry::new(AuditEvent::Reloaded).detail("caller_secrets").write();
    }

    /// Replaces the password for the mail server. It is shown to no other server, and for no other user, than before.
    fn renew_mail_password(&self, config: &Configuration) {
        let Some(mail) = &self.mail else { return };
        let server = |section: &Option<MailSection>| match section.as_ref().map(|section| section.delivery.clone()) {
            Some(MailDeliverySection::Server(server)) => Some(server),
            _ => None,
        };
        let Some((then, now)) = server(&mail.then).zip(server(&config.mail)) else { return };
        let Some((before, renewed)) = then.credentials.zip(now.credentials) else { return };
        let is_same =
            (then.host, then.port, then.encryption, before.user) == (now.host, now.port, now.encryption, renewed.user);
        if !is_same {
            let message = "mail: the mail server was changed: restart to apply that; the old password stays";
            return tracing::warn!("{message}");
        }
        mail.mailer.replace_password(&renewed.password);
        tracing::info!("the password for the mail server was read again");
        AuditEntry::new(AuditEvent::Reloaded).detail("mail_password").write();
    }

    fn renew_operator_tokens(&self, config: Configuration) {
        let Some(section) = config.operations else { return };
        if let (Some(present), Some(renewed)) = (&self.operator_tokens.metrics, section.metrics_token) {
            present.replace(renewed);
            tracing::info!("the metrics token was read again");
            AuditEntry::new(AuditEvent::Reloaded).detail("metrics_token").write();
        }
        if let Some(present) = &self.operator_tokens.admin {
            present.replace(section.admin_token, section.read_token);
            tracing::info!("the admin token was read again");
            AuditEntry::new(AuditEvent::Reloaded).detail("admin_token").write();
        }
    }
}

impl RenewableCredential {
    /// The credentials of the same application in `config`; `None` if it has changed, or they would be sent elsewhere.
    fn find_sections(&self, config: &Configuration) -> Option<Vec<CredentialSection>> {
        match &self.holder {
            CredentialHolder::Connection { connection: then, .. } => {
                let same = |now: &Connection| {
                    (&now.holder, &now.name, &now.identity_provider, &now.client_id)
                        == (&then.holder, &then.name, &then.identity_provider, &then.client_id)
                        && config.find_credentials_destination(&now.identity_provider) == self.goes_to
                };
                let section = config.connections.iter().find(|section| same(&section.connection));
                section.map(|section| section.credentials.clone())
            }
            CredentialHolder::Bot { place, app_id } => {
                let same = |now: &AppIdentitySection| {
                    now.place == *place
                        && now.client_id == *app_id
                        && self.goes_to.as_deref() == Some(now.token_endpoint.as_str())
                };
                config.app_identities().into_iter().find(same).map(|identity| identity.credentials)
            }
        }
    }
}

impl CredentialHolder {
    /// The section that configures the application.
    fn place(&self) -> String {
        match self {
            Self::Connection { place, .. } | Self::Bot { place, .. } => place.clone(),
        }
    }

    const fn kind(&self) -> &'static str {
        match self {
            Self::Connection { .. } => "connection",
            Self::Bot { .. } => "bot",
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use crate::config::{Environment, parse};
    use crate::domain::{SystemClock, SystemEntropy};

    const TENANT: &str = "22222222-2222-4222-8222-222222222222";

    /// The smallest configuration, whose bot has `more` lines.
    fn configuration(more: &str, secret: &str) -> Configuration {
        let folder = tempfile::tempdir().unwrap();
        let keys = folder.path().join("bot-sso.keys");
        KeyRing::generate(&SystemClock, &SystemEntropy).create_file(&keys).unwrap();
        let minimal = include_str!("../../fixtures/config/minimal.toml");
        let text = minimal.replace("[connections.graph]", &format!("{more}\n[connections.graph]"));
        let text = format!("{text}\n[keys]\nfile = {keys:?}\n");
        parse(&text, &Environment::of([("GRAPH_CLIENT_SECRET", "secret"), ("BOT_SECRET", secret)])).unwrap()
    }

    #[test]
    fn a_bot_gets_its_new_credentials_unless_they_would_be_sent_elsewhere() {
        let credentials = "credentials = [{ secret = { env = \"BOT_SECRET\" } }]";
        let written = format!("tenant = \"{TENANT}\"\n{credentials}");
        let bot = &configuration(&written, "old").app_identities()[1];
        let renewable = RenewableCredential {
            holder: CredentialHolder::Bot { place: bot.place.clone(), app_id: bot.client_id.clone() },
            goes_to: Some(bot.token_endpoint.to_string()),
            replace: Box::new(|_| ()),
        };
        assert_eq!(renewable.holder.place(), "bots.help-desk");
        let found = renewable.find_sections(&configuration(&written, "new")).unwrap();
        let [CredentialSection::Secret(secret)] = found.as_slice() else { unreachable!("{found:?}") };
        assert_eq!(secret.expose(), "new");
        let elsewhere = written.replace(TENANT, "33333333-3333-4333-8333-333333333333");
        for changed in [elsewhere.as_str(), credentials, ""] {
            assert!(renewable.find_sections(&configuration(changed, "new")).is_none(), "{changed}");
        }
    }
}
