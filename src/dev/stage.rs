use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use actix_web::dev::ServerHandle;
use serde_json::Value;
use url::Url;

use super::addresses::Addresses;
use super::bots::{SilentBot, find_silent_bots, watch_silent_bots};
use super::calls::CallLog;
use super::channel::ChannelKeys;
use super::directories::MailOutbox;
use super::error::StageError;
use super::faults::FaultSwitches;
use super::listeners::{StageApplication, StageListeners, bind_loopback_port, bound_port};
use super::services::{StageParts, StageServices};
use super::signing_key::SigningKey;
use super::tenant::{Directory, RegisteredCertificate, SessionSwitches};
use super::workload::{StageCertificates, WorkloadClaims, make_certificates};
use crate::domain::{ExchangeObserver, SharedClock, SharedEntropy};

/// How to set up a stage.
pub struct StageOptions {
    /// Port of the plain http listener; 0 takes any free port.
    pub http_port: u16,
    /// Port of the TLS listener; 0 takes any free port.
    pub https_port: u16,
    /// The directory for the CA file and the client certificate; created if absent.
    pub directory: PathBuf,
    /// The clock that decides when tokens are issued and expire.
    pub clock: SharedClock,
    /// The source of random ids, codes and refresh tokens.
    pub entropy: SharedEntropy,
}

/// Which key signs a token that a test composes itself, by [`Stage::sign`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signer {
    /// The tenants' current key.
    Tenant,
    /// The channel's key that is endorsed for every channel of the stage.
    Channel,
    /// The channel's key that is endorsed for Direct Line only.
    ChannelForDirectLine,
    /// The channel's key without endorsements.
    ChannelUnendorsed,
}

/// A running stage. Clones are handles to the same stage. It runs until [`Stage::shutdown`] or the end of its async
/// runtime.
#[derive(Clone)]
pub struct Stage {
    pub(super) services: Arc<StageServices>,
    server: ServerHandle,
}

impl Stage {
    /// Starts a stage with the bots, connections and users that every stage has by default.
    ///
    /// # Errors
    /// As [`Stage::start_with`].
    pub async fn start(
        options: StageOptions,
        serve: impl FnOnce(StageListeners) -> std::io::Result<ServerHandle>,
    ) -> Result<Self, StageError> {
        Self::start_with(options, Directory::with_fixed_entries(), serve).await
    }

    /// Generates keys and certificates, binds both sockets on 127.0.0.1, and lets `serve` serve them. Takes about 100 ms.
    ///
    /// # Errors
    /// When a port is in use, a file cannot be written, or key material cannot be generated; those of `serve`.
    pub async fn start_with(
        options: StageOptions,
        directory: Directory,
        serve: impl FnOnce(StageListeners) -> std::io::Result<ServerHandle>,
    ) -> Result<Self, StageError> {
        let http = bind_loopback_port(options.http_port)?;
        let https = bind_loopback_port(options.https_port)?;
        let folder = options.directory.clone();
        let making = tokio::task::spawn_blocking(move || {
            let certificates = make_certificates(&folder)?;
            Ok::<_, StageError>((certificates, MailOutbox::create_in(&folder)?))
        });
        let keys = SigningKey::generate_many(4).await?;
        let (certificates, outbox) = making.await.map_err(StageError::key_material)??;
        let StageCertificates { ca_file, tls, client, back_end_key } = certificates;
        let Ok([tenant_key, endorsed, directline, unendorsed]) = <[Arc<SigningKey>; 4]>::try_from(keys) else {
            return Err(StageError::KeyMaterial("too few keys were generated".to_owned()));
        };
        let services = StageServices::new(StageParts {
            addresses: Addresses {
                http_base: format!("http://127.0.0.1:{}", bound_port(&http)?),
                https_base: format!("https://localhost:{}", bound_port(&https)?),
            },
            clock: options.clock,
            entropy: options.entropy,
            tenant_key,
            channel_keys: ChannelKeys { endorsed, directline, unendorsed },
            client_certificate: client,
            ca_file,
            outbox,
            back_end_key,
            directory,
        })?;
        let application = StageApplication::new(services.routes());
        let server = serve(StageListeners { http, https, tls, application });
        let server = server.map_err(|source| StageError::Listen { port: 0, source })?;
        Ok(Self { services: Arc::new(services), server })
    }

    /// The observer that shows in the playground what the gateway does.
    #[must_use]
    pub fn exchange_observer(&self) -> Arc<dyn ExchangeObserver> {
        self.services.events.clone()
    }

    /// Makes the demo bots accept activities of the emulator without a token, as real bots without an app id do.
    pub fn admit_anonymous(&self) {
        self.services.bots.admits_anonymous.store(true, Ordering::SeqCst);
    }

    /// The bots with endpoints of their own at which nothing listens yet.
    pub async fn find_silent_bots(&self) -> Vec<SilentBot> {
        find_silent_bots(&self.services.directory).await
    }

    /// Logs that these bots do not answer yet, and when each of them does. Ends when all of them have answered.
    pub async fn watch_silent_bots(&self, silent: Vec<SilentBot>) {
        watch_silent_bots(silent).await;
    }

    /// Lets the pages of the origin of `url` call Direct Line. Pages on this machine always may.
    pub fn allow_origin(&self, url: &Url) {
        self.services.page_origins.add(url);
    }

    /// Reads the libraries of the playground's page (Web Chat, MSAL) from `directory`. Without them the page says what is
    /// missing.
    ///
    /// # Errors
    /// [`StageError::WebChat`] if one of them cannot be read.
    pub fn load_web_chat(&self, directory: &Path) -> Result<(), StageError> {
        self.services.web_chat_libraries.load(directory)
    }

