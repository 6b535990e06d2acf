//! The composition root: turns a configuration into a running application.
//!
//! The only place that names concrete back ends. Owns the order of building, and the life of the process between start
//! and drain. It deliberately decides nothing that a room could decide.

mod callers;
mod credential_check;
mod credentials;
mod doors;
mod listeners;
mod loopback_host;
mod providers;
mod renewal;
mod serving;
mod tls;

pub use credential_check::{CredentialCheck, check_credentials};
pub use listeners::BoundListeners;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use actix_web::web;

use self::callers::callers_of;
use self::doors::open_doors;
use self::providers::providers_of;
use self::renewal::{Renewable, RenewableCredential};

use crate::bot_connector::{BotClient, ContinuationDelivery};
use crate::config::{Configuration, EntraSection, KeySource, StoreDurability};
use crate::domain::{Directory, SharedClock, SharedEntropy};
use crate::endpoints::operations::AdminToken;
use crate::exchange::{ExchangeParts, TokenValidators, UserRates};
use crate::inbound::Callers;
use crate::observability::Counters;
use crate::outbound::{Outbound, OutboundError, OutboundSettings};
use crate::pending::{BrowserSignIns, ClaimsChallenges, Continuations, PendingError, PendingSignIns, SignInNeeds};
use crate::sealing::{KeyRing, KeyRingError, Sealer};
use crate::sign_in::{CodeRedemption, IdTokenValidators, MagicCodes};
use crate::store::{Durability, EmbeddedStore, Store, StoreError};
use crate::token_validation::{
    EntraTrust, ExchangeableTokenValidator, IdTokenTrust, IdTokenValidator, KeySet, KeySetSource,
};
use crate::vault::TokenVault;

/// Connections to one host at a time.
const CONNECTIONS_PER_HOST: usize = 256;

/// The two inputs that come from nowhere else.
#[derive(Clone)]
pub struct Ambient {
    /// The time.
    pub clock: SharedClock,
    /// Randomness.
    pub entropy: SharedEntropy,
}

/// Adds routes to the application's own.
pub type RouteFunction = Arc<dyn Fn(&mut web::ServiceConfig) + Send + Sync>;

/// What is different in development mode. It hands tokens to whoever asks, so it listens on loopback only and answers
/// only requests whose `Host` names this machine (DESIGN §5.14).
pub struct DevelopmentMode {
    /// Served beside the application's own.
    pub routes: RouteFunction,
    /// Let the Bot Framework Emulator on this machine call without a token. There is no other way to ask for it: whoever
    /// serves others authenticates them.
    pub anonymous: bool,
}

/// Why an application could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The key ring cannot be used.
    #[error("keys.file: {0}")]
    Keys(#[from] KeyRingError),
    /// The store cannot be opened.
    #[error("store.path: {0}")]
    Store(#[from] StoreError),
    /// What an earlier process has left cannot be read.
    #[error("store.path: {0}")]
    Pending(#[from] PendingError),
    /// The HTTP client cannot be set up.
    #[error("outbound: {0}")]
    Outbound(#[from] OutboundError),
    /// An address cannot be listened on.
    #[error("{key}: {address}: {source}")]
    Listen {
        /// The key it stands under.
        key: &'static str,
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The system does not say where a socket is bound.
    #[error("the address of a listener cannot be read: {0}")]
    Address(std::io::Error),
    /// Development mode was to be reachable from elsewhere.
    #[error(
        "server.listen, token_service.listen, operations.listen: development mode listens on loopback only, not on {0}"
    )]
    NotLoopback(SocketAddr),
    /// The process cannot be told to stop or to read its files again.
    #[error("signals cannot be received: {0}")]
    Signals(std::io::Error),
    /// The certificate cannot be used.
    #[error("server.tls: {0}")]
    Tls(String),
    /// A connection asks its identity provider for what it cannot do.
    #[error("connections.{connection}: its identity provider cannot exchange tokens: choose another identity_provider")]
    Incapable {
        /// The connection.
        connection: String,
    },
    /// A connection asks for `offline_access` where nothing can be refreshed.
    #[error(
        "connections.{connection}: its identity provider cannot refresh tokens: leave offline_access out of scopes"
    )]
    CannotRefresh {
        /// The connection.
        connection: String,
    },
}

