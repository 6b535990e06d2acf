use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use actix_web::middleware::from_fn;
use actix_web::{App, middleware, web};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::doors::Doors;
use super::listeners::{ConnectionLimits, ConnectionTable, ListenerServer, ServerSettings};
use super::loopback_host::loopback_host_only;
use super::renewal::Renewable;
use super::tls::RenewableCertificate;
use super::{Application, BuildError, RouteFunction};
use crate::bot_connector::ContinuationDelivery;
use crate::config::Configuration;
use crate::endpoints::api_document::{self, ApiDocument};
use crate::endpoints::{bot_gateway, operations, sign_in_pages, token_service};
use crate::inbound::{Door, Problem, record_request};
use crate::observability::{AuditEntry, AuditEvent, Counters};

/// The open connections of the operator's listener.
const OPERATIONS_CONNECTIONS: usize = 64;
/// Open files that are left for the store, the log, and calls to identity providers and bots.
const OTHER_FILES: u64 = 256;
/// The open connections of a listener, if the configuration states no number and the system permits as many.
const DEFAULT_CONNECTIONS: usize = 10_000;
/// How long the process waits for open requests when it stops.
const DRAIN_SECONDS: u64 = 20;
/// How long the process then waits for `tokens/response` events that are being delivered; the second attempt of a
/// delivery falls into this time.
const DELIVERY_DRAIN_TIMEOUT: Duration = Duration::from_secs(8);
/// The interval at which the counters are logged.
const COUNTS_LOG_INTERVAL: Duration = Duration::from_mins(5);

/// A listener whose sockets are bound; it serves once `server` is awaited.
pub(super) struct Listener {
    server: Server,
    addresses: Vec<SocketAddr>,
}

/// The parts from which all listeners of an application are built.
pub(super) struct ListenerContext<'a> {
    pub(super) config: &'a Configuration,
    pub(super) doors: &'a Doors,
    pub(super) certificate: Option<&'a Arc<RenewableCertificate>>,
    pub(super) counters: &'a Arc<Counters>,
    pub(super) connections: usize,
    pub(super) is_development: bool,
}

