use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use reqwest::{Body, Certificate, Client, ClientBuilder, Proxy, Request, Response};
use url::Url;

use super::host_rules::{self, HostRules, PermittedAddressResolver};
use super::{OutboundError, OutboundSettings, StreamedBody, host_text};

/// A pool of connections.
#[derive(Clone)]
pub(super) struct HttpClient(Client);

/// How many idle connections a client keeps to a host, and for how long.
#[derive(Clone, Copy)]
pub(super) struct IdleConnections {
    pub(super) lifetime: Duration,
    /// With zero, each request has a connection of its own.
    pub(super) most: usize,
}

/// The body of a request.
pub(super) enum RequestBody {
    Whole(Bytes),
    Streamed(StreamedBody),
}

impl HttpClient {
    /// Builds a client without a connection, which calls the hosts that `rules` permit.
    pub(super) fn new(
        settings: &OutboundSettings,
        rules: &Arc<HostRules>,
        idle: IdleConnections,
    ) -> Result<Self, OutboundError> {
        let builder = Client::builder()
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
        let built = with_proxy(with_certificates(builder, settings)?, settings).build();
        built.map(Self).map_err(|_| {
            OutboundError::Settings("the TLS client could not be set up; are CA certificates installed?".into())
        })
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

/// The operator's certificates are trusted in addition to the system's.
fn with_certificates(builder: ClientBuilder, settings: &OutboundSettings) -> Result<ClientBuilder, OutboundError> {
    let mut certificates = Vec::new();
    for pem in &settings.ca_certificates_pem {
        let bundle = Certificate::from_pem_bundle(pem)
            .map_err(|_| OutboundError::Settings("a CA file is not a PEM bundle of certificates".into()))?;
        if bundle.is_empty() {
            return Err(OutboundError::Settings("a CA file holds no certificate".into()));
        }
        certificates.extend(bundle);
    }
    Ok(if certificates.is_empty() { builder } else { builder.tls_certs_merge(certificates) })
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
