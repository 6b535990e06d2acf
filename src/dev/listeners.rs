use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::{Next, NormalizePath, TrailingSlash, from_fn};
use actix_web::web::{Data, PayloadConfig, ServiceConfig};
use actix_web::{App, error};

use super::addresses::Transport;
use super::admission::{PageOrigins, RequestHead, host_header, is_loopback_host};
use super::error::StageError;

/// The size limit of a request body, in bytes.
const MAX_BODY_BYTES: usize = 512 * 1024;

/// Binds a port of 127.0.0.1; 0 binds any free port.
pub(super) fn bind_loopback_port(port: u16) -> Result<TcpListener, StageError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(|source| StageError::Listen { port, source })
}

/// The port on which `listener` listens.
pub(super) fn bound_port(listener: &TcpListener) -> Result<u16, StageError> {
    listener.local_addr().map(|address| address.port()).map_err(|source| StageError::Listen { port: 0, source })
}

/// The bound sockets of the stage, and what is served on both of them. The room that starts the stage serves them, with
/// the bounds of all listeners: this room has no server of its own.
pub struct StageListeners {
    /// Plain http on 127.0.0.1.
    pub http: TcpListener,
    /// TLS on 127.0.0.1.
    pub https: TcpListener,
    /// The certificate of `https`.
    pub tls: rustls::ServerConfig,
    /// The routes, and what surrounds them.
    pub application: StageApplication,
}

/// The application of the stage. Each worker of a server builds it for itself.
#[derive(Clone)]
pub struct StageApplication {
    routes: Arc<dyn Fn(&mut ServiceConfig) + Send + Sync>,
}

impl StageApplication {
    pub(super) fn new(routes: impl Fn(&mut ServiceConfig) + Send + Sync + 'static) -> Self {
        Self { routes: Arc::new(routes) }
    }

    /// Builds the application for one worker of a listener that is served like this.
    #[must_use]
    pub fn build(
        self,
        transport: Transport,
    ) -> App<
        impl ServiceFactory<
            ServiceRequest,
            Config = (),
            Response = ServiceResponse<impl MessageBody>,
            Error = actix_web::Error,
            InitError = (),
        >,
    > {
        App::new()
            .app_data(PayloadConfig::new(MAX_BODY_BYTES))
            .app_data(transport)
            // Some SDKs join service URL and path with two slashes.
            .wrap(NormalizePath::new(TrailingSlash::MergeOnly))
            .wrap(from_fn(refuse_foreigners))
            .configure(|config| (self.routes)(config))
    }
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