impl ListenerContext<'_> {
    /// Binds the public listener. It serves the Token Service too, unless that has its own listener.
    pub(super) fn listen(
        &self,
        bound: Vec<TcpListener>,
        extra_routes: Option<RouteFunction>,
    ) -> Result<Listener, BuildError> {
        let serves_bots = self.config.token_service.listen.is_empty();
        let mut described = vec![&bot_gateway::DOOR, &sign_in_pages::DOOR];
        if serves_bots {
            described.push(&token_service::DOOR);
        }
        let document = render_document("What channels, bots and browsers call.", &described);
        let doors = self.doors.clone();
        let routes = move |routes: &mut web::ServiceConfig| {
            let doors = doors.clone();
            routes.app_data(doors.proxies).app_data(doors.entropy).app_data(doors.clock);
            bot_gateway::configure(routes, doors.gateway);
            if serves_bots {
                token_service::configure(routes, doors.token_service);
            }
            sign_in_pages::configure(routes, doors.sign_in_pages);
            api_document::configure(routes, document.clone());
            if let Some(add) = &extra_routes {
                add(routes);
            }
        };
        let settings = ListenerSettings {
            key: "server.listen",
            connections: self.connections,
            addresses: &self.config.server.listen,
            plain_on_loopback: false,
            workers: self.config.server.workers,
            records_requests: true,
            drain_seconds: DRAIN_SECONDS,
        };
        self.start(&settings, bound, Arc::new(routes))
    }

    /// Binds the Token Service's own listener, if one is configured. Addresses other than loopback are served with TLS.
    pub(super) fn listen_for_bots(&self, bound: Vec<TcpListener>) -> Result<Option<Listener>, BuildError> {
        if self.config.token_service.listen.is_empty() {
            return Ok(None);
        }
        let document = render_document("What bots call.", &[&token_service::DOOR]);
        let doors = self.doors.clone();
        let routes = move |routes: &mut web::ServiceConfig| {
            let doors = doors.clone();
            routes.app_data(doors.proxies).app_data(doors.entropy).app_data(doors.clock);
            token_service::configure(routes, doors.token_service);
            api_document::configure(routes, document.clone());
        };
        let settings = ListenerSettings {
            key: "token_service.listen",
            connections: self.connections,
            addresses: &self.config.token_service.listen,
            plain_on_loopback: true,
            workers: self.config.server.workers,
            records_requests: true,
            // The public listener has drained before: the requests that its last requests caused here have been
            // answered by then.
            drain_seconds: 2,
        };
        self.start(&settings, bound, Arc::new(routes)).map(Some)
    }

    /// Binds the operator's listener, if one is configured. Addresses other than loopback are served with TLS.
    pub(super) fn listen_for_operations(&self, bound: Vec<TcpListener>) -> Result<Option<Listener>, BuildError> {
        let (Some(section), Some(door)) = (&self.config.operations, self.doors.operations.clone()) else {
            return Ok(None);
        };
        let document = render_document("What the operator calls.", &[&operations::DOOR]);
        let routes = move |routes: &mut web::ServiceConfig| {
            operations::configure(routes, door.clone());
            api_document::configure(routes, document.clone());
        };
        let settings = ListenerSettings {
            key: "operations.listen",
            connections: OPERATIONS_CONNECTIONS,
            addresses: &[section.listen],
            plain_on_loopback: true,
            workers: Some(1),
            // A health check calls every few seconds; its requests would fill the log.
            records_requests: false,
            drain_seconds: 0,
        };
        self.start(&settings, bound, Arc::new(routes)).map(Some)
    }

    /// Binds the sockets of one listener and creates its server, which serves once it is awaited.
    fn start(
        &self,
        settings: &ListenerSettings<'_>,
        bound: Vec<TcpListener>,
        routes: RouteFunction,
    ) -> Result<Listener, BuildError> {
        let (is_development, records_requests) = (self.is_development, settings.records_requests);
        let app = move || {
            App::new()
                .wrap(middleware::Condition::new(is_development, from_fn(loopback_host_only)))
                .wrap(middleware::Condition::new(records_requests, from_fn(record_request)))
                .configure(|config| routes(config))
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
        let table = ConnectionTable::new(limits, self.counters.clone());
        tokio::spawn(ConnectionTable::sweep(Arc::downgrade(&table)));
        let server_settings = ServerSettings {
            workers: settings.workers,
            drain_seconds: settings.drain_seconds,
            arrival: bounds.arrival,
            idle: bounds.idle,
        };
        let mut server = ListenerServer::new(server_settings, table);
        let mut addresses = Vec::new();
        for listener in if bound.is_empty() { settings.bind()? } else { bound } {
            let address = listener.local_addr().map_err(BuildError::Address)?;
            let tls = self.tls_for(settings, address)?;
            let listening = server.listen(listener, tls, app.clone());
            server = listening.map_err(|source| BuildError::Listen { key: settings.key, address, source })?;
            addresses.push(address);
        }
        Ok(Listener { server: server.run(), addresses })
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
    let others = OTHER_FILES + OPERATIONS_CONNECTIONS as u64;
    let permitted = open_files.map_or(u64::MAX, |files| files.saturating_sub(others) / listeners);
    let permitted = usize::try_from(permitted.max(1)).unwrap_or(usize::MAX);
    match config.limits.connections.total {
        None => Ok(permitted.min(DEFAULT_CONNECTIONS)),
        Some(total) if total <= permitted => Ok(total),
        Some(total) => Err(BuildError::TooManyConnections { total, permitted }),
    }
}

/// Renders the `OpenAPI` document of `doors` once for all workers.
fn render_document(description: &str, doors: &[&Door]) -> web::Data<ApiDocument> {
    web::Data::new(ApiDocument::render("bot-sso", description, doors))
}

/// The settings of one listener.
struct ListenerSettings<'c> {
    /// The configuration key that holds the addresses.
    key: &'static str,
    /// Open connections of all clients.
    connections: usize,
    addresses: &'c [SocketAddr],
    /// Whether loopback addresses are served without TLS.
    plain_on_loopback: bool,
    /// `None`: one worker for each processor.
    workers: Option<usize>,
    /// Whether the log has a line for each request.
    records_requests: bool,
    /// How long the listener waits for open requests when it stops.
    drain_seconds: u64,
}

impl ListenerSettings<'_> {
    /// Binds all addresses.
    fn bind(&self) -> Result<Vec<TcpListener>, BuildError> {
        let failed = |address, source| BuildError::Listen { key: self.key, address, source };
        self.addresses.iter().map(|&at| TcpListener::bind(at).map_err(|source| failed(at, source))).collect()
    }
}

