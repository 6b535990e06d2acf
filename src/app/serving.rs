use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer, web};
use tokio::signal::unix::{SignalKind, signal};

use super::tls::RenewableCertificate;
use super::{Application, BuildError, Doors, Renewable, RouteFunction};
use crate::config;
use crate::endpoints::{bot_gateway, token_service};
use crate::inbound::{Problem, record_request};
use crate::observability::Counters;
use crate::sealing::KeyRing;

/// A request's headers must have arrived within this.
const HEADER_TIME: Duration = Duration::from_secs(5);
/// Requests under way are given this long when the process is told to stop.
const DRAIN_SECONDS: u64 = 20;
/// How often the counts are logged.
const COUNTS_EVERY: Duration = Duration::from_mins(5);

/// Binds the listeners and prepares the server; nothing is served before it is awaited.
pub(super) fn listen(
    section: &config::Server,
    doors: Doors,
    extra_routes: Option<RouteFunction>,
    certificate: Option<Arc<RenewableCertificate>>,
) -> Result<(Server, Vec<SocketAddr>), BuildError> {
    let app = move || {
        let doors = doors.clone();
        let extra_routes = extra_routes.clone();
        App::new()
            .wrap(from_fn(record_request))
            .app_data(doors.proxies)
            .app_data(doors.entropy)
            .configure(|routes| bot_gateway::configure(routes, doors.gateway))
            .configure(|routes| token_service::configure(routes, doors.token_service))
            .configure(|routes| {
                if let Some(add) = &extra_routes {
                    add(routes);
                }
            })
            .default_service(web::to(|| async { Problem::NotFound.respond() }))
    };
    let mut server =
        HttpServer::new(app).client_request_timeout(HEADER_TIME).shutdown_timeout(DRAIN_SECONDS).disable_signals();
    if let Some(workers) = section.workers {
        server = server.workers(workers);
    }
    let mut addresses = Vec::new();
    for &address in &section.listen {
        let failed = |source| BuildError::Listen { address, source };
        let listener = TcpListener::bind(address).map_err(failed)?;
        addresses.push(listener.local_addr().map_err(failed)?);
        server = match &certificate {
            Some(certificate) => {
                server.listen_rustls_0_23(listener, certificate.server_config().map_err(BuildError::Tls)?)
            }
            None => server.listen(listener),
        }
        .map_err(failed)?;
    }
    Ok((server.run(), addresses))
}

impl Application {
    /// Where it listens: the configured addresses, ports filled in.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.addresses.clone()
    }

    /// Stops the application from elsewhere, as SIGTERM does.
    #[must_use]
    pub fn handle(&self) -> ServerHandle {
        self.server.handle()
    }

    /// Serves until SIGTERM or Ctrl-C, then finishes what is under way. SIGHUP reads key ring and certificate again.
    ///
    /// # Errors
    /// If signals cannot be received or the server fails.
    pub async fn run(self) -> std::io::Result<()> {
        let handle = self.server.handle();
        let tending = tokio::spawn(tend(handle, self.renewable, self.counters.clone()));
        let served = self.server.await;
        tending.abort();
        self.counters.log();
        served
    }
}

/// Watches signals for as long as the server runs.
async fn tend(handle: ServerHandle, renewable: Renewable, counters: Arc<Counters>) -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    let mut ticks = tokio::time::interval(COUNTS_EVERY);
    ticks.tick().await;
    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            _ = hang_up.recv() => renewable.renew(),
            _ = ticks.tick() => counters.log(),
        }
    }
    tracing::info!("draining: no new connections, requests under way are finished");
    handle.stop(true).await;
    Ok(())
}

impl Renewable {
    /// What cannot be read again stays as it is, and the log says why.
    fn renew(&self) {
        match KeyRing::load(&self.keys).and_then(|ring| self.sealer.replace(ring)) {
            Ok(()) => tracing::info!("the key ring was read again"),
            Err(error) => tracing::error!(%error, "keys.file: the key ring could not be read again; the old one stays"),
        }
        match self.certificate.as_ref().map(|certificate| certificate.renew()) {
            None => {}
            Some(Ok(())) => tracing::info!("the certificate was read again"),
            Some(Err(error)) => {
                tracing::error!(error, "server.tls: the certificate could not be read again; the old one stays")
            }
        }
    }
}
