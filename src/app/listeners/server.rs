use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::num::NonZero;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_http::{HttpService, KeepAlive, Request};
use actix_server::{GracefulShutdownSignal, ServerBuilder};
use actix_service::{IntoServiceFactory, ServiceFactory, ServiceFactoryExt, fn_service};
use actix_web::body::MessageBody;
use actix_web::dev::{AppConfig, Server, ServiceResponse};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::bounded_stream::{BoundedStream, LocalAddress};
use super::connection_table::ConnectionTable;
use super::current_application::{BuildApplication, CurrentApplication, Generation};
use super::request_tracking::TrackRequests;

/// How long the framework waits for a client to close a connection after the last answer.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Connections that wait until the process accepts them. Of more, the system drops the first packet, and the client
/// repeats it only after a second.
const ACCEPT_QUEUE: i32 = 1024;
/// The bytes of answers that the system keeps for one client, which it doubles. By itself it keeps up to 4 MiB, so that
/// strangers who read nothing cause work for as much.
const SEND_BUFFER: usize = 128 * 1024;
/// Connections that are accepted while the table of connections is full: it takes them in or refuses them.
const ACCEPTED_AHEAD: usize = 32;
/// The bytes of a TLS connection that wait to be written.
const TLS_BUFFER: usize = 16 * 1024;

/// The server of one listener, which serves once it is awaited.
pub(in crate::app) struct ListenerServer {
    builder: ServerBuilder,
    settings: ServerSettings,
    table: Arc<ConnectionTable>,
}

/// The settings of a server.
#[derive(Clone, Copy, Debug)]
pub(in crate::app) struct ServerSettings {
    /// `None`: one worker for each processor.
    pub(in crate::app) workers: Option<usize>,
    /// How long the server waits for open requests when it stops.
    pub(in crate::app) drain_seconds: u64,
    /// The time for the arrival of a request's head, and of a TLS handshake.
    pub(in crate::app) arrival: Duration,
}

/// The number of a server's workers: what is configured, or one for each processor.
pub(in crate::app) fn worker_count(configured: Option<usize>) -> usize {
    configured.unwrap_or_else(|| available_parallelism().map_or(1, NonZero::get))
}

impl ListenerServer {
    pub(in crate::app) fn new(settings: ServerSettings, table: Arc<ConnectionTable>) -> Self {
        let workers = worker_count(settings.workers);
        let per_worker = connections_per_worker(table.total(), workers);
        let builder = Server::build()
            .shutdown_timeout(settings.drain_seconds)
            .disable_signals()
            .workers(workers)
            .max_concurrent_connections(per_worker);
        Self { builder, settings, table }
    }

    /// Adds a bound socket. `application` builds the application of one worker, again for each `generation`; `tls` is `None` for
    /// plain http.
    ///
    /// # Errors
    /// Those of the operating system.
    pub(in crate::app) fn listen<A, I, F, B>(
        self,
        listener: TcpListener,
        tls: Option<rustls::ServerConfig>,
        application: A,
        generation: &Arc<Generation>,
    ) -> io::Result<Self>
    where
        A: Fn() -> I + Clone + Send + 'static,
        I: IntoServiceFactory<F, Request> + 'static,
        F: Application<B>,
        F::InitError: std::fmt::Debug,
        B: MessageBody + 'static,
    {
        match tls {
            None => self.listen_through(listener, |socket| std::future::ready(Some(socket)), application, generation),
            Some(config) => {
                let acceptor = TlsAcceptor::from(Arc::new(config));
                let limit = self.settings.arrival;
                let shake_hands = move |socket| {
                    let handshake = acceptor.accept_with(socket, |session| session.set_buffer_limit(Some(TLS_BUFFER)));
                    async move { timeout(limit, handshake).await.ok()?.ok() }
                };
                self.listen_through(listener, shake_hands, application, generation)
            }
        }
    }

    /// Adds a bound socket. `handshake` makes of a connection the stream from which its requests are read; `None` ends the
    /// connection.
    pub(super) fn listen_through<A, I, F, B, S, H>(
        mut self,
        listener: TcpListener,
        handshake: impl Fn(TcpStream) -> H + Clone + Send + 'static,
        application: A,
        generation: &Arc<Generation>,
    ) -> io::Result<Self>
    where
        A: Fn() -> I + Clone + Send + 'static,
        I: IntoServiceFactory<F, Request> + 'static,
        F: Application<B>,
        F::InitError: std::fmt::Debug,
        B: MessageBody + 'static,
        S: AsyncRead + AsyncWrite + Unpin + 'static,
        H: Future<Output = Option<S>> + 'static,
    {
        bound_buffers(&listener)?;
        let name = format!("listener {}", listener.local_addr()?);
        let worker = Worker {
            application,
            generation: generation.clone(),
            settings: self.settings,
            table: self.table.clone(),
            shutdown: self.builder.graceful_shutdown_signal(),
        };
        self.builder = self.builder.listen(name, listener, move || worker.clone().serve(handshake.clone()))?;
        Ok(self)
    }

