use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::web::ServiceConfig;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::Value;
use url::Url;

use super::calls::Calls;
use super::certificates::{self, ClientCertificate};
use super::channel::ChannelKeys;
use super::configuration::configuration;
use super::directory::Directory;
use super::error::StageError;
use super::faults::FaultSwitches;
use super::federation::WorkloadKey;
use super::instructions::instructions;
use super::keys::{KeyChain, SigningKey};
use super::listeners::{host_of, is_loopback_host, listen, port_of, serve};
use super::login_state::LoginState;
use super::manifest::manifest;
use super::sessions::SessionSwitches;
use super::state::{OperationsDoor, State, locked};
use super::{connector_sink, controls, demo_bot};
use crate::domain::{SharedClock, SharedEntropy};
use crate::outbound::{Outbound, OutboundSettings};

/// How to set up a stage.
pub struct StageOptions {
    /// Port of the plain listener; 0 takes any.
    pub http_port: u16,
    /// Port of the TLS listener; 0 takes any.
    pub https_port: u16,
    /// Where the CA file and the client certificate are written; made if absent.
    pub directory: PathBuf,
    /// The stage's time: tokens are issued and expire by it.
    pub clock: SharedClock,
    /// The stage's randomness: ids, codes, refresh tokens.
    pub entropy: SharedEntropy,
}

/// Whose signature a hand-made token gets.
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

/// A running stage; clones share it. It ends with [`Stage::shutdown`] or with its runtime.
#[derive(Clone)]
pub struct Stage {
    state: Arc<State>,
    server: ServerHandle,
}

impl Stage {
    /// Makes keys and certificates and opens both listeners on 127.0.0.1. Takes some 100 ms, for the keys.
    ///
    /// # Errors
    /// When a port is taken, a file cannot be written, or key material cannot be made.
    pub async fn start(options: StageOptions) -> Result<Self, StageError> {
        let http = listen(options.http_port)?;
        let https = listen(options.https_port)?;
        let directory = options.directory.clone();
        let making = tokio::task::spawn_blocking(move || certificates::make(&directory));
        let keys = SigningKey::generate_many(4).await?;
        let certificates = making.await.map_err(StageError::key_material)??;
        let Ok([tenant, endorsed, directline, unendorsed]) = <[Arc<SigningKey>; 4]>::try_from(keys) else {
            return Err(StageError::KeyMaterial("too few keys were made".to_owned()));
        };
        let state = Arc::new(State {
            http_base: format!("http://127.0.0.1:{}", port_of(&http)?),
            https_base: format!("https://localhost:{}", port_of(&https)?),
            clock: options.clock,
            entropy: options.entropy,
            ca_file: certificates.ca_file,
            directory: Directory::fixed(),
            tenant_keys: KeyChain::new(tenant),
            channel_keys: ChannelKeys { endorsed, directline, unendorsed },
            client_certificate: certificates.client,
            workload_key: WorkloadKey::default(),
            consents: Mutex::default(),
            redirects: Mutex::default(),
            gateway: Mutex::default(),
            login: LoginState::default(),
            faults: FaultSwitches::default(),
            sessions: SessionSwitches::default(),
            operations: Mutex::default(),
            calls: Calls::default(),
            sink: connector_sink::Sink::default(),
            inboxes: demo_bot::Inboxes::default(),
            anonymous: AtomicBool::new(false),
            outbound: loopback_client()?,
        });
        let server = serve(&state, http, https, certificates.tls)?;
        Ok(Self { state, server })
    }

    pub(super) fn state(&self) -> &State {
        &self.state
    }

    /// From now on the demo bots take the emulator's activities without a token, as bots without an app id do.
    pub fn admit_anonymous(&self) {
        self.state.anonymous.store(true, Ordering::SeqCst);
    }

    /// Base URL of the plain listener, `http://127.0.0.1:port`.
    #[must_use]
    pub fn http_base(&self) -> String {
        self.state.http_base.clone()
    }

