use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use actix_web::middleware::from_fn;
use actix_web::{App, middleware, web};

use super::listener_settings::{HEALTH, ListenerSettings, OPERATIONS, OPERATIONS_CONNECTIONS, PUBLIC, TOKEN_SERVICE};
use super::listeners::{BoundListeners, ConnectionLimits, ConnectionTable, ListenerServer, ServerSettings};
use super::middleware::{HostNames, HostRefusals, Optional, limit_guesses, require_host};
use super::reload::ServedRoutes;
use super::routes::{ListenerRoutes, ReplaceableRoutes};
use super::signals::SignalTargets;
use super::tls::RenewableCertificate;
use super::{Application, BuildError, ProcessState, RouteFunction};
use crate::bot_connector::ContinuationDelivery;
use crate::config::Configuration;
use crate::domain::SharedClock;
use crate::endpoints::directory::DirectoryMails;
use crate::inbound::{Problem, RecordRequests};
use crate::observability::{AuditEntry, AuditEvent, Metrics, Tracer};

/// Makes browsers use https for the host of `server.public_url` for a year, however the user writes its address (RFC
/// 6797). Other hosts of the domain are not covered, since they are not this service's.
const STRICT_TRANSPORT: (&str, &str) = ("strict-transport-security", "max-age=31536000");
/// Open files that are left for the store, the log, and calls to identity providers and bots.
const OTHER_FILES: u64 = 256;
/// The open connections of a listener, if the configuration states no number and the system permits as many.
const DEFAULT_CONNECTIONS: usize = 10_000;
/// How long the process waits for open requests when it stops.
const DRAIN_SECONDS: u64 = 20;
/// How long the process then waits for `tokens/response` events that are being delivered, and for messages to users; the second
/// attempt of a delivery falls into this time.
const DELIVERY_DRAIN_TIMEOUT: Duration = Duration::from_secs(8);

/// How long the process then waits for the collector of traces.
const TRACE_DRAIN_TIMEOUT: Duration = Duration::from_secs(2);

/// A listener whose sockets are bound; it serves once `server` is awaited.
struct Listener {
    server: Server,
    addresses: Vec<SocketAddr>,
    routes: Arc<ReplaceableRoutes>,
}

/// The listeners of an application.
pub(super) struct Listeners {
    public: Listener,
    /// The Token Service's own listener, if one is configured.
    token_service: Option<Listener>,
    operations: Option<Listener>,
    /// The listener for health checks alone, if one is configured.
    health: Option<Listener>,
}

impl Listeners {
    /// Binds the listeners that `bound` does not contain.
    pub(super) fn bind(context: &ListenerContext<'_>, bound: BoundListeners) -> Result<Self, BuildError> {
        Ok(Self {
            operations: context.listen_for_operations(bound.operations)?,
            health: context.listen_for_health(bound.health)?,
            token_service: context.listen_for_bots(bound.token_service)?,
            public: context.listen(bound.public)?,
        })
    }

    /// The routes that they serve.
    pub(super) fn routes(&self) -> ServedRoutes {
        let of = |listener: &Option<Listener>| listener.as_ref().map(|listener| listener.routes.clone());
        ServedRoutes {
            public: self.public.routes.clone(),
            token_service: of(&self.token_service),
            operations: of(&self.operations),
            health: of(&self.health),
        }
    }
}

/// The parts from which all listeners of an application are built.
pub(super) struct ListenerContext<'a> {
    pub(super) config: &'a Configuration,
    pub(super) routes: &'a ListenerRoutes,
    pub(super) clock: &'a SharedClock,
    pub(super) certificate: Option<&'a Arc<RenewableCertificate>>,
    pub(super) metrics: &'a Metrics,
    /// Begins the traces of requests; `None` without the section `traces`.
    pub(super) tracer: Option<Tracer>,
    pub(super) connections: usize,
    pub(super) is_development: bool,
}