/// An application that listens already and serves once it is run.
pub struct Application {
    public: serving::Listener,
    /// The Token Service's, if it has one.
    of_bots: Option<serving::Listener>,
    operations: Option<serving::Listener>,
    renewable: Arc<Renewable>,
    /// From when it listens on: a signal that comes before it runs must not end the process in its own way.
    signals: serving::Signals,
    counters: Arc<Counters>,
    delivery: ContinuationDelivery,
}

/// What doors share.
struct Rooms {
    ambient: Ambient,
    directory: Arc<Directory>,
    callers: Arc<Callers>,
    validators: Arc<TokenValidators>,
    id_tokens: Arc<IdTokenValidators>,
    parts: ExchangeParts,
    magic_codes: Arc<MagicCodes>,
    browsers: Arc<BrowserSignIns>,
    codes: CodeRedemption,
    counters: Arc<Counters>,
    bots: BotClient,
    delivery: ContinuationDelivery,
    credentials: Vec<RenewableCredential>,
    admin_token: Option<AdminToken>,
}

/// Builds the application on the runtime that will run it, and binds the listeners that `listeners` does not bring; for
/// production without a `development` mode.
///
/// # Errors
/// [`BuildError`] names the key of the configuration that has to change.
pub async fn build(
    config: Configuration,
    ambient: Ambient,
    listeners: BoundListeners,
    development: Option<DevelopmentMode>,
) -> Result<Application, BuildError> {
    if development.is_some()
        && let Some(address) = listeners.first_beyond_loopback(&config)?
    {
        return Err(BuildError::NotLoopback(address));
    }
    let sealer = Arc::new(Sealer::new(KeyRing::load(&config.keys.file)?, ambient.entropy.clone()));
    let clock = ambient.clock.clone();
    let anonymous = development.as_ref().is_some_and(|development| development.anonymous);
    let rooms = furnish(&config, ambient, &sealer, anonymous)?;
    rooms.parts.pending.recall().await?;
    let doors = open_doors(&config, &rooms);
    let certificate = config.server.tls.as_ref().map(tls::RenewableCertificate::load).transpose();
    let certificate = certificate.map_err(BuildError::Tls)?.map(Arc::new);
    let signals = serving::Signals::receive().map_err(BuildError::Signals)?;
    let is_development = development.is_some();
    let site = serving::Site { config: &config, doors: &doors, certificate: certificate.as_ref(), is_development };
    let operations = site.listen_for_operations(listeners.operations)?;
    let of_bots = site.listen_for_bots(listeners.token_service)?;
    let public = site.listen(listeners.public, development.map(|development| development.routes))?;
    let Rooms { counters, delivery, credentials, admin_token, .. } = rooms;
    let (keys, file) = (config.keys.file, config.file);
    let renewable = Arc::new(Renewable { sealer, keys, certificate, credentials, admin_token, file, clock });
    Ok(Application { public, of_bots, operations, renewable, signals, counters, delivery })
}

