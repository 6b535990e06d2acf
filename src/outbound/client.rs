use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use reqwest::{Body, Client, ClientBuilder, Proxy, Request, Response};
use rustls::ClientConfig;
use url::Url;

use super::host_rules::{self, HostRules, PermittedAddressResolver};
use super::{OutboundError, OutboundSettings, StreamedBody, host_text};

/// A pool of connections.
#[derive(Clone)]
pub(super) struct HttpClient(Client);

/// Clients whose connections are kept: one for each thread that sends many requests. A connection is driven by the thread that
/// has opened it, so a request that another thread sends on it wakes that thread, and waits for it.
#[derive(Clone)]
pub(super) struct ThreadClients {
    first: HttpClient,
    others: Arc<[HttpClient]>,
}

/// The number of the next thread that sends a request.
static NEXT_THREAD: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static THREAD: usize = NEXT_THREAD.fetch_add(1, Ordering::Relaxed);
}

impl ThreadClients {
    /// Builds `parts.settings.threads` clients, which keep `idle.most` connections to a host together.
    pub(super) fn new(parts: &ClientParts<'_>, idle: IdleConnections) -> Result<Self, OutboundError> {
        let threads = parts.settings.threads.max(1);
        let each = IdleConnections { most: idle.most.div_ceil(threads), ..idle };
        let others = (1..threads).map(|_| HttpClient::new(parts, each)).collect::<Result<_, _>>()?;
        Ok(Self { first: HttpClient::new(parts, each)?, others })
    }

    /// The client of the current thread. If there are more threads, some of them share one.
    pub(super) fn own(&self) -> &HttpClient {
        let number = THREAD.with(|thread| thread % (self.others.len() + 1));
        self.others.get(number).unwrap_or(&self.first)
    }
}

/// What all clients of a process have in common.
#[derive(Clone, Copy)]
pub(super) struct ClientParts<'a> {
    pub(super) settings: &'a OutboundSettings,
    pub(super) tls: &'a ClientConfig,
    /// The hosts that may be called.
    pub(super) rules: &'a Arc<HostRules>,
}

/// How many idle connections a client keeps to a host, and for how long.
#[derive(Clone, Copy)]
pub(super) struct IdleConnections {
    pub(super) lifetime: Duration,
    pub(super) most: usize,
}

impl IdleConnections {
    /// Each request has a connection of its own.
    pub(super) const NONE: Self = Self { lifetime: Duration::ZERO, most: 0 };
}

/// The body of a request.
pub(super) enum RequestBody {
    Whole(Bytes),
    Streamed(StreamedBody),
}

impl HttpClient {
    /// Builds a client without a connection.
    pub(super) fn new(parts: &ClientParts<'_>, idle: IdleConnections) -> Result<Self, OutboundError> {
        let ClientParts { settings, tls, rules } = *parts;
        let builder = Client::builder()
            .tls_backend_preconfigured(tls.clone())
            .http1_only()
            .no_proxy()
            .referer(false)
            .redirect(reqwest::redirect::Policy::none())
            // Repeats only what HTTP/2 has refused, and would copy each request for that. A request whose idle connection was
            // closed before a byte of it was sent is still sent again, by the pool itself.
            .retry(reqwest::retry::never().max_retries_per_request(0))
            .connect_timeout(settings.connect_timeout)
            .pool_max_idle_per_host(idle.most)
            .pool_idle_timeout(idle.lifetime)
            .dns_resolver(Arc::new(PermittedAddressResolver::new(Arc::clone(rules))));
        let built = with_proxy(builder, settings).build();
        built.map(Self).map_err(|_| OutboundError::Settings("the HTTP client could not be set up".into()))
    }

    /// Sends `request`, whose URL the rules permit. Returns when the head of the response has arrived.
    pub(super) async fn send(&self, request: Request) -> Result<Response, OutboundError> {
        self.0.execute(request).await.map_err(|error| classify(&error))
    }
}

/// A request without headers.
pub(super) fn build_request(method: Method, url: Url, body: RequestBody) -> Request {
    let has_body = method != Method::GET || !matches!(&body, RequestBody::Whole(bytes) if bytes.is_empty());
    let mut request = Request::new(method, url);
    *request.body_mut() = has_body.then(|| match body {
        RequestBody::Whole(bytes) => Body::from(bytes),
        RequestBody::Streamed(body) => Body::wrap(body),
    });
    request
}

fn with_proxy(builder: ClientBuilder, settings: &OutboundSettings) -> ClientBuilder {
    let Some(proxy) = settings.egress_proxy.clone() else { return builder };
    let exceptions = settings.proxy_exceptions.clone();
    builder.proxy(Proxy::custom(move |url: &Url| exceptions.is_proxied(url).then(|| proxy.clone())))
}

/// Maps an error of the HTTP client to [`OutboundError`]. The client's text is dropped because it contains the URL.
fn classify(error: &reqwest::Error) -> OutboundError {
    if host_rules::was_refused(error) {
        return OutboundError::HostRefused { host: error.url().map(host_text).unwrap_or_default() };
    }
    // If the handshake timed out, the request was never sent: the host is unreachable.
    if error.is_connect() {
        return OutboundError::Unreachable;
    }
    if error.is_timeout() { OutboundError::TimedOut } else { OutboundError::Broken }
}