impl ListenerContext<'_> {
    /// Binds the public listener.
    fn listen(&self, bound: Vec<TcpListener>) -> Result<Listener, BuildError> {
        let settings = ListenerSettings {
            name: &PUBLIC,
            connections: self.connections,
            addresses: &self.config.server.listen,
            plain_on_loopback: false,
            workers: self.config.server.workers,
            is_operators: false,
            hosts: None,
            is_behind_public_url: true,
            drain_seconds: DRAIN_SECONDS,
        };
        self.start(&settings, bound, &self.routes.public)
    }

    /// Binds the Token Service's own listener, if one is configured. Addresses other than loopback are served with TLS.
    fn listen_for_bots(&self, bound: Vec<TcpListener>) -> Result<Option<Listener>, BuildError> {
        let Some(routes) = &self.routes.token_service else { return Ok(None) };
        let settings = ListenerSettings {
            name: &TOKEN_SERVICE,
            connections: self.connections,
            addresses: &self.config.token_service.listen,
            plain_on_loopback: true,
            workers: self.config.server.workers,
            is_operators: false,
            hosts: None,
            is_behind_public_url: true,
            // The public listener has drained before: the requests that its last requests caused here have been
            // answered by then.
            drain_seconds: 2,
        };
        self.start(&settings, bound, routes).map(Some)
    }

    /// Binds the operator's listener, if one is configured. Addresses other than loopback are served with TLS.
    fn listen_for_operations(&self, bound: Vec<TcpListener>) -> Result<Option<Listener>, BuildError> {
        let (Some(section), Some(routes)) = (&self.config.operations, &self.routes.operations) else {
            return Ok(None);
        };
        let addresses = [section.listen];
        let settings = ListenerSettings::of_operator(&OPERATIONS, &addresses, &section.hosts);
        self.start(&settings, bound, routes).map(Some)
    }

    /// Binds the listener for health checks, if one is configured. Addresses other than loopback are served with TLS.
    fn listen_for_health(&self, bound: Vec<TcpListener>) -> Result<Option<Listener>, BuildError> {
        let (Some(section), Some(routes)) = (&self.config.operations, &self.routes.health) else { return Ok(None) };
        let Some(address) = section.health_listen else { return Ok(None) };
        let addresses = [address];
        let settings = ListenerSettings::of_operator(&HEALTH, &addresses, &section.hosts);
        self.start(&settings, bound, routes).map(Some)
    }

    /// Binds the sockets of one listener and creates its server, which serves once it is awaited.
    fn start(
        &self,
        settings: &ListenerSettings<'_>,
        bound: Vec<TcpListener>,
        routes: &RouteFunction,
    ) -> Result<Listener, BuildError> {
        let routes = Arc::new(ReplaceableRoutes::new(routes.clone()));
        let served = routes.clone();
        let is_operators = settings.is_operators;
        let listed = if self.is_development { Some(&[][..]) } else { settings.hosts };
        let refusals = || HostRefusals::new(settings.name.label, self.clock.clone());
        let hosts = listed.map(|listed| HostNames::new(listed, refusals()));
        let is_secure = settings.is_behind_public_url && self.config.server.public_url.scheme() == "https";
        let tracer = self.tracer.clone();
        let app = move || {
            let require_host =
                |names: HostNames| from_fn(move |request, next| require_host(names.clone(), request, next));
            let secure_transport = || middleware::DefaultHeaders::new().add(STRICT_TRANSPORT);
            let record = if is_operators { RecordRequests::counting() } else { RecordRequests::logging() };
            let record = record.tracing(tracer.clone());
            App::new()
                .wrap(Optional(is_operators.then(|| from_fn(limit_guesses))))
                .wrap(Optional(hosts.clone().map(require_host)))
                .wrap(Optional(is_secure.then(secure_transport)))
                .wrap(record)
                .configure(|config| served.configure(config))
                .default_service(web::to(|| async { Problem::NotFound.respond() }))
        };
        let bounds = self.config.limits.connections;
        let limits = ConnectionLimits {
            total: settings.connections,
            per_client: bounds.per_client.min(settings.connections),
            arrival: bounds.arrival,
            idle: bounds.idle,
            write: bounds.write,
            trusted_proxies: self.config.server.trusted_proxies.clone(),
        };
        let table = ConnectionTable::new(
            limits,
            self.metrics.counters().clone(),
            self.metrics.open_connections(settings.name.label),
        );
        tokio::spawn(ConnectionTable::sweep(Arc::downgrade(&table)));
        let server_settings = ServerSettings {
            workers: settings.workers,
            drain_seconds: settings.drain_seconds,
            arrival: bounds.arrival,
        };
        let mut bound_server = ListenerServer::new(server_settings, table);
        let mut addresses = Vec::new();
        for listener in if bound.is_empty() { settings.bind()? } else { bound } {
            let address = listener.local_addr().map_err(BuildError::Address)?;
            let tls = self.tls_for(settings, address)?;
            let listening = bound_server.listen(listener, tls, app.clone(), routes.generation());
            bound_server =
                listening.map_err(|source| BuildError::Listen { key: settings.name.key, address, source })?;
            addresses.push(address);
        }
        Ok(Listener { server: bound_server.run(), addresses, routes })
    }

    /// The TLS configuration of an address; `None` if the address is served without TLS.
    fn tls_for(
        &self,
        settings: &ListenerSettings<'_>,
        address: SocketAddr,
    ) -> Result<Option<rustls::ServerConfig>, BuildError> {
        let certificate = self.certificate.filter(|_| !(settings.plain_on_loopback && address.ip().is_loopback()));
        certificate.map(RenewableCertificate::server_config).transpose().map_err(BuildError::Tls)
    }
}

