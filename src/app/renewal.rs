use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use super::credentials::CredentialBuilder;
use super::operator_tokens::OperatorTokens;
use super::tls::RenewableCertificate;
use crate::config::{self, Configuration};
use crate::domain::Connection;
use crate::identity_provider::ClientCredential;
use crate::observability::{AuditEntry, AuditEvent, reopen_audit};
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
    /// The configuration file; `None` if the configuration was not read from a file.
    pub(super) file: Option<PathBuf>,
}

/// The reloadable client credentials of one connection.
pub(super) struct RenewableCredential {
    /// The connection's key in the configuration.
    pub(super) key: String,
    pub(super) connection: Connection,
    /// See [`Configuration::find_credentials_destination`].
    pub(super) goes_to: Option<String>,
    /// Hands the new credentials to the identity provider.
    pub(super) replace: ReplaceCredentials,
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
                self.renew_credentials(&config);
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

    /// Replaces the credentials of connections whose client is unchanged. A connection that changed in any other way
    /// needs a restart.
    fn renew_credentials(&self, config: &Configuration) {
        let mut builder = self.credential_builder.lock().unwrap_or_else(PoisonError::into_inner);
        for credential in &self.credentials {
            let same = |now: &Connection| {
                let then = &credential.connection;
                (&now.bot, &now.name, &now.identity_provider, &now.client_id)
                    == (&then.bot, &then.name, &then.identity_provider, &then.client_id)
                    && config.find_credentials_destination(&now.identity_provider) == credential.goes_to
            };
            let path = format!("connections.{}", credential.key);
            let section = config.connections.iter().find(|section| same(&section.connection));
            match section.map(|section| builder.build_all(&section.credentials)) {
                Some(Ok(renewed)) => (credential.replace)(renewed),
                Some(Err(error)) => tracing::error!(path, %error, "the old credentials stay"),
                None => tracing::warn!(
                    path,
                    "the connection was changed or removed: restart to apply that; the old credential stays"
                ),
            }
        }
        tracing::info!("the client credentials were read again");
        AuditEntry::new(AuditEvent::Reloaded).detail("client_credentials").write();
    }

    fn renew_operator_tokens(&self, config: Configuration) {
        let Some(section) = config.operations else { return };
        if let (Some(present), Some(renewed)) = (&self.operator_tokens.metrics, section.metrics_token) {
            present.replace(renewed);
            tracing::info!("the metrics token was read again");
            AuditEntry::new(AuditEvent::Reloaded).detail("metrics_token").write();
        }
        if let Some(present) = &self.operator_tokens.admin {
            present.replace(section.admin_token);
            tracing::info!("the admin token was read again");
            AuditEntry::new(AuditEvent::Reloaded).detail("admin_token").write();
        }
    }
}
