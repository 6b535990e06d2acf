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
mod observation;
mod operator_tokens;
mod providers;
mod readiness;
mod renewal;
mod services;
mod serving;
mod signals;
mod stores;
mod tls;
#[cfg(feature = "traces")]
mod traces;
#[cfg(not(feature = "traces"))]
#[path = "traces_left_out.rs"]
mod traces;

pub use doctor::{DoctorCheck, DoctorError, DoctorRequest, Finding, GivenManifest, Verdict, check_online, examine};
pub use listeners::BoundListeners;
pub use local_server::{LocalSocket, ServedWithTls, serve_locally};
pub use stores::{CopiedRecords, StoreCommandError, back_up_store, copy_store, find_store_problem, restore_store};

use std::net::SocketAddr;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use actix_web::web;

use self::credentials::CredentialEnds;
use self::doors::open_doors;
use self::key_use::describe;
use self::listeners::raise_open_file_limit;
use self::metrics::{build_metrics, show_key_sets};
use self::observation::build_observation;
use self::readiness::{CheckedParts, CheckedProvider, build_readiness};
use self::renewal::{Renewable, RenewableMail};
use self::services::{DirectoryServices, KeyRotation, OpenedCollections, Services, build_services};
use self::signals::Signals;
use self::stores::{OpenedRecords, open_records};
use self::traces::Traces;
use crate::bot_connector::ContinuationDelivery;
use crate::config::Configuration;
use crate::domain::{ClockAndEntropy, ExchangeObserver};
use crate::endpoints::directory::DirectoryMails;
use crate::observability::Counters;
use crate::outbound::{MailError, OutboundError};
use crate::records::{MissingKey, RecordError};
use crate::sealing::{KeyRingError, Sealer};
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
    public: serving::Listener,
    /// The Token Service's own listener, if one is configured.
    token_service: Option<serving::Listener>,
    operations: Option<serving::Listener>,
    /// The listener for health checks alone, if one is configured.
    health: Option<serving::Listener>,
    renewable: Arc<Renewable>,
    /// Received from the moment the sockets are bound: a signal that arrives before `run` must not end the process
    /// without draining.
    signals: Signals,
    is_draining: Arc<AtomicBool>,
    counters: Arc<Counters>,
    delivery: ContinuationDelivery,
    /// The messages of directories; `None` without directories.
    mails: Option<DirectoryMails>,
    vault: Arc<TokenVault>,
    /// Held while the application serves; `None` without directories.
    key_rotation: Option<KeyRotation>,
    /// `None` without the section `traces`.
    traces: Option<Traces>,
}

fn load_certificate(config: &Configuration) -> Result<Option<Arc<tls::RenewableCertificate>>, BuildError> {
    let certificate = config.server.tls.as_ref().map(tls::RenewableCertificate::load).transpose();
    Ok(certificate.map_err(BuildError::Tls)?.map(Arc::new))
}

/// Collects what SIGHUP reads again.
fn build_renewable(
    config: Configuration,
    services: Services,
    sealer: Arc<Sealer>,
    certificate: Option<Arc<tls::RenewableCertificate>>,
) -> Renewable {
    let (metrics, clock) = (services.metrics.clone(), services.ambient.clock.clone());
    let credential_ends = CredentialEnds::watch(config.credential_ends, metrics, clock);
    let Services { credentials, credential_builder, operator_tokens, caller_secrets, directories, .. } = services;
    let mailer = directories.and_then(|opened| opened.mailer);
    Renewable {
        sealer,
        keys: config.keys.file,
        certificate,
        credentials,
        credential_builder: Mutex::new(credential_builder),
        operator_tokens,
        caller_secrets,
        mail: mailer.map(|mailer| RenewableMail { mailer, then: config.mail.clone() }),
        credential_ends,
        file: config.file,
    }
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
    let anonymous = development.as_ref().is_some_and(|development| development.anonymous);
    let observer = development.as_ref().and_then(|development| development.observer.clone());
    let observation = build_observation(observer, config.traces.is_some());
    let metrics = build_metrics(&config, ambient.clock.as_ref(), observation);
    let OpenedRecords { sealer, store, records } = open_records(&config, &ambient, &metrics).await?;
    let directories = DirectoryServices::open(&config, &records, &ambient, metrics.directories()).await?;
    let opened = OpenedCollections { records: &records, directories };
    let services = build_services(&config, ambient, opened, metrics, anonymous)?;
    services.cards.recall().await?;
    services.speakers.recall(services.registrations.bots().map(AsRef::as_ref)).await?;
    show_key_sets(&services.metrics, &services.key_sets.list());
    let is_draining = Arc::new(AtomicBool::new(false));
    let readiness = build_readiness(CheckedParts {
        records,
        store,
        sealer: sealer.clone(),
        key_file: config.keys.file.clone(),
        channel_keys: services.key_sets.of_channels().cloned(),
        providers: CheckedProvider::list(&services),
        ambient: services.ambient.clone(),
        is_draining: is_draining.clone(),
    });
    let doors = open_doors(&config, &services, readiness);
    let certificate = load_certificate(&config)?;
    let traces = Traces::start(&config, &services.ambient, &services.metrics)?;
    let signals = Signals::receive().map_err(BuildError::Signals)?;
    let context = serving::ListenerContext {
        config: &config,
        doors: &doors,
        certificate: certificate.as_ref(),
        metrics: &services.metrics,
        tracer: traces.as_ref().map(Traces::tracer),
        connections: serving::share_open_files(&config, raise_open_file_limit())?,
        is_development: development.is_some(),
    };
    let operations = context.listen_for_operations(listeners.operations)?;
    let health = context.listen_for_health(listeners.health)?;
    let token_service = context.listen_for_bots(listeners.token_service)?;
    let public = context.listen(listeners.public, development.map(|development| development.routes))?;
    let mails = services.directories.as_ref().map(|opened| opened.mails.clone());
    let key_rotation = services.directories.as_ref().map(|opened| KeyRotation::start(opened.keys.clone()));
    let (counters, delivery, vault) = (services.counters().clone(), services.delivery.clone(), services.vault.clone());
    let renewable = Arc::new(build_renewable(config, services, sealer, certificate));
    Ok(Application {
        public,
        token_service,
        operations,
        health,
        renewable,
        signals,
        is_draining,
        counters,
        delivery,
        mails,
        vault,
        key_rotation,
        traces,
    })
}
