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
use super::{Application, BuildError, DevelopmentMode};
use crate::config::Configuration;
use crate::endpoints::{bot_gateway, operations, sign_in_pages, token_service};
use crate::inbound::{Problem, record_request};
use crate::observability::Counters;

/// A request's headers must have arrived within this.
const HEADER_TIME: Duration = Duration::from_secs(5);
/// Requests under way are given this long when the process is told to stop.
const DRAIN_SECONDS: u64 = 20;
/// Bots that are being told of their users' tokens are then given this long: the second try is made in it.
const DELIVERY_TIME: Duration = Duration::from_secs(8);
/// Where the Token Service's own addresses stand.
const BOTS: &str = "token_service.listen";
/// How often the counts are logged.
const COUNTS_EVERY: Duration = Duration::from_mins(5);

/// Binds the listeners and prepares the server; nothing is served before it is awaited.
pub(super) fn listen(
    config: &Configuration,
    doors: Doors,
    development: Option<DevelopmentMode>,
    certificate: Option<&Arc<RenewableCertificate>>,
) -> Result<(Server, Vec<SocketAddr>), BuildError> {
    let extra_routes = development.map(|development| development.routes);
    let serves_bots = config.token_service.listen.is_empty();
    let app = move || {
        let doors = doors.clone();
        let extra_routes = extra_routes.clone();
        App::new()
            .wrap(middleware::Condition::new(extra_routes.is_some(), from_fn(loopback_host_only)))
            .wrap(from_fn(record_request))
            .app_data(doors.proxies)
            .app_data(doors.entropy)
            .configure(|routes| bot_gateway::configure(routes, doors.gateway))
            .configure(|routes| {
                if serves_bots {
                    token_service::configure(routes, doors.token_service);
                }
            })
            .configure(|routes| sign_in_pages::configure(routes, doors.sign_in_pages))
            .configure(|routes| {
                if let Some(add) = &extra_routes {
                    add(routes);
                }
            })
            .default_service(web::to(|| async { Problem::NotFound.respond() }))
    };
    let mut server =
        HttpServer::new(app).client_request_timeout(HEADER_TIME).shutdown_timeout(DRAIN_SECONDS).disable_signals();
    if let Some(workers) = config.server.workers {
        server = server.workers(workers);
    }
    let bound = bound("server.listen", &config.server.listen, |_| certificate)?;
    let addresses = bound.iter().map(|bound| bound.address).collect();
    for Bound { listener, address, tls } in bound {
        server = match tls {
            Some(tls) => server.listen_rustls_0_23(listener, tls),
            None => server.listen(listener),
        }
        .map_err(|source| BuildError::Listen { key: "server.listen", address, source })?;
    }
    Ok((server.run(), addresses))
}

/// The listener of one door alone, bound and not yet served.
pub(super) struct OwnListener {
    server: Server,
    addresses: Vec<SocketAddr>,
}

/// Binds the Token Service's own listener, if one is configured. What is beyond loopback is served with the certificate.
pub(super) fn listen_for_bots(
    config: &Configuration,
    doors: &Doors,
    development: bool,
    certificate: Option<&Arc<RenewableCertificate>>,
) -> Result<Option<OwnListener>, BuildError> {
    if config.token_service.listen.is_empty() {
        return Ok(None);
    }
    let (door, proxies, entropy) = (doors.token_service.clone(), doors.proxies.clone(), doors.entropy.clone());
    let app = move || {
        let (door, proxies, entropy) = (door.clone(), proxies.clone(), entropy.clone());
        App::new()
            .wrap(middleware::Condition::new(development, from_fn(loopback_host_only)))
            .wrap(from_fn(record_request))
            .app_data(proxies)
            .app_data(entropy)
            .configure(|routes| token_service::configure(routes, door))
            .default_service(web::to(|| async { Problem::NotFound.respond() }))
    };
    let mut server =
        HttpServer::new(app).client_request_timeout(HEADER_TIME).shutdown_timeout(DRAIN_SECONDS).disable_signals();
    if let Some(workers) = config.server.workers {
        server = server.workers(workers);
    }
    let bound =
        bound(BOTS, &config.token_service.listen, |address| certificate.filter(|_| !address.ip().is_loopback()))?;
    let addresses = bound.iter().map(|bound| bound.address).collect();
    for Bound { listener, address, tls } in bound {
        server = match tls {
            Some(tls) => server.listen_rustls_0_23(listener, tls),
            None => server.listen(listener),
        }
        .map_err(|source| BuildError::Listen { key: BOTS, address, source })?;
    }
    Ok(Some(OwnListener { server: server.run(), addresses }))
}