    /// Base URL of the plain listener, `http://127.0.0.1:port`.
    #[must_use]
    pub fn http_base(&self) -> String {
        self.services.facts.addresses.http_base.clone()
    }

    /// Base URL of the TLS listener, `https://localhost:port`; every issuer starts with it.
    #[must_use]
    pub fn https_base(&self) -> String {
        self.services.facts.addresses.https_base.clone()
    }

    /// PEM file of the CA that signed the TLS listener's certificate.
    #[must_use]
    pub fn ca_file(&self) -> &Path {
        &self.services.facts.ca_file
    }

    /// The certificate that every confidential app has registered.
    #[must_use]
    pub fn client_certificate(&self) -> &RegisteredCertificate {
        &self.services.client_certificate
    }

    /// The tenants, users, apps, bots, clients and connections.
    #[must_use]
    pub fn directory(&self) -> &Directory {
        &self.services.directory
    }

    /// The v2 issuer of the tenant `tid`; pass `{tenantid}` for the template.
    #[must_use]
    pub fn v2_issuer(&self, tid: &str) -> String {
        self.services.facts.addresses.v2_issuer(tid)
    }

    /// The v1 issuer of the tenant `tid`; pass `{tenantid}` for the template.
    #[must_use]
    pub fn v1_issuer(&self, tid: &str) -> String {
        self.services.facts.addresses.v1_issuer(tid)
    }

    /// Issuer of channel tokens.
    #[must_use]
    pub fn channel_issuer(&self) -> String {
        self.services.facts.addresses.channel_issuer()
    }

    /// The URL of the connector sink, as it appears in channel tokens and activities.
    #[must_use]
    pub fn service_url(&self) -> String {
        self.services.facts.addresses.service_url()
    }

    /// The call log.
    #[must_use]
    pub fn calls(&self) -> &CallLog {
        &self.services.calls
    }

    /// Empties the call log, the connector sink and the demo bots' inboxes.
    pub fn reset_calls(&self) {
        self.services.calls.reset();
        self.services.sink.clear();
        self.services.bots.inboxes.clear();
    }

    /// The fault switches.
    #[must_use]
    pub fn faults(&self) -> &FaultSwitches {
        &self.services.faults
    }

    /// The switches for sessions that last longer than one token.
    #[must_use]
    pub fn sessions(&self) -> &SessionSwitches {
        &self.services.sessions
    }

    /// Records that a user consents to the permissions that an app requests.
    ///
    /// # Errors
    /// [`StageError::Unknown`] if there is no such user or app.
    pub fn consent(&self, user: &str, client_id: &str) -> Result<(), StageError> {
        let known = self.services.directory.find_user(user).ok_or_else(|| StageError::Unknown(user.to_owned()))?;
        let app =
            self.services.directory.find_app(client_id).ok_or_else(|| StageError::Unknown(client_id.to_owned()))?;
        self.services.consents.give(known, app.client_id);
        Ok(())
    }

    /// Withdraws every consent.
    pub fn forget_consents(&self) {
        self.services.consents.clear();
    }

    /// Registers an exact redirect URI for an app.
    pub fn allow_redirect(&self, client_id: &str, uri: &str) {
        self.services.redirect_uris.register(client_id, uri);
    }

    /// Revokes every refresh token of a user.
    pub fn revoke_refresh_tokens(&self, oid: &str) {
        self.services.logins.revoke_refresh_tokens(oid);
    }

    /// Generates a new key, which signs the tenants' tokens from now on. Older keys stay listed. Returns the new `kid`.
    ///
    /// # Errors
    /// When the key cannot be generated.
    pub async fn rotate_keys(&self) -> Result<String, StageError> {
        self.services.tokens.keys.rotate().await
    }

    /// Removes all keys but the signing key from the tenants' key set.
    pub fn retire_old_keys(&self) {
        self.services.tokens.keys.remove_old();
    }

    /// Signs any claims. Tests use it for tokens that no endpoint would issue.
    ///
    /// # Errors
    /// When signing fails.
    pub fn sign(&self, signer: Signer, claims: &Value) -> Result<String, StageError> {
        let channel = &self.services.channel.keys;
        match signer {
            Signer::Tenant => self.services.tokens.keys.sign(claims),
            Signer::Channel => channel.endorsed.sign(claims),
            Signer::ChannelForDirectLine => channel.directline.sign(claims),
            Signer::ChannelUnendorsed => channel.unendorsed.sign(claims),
        }
    }

    /// The claims of an assertion of the workload issuer that every bot's app trusts, valid for an hour.
    #[must_use]
    pub fn workload_claims(&self) -> WorkloadClaims {
        self.services.workload.trusted_claims()
    }

    /// Signs `claims` as the workload issuer and writes the assertion to `path`. The file is replaced in one step, as a
    /// cluster does it, so that no reader sees half of it.
    ///
    /// # Errors
    /// When the key cannot be generated or the file cannot be written.
    pub async fn write_assertion(&self, path: &Path, claims: &WorkloadClaims) -> Result<(), StageError> {
        self.services.workload.write_assertion(path, claims).await
    }

    /// The calls of bots to the connector sink, oldest first: `{method, conversation, activity_id?, bot, id,
    /// activity}`.
    #[must_use]
    pub fn connector_calls(&self, conversation: Option<&str>) -> Vec<Value> {
        self.services.sink.calls(conversation)
    }

    /// The activities that a demo bot received, oldest first, with tokens masked.
    #[must_use]
    pub fn received_activities(&self, bot: &str) -> Vec<Value> {
        self.services.bots.inboxes.activities(bot)
    }

    /// Closes both listeners without waiting for requests in flight.
    pub async fn shutdown(&self) {
        self.server.stop(false).await;
    }
}