/// Everything behind the doors, bottom up.
fn furnish(
    config: &Configuration,
    ambient: Ambient,
    sealer: &Arc<Sealer>,
    anonymous: bool,
) -> Result<Rooms, BuildError> {
    let Ambient { clock, entropy } = ambient.clone();
    let durability = match config.store.durability {
        StoreDurability::Full => Durability::Full,
        StoreDurability::Normal => Durability::Normal,
    };
    let store: Arc<dyn Store> = Arc::new(EmbeddedStore::open(&config.store.path, durability, clock.clone())?);
    let outbound = Outbound::new(outbound_settings(config))?;
    let trusts = entra_trusts(config, &outbound, &ambient);
    let directory = directory_of(config);
    let (providers, credentials) = providers_of(config, &outbound, &ambient)?;
    let vault = Arc::new(TokenVault::new(store.clone(), sealer.clone(), clock.clone(), config.store.l1_bytes));
    let magic_codes = Arc::new(MagicCodes::new(store.clone(), sealer.clone(), clock.clone(), entropy.clone()));
    let browsers = BrowserSignIns::new(store.clone(), sealer.clone(), clock.clone(), entropy.clone());
    let counters = Arc::<Counters>::default();
    let parts = ExchangeParts {
        rates: Arc::new(UserRates::new(config.limits.user_exchanges_per_minute, clock.clone(), counters.clone())),
        pending: Arc::new(PendingSignIns::new(store.clone(), sealer.clone(), clock.clone(), entropy.clone())),
        continuations: Arc::new(Continuations::new(store.clone(), sealer.clone(), clock.clone())),
        challenges: Arc::new(ClaimsChallenges::new(store.clone(), sealer.clone(), clock.clone())),
        needs: Arc::new(SignInNeeds::new(store, sealer.clone(), clock.clone())),
        providers,
        clock,
        entropy,
        vault,
    };
    let validator = |trust: &EntraTrust| ExchangeableTokenValidator::new(trust.clone(), ambient.clock.clone());
    let validators = trusts.iter().map(|(name, trust)| (name.clone(), validator(trust))).collect();
    let validators = Arc::new(TokenValidators::new(validators));
    let id_tokens = Arc::new(id_tokens_of(config, &trusts, (&outbound, &ambient)));
    let callers = Arc::new(callers_of(config, trusts, (&directory, &counters), (&outbound, &ambient), anonymous));
    let codes = CodeRedemption::new(magic_codes.clone(), parts.clone());
    let bots = BotClient::new(outbound);
    let delivery = ContinuationDelivery::new(bots.clone(), parts.continuations.clone(), counters.clone());
    let admin_token = config.operations.as_ref().map(|section| AdminToken::new(section.admin_token.clone()));
    Ok(Rooms {
        ambient,
        directory,
        callers,
        validators,
        id_tokens,
        parts,
        magic_codes,
        browsers: Arc::new(browsers),
        codes,
        counters,
        bots,
        delivery,
        credentials,
        admin_token,
    })
}

fn outbound_settings(config: &Configuration) -> OutboundSettings {
    OutboundSettings {
        ca_certificates_pem: config.outbound.ca_certificates_pem.clone(),
        egress_proxy: config.outbound.egress_proxy.clone(),
        connect_timeout: config.outbound.connect_timeout,
        plain_http_hosts: config.plain_http_hosts(),
        private_hosts: config.literal_hosts(),
        private_networks: config.outbound.private_networks.clone(),
        max_connections_per_host: CONNECTIONS_PER_HOST,
    }
}

fn directory_of(config: &Configuration) -> Arc<Directory> {
    let connections = config.connections.iter().map(|section| section.connection.clone()).collect();
    Arc::new(Directory::new(config.bots.clone(), connections))
}

fn key_set(name: &str, source: &KeySource, outbound: &Outbound, ambient: &Ambient) -> Arc<KeySet> {
    let source = match source {
        KeySource::Jwks(url) => KeySetSource::Jwks(url.clone()),
        KeySource::Metadata(url) => KeySetSource::Metadata(url.clone()),
    };
    let keys = KeySet::new(name, source, outbound.clone(), ambient.clock.clone(), ambient.entropy.clone());
    let warming = keys.clone();
    tokio::spawn(async move { warming.warm().await });
    keys
}

fn entra_trusts(config: &Configuration, outbound: &Outbound, ambient: &Ambient) -> HashMap<String, EntraTrust> {
    let trust = |section: &EntraSection| EntraTrust {
        v2_issuer: section.issuer.clone(),
        v1_issuer: section.v1_issuer.clone(),
        key_set: key_set(&section.name, &section.keys, outbound, ambient),
        v1_key_set: None,
    };
    config.identity_providers.iter().map(|(name, section)| (name.clone(), trust(section))).collect()
}

/// Of every provider that users can sign in to in a browser.
fn id_tokens_of(
    config: &Configuration,
    trusts: &HashMap<String, EntraTrust>,
    (outbound, ambient): (&Outbound, &Ambient),
) -> IdTokenValidators {
    let entra = trusts.iter().map(|(name, trust)| (name, IdTokenTrust::Entra(trust.clone())));
    let openid = config.openid_providers.iter().map(|(name, section)| {
        let (issuer, key_set) = (section.issuer.clone(), key_set(name, &section.keys, outbound, ambient));
        (name, IdTokenTrust::OpenIdConnect { issuer, key_set })
    });
    let validator = |trust| IdTokenValidator::new(trust, ambient.clock.clone());
    IdTokenValidators::new(entra.chain(openid).map(|(name, trust)| (name.clone(), validator(trust))).collect())
}
