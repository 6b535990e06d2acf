//! The composition root: turns a configuration into a running application.
//!
//! The only room that names concrete back ends. Owns the order of building, and the life of the process between start
//! and drain. It deliberately makes no decision that another room can make.

mod back_end_keys;
mod caller_secrets;
mod callers;
mod credentials;
mod directory_provider;
mod doctor;
mod doors;
#[cfg(test)]
mod hints_tests;
mod key_use;
mod keys;
mod listener_settings;
mod listeners;
mod local_server;
mod metrics;
mod middleware;
mod operator_tokens;
mod providers;
mod readiness;
mod reload;
mod routes;
mod services;
mod serving;
mod signals;
mod stores;
mod tls;
mod traces;

pub use doctor::{DoctorCheck, DoctorError, DoctorRequest, Finding, GivenManifest, Verdict, check_online, examine};
pub use listeners::BoundListeners;
pub use local_server::{LocalSocket, ServedWithTls, serve_locally};
pub use stores::{CopiedRecords, StoreCommandError, back_up_store, copy_store, find_store_problem, restore_store};

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use actix_web::web;

use self::credentials::CredentialEnds;
use self::doors::{DoorSources, open_doors};
use self::key_use::describe;
use self::listeners::raise_open_file_limit;
use self::metrics::{build_metrics, show_key_sets};
use self::readiness::{LastingChecks, build_readiness};
use self::reload::{Reloader, RenewableFiles, RenewableMail, ServedConfiguration};
use self::routes::{LastingRoutes, ListenerRoutes, RouteSources};
use self::services::{DirectoryServices, KeyRotation, OpenedCollections, Services, build_services};
use self::serving::{ListenerContext, Listeners};
use self::signals::Signals;
use self::stores::{OpenedRecords, open_records};
use self::traces::{Traces, build_observation};
use crate::bot_connector::ContinuationDelivery;
use crate::config::Configuration;
use crate::domain::{ClockAndEntropy, ExchangeObserver, ReceivedReloads, ReloadCalls};
use crate::endpoints::directory::DirectoryMails;
use crate::observability::Counters;
use crate::outbound::{MailError, OutboundError};
use crate::records::{MissingKey, RecordError};
use crate::sealing::KeyRingError;
use crate::store::StoreError;
use crate::vault::TokenVault;

/// Adds routes to those of the application.
pub type RouteFunction = Arc<dyn Fn(&mut web::ServiceConfig) + Send + Sync>;

/// The settings of development mode. This mode issues tokens without authentication, so it listens on loopback only and
/// answers only requests whose `Host` names this machine (docs/architecture.md §Security rules, rule 14).
#[derive(Clone)]
pub struct DevelopmentMode {
    /// Routes that are served beside the application's own.
    pub routes: RouteFunction,
    /// Lets the Bot Framework Emulator on this machine call without a token. Only development mode has this switch: a
    /// service that serves other machines always authenticates its callers.
    pub anonymous: bool,
    /// Is told of every exchange.
    pub observer: Option<Arc<dyn ExchangeObserver>>,
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
    /// The store on the server cannot be used.
    #[error("store.url: {0}")]
    SharedStore(StoreError),
    /// The records that an earlier process wrote cannot be read.
    #[error("store: {0}")]
    Records(#[from] RecordError),
    /// The store has records that none of the key ring's keys can open.
    #[error(
        "keys.file: the key ring lacks {}: write the key file that the store was used with, or another store.path \
         (store.prefix where the store is on a server) for an empty store",
        describe(.0)
    )]
    MissingKeys(Vec<MissingKey>),
    /// The HTTP client cannot be set up.
    #[error("outbound: {0}")]
    Outbound(#[from] OutboundError),
    /// An address cannot be bound.
    #[error("{key}: {address}: {source}")]
    Listen {
        /// The configuration key that holds the address.
        key: &'static str,
        /// The address that cannot be bound.
        address: SocketAddr,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// The process may not open as many files as `limits.connections` needs.
    #[error(
        "limits.connections: {total} is more than the limit on open files permits: write at most {permitted}, or raise \
         the limit (ulimit -n, LimitNOFILE)"
    )]
    TooManyConnections {
        /// The configured number.
        total: usize,
        /// The largest number that is permitted.
        permitted: usize,
    },
    /// The operating system does not report the address of a bound socket.
    #[error("the address of a listener cannot be read: {0}")]
    Address(std::io::Error),
    /// Development mode was configured with an address that other machines can reach.
    #[error(
        "server.listen, token_service.listen, operations.listen: development mode listens on loopback only, not on {0}"
    )]
    NotLoopback(SocketAddr),
    /// The handlers of the signals that stop the process or reload its files cannot be installed.
    #[error("signals cannot be received: {0}")]
    Signals(std::io::Error),
    /// The certificate cannot be used.
    #[error("server.tls: {0}")]
    Tls(String),
    /// The section for mail cannot be used.
    #[error("mail: {0}")]
    Mail(#[from] MailError),
    /// A connection needs a token exchange, which its identity provider does not support.
    #[error("{place}: its identity provider cannot exchange tokens: choose another identity_provider")]
    Incapable {
        /// The connection's place in the configuration.
        place: String,
    },
    /// A connection requests `offline_access`, but its identity provider cannot refresh tokens.
    #[error("{place}: its identity provider cannot refresh tokens: leave offline_access out of scopes")]
    CannotRefresh {
        /// The connection's place in the configuration.
        place: String,
    },
}