    /// Starts the workers.
    pub(in crate::app) fn run(self) -> Server {
        self.builder.run()
    }
}

/// The connections that the framework's thread hands to one of `workers`, where the table has room for `total`. That thread
/// accepts a burst of connections faster than the workers refuse them, and would use up the open files that are left for
/// the store and for outgoing calls.
pub(super) const fn connections_per_worker(total: usize, workers: usize) -> usize {
    (total + ACCEPTED_AHEAD).div_ceil(workers)
}

/// Sets what the system keeps for the connections of a socket. More of them wait than the standard library permits (128),
/// so that a burst of strangers' connections does not delay a user's by the second after which a packet is repeated;
/// the system's own limit (`somaxconn`) holds as well. Accepted connections inherit the size of the buffer.
pub(super) fn bound_buffers(listener: &TcpListener) -> io::Result<()> {
    rustix::net::sockopt::set_socket_send_buffer_size(listener, SEND_BUFFER)?;
    Ok(rustix::net::listen(listener, ACCEPT_QUEUE)?)
}

/// An application of the framework: routes and what surrounds them.
pub(in crate::app) trait Application<B>:
    ServiceFactory<Request, Config = AppConfig, Response = ServiceResponse<B>, Error = actix_web::Error> + 'static
{
}

impl<B, F> Application<B> for F where
    F: ServiceFactory<Request, Config = AppConfig, Response = ServiceResponse<B>, Error = actix_web::Error> + 'static
{
}

/// What a worker thread serves the connections of one socket with.
#[derive(Clone)]
struct Worker<A> {
    application: A,
    generation: Arc<Generation>,
    settings: ServerSettings,
    table: Arc<ConnectionTable>,
    shutdown: GracefulShutdownSignal,
}

impl<A> Worker<A> {
    /// Builds the service of a worker. `handshake` turns a socket into the stream that requests are read from; `None`
    /// if that fails or takes too long.
    fn serve<I, F, B, S, H>(
        self,
        handshake: impl Fn(TcpStream) -> H + Clone + 'static,
    ) -> impl ServiceFactory<TcpStream, Config = ()>
    where
        A: Fn() -> I + 'static,
        I: IntoServiceFactory<F, Request>,
        F: Application<B>,
        F::InitError: std::fmt::Debug,
        B: MessageBody + 'static,
        S: AsyncRead + AsyncWrite + Unpin + 'static,
        H: Future<Output = Option<S>> + 'static,
    {
        let (shutdown, table, application) = (self.shutdown, self.table, self.application);
        let build: BuildApplication<F::Service> = Rc::new(move || {
            // The application asks for no address of its own: it knows its public address from the configuration.
            let built = application().into_factory().new_service(AppConfig::default());
            Box::pin(async move {
                built.await.map_err(|error| tracing::error!(?error, "an application cannot be built")).ok()
            })
        });
        let application = CurrentApplication { build, generation: self.generation };
        let requests = HttpService::build()
            .graceful_shutdown_signal(move || {
                let shutdown = shutdown.clone();
                async move { shutdown.notified().await }
            })
            // The table of connections ends the idle ones. The framework would make a timer after each answer.
            .keep_alive(KeepAlive::Os)
            .client_request_timeout(self.settings.arrival)
            .client_disconnect_timeout(DISCONNECT_TIMEOUT)
            .on_connect_ext(|stream: &BoundedStream<S>, data| {
                data.insert(stream.connection().clone());
                data.insert(stream.local_address());
            })
            .h1(TrackRequests { application, table: table.clone() });
        fn_service(move |socket: TcpStream| accept(socket, table.clone(), handshake.clone())).and_then(requests)
    }
}

/// Takes a socket into the table of connections and makes its stream.
async fn accept<S, H: Future<Output = Option<S>>>(
    socket: TcpStream,
    table: Arc<ConnectionTable>,
    handshake: impl Fn(TcpStream) -> H,
) -> Result<(BoundedStream<S>, Option<SocketAddr>), DispatchError> {
    let refused = || DispatchError::Io(io::ErrorKind::ConnectionRefused.into());
    let peer = socket.peer_addr().map_err(DispatchError::Io)?;
    let local = LocalAddress(socket.local_addr().map_err(DispatchError::Io)?.ip());
    let open = table.open(peer.ip()).ok_or_else(refused)?;
    let stream = tokio::select! {
        stream = handshake(socket) => stream,
        () = open.connection.wait_for_end() => None,
    };
    let stream = stream.ok_or_else(refused)?;
    Ok((BoundedStream::new(stream, local, open), Some(peer)))
}
