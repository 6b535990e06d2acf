use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{ServerHandle, ServiceRequest, ServiceResponse};
use actix_web::http::header::{HOST, HeaderMap};
use actix_web::middleware::{Next, NormalizePath, TrailingSlash, from_fn};
use actix_web::web::{PayloadConfig, ServiceConfig};
use actix_web::{App, HttpServer, error};

use super::error::StageError;
use super::state::State;
use super::{
    authorize, channel, connector_sink, controls, demo_bot, discovery, graph, managed_identity, token_endpoint,
};

/// Requests to the stage may be this large: a token and some more.
const BODY_LIMIT: usize = 512 * 1024;
/// Longer than clients keep idle connections, so that none is closed under a request.
const KEEP_ALIVE: Duration = Duration::from_mins(2);

/// Takes a port of 127.0.0.1; 0 takes any.
pub(super) fn listen(port: u16) -> Result<TcpListener, StageError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(|source| StageError::Listen { port, source })
}

/// The port that was taken.
pub(super) fn port_of(listener: &TcpListener) -> Result<u16, StageError> {
    listener.local_addr().map(|address| address.port()).map_err(|source| StageError::Listen { port: 0, source })
}

/// Starts the server on both listeners; the same routes on each.
pub(super) fn serve(
    state: &Arc<State>,
    http: TcpListener,
    https: TcpListener,
    tls: rustls::ServerConfig,
) -> Result<ServerHandle, StageError> {
    let shared = State::shared(state);
    let failed = |source| StageError::Listen { port: 0, source };
    let server = HttpServer::new(move || {
        App::new()
            .app_data(shared.clone())
            .app_data(PayloadConfig::new(BODY_LIMIT))
            // SDKs join service URL and path with two slashes now and then.
            .wrap(NormalizePath::new(TrailingSlash::MergeOnly))
            .wrap(from_fn(loopback_host_only))
            .configure(every_route)
    })
    .workers(2)
    .keep_alive(KEEP_ALIVE)
    .disable_signals()
    .shutdown_timeout(1)
    .listen(http)
    .map_err(failed)?
    .listen_rustls_0_23(https, tls)
    .map_err(failed)?
    .run();
    let handle = server.handle();
    tokio::spawn(server);
    Ok(handle)
}

/// Fixed first segments stand before those that begin with a tenant.
fn every_route(config: &mut ServiceConfig) {
    channel::routes(config);
    graph::routes(config);
    connector_sink::routes(config);
    demo_bot::routes(config);
    managed_identity::routes(config);
    controls::routes(config);
    discovery::routes(config);
    authorize::routes(config);
    token_endpoint::routes(config);
}

/// A web page of elsewhere whose name was made to resolve to loopback gets nothing (DESIGN §5.14).
async fn loopback_host_only(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    if is_loopback_host(host_of(request.headers())) {
        next.call(request).await
    } else {
        Err(error::ErrorForbidden("not this host"))
    }
}

/// The `Host` header itself: forwarding headers are anybody's to write.
pub(super) fn host_of(headers: &HeaderMap) -> &str {
    headers.get(HOST).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Whether a `Host` header names this machine.
pub(super) fn is_loopback_host(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    matches!(name, "localhost" | "127.0.0.1")
}