/// An application whose sockets are bound; it serves once [`Application::run`] is called.
pub struct Application {
    listeners: Listeners,
    /// Boxed, because it is large.
    reloader: Box<Reloader>,
    reloads: ReceivedReloads,
    process: ProcessState,
    counters: Arc<Counters>,
    delivery: ContinuationDelivery,
    /// The messages of directories; `None` without directories.
    mails: Option<DirectoryMails>,
    vault: Arc<TokenVault>,
}

/// What lives as long as the process serves.
struct ProcessState {
    /// Received from the moment the sockets are bound: a signal that arrives before `run` must not end the process
    /// without draining.
    signals: Signals,
    is_draining: Arc<AtomicBool>,
    /// `None` without directories.
    key_rotation: Option<KeyRotation>,
    /// `None` without the section `traces`.
    traces: Option<Traces>,
}

impl Application {
    fn new(listeners: Listeners, reloader: Box<Reloader>, reloads: ReceivedReloads, process: ProcessState) -> Self {
        let services = &reloader.served.services;
        Self {
            counters: services.counters().clone(),
            delivery: services.delivery.clone(),
            mails: services.directories.as_ref().map(|opened| opened.mails.clone()),
            vault: services.vault.clone(),
            listeners,
            reloader,
            reloads,
            process,
        }
    }
}

fn load_certificate(config: &Configuration) -> Result<Option<Arc<tls::RenewableCertificate>>, BuildError> {
    let certificate = config.server.tls.as_ref().map(tls::RenewableCertificate::load).transpose();
    Ok(certificate.map_err(BuildError::Tls)?.map(Arc::new))
}

/// The services of a configuration, and what the checks of readiness look at beside them.
struct OpenedServices {
    services: Services,
    checks: LastingChecks,
}

/// Opens the store, and builds the services over it.
async fn open_services(
    config: &Configuration,
    ambient: ClockAndEntropy,
    development: Option<&DevelopmentMode>,
) -> Result<OpenedServices, BuildError> {
    let anonymous = development.is_some_and(|development| development.anonymous);
    let observer = development.and_then(|development| development.observer.clone());
    let observation = build_observation(observer, config.traces.is_some());
    let metrics = build_metrics(config, ambient.clock.as_ref(), observation);
    let OpenedRecords { sealer, store, records } = open_records(config, &ambient, &metrics).await?;
    let directories = DirectoryServices::open(config, &records, &ambient, metrics.directories()).await?;
    let opened = OpenedCollections { records: &records, directories };
    let services = build_services(config, ambient, opened, metrics, anonymous)?;
    services.cards.recall().await?;
    services.speakers.recall(services.registrations.bots().map(AsRef::as_ref)).await?;
    show_key_sets(&services.metrics, &services.key_sets.list());
    let (key_file, ambient) = (config.keys.file.clone(), services.ambient.clone());
    let checks = LastingChecks { records, store, sealer, key_file, ambient, is_draining: Arc::default() };
    Ok(OpenedServices { services, checks })
}

/// Builds the application on the runtime that will run it, and binds the listeners that `listeners` does not contain.
/// `development` is `None` in production.
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
        && let Some(address) = listeners.find_non_loopback_address(&config)?
    {
        return Err(BuildError::NotLoopback(address));
    }
    let OpenedServices { services, checks } = Box::pin(open_services(&config, ambient, development.as_ref())).await?;
    let (calls, reloads) = ReloadCalls::new();
    let sources = DoorSources { config: &config, services: &services, reloads: &calls, earlier: None };
    let doors = open_doors(&sources, build_readiness(checks.of(&services)));
    let certificate = load_certificate(&config)?;
    let traces = Traces::start(&config, &services.ambient, &services.metrics)?;
    let signals = Signals::receive().map_err(BuildError::Signals)?;
    let is_development = development.is_some();
    let lasting_routes = LastingRoutes::new(&doors, development.map(|development| development.routes));
    let metrics = &services.metrics;
    let routes =
        ListenerRoutes::build(&RouteSources { config: &config, doors: &doors, metrics, lasting: &lasting_routes });
    let context = ListenerContext {
        config: &config,
        routes: &routes,
        clock: &services.ambient.clock,
        certificate: certificate.as_ref(),
        metrics,
        tracer: traces.as_ref().map(Traces::tracer),
        connections: serving::share_open_files(&config, raise_open_file_limit())?,
        is_development,
    };
    let listeners = Listeners::bind(&context, listeners)?;
    let key_rotation = services.directories.as_ref().map(|opened| KeyRotation::start(opened.keys.clone()));
    let (sealer, is_draining) = (checks.sealer.clone(), checks.is_draining.clone());
    let (keys, file) = (config.keys.file.clone(), config.file.clone());
    let reloader = Box::new(Reloader {
        files: Arc::new(RenewableFiles { sealer, keys, certificate, file }),
        mail: RenewableMail::find(&config, &services),
        routes: listeners.routes(),
        credential_ends: CredentialEnds::watch(
            config.credential_ends.clone(),
            services.metrics.clone(),
            services.ambient.clock.clone(),
        ),
        served: ServedConfiguration { config, services, doors },
        lasting_routes,
        checks,
        calls,
    });
    let process = ProcessState { signals, is_draining, key_rotation, traces };
    Ok(Application::new(listeners, reloader, reloads, process))
}
