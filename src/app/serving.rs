use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer, middleware, web};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::doors::Doors;
use super::loopback_host::loopback_host_only;
use super::renewal::Renewable;
use super::tls::RenewableCertificate;
use super::{Application, BuildError, DevelopmentMode, RouteFunction};
use crate::config::Configuration;
use crate::endpoints::api_document::{self, ApiDocument};
use crate::endpoints::{bot_gateway, operations, sign_in_pages, token_service};
use crate::inbound::{Door, Problem, record_request};
use crate::observability::Counters;

/// A request's headers must have arrived within this.
const HEADER_TIME: Duration = Duration::from_secs(5);
/// Requests under way are given this long when the process is told to stop.
const DRAIN_SECONDS: u64 = 20;
/// Bots that are being told of their users' tokens are then given this long: the second try is made in it.
const DELIVERY_TIME: Duration = Duration::from_secs(8);
/// How often the counts are logged.
const COUNTS_EVERY: Duration = Duration::from_mins(5);

/// A listener, bound and not yet served.
pub(super) struct Listener {
    server: Server,
    addresses: Vec<SocketAddr>,
}

/// Binds the listener that everybody reaches; bots, too, unless they have one of their own.
pub(super) fn listen(
    config: &Configuration,
    doors: &Doors,
    development: Option<DevelopmentMode>,
    certificate: Option<&Arc<RenewableCertificate>>,
) -> Result<Listener, BuildError> {
    let serves_bots = config.token_service.listen.is_empty();
    let mut described = vec![&bot_gateway::DOOR, &sign_in_pages::DOOR];
    if serves_bots {
        described.push(&token_service::DOOR);
    }
    let document = document("What channels, bots and browsers call.", &described);
    let (doors, is_development) = (doors.clone(), development.is_some());
    let extra_routes = development.map(|development| development.routes);
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
    let place = Place {
        key: "server.listen",
        addresses: &config.server.listen,
        certificate,
        plain_on_loopback: false,
        workers: config.server.workers,
        records_requests: true,
        drain_seconds: DRAIN_SECONDS,
    };
    start(&place, is_development, Arc::new(routes))
}

/// Binds the Token Service's own listener, if one is configured. What is beyond loopback is served with the certificate.
pub(super) fn listen_for_bots(
    config: &Configuration,
    doors: &Doors,
    is_development: bool,
    certificate: Option<&Arc<RenewableCertificate>>,
) -> Result<Option<Listener>, BuildError> {
    if config.token_service.listen.is_empty() {
        return Ok(None);
    }
    let document = document("What bots call.", &[&token_service::DOOR]);
    let doors = doors.clone();
    let routes = move |routes: &mut web::ServiceConfig| {
        let doors = doors.clone();
        routes.app_data(doors.proxies).app_data(doors.entropy).app_data(doors.clock);
        token_service::configure(routes, doors.token_service);
        api_document::configure(routes, document.clone());
    };
    let place = Place {
        key: "token_service.listen",
        addresses: &config.token_service.listen,
        certificate,
        plain_on_loopback: true,
        workers: config.server.workers,
        records_requests: true,
        // What the other listener's last requests still wanted here is answered by then.
        drain_seconds: 2,
    };
    start(&place, is_development, Arc::new(routes)).map(Some)
}

/// Binds the operator's listener, if one is configured. What is beyond loopback is served with the certificate.
pub(super) fn listen_for_operations(
    config: &Configuration,
    doors: &Doors,
    is_development: bool,
    certificate: Option<&Arc<RenewableCertificate>>,
) -> Result<Option<Listener>, BuildError> {
    let (Some(section), Some(door)) = (&config.operations, doors.operations.clone()) else { return Ok(None) };
    let document = document("What the operator calls.", &[&operations::DOOR]);
    let routes = move |routes: &mut web::ServiceConfig| {
        operations::configure(routes, door.clone());
        api_document::configure(routes, document.clone());
    };
    let place = Place {
        key: "operations.listen",
        addresses: &[section.listen],
        certificate,
        plain_on_loopback: true,
        workers: Some(1),
        // A watcher asks every few seconds.
        records_requests: false,
        drain_seconds: 0,
    };
    start(&place, is_development, Arc::new(routes)).map(Some)
}

/// Of these doors, for all workers of a listener.
fn document(description: &str, doors: &[&Door]) -> web::Data<ApiDocument> {
    web::Data::new(ApiDocument::of("bot-sso", description, doors))
}

/// Where a listener is.
struct Place<'c> {
    /// What its addresses stand under.
    key: &'static str,
    addresses: &'c [SocketAddr],
    certificate: Option<&'c Arc<RenewableCertificate>>,
    /// Whether loopback addresses are served without the certificate.
    plain_on_loopback: bool,
    /// As many as there are processors, if not said.
    workers: Option<usize>,
    /// Whether the log tells of each request.
    records_requests: bool,
    /// How long requests under way are waited for at the end.
    drain_seconds: u64,
}

