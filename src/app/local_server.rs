use std::io;
use std::net::TcpListener;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_http::BoxedPayloadStream;
use actix_web::body::MessageBody;
use actix_web::dev::{Payload, ServerHandle, ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::middleware::{Next, from_fn};
use actix_web::{App, HttpMessage};
use bytes::Bytes;
use futures_util::Stream;

use super::listeners::{ConnectionLimits, ConnectionTable, ListenerServer, ServerSettings, raise_open_file_limit};
use crate::inbound::BodyRead;
use crate::observability::{Counters, OpenConnectionCount};

/// The open connections of a local server, if the limit on open files permits as many. All clients are on this machine, so
/// each may have all of them.
const CONNECTIONS: usize = 512;
/// The part of the open files that the connections of a local server may take: the gateway in the same process has most.
const SHARE_OF_OPEN_FILES: u64 = 8;
const WORKERS: usize = 2;
/// The time for the arrival of a request's head, and of a TLS handshake.
const ARRIVAL: Duration = Duration::from_secs(10);
/// The time for which a connection without a request stays open. Clients close theirs earlier, so the server never closes a
/// connection on which a client is just sending a request.
const IDLE: Duration = Duration::from_mins(2);
/// The time in which a client takes at least 16 KiB of what waits for it.
const WRITE: Duration = Duration::from_secs(30);
const DRAIN_SECONDS: u64 = 1;

/// A bound socket that [`serve_locally`] serves.
pub struct LocalSocket {
    /// The socket.
    pub listener: TcpListener,
    /// The certificate; `None` for plain http.
    pub tls: Option<rustls::ServerConfig>,
}

/// Whether a listener of [`serve_locally`] is served with TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServedWithTls(pub bool);

/// Serves an application that is not bot-sso's own, such as the stage of development mode, on sockets of this machine. Its
/// connections have the bounds that all listeners have (docs/running.md §Connections), by numbers of their own. The
/// server runs on the current runtime until its handle stops it.
///
/// # Errors
/// Those of the operating system.
pub fn serve_locally<T, B>(
    sockets: Vec<LocalSocket>,
    application: impl Fn(ServedWithTls) -> App<T> + Clone + Send + 'static,
) -> io::Result<ServerHandle>
where
    T: ServiceFactory<
            ServiceRequest,
            Config = (),
            Response = ServiceResponse<B>,
            Error = actix_web::Error,
            InitError = (),
        > + 'static,
    B: MessageBody + 'static,
{
    let permitted = raise_open_file_limit().map_or(CONNECTIONS, |files| {
        usize::try_from(files / SHARE_OF_OPEN_FILES).unwrap_or(CONNECTIONS).clamp(1, CONNECTIONS)
    });
    let limits = ConnectionLimits {
        total: permitted,
        per_client: permitted,
        arrival: ARRIVAL,
        idle: IDLE,
        write: WRITE,
        trusted_proxies: Vec::new(),
    };
    // The counts of these connections are not the gateway's.
    let table = ConnectionTable::new(limits, Arc::<Counters>::default(), OpenConnectionCount::default());
    tokio::spawn(ConnectionTable::sweep(Arc::downgrade(&table)));
    let settings = ServerSettings { workers: Some(WORKERS), drain_seconds: DRAIN_SECONDS, arrival: ARRIVAL };
    let mut server = ListenerServer::new(settings, table);
    for LocalSocket { listener, tls } in sockets {
        let (application, with_tls) = (application.clone(), ServedWithTls(tls.is_some()));
        server = server.listen(
            listener,
            tls,
            move || application(with_tls).wrap(from_fn(mark_read_body)),
            &Arc::default(),
        )?;
    }
    let server = server.run();
    let handle = server.handle();
    tokio::spawn(server);
    Ok(handle)
}

/// Marks a request whose body the application has read to its end, so that its connection stays open. The doors of bot-sso
/// do this themselves, when they read a body.
async fn mark_read_body<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    let is_read = Arc::new(AtomicBool::new(false));
    let (request, payload) = request.into_parts();
    let watched: BoxedPayloadStream = Box::pin(WatchedBody { payload, is_read: is_read.clone() });
    let payload = Payload::Stream { payload: watched };
    let response = next.call(ServiceRequest::from_parts(request, payload)).await?;
    if is_read.load(Ordering::Relaxed) {
        response.request().extensions_mut().insert(BodyRead);
    }
    Ok(response)
}

/// A request's body that notes its end.
struct WatchedBody {
    payload: Payload,
    is_read: Arc<AtomicBool>,
}

impl Stream for WatchedBody {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = ready!(Pin::new(&mut self.payload).poll_next(context));
        if next.is_none() {
            self.is_read.store(true, Ordering::Relaxed);
        }
        Poll::Ready(next)
    }
}