impl Application {
    /// The addresses of the public listener, with the ports that the system chose.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.public.addresses.clone()
    }

    /// The address of the operator's listener, if one is configured.
    #[must_use]
    pub fn operations_address(&self) -> Option<SocketAddr> {
        self.operations.as_ref().and_then(|listener| listener.addresses.first().copied())
    }

    /// The addresses at which bots reach the Token Service: those of its own listener, or of the public one.
    #[must_use]
    pub fn token_service_addresses(&self) -> Vec<SocketAddr> {
        self.token_service.as_ref().map_or_else(|| self.addresses(), |listener| listener.addresses.clone())
    }

    /// A handle with which another task stops the application, as SIGTERM does.
    #[must_use]
    pub fn handle(&self) -> ServerHandle {
        self.public.server.handle()
    }

    /// The delivery of `tokens/response` events to bots. [`finish`](ContinuationDelivery::finish) waits for the
    /// deliveries under way. The store stays open as long as this value lives.
    #[must_use]
    pub fn delivery(&self) -> ContinuationDelivery {
        self.delivery.clone()
    }

    /// Serves until SIGTERM or Ctrl-C, then finishes the requests and deliveries under way. SIGHUP reloads the key
    /// ring, the certificate and the client credentials.
    ///
    /// # Errors
    /// If the server fails.
    pub async fn run(self) -> std::io::Result<()> {
        let handle = self.public.server.handle();
        let signal_task = tokio::spawn(run_until_stopped(handle, self.signals, self.renewable, self.counters.clone()));
        let token_service =
            self.token_service.map(|listener| (listener.server.handle(), tokio::spawn(listener.server)));
        let operations = self.operations.map(|listener| (listener.server.handle(), tokio::spawn(listener.server)));
        AuditEntry::new(AuditEvent::Started).write();
        let served = self.public.server.await;
        // Stopped after the public listener: while a bot answers a forwarded activity, it still calls the Token
        // Service.
        if let Some((token_service, serving)) = token_service {
            token_service.stop(true).await;
            if !matches!(serving.await, Ok(Ok(()))) {
                tracing::warn!("the Token Service's listener failed");
            }
        }
        // Stopped last: a health check sees a draining process as alive.
        if let Some((operations, serving)) = operations {
            operations.stop(false).await;
            if !matches!(serving.await, Ok(Ok(()))) {
                tracing::warn!("the operator's listener failed");
            }
        }
        if !self.delivery.finish(DELIVERY_DRAIN_TIMEOUT).await {
            tracing::warn!("some tokens/response events were not delivered: the bots did not answer in time");
        }
        let sign_outs = self.vault.store_epochs().await;
        if sign_outs > 0 {
            tracing::error!(
                sign_outs,
                security = true,
                "sign-outs everywhere are not stored and end with this process: sign the users out again"
            );
        }
        signal_task.abort();
        AuditEntry::new(AuditEvent::Stopped).write();
        self.counters.log();
        served
    }
}

/// The signals that the process handles.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    pub(super) fn receive() -> std::io::Result<Self> {
        let terminate = signal(SignalKind::terminate())?;
        let interrupt = signal(SignalKind::interrupt())?;
        Ok(Self { terminate, interrupt, hang_up: signal(SignalKind::hangup())? })
    }
}

/// Handles signals and logs the counters until SIGTERM or Ctrl-C arrives, then stops the server.
async fn run_until_stopped(
    handle: ServerHandle,
    mut signals: Signals,
    renewable: Arc<Renewable>,
    counters: Arc<Counters>,
) {
    let mut ticks = tokio::time::interval(COUNTS_LOG_INTERVAL);
    ticks.tick().await;
    loop {
        tokio::select! {
            _ = signals.terminate.recv() => break,
            _ = signals.interrupt.recv() => break,
            _ = signals.hang_up.recv() => {
                let renewable = renewable.clone();
                // `renew` reads files, so it runs on a blocking thread. It logs its own failures, so the result is ignored.
                let _ = tokio::task::spawn_blocking(move || renewable.renew()).await;
            }
            _ = ticks.tick() => counters.log(),
        }
    }
    tracing::info!("draining: no new connections, requests under way are finished");
    handle.stop(true).await;
}