/// Binds the addresses of a place and prepares the server; nothing is served before it is awaited.
fn start(place: &Place<'_>, is_development: bool, routes: RouteFunction) -> Result<Listener, BuildError> {
    let records_requests = place.records_requests;
    let app = move || {
        App::new()
            .wrap(middleware::Condition::new(is_development, from_fn(loopback_host_only)))
            .wrap(middleware::Condition::new(records_requests, from_fn(record_request)))
            .configure(|config| routes(config))
            .default_service(web::to(|| async { Problem::NotFound.respond() }))
    };
    let mut server = HttpServer::new(app)
        .client_request_timeout(HEADER_TIME)
        .shutdown_timeout(place.drain_seconds)
        .disable_signals();
    if let Some(workers) = place.workers {
        server = server.workers(workers);
    }
    let bound = place.bind()?;
    let addresses = bound.iter().map(|bound| bound.address).collect();
    for Bound { listener, address, tls } in bound {
        server = match tls {
            Some(tls) => server.listen_rustls_0_23(listener, tls),
            None => server.listen(listener),
        }
        .map_err(|source| BuildError::Listen { key: place.key, address, source })?;
    }
    Ok(Listener { server: server.run(), addresses })
}

/// An address that is listened on.
struct Bound {
    listener: TcpListener,
    /// Its port is filled in.
    address: SocketAddr,
    tls: Option<rustls::ServerConfig>,
}

impl Place<'_> {
    /// Binds all of its addresses, each with the certificate it is served with.
    fn bind(&self) -> Result<Vec<Bound>, BuildError> {
        let bind = |&address: &SocketAddr| {
            let failed = |source| BuildError::Listen { key: self.key, address, source };
            let listener = TcpListener::bind(address).map_err(failed)?;
            let certificate = self.certificate.filter(|_| !(self.plain_on_loopback && address.ip().is_loopback()));
            let tls = certificate.map(RenewableCertificate::server_config).transpose();
            let (address, tls) = (listener.local_addr().map_err(failed)?, tls.map_err(BuildError::Tls)?);
            Ok(Bound { listener, address, tls })
        };
        self.addresses.iter().map(bind).collect()
    }
}

impl Application {
    /// Where it listens: the configured addresses, ports filled in.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.public.addresses.clone()
    }

    /// Where the operator calls, if anywhere.
    #[must_use]
    pub fn operations_address(&self) -> Option<SocketAddr> {
        self.operations.as_ref().and_then(|listener| listener.addresses.first().copied())
    }

    /// Where bots reach the Token Service: its own listener, or where everything listens.
    #[must_use]
    pub fn token_service_addresses(&self) -> Vec<SocketAddr> {
        self.of_bots.as_ref().map_or_else(|| self.addresses(), |listener| listener.addresses.clone())
    }

    /// Stops the application from elsewhere, as SIGTERM does.
    #[must_use]
    pub fn handle(&self) -> ServerHandle {
        self.public.server.handle()
    }

    /// Serves until SIGTERM or Ctrl-C, then finishes what is under way. SIGHUP reads key ring, certificate and client
    /// credentials again.
    ///
    /// # Errors
    /// If the server fails.
    pub async fn run(self) -> std::io::Result<()> {
        let handle = self.public.server.handle();
        let tending = tokio::spawn(tend(handle, self.signals, self.renewable, self.counters.clone()));
        let of_bots = self.of_bots.map(|listener| (listener.server.handle(), tokio::spawn(listener.server)));
        let operations = self.operations.map(|listener| (listener.server.handle(), tokio::spawn(listener.server)));
        let served = self.public.server.await;
        // After the door through which bots are asked: they ask here before they answer there.
        if let Some((of_bots, serving)) = of_bots {
            of_bots.stop(true).await;
            if !matches!(serving.await, Ok(Ok(()))) {
                tracing::warn!("the Token Service's listener failed");
            }
        }
        // To the end: whoever watches sees a process that drains as alive.
        if let Some((operations, serving)) = operations {
            operations.stop(false).await;
            if !matches!(serving.await, Ok(Ok(()))) {
                tracing::warn!("the operator's listener failed");
            }
        }
        if !self.delivery.finish(DELIVERY_TIME).await {
            tracing::warn!("some bots were not told of their users' tokens: they did not answer in time");
        }
        tending.abort();
        self.counters.log();
        served
    }
}

/// The signals that mean something to us.
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

/// Watches signals for as long as the server runs.
async fn tend(handle: ServerHandle, mut signals: Signals, renewable: Arc<Renewable>, counters: Arc<Counters>) {
    let mut ticks = tokio::time::interval(COUNTS_EVERY);
    ticks.tick().await;
    loop {
        tokio::select! {
            _ = signals.terminate.recv() => break,
            _ = signals.interrupt.recv() => break,
            _ = signals.hang_up.recv() => {
                let renewable = renewable.clone();
                // Reads files; a failure to do so is logged where it happens.
                let _ = tokio::task::spawn_blocking(move || renewable.renew()).await;
            }
            _ = ticks.tick() => counters.log(),
        }
    }
    tracing::info!("draining: no new connections, requests under way are finished");
    handle.stop(true).await;
}