    /// Base URL of the TLS listener, `https://localhost:port`; every issuer starts with it.
    #[must_use]
    pub fn https_base(&self) -> String {
        self.state.https_base.clone()
    }

    /// PEM file of the CA that signed the TLS listener's certificate.
    #[must_use]
    pub fn ca_file(&self) -> &Path {
        &self.state.ca_file
    }

    /// The certificate every confidential app has registered.
    #[must_use]
    pub fn client_certificate(&self) -> &ClientCertificate {
        &self.state.client_certificate
    }

    /// Tenants, users, apps, bots, clients and connections.
    #[must_use]
    pub fn directory(&self) -> &Directory {
        &self.state.directory
    }

    /// v2 issuer of a tenant; pass `{tenantid}` for the template.
    #[must_use]
    pub fn v2_issuer(&self, tid: &str) -> String {
        self.state.v2_issuer(tid)
    }

    /// v1 issuer of a tenant; pass `{tenantid}` for the template.
    #[must_use]
    pub fn v1_issuer(&self, tid: &str) -> String {
        self.state.v1_issuer(tid)
    }

    /// Issuer of channel tokens.
    #[must_use]
    pub fn channel_issuer(&self) -> String {
        self.state.channel_issuer()
    }

    /// The connector sink, as channel tokens and activities name it.
    #[must_use]
    pub fn service_url(&self) -> String {
        self.state.service_url()
    }

    /// A bot-sso configuration (TOML) with every bot and connection of the stage. Attaches the gateway.
    #[must_use]
    pub fn configuration(&self, gateway: &str, listen: &str, data_directory: &Path) -> String {
        self.attach_gateway(gateway);
        configuration(&self.state, gateway, listen, data_directory)
    }

    /// Lets the configuration have an operator's listener on `listen` (`127.0.0.1:port`), with a new admin token. Manifest
    /// and instructions then name both.
    pub fn open_operations(&self, listen: &str) {
        let admin_token = format!("{}-secret-of-the-local-stage", self.state.entropy.hex_id());
        *locked(&self.state.operations) = Some(OperationsDoor { listen: listen.to_owned(), admin_token });
    }

    /// The environment variables that the configuration's secrets are read from.
    #[must_use]
    pub fn secrets(&self) -> Vec<(String, String)> {
        super::configuration::secrets(&self.state)
    }

    /// What programs read to play client and channel.
    #[must_use]
    pub fn manifest(&self, gateway: &str) -> Value {
        manifest(&self.state, gateway)
    }

