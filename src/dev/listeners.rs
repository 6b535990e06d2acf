use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{ServerHandle, ServiceRequest, ServiceResponse};
use actix_web::middleware::{Next, NormalizePath, TrailingSlash, from_fn};
use actix_web::web::{Data, PayloadConfig, ServiceConfig};
use actix_web::{App, HttpServer, error};

use super::admission::{PageOrigins, RequestHead, host_header, is_loopback_host};
use super::error::StageError;

/// The size limit of a request body, in bytes.
const MAX_BODY_BYTES: usize = 512 * 1024;
/// How long the stage keeps an idle connection. Clients close theirs earlier, so the stage never closes a connection on
/// which a client is just sending a request.
const KEEP_ALIVE: Duration = Duration::from_mins(2);

/// Binds a port of 127.0.0.1; 0 binds any free port.
pub(super) fn bind_loopback_port(port: u16) -> Result<TcpListener, StageError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(|source| StageError::Listen { port, source })
}

/// The port on which `listener` listens.
pub(super) fn bound_port(listener: &TcpListener) -> Result<u16, StageError> {
    listener.local_addr().map(|address| address.port()).map_err(|source| StageError::Listen { port: 0, source })
}

/// Starts the server with the same routes on both listeners.
pub(super) fn start_server(
    routes: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
    http: TcpListener,
    https: TcpListener,
    tls: rustls::ServerConfig,
) -> Result<ServerHandle, StageError> {
    let failed = |source| StageError::Listen { port: 0, source };
    let server = HttpServer::new(move || {
        App::new()
            .app_data(PayloadConfig::new(MAX_BODY_BYTES))
            // Some SDKs join service URL and path with two slashes.
            .wrap(NormalizePath::new(TrailingSlash::MergeOnly))
            .wrap(from_fn(refuse_foreigners))
            .configure(routes.clone())
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

/// Refuses a request whose `Host` header does not name this machine, so that a web page whose host name resolves to
/// loopback (DNS rebinding) gets no answer, and a request that a page of another machine made the browser send
/// (docs/architecture.md §Security rules, rule 14).
async fn refuse_foreigners(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    if !is_loopback_host(host_header(request.headers())) {
        return Err(error::ErrorForbidden("not this host"));
    }
    let (path, query) = (request.path(), request.query_string());
    let head = RequestHead { method: request.method(), path, query, headers: request.headers() };
    if request.app_data::<Data<PageOrigins>>().is_none_or(|admitted| head.is_from_foreign_page(admitted)) {
        return Err(error::ErrorForbidden("not from a page of another machine"));
    }
    next.call(request).await
}