/// Binds the operator's listener, if one is configured. What is beyond loopback is served with the certificate.
pub(super) fn listen_for_operations(
    config: &Configuration,
    doors: &Doors,
    development: bool,
    certificate: Option<&Arc<RenewableCertificate>>,
) -> Result<Option<OwnListener>, BuildError> {
    let (Some(section), Some(door)) = (&config.operations, doors.operations.clone()) else { return Ok(None) };
    let app = move || {
        let door = door.clone();
        App::new()
            .wrap(middleware::Condition::new(development, from_fn(loopback_host_only)))
            .configure(|routes| operations::configure(routes, door))
            .default_service(web::to(|| async { Problem::NotFound.respond() }))
    };
    let mut server = HttpServer::new(app).workers(1).client_request_timeout(HEADER_TIME).disable_signals();
    let listen = [section.listen];
    let bound = bound("operations.listen", &listen, |address| certificate.filter(|_| !address.ip().is_loopback()))?;
    let addresses = bound.iter().map(|bound| bound.address).collect();
    for Bound { listener, address, tls } in bound {
        server = match tls {
            Some(tls) => server.listen_rustls_0_23(listener, tls),
            None => server.listen(listener),
        }
        .map_err(|source| BuildError::Listen { key: "operations.listen", address, source })?;
    }
    Ok(Some(OwnListener { server: server.run(), addresses }))
}

/// An address that is listened on.
struct Bound {
    listener: TcpListener,
    /// Its port is filled in.
    address: SocketAddr,
    tls: Option<rustls::ServerConfig>,
}

/// Binds all of `addresses`, each with the certificate it is served with.
fn bound<'c>(
    key: &'static str,
    addresses: &[SocketAddr],
    certificate_for: impl Fn(&SocketAddr) -> Option<&'c Arc<RenewableCertificate>>,
) -> Result<Vec<Bound>, BuildError> {
    let bind = |&address: &SocketAddr| {
        let failed = |source| BuildError::Listen { key, address, source };
        let listener = TcpListener::bind(address).map_err(failed)?;
        let tls = certificate_for(&address).map(RenewableCertificate::server_config).transpose();
        let (address, tls) = (listener.local_addr().map_err(failed)?, tls.map_err(BuildError::Tls)?);
        Ok(Bound { listener, address, tls })
    };
    addresses.iter().map(bind).collect()
}

impl Application {
    /// Where it listens: the configured addresses, ports filled in.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.addresses.clone()
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
        self.server.handle()
    }

    /// Serves until SIGTERM or Ctrl-C, then finishes what is under way. SIGHUP reads key ring, certificate and client
    /// credentials again.
    ///
    /// # Errors
    /// If the server fails.
    pub async fn run(self) -> std::io::Result<()> {
        let handle = self.server.handle();
        let tending = tokio::spawn(tend(handle, self.signals, self.renewable, self.counters.clone()));
        let of_bots = self.of_bots.map(|listener| (listener.server.handle(), tokio::spawn(listener.server)));
        let operations = self.operations.map(|listener| (listener.server.handle(), tokio::spawn(listener.server)));
        let served = self.server.await;
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