/// The open connections that each listener for clients may have, within the limit on open files.
///
/// # Errors
/// [`BuildError::TooManyConnections`] if the configuration states more.
pub(super) fn share_open_files(config: &Configuration, open_files: Option<u64>) -> Result<usize, BuildError> {
    let listeners = 1 + u64::from(!config.token_service.listen.is_empty());
    let has_health = config.operations.as_ref().is_some_and(|section| section.health_listen.is_some());
    let others = OTHER_FILES + OPERATIONS_CONNECTIONS as u64 * (1 + u64::from(has_health));
    let permitted = open_files.map_or(u64::MAX, |files| files.saturating_sub(others) / listeners);
    let permitted = usize::try_from(permitted.max(1)).unwrap_or(usize::MAX);
    match config.limits.connections.total {
        None => Ok(permitted.min(DEFAULT_CONNECTIONS)),
        Some(total) if total <= permitted => Ok(total),
        Some(total) => Err(BuildError::TooManyConnections { total, permitted }),
    }
}

impl Application {
    /// The addresses of the public listener, with the ports that the system chose.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.listeners.public.addresses.clone()
    }

    /// The address of the operator's listener, if one is configured.
    #[must_use]
    pub fn operations_address(&self) -> Option<SocketAddr> {
        self.listeners.operations.as_ref().and_then(|listener| listener.addresses.first().copied())
    }

    /// The address of the listener for health checks, if one is configured.
    #[must_use]
    pub fn health_address(&self) -> Option<SocketAddr> {
        self.listeners.health.as_ref().and_then(|listener| listener.addresses.first().copied())
    }

    /// The addresses at which bots reach the Token Service: those of its own listener, or of the public one.
    #[must_use]
    pub fn token_service_addresses(&self) -> Vec<SocketAddr> {
        self.listeners.token_service.as_ref().map_or_else(|| self.addresses(), |listener| listener.addresses.clone())
    }

    /// A handle with which another task stops the application, as SIGTERM does.
    #[must_use]
    pub fn handle(&self) -> ServerHandle {
        self.listeners.public.server.handle()
    }

    /// The delivery of `tokens/response` events to bots. [`finish`](ContinuationDelivery::finish) waits for the
    /// deliveries under way. The store stays open as long as this value lives.
    #[must_use]
    pub fn delivery(&self) -> ContinuationDelivery {
        self.delivery.clone()
    }

    /// Serves until SIGTERM or Ctrl-C, then finishes the requests and deliveries under way. SIGHUP and a call of
    /// the operator's reload the configuration (docs/operating.md §Reload).
    ///
    /// # Errors
    /// If the server fails.
    pub async fn run(self) -> std::io::Result<()> {
        let Listeners { public, token_service, operations, health } = self.listeners;
        let ProcessState { signals, is_draining, key_rotation, traces } = self.process;
        let targets = SignalTargets {
            server: public.server.handle(),
            reloader: self.reloader,
            reloads: self.reloads,
            counters: self.counters.clone(),
            is_draining,
        };
        let signal_task = tokio::spawn(signals.run_until_stopped(targets));
        let token_service = token_service.map(|listener| (listener.server.handle(), tokio::spawn(listener.server)));
        let of_operator = [operations, health].into_iter().flatten();
        let of_operator: Vec<_> =
            of_operator.map(|listener| (listener.server.handle(), tokio::spawn(listener.server))).collect();
        AuditEntry::new(AuditEvent::Started).write();
        let served = public.server.await;
        // Stopped after the public listener: while a bot answers a forwarded activity, it still calls the Token
        // Service.
        if let Some((token_service, serving)) = token_service {
            token_service.stop(true).await;
            if !matches!(serving.await, Ok(Ok(()))) {
                tracing::warn!("the Token Service's listener failed");
            }
        }
        // Stopped last: a health check sees a draining process as alive.
        for (listener, serving) in of_operator {
            listener.stop(false).await;
            if !matches!(serving.await, Ok(Ok(()))) {
                tracing::warn!("the operator's listener failed");
            }
        }
        finish_deliveries(&self.delivery, self.mails.as_ref()).await;
        let sign_outs = self.vault.store_epochs().await;
        if sign_outs > 0 {
            tracing::error!(
                sign_outs,
                security = AuditEvent::SignOutNotStored.is_security(),
                "sign-outs everywhere are not stored and end with this process: sign the users out again"
            );
        }
        signal_task.abort();
        // The task holds the services, and they hold the store open.
        let _ = signal_task.await;
        drop(key_rotation);
        if let Some(traces) = &traces {
            traces.finish(TRACE_DRAIN_TIMEOUT).await;
        }
        AuditEntry::new(AuditEvent::Stopped).write();
        self.counters.log();
        served
    }
}

/// Waits for what is sent in the background, and says what was not sent in time.
async fn finish_deliveries(delivery: &ContinuationDelivery, mails: Option<&DirectoryMails>) {
    let mails = async {
        match mails {
            Some(mails) => mails.finish(DELIVERY_DRAIN_TIMEOUT).await,
            None => 0,
        }
    };
    let (are_delivered, messages) = tokio::join!(delivery.finish(DELIVERY_DRAIN_TIMEOUT), mails);
    if !are_delivered {
        tracing::warn!("some tokens/response events were not delivered: the bots did not answer in time");
    }
    if messages > 0 {
        tracing::warn!(messages, "some messages to users were not sent: the mail server did not answer in time");
    }
}
