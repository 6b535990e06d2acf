use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use actix_web::middleware::from_fn;
use actix_web::{App, middleware, web};

use super::doors::{DirectoryDoors, Doors};
use super::listener_settings::{
    HEALTH, ListenerSettings, OPERATIONS, OPERATIONS_CONNECTIONS, PUBLIC, SharedRoutes, TOKEN_SERVICE,
};
use super::listeners::{ConnectionLimits, ConnectionTable, ListenerServer, ServerSettings};
use super::middleware::{HostNames, HostRefusals, OperatorGuesses, Optional, limit_guesses, require_host};
use super::signals::SignalTargets;
use super::tls::RenewableCertificate;
use super::{Application, BuildError, RouteFunction};
use crate::bot_connector::ContinuationDelivery;
use crate::config::Configuration;
use crate::endpoints::directory::DirectoryMails;
use crate::endpoints::{
    back_channel_logout, bot_gateway, health, metrics, operations, sign_in_pages, skill_host, token_service, web_chat,
};
use crate::inbound::{Door, Problem, RecordRequests};
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
pub(super) struct Listener {
    server: Server,
    addresses: Vec<SocketAddr>,
}

/// The parts from which all listeners of an application are built.
pub(super) struct ListenerContext<'a> {
    pub(super) config: &'a Configuration,
    pub(super) doors: &'a Doors,
    pub(super) certificate: Option<&'a Arc<RenewableCertificate>>,
    pub(super) metrics: &'a Metrics,
    /// Begins the traces of requests; `None` without the section `traces`.
    pub(super) tracer: Option<Tracer>,
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
        let mut described = vec![&bot_gateway::DOOR, &skill_host::DOOR, &sign_in_pages::DOOR, &web_chat::DOOR];
        if serves_bots {
            described.push(&token_service::DOOR);
        }
        described.extend(self.doors.back_ends.tables());
        if self.doors.back_channel_logout.is_some() {
            described.push(&back_channel_logout::DOOR);
        }
        if self.doors.directories.is_some() {
            described.extend(DirectoryDoors::tables());
        }
        let shared = SharedRoutes::new("What channels, bots and browsers call.", &described, self.metrics);
        let doors = self.doors.clone();
        let routes = move |routes: &mut web::ServiceConfig| {
            let doors = doors.clone();
            routes.app_data(doors.proxies).app_data(doors.entropy).app_data(doors.clock);
            shared.configure(routes);
            bot_gateway::configure(routes, doors.gateway);
            skill_host::configure(routes, doors.skill_host);
            if serves_bots {
                token_service::configure(routes, doors.token_service);
            }
            sign_in_pages::configure(routes, doors.sign_in_pages);
            web_chat::configure(routes);
            doors.back_ends.configure(routes);
            if let Some(door) = doors.back_channel_logout {
                back_channel_logout::configure(routes, door);
            }
            if let Some(directories) = doors.directories {
                directories.configure(routes);
            }
            if let Some(add) = &extra_routes {
                add(routes);
            }
        };
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
        self.start(&settings, bound, Arc::new(routes))
    }

    /// Binds the Token Service's own listener, if one is configured. Addresses other than loopback are served with TLS.
    pub(super) fn listen_for_bots(&self, bound: Vec<TcpListener>) -> Result<Option<Listener>, BuildError> {
        if self.config.token_service.listen.is_empty() {
            return Ok(None);
        }
        let shared = SharedRoutes::new("What bots call.", &[&token_service::DOOR], self.metrics);
        let doors = self.doors.clone();
        let routes = move |routes: &mut web::ServiceConfig| {
            let doors = doors.clone();
            routes.app_data(doors.proxies).app_data(doors.entropy).app_data(doors.clock);
            token_service::configure(routes, doors.token_service);
            shared.configure(routes);
        };
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
        self.start(&settings, bound, Arc::new(routes)).map(Some)
    }

    /// Binds the operator's listener, if one is configured. Addresses other than loopback are served with TLS.
    pub(super) fn listen_for_operations(&self, bound: Vec<TcpListener>) -> Result<Option<Listener>, BuildError> {
        let (Some(section), Some(door)) = (&self.config.operations, self.doors.operations.clone()) else {
            return Ok(None);
        };
        let mut described = vec![&operations::DOOR, &health::DOOR, &metrics::DOOR];
        if self.doors.directory_pages.is_some() {
            described.push(&operations::DIRECTORIES_DOOR);
        }
        let shared = SharedRoutes::new("What the operator calls.", &described, self.metrics);
        let (doors, guesses) = (self.doors.clone(), self.count_guesses());
        let routes = move |routes: &mut web::ServiceConfig| {
            routes.app_data(guesses.clone()).app_data(doors.proxies.clone()).app_data(doors.entropy.clone());
            operations::configure(routes, door.clone());
            if let Some(pages) = &doors.directory_pages {
                operations::configure_directories(routes, pages.clone());
            }
            health::configure(routes, doors.health.clone());
            metrics::configure(routes, doors.metrics.clone());
            shared.configure(routes);
        };
        let addresses = [section.listen];
        let settings = ListenerSettings::of_operator(&OPERATIONS, &addresses, &section.hosts);
        self.start(&settings, bound, Arc::new(routes)).map(Some)
    }

    /// Binds the listener for health checks, if one is configured. It has no admin API, and the metrics by setting.
    /// Addresses other than loopback are served with TLS.
    pub(super) fn listen_for_health(&self, bound: Vec<TcpListener>) -> Result<Option<Listener>, BuildError> {
        let Some(section) = &self.config.operations else { return Ok(None) };
        let Some(address) = section.health_listen else { return Ok(None) };
        let serves_metrics = section.health_metrics;
        let described: &[&Door] = if serves_metrics { &[&health::DOOR, &metrics::DOOR] } else { &[&health::DOOR] };
        let shared = SharedRoutes::new("Health checks.", described, self.metrics);
        let (doors, guesses) = (self.doors.clone(), self.count_guesses());
        let routes = move |routes: &mut web::ServiceConfig| {
            routes.app_data(guesses.clone()).app_data(doors.proxies.clone()).app_data(doors.entropy.clone());
            health::configure(routes, doors.health.clone());
            if serves_metrics {
                metrics::configure(routes, doors.metrics.clone());
            }
            shared.configure(routes);
        };
        let addresses = [address];
        let settings = ListenerSettings::of_operator(&HEALTH, &addresses, &section.hosts);
        self.start(&settings, bound, Arc::new(routes)).map(Some)
    }

    /// The counts of wrong bearers for one of the operator's listeners.
    fn count_guesses(&self) -> web::Data<OperatorGuesses> {
        web::Data::new(OperatorGuesses::new(&self.doors.shared_limits, &self.doors.operator_tokens))
    }

    /// Binds the sockets of one listener and creates its server, which serves once it is awaited.
    fn start(
        &self,
        settings: &ListenerSettings<'_>,
        bound: Vec<TcpListener>,
        routes: RouteFunction,
    ) -> Result<Listener, BuildError> {
        let is_operators = settings.is_operators;
        let listed = if self.is_development { Some(&[][..]) } else { settings.hosts };
        let refusals = || HostRefusals::new(settings.name.label, self.doors.clock.as_ref().clone());
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
        let mut server = ListenerServer::new(server_settings, table);
        let mut addresses = Vec::new();
        for listener in if bound.is_empty() { settings.bind()? } else { bound } {
            let address = listener.local_addr().map_err(BuildError::Address)?;
            let tls = self.tls_for(settings, address)?;
            let listening = server.listen(listener, tls, app.clone());
            server = listening.map_err(|source| BuildError::Listen { key: settings.name.key, address, source })?;
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
        self.public.addresses.clone()
    }

    /// The address of the operator's listener, if one is configured.
    #[must_use]
    pub fn operations_address(&self) -> Option<SocketAddr> {
        self.operations.as_ref().and_then(|listener| listener.addresses.first().copied())
    }

    /// The address of the listener for health checks, if one is configured.
    #[must_use]
    pub fn health_address(&self) -> Option<SocketAddr> {
        self.health.as_ref().and_then(|listener| listener.addresses.first().copied())
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
        let targets = SignalTargets {
            server: handle,
            renewable: self.renewable,
            counters: self.counters.clone(),
            is_draining: self.is_draining,
        };
        let signal_task = tokio::spawn(self.signals.run_until_stopped(targets));
        let token_service =
            self.token_service.map(|listener| (listener.server.handle(), tokio::spawn(listener.server)));
        let of_operator = [self.operations, self.health].into_iter().flatten();
        let of_operator: Vec<_> =
            of_operator.map(|listener| (listener.server.handle(), tokio::spawn(listener.server))).collect();
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
        drop(self.key_rotation);
        if let Some(traces) = &self.traces {
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