    /// `GET /dev/manifest.json`, to be mounted on the gateway's own listener. Attaches the gateway.
    pub fn routes(&self, gateway: &str) -> impl Fn(&mut ServiceConfig) + Clone + Send + 'static + use<> {
        self.attach_gateway(gateway);
        let manifest = self.manifest(gateway);
        move |config: &mut ServiceConfig| {
            let manifest = manifest.clone();
            config.route(
                "/dev/manifest.json",
                web::get().to(move |request: HttpRequest| {
                    let answer = if is_loopback_host(host_of(request.headers())) {
                        HttpResponse::Ok().json(&manifest)
                    } else {
                        HttpResponse::Forbidden().finish()
                    };
                    async move { answer }
                }),
            );
        }
    }

    /// What `bot-sso dev` prints.
    #[must_use]
    pub fn instructions(&self, gateway: &str) -> String {
        instructions(&self.state, gateway)
    }

    /// Tells the demo bots where their token service is, and registers the gateway's redirect URI for every
    /// confidential app. A URL that cannot be parsed is left out.
    pub fn attach_gateway(&self, gateway: &str) {
        let Ok(url) = Url::parse(gateway) else { return };
        if let Ok(redirect) = url.join("/.auth/web/redirect") {
            for app in self.state.directory.apps.iter().filter(|app| app.secret.is_some()) {
                self.state.allow_redirect(app.client_id, redirect.as_str());
            }
        }
        *locked(&self.state.gateway) = Some(url);
    }

    /// The call log.
    #[must_use]
    pub fn calls(&self) -> &Calls {
        &self.state.calls
    }

    /// Empties the call log, the connector sink and the demo bots' inboxes.
    pub fn reset_calls(&self) {
        self.state.calls.reset();
        self.state.sink.clear();
        self.state.inboxes.clear();
    }

    /// The fault switches.
    #[must_use]
    pub fn faults(&self) -> &FaultSwitches {
        &self.state.faults
    }

    /// How sessions behave that last longer than one token.
    #[must_use]
    pub fn sessions(&self) -> &SessionSwitches {
        &self.state.sessions
    }

    /// Lets a user consent to an app's downstream permissions.
    ///
    /// # Errors
    /// [`StageError::Unknown`] if there is no such user or app.
    pub fn consent(&self, user: &str, client_id: &str) -> Result<(), StageError> {
        let known = self.state.directory.find_user(user).ok_or_else(|| StageError::Unknown(user.to_owned()))?;
        let app = self.state.directory.find_app(client_id).ok_or_else(|| StageError::Unknown(client_id.to_owned()))?;
        self.state.consent(known, app.client_id);
        Ok(())
    }

    /// Takes every consent back.
    pub fn forget_consents(&self) {
        locked(&self.state.consents).clear();
    }

    /// Registers an exact redirect URI for an app.
    pub fn allow_redirect(&self, client_id: &str, uri: &str) {
        self.state.allow_redirect(client_id, uri);
    }

    /// Makes every refresh token of a user useless.
    pub fn revoke_refresh_tokens(&self, oid: &str) {
        self.state.login.revoke(oid);
    }

    /// A new key signs the tenants' tokens from now on; older ones stay listed. Answers the new `kid`.
    ///
    /// # Errors
    /// When the key cannot be made.
    pub async fn rotate_keys(&self) -> Result<String, StageError> {
        controls::rotate(&self.state).await
    }

    /// Ends the overlap: only the signing key stays listed.
    pub fn retire_old_keys(&self) {
        self.state.tenant_keys.retire_old();
    }

    /// Signs any claims, for tokens that no endpoint would give out.
    ///
    /// # Errors
    /// When the signature cannot be made.
    pub fn sign(&self, signer: Signer, claims: &Value) -> Result<String, StageError> {
        let channel = &self.state.channel_keys;
        match signer {
            Signer::Tenant => self.state.tenant_keys.sign(claims),
            Signer::Channel => channel.endorsed.sign(claims),
            Signer::ChannelForDirectLine => channel.directline.sign(claims),
            Signer::ChannelUnendorsed => channel.unendorsed.sign(claims),
        }
    }

    /// What bots sent to the connector sink, oldest first: `{method, conversation, activity_id?, bot, id, activity}`.
    #[must_use]
    pub fn sent(&self, conversation: Option<&str>) -> Vec<Value> {
        self.state.sink.sent(conversation)
    }

    /// The activities a demo bot received, oldest first, tokens masked.
    #[must_use]
    pub fn received(&self, bot: &str) -> Vec<Value> {
        self.state.inboxes.received(bot)
    }

    /// Closes both listeners without waiting for requests in flight.
    pub async fn shutdown(&self) {
        self.server.stop(false).await;
    }
}

/// The demo bots call nothing but loopback.
fn loopback_client() -> Result<Outbound, StageError> {
    let loopback = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
    Ok(Outbound::new(OutboundSettings {
        ca_certificates_pem: Vec::new(),
        egress_proxy: None,
        connect_timeout: Duration::from_secs(2),
        plain_http_hosts: loopback.clone(),
        private_hosts: loopback,
        private_networks: Vec::new(),
        max_connections_per_host: 256,
    })?)
}
