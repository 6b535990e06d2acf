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
use super::{Application, BuildError, RouteFunction};
use crate::bot_connector::ContinuationDelivery;
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

/// What all listeners of an application are set up with.
pub(super) struct Site<'a> {
    pub(super) config: &'a Configuration,
    pub(super) doors: &'a Doors,
    pub(super) certificate: Option<&'a Arc<RenewableCertificate>>,
    pub(super) is_development: bool,
}

impl Site<'_> {
    /// Prepares the listener that everybody reaches; bots, too, unless they have one of their own.
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
        let document = document("What channels, bots and browsers call.", &described);
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
        let place = Place {
            key: "server.listen",
            addresses: &self.config.server.listen,
            plain_on_loopback: false,
            workers: self.config.server.workers,
            records_requests: true,
            drain_seconds: DRAIN_SECONDS,
        };
        self.start(&place, bound, Arc::new(routes))
    }

    /// Prepares the Token Service's own listener, if one is configured. What is beyond loopback is served with the
    /// certificate.
    pub(super) fn listen_for_bots(&self, bound: Vec<TcpListener>) -> Result<Option<Listener>, BuildError> {
        if self.config.token_service.listen.is_empty() {
            return Ok(None);
        }
        let document = document("What bots call.", &[&token_service::DOOR]);
        let doors = self.doors.clone();
        let routes = move |routes: &mut web::ServiceConfig| {
            let doors = doors.clone();
            routes.app_data(doors.proxies).app_data(doors.entropy).app_data(doors.clock);
            token_service::configure(routes, doors.token_service);
            api_document::configure(routes, document.clone());
        };
        let place = Place {
            key: "token_service.listen",
            addresses: &self.config.token_service.listen,
            plain_on_loopback: true,
            workers: self.config.server.workers,
            records_requests: true,
            // What the other listener's last requests still wanted here is answered by then.
            drain_seconds: 2,
        };
        self.start(&place, bound, Arc::new(routes)).map(Some)
    }

    /// Prepares the operator's listener, if one is configured. What is beyond loopback is served with the certificate.
    pub(super) fn listen_for_operations(&self, bound: Vec<TcpListener>) -> Result<Option<Listener>, BuildError> {
        let (Some(section), Some(door)) = (&self.config.operations, self.doors.operations.clone()) else {
            return Ok(None);
        };
        let document = document("What the operator calls.", &[&operations::DOOR]);
        let routes = move |routes: &mut web::ServiceConfig| {
            operations::configure(routes, door.clone());
            api_document::configure(routes, document.clone());
        };
        let place = Place {
            key: "operations.listen",
            addresses: &[section.listen],
            plain_on_loopback: true,
            workers: Some(1),
            // A watcher asks every few seconds.
            records_requests: false,
            drain_seconds: 0,
        };
        self.start(&place, bound, Arc::new(routes)).map(Some)
    }

    /// Prepares the server of a place; nothing is served before it is awaited.
    fn start(&self, place: &Place<'_>, bound: Vec<TcpListener>, routes: RouteFunction) -> Result<Listener, BuildError> {
        let (is_development, records_requests) = (self.is_development, place.records_requests);
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
        let mut addresses = Vec::new();
        for listener in if bound.is_empty() { place.bind()? } else { bound } {
            let address = listener.local_addr().map_err(BuildError::Address)?;
            server = match self.tls_at(place, address)? {
                Some(tls) => server.listen_rustls_0_23(listener, tls),
                None => server.listen(listener),
            }
            .map_err(|source| BuildError::Listen { key: place.key, address, source })?;
            addresses.push(address);
        }
        Ok(Listener { server: server.run(), addresses })
    }

    /// What an address is served with, if not in the clear.
    fn tls_at(&self, place: &Place<'_>, address: SocketAddr) -> Result<Option<rustls::ServerConfig>, BuildError> {
        let certificate = self.certificate.filter(|_| !(place.plain_on_loopback && address.ip().is_loopback()));
        certificate.map(RenewableCertificate::server_config).transpose().map_err(BuildError::Tls)
    }
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
    /// Whether loopback addresses are served without the certificate.
    plain_on_loopback: bool,
    /// As many as there are processors, if not said.
    workers: Option<usize>,
    /// Whether the log tells of each request.
    records_requests: bool,
    /// How long requests under way are waited for at the end.
    drain_seconds: u64,
}

impl Place<'_> {
    /// Binds all of its addresses.
    fn bind(&self) -> Result<Vec<TcpListener>, BuildError> {
        let failed = |address, source| BuildError::Listen { key: self.key, address, source };
        self.addresses.iter().map(|&at| TcpListener::bind(at).map_err(|source| failed(at, source))).collect()
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

    /// What tells bots of their users' tokens: its [`finish`](ContinuationDelivery::finish) waits for those under way.
    /// The store stays open as long as it is kept.
    #[must_use]
    pub fn delivery(&self) -> ContinuationDelivery {
        self.delivery.clone()
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
