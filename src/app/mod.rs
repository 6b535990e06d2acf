//! The composition root: turns a configuration into a running application.
//!
//! The only place that names concrete back ends. Owns the order of building, and the life of the process between start
//! and drain. It deliberately decides nothing that a room could decide.

mod callers;
mod credential_check;
mod credentials;
mod doors;
mod keys;
mod listeners;
mod loopback_host;
mod providers;
mod renewal;
mod services;
mod serving;
mod tls;

pub use credential_check::{CredentialCheck, check_credentials};
pub use listeners::BoundListeners;

use std::net::SocketAddr;
use std::sync::Arc;

use actix_web::web;

use self::doors::open_doors;
use self::renewal::Renewable;
use self::services::{Services, build_services, open_store};
use crate::bot_connector::ContinuationDelivery;
use crate::config::Configuration;
use crate::domain::ClockAndEntropy;
use crate::observability::Counters;
use crate::outbound::OutboundError;
use crate::records::{RecordError, Records};
use crate::sealing::{KeyRing, KeyRingError, Sealer};
use crate::store::StoreError;

/// See [`ClockAndEntropy`].
pub type Ambient = ClockAndEntropy;

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
    Records(#[from] RecordError),
    /// Other processes write to the store, and what the application keeps in memory has no shared form yet.
    #[error("store.path: other processes write to this store, which this version does not support")]
    SharedStore,
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

/// Builds the application on the runtime that will run it, and binds the listeners that `listeners` does not bring; for
/// production without a `development` mode.
///
/// # Errors
/// [`BuildError`] names the key of the configuration that has to change.
pub async fn build(
    config: Configuration,
    ambient: ClockAndEntropy,
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
    let records = Records::new(open_store(&config, clock.clone())?, sealer.clone(), clock.clone());
    let services = build_services(&config, ambient, &records, anonymous)?;
    services.cards.recall().await?;
    let doors = open_doors(&config, &services);
    let certificate = config.server.tls.as_ref().map(tls::RenewableCertificate::load).transpose();
    let certificate = certificate.map_err(BuildError::Tls)?.map(Arc::new);
    let signals = serving::Signals::receive().map_err(BuildError::Signals)?;
    let is_development = development.is_some();
    let site = serving::Site { config: &config, doors: &doors, certificate: certificate.as_ref(), is_development };
    let operations = site.listen_for_operations(listeners.operations)?;
    let of_bots = site.listen_for_bots(listeners.token_service)?;
    let public = site.listen(listeners.public, development.map(|development| development.routes))?;
    let Services { counters, delivery, credentials, admin_token, .. } = services;
    let (keys, file) = (config.keys.file, config.file);
    let renewable = Arc::new(Renewable { sealer, keys, certificate, credentials, admin_token, file, clock });
    Ok(Application { public, of_bots, operations, renewable, signals, counters, delivery })
}
