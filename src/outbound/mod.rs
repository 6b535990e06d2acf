//! The ways out: the one HTTP client with its deadlines, no redirects, size caps, host rules, the operator's CA file and
//! egress proxy; and mail.
//!
//! Owns every call that leaves the process and the rules that say which hosts may be called. It deliberately knows
//! neither tokens nor the meaning of a response: it sends bytes to a host that the caller chooses and refuses hosts
//! that the rules forbid.

mod answer;
mod host_rules;
mod mail;
mod proxy_exceptions;
mod relay;
mod request;
mod streamed_body;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ipnet::IpNet;
use quick_cache::sync::Cache;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use url::{Host, Url};

pub use answer::{Headers, HttpAnswer};
use host_rules::{HostRules, PermittedAddressResolver};
pub use mail::{
    MailDelivery, MailEncryption, MailError, MailMessage, MailSettings, Mailer, SmtpCredentials, SmtpSettings,
};
pub use proxy_exceptions::ProxyExceptions;
pub use relay::{RelayRequest, RelayedAnswer};
pub use request::{FormField, RequestHeader};
pub use streamed_body::{BodyNotWanted, BodySender, StreamedBody};

/// The maximum size of a response body where the caller does not pass one.
const DEFAULT_MAX_ANSWER_BYTES: usize = 1024 * 1024;
/// How long an idle connection is kept. Handshakes with issuers are slow, so connections are reused.
const IDLE_CONNECTION_LIFETIME: Duration = Duration::from_mins(1);
/// How long an idle connection to a bot is kept. A Node.js server closes an idle connection after 5 s; if this client
/// did not close it earlier, a request sent at that moment would be lost.
const IDLE_BOT_CONNECTION_LIFETIME: Duration = Duration::from_secs(4);
/// The number of hosts whose open connections are counted at a time. The least used host is dropped first.
const MAX_COUNTED_HOSTS: usize = 2048;
/// The connection limit of a client for a single host, which sends few requests.
const MAX_CONNECTIONS_OF_SINGLE_HOST_CLIENT: usize = 4;

/// The settings of the HTTP client, read once at start-up. The type has no `Debug` because the proxy's URL may hold a
/// password.
#[derive(Clone, Default)]
pub struct OutboundSettings {
    /// PEM bundles that are trusted in addition to the system's certificates.
    pub ca_certificates_pem: Vec<Vec<u8>>,
    /// The HTTP proxy. Proxy variables of the environment are not read. Loopback, literal addresses that are not public
    /// and single-label names are called without the proxy.
    pub egress_proxy: Option<Url>,
    /// The destinations that are called without the proxy, too.
    pub proxy_exceptions: ProxyExceptions,
    /// The maximum time for a TCP and TLS handshake.
    pub connect_timeout: Duration,
    /// Hosts that may be called without TLS.
    pub plain_http_hosts: Vec<String>,
    /// Hosts that may resolve to (or be) addresses that are not public.
    pub private_hosts: Vec<String>,
    /// Private networks that any host name may resolve into.
    pub private_networks: Vec<IpNet>,
    /// The maximum number of simultaneous requests to one host. Further requests wait until their deadline. Zero is
    /// treated as one. Relayed requests of different [purposes](RelayRequest::counted_as) are counted apart.
    pub max_connections_per_host: usize,
}

/// Why a call failed without a response. The error holds no URL path, query, header or body, so it may be logged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutboundError {
    /// The rules forbid this host, scheme or address.
    #[error("calls to {host} are not permitted")]
    HostRefused {
        /// The host, as the URL names it.
        host: String,
    },
    /// No connection could be opened: the name was not found, the peer refused, or the TLS handshake failed.
    #[error("the host is unreachable")]
    Unreachable,
    /// The deadline passed.
    #[error("timed out")]
    TimedOut,
    /// The response body is larger than its limit.
    #[error("the answer is too large")]
    TooLarge,
    /// The connection failed during the request or the response, or the request is not valid HTTP.
    #[error("the connection broke")]
    Broken,
    /// The settings cannot be used.
    #[error("outbound settings: {0}")]
    Settings(String),
}

/// The process's HTTP client. Clones share one pool.
#[derive(Clone)]
pub struct Outbound {
    client: reqwest::Client,
    bot_client: reqwest::Client,
    /// Keeps no idle connections: each request has a connection of its own.
    unpooled_client: reqwest::Client,
    rules: Arc<HostRules>,
    in_flight: Arc<Cache<String, Arc<Semaphore>>>,
    per_host: usize,
}

impl Outbound {
    /// Builds a client that may call only the host of `url`: with or without TLS, without a proxy, even at a private
    /// address. It is meant for this machine's identity endpoint, whose address every other client refuses.
    ///
    /// # Errors
    /// [`OutboundError::Settings`] if `url` names no host or TLS cannot be set up.
    pub fn for_single_host(url: &Url, connect_timeout: Duration) -> Result<Self, OutboundError> {
        let host = url.host_str().ok_or_else(|| OutboundError::Settings("the URL has no host".into()))?;
        let only = vec![host.to_owned()];
        let settings = OutboundSettings {
            connect_timeout,
            plain_http_hosts: only.clone(),
            private_hosts: only.clone(),
            max_connections_per_host: MAX_CONNECTIONS_OF_SINGLE_HOST_CLIENT,
            ..OutboundSettings::default()
        };
        Self::with_rules(settings, Some(&only))
    }

    /// Builds the client.
    ///
    /// # Errors
    /// [`OutboundError::Settings`] if a certificate or the proxy cannot be used.
    pub fn new(settings: OutboundSettings) -> Result<Self, OutboundError> {
        Self::with_rules(settings, None)
    }

    fn with_rules(settings: OutboundSettings, only_hosts: Option<&[String]>) -> Result<Self, OutboundError> {
        let per_host = settings.max_connections_per_host.max(1);
        let mut private_hosts = settings.private_hosts;
        // The operator configured the proxy, and a proxy is usually on a private network.
        private_hosts.extend(settings.egress_proxy.iter().map(host_text));
        let rules = HostRules::new(&settings.plain_http_hosts, &private_hosts, settings.private_networks);
        let rules = Arc::new(rules.restricted_to(only_hosts));
        let certificates = parse_certificates(&settings.ca_certificates_pem)?;
        let build_client = |idle_lifetime: Duration, most_idle: usize| {
            let mut builder = reqwest::Client::builder()
                .http1_only()
                .no_proxy()
                .referer(false)
                .redirect(reqwest::redirect::Policy::none())
                .connect_timeout(settings.connect_timeout)
                .pool_max_idle_per_host(most_idle)
                .pool_idle_timeout(idle_lifetime)
                .dns_resolver(Arc::new(PermittedAddressResolver::new(Arc::clone(&rules))));
            if !certificates.is_empty() {
                builder = builder.tls_certs_merge(certificates.clone());
            }
            if let Some(proxy) = settings.egress_proxy.clone() {
                let exceptions = settings.proxy_exceptions.clone();
                let choose = move |url: &Url| exceptions.is_proxied(url).then(|| proxy.clone());
                builder = builder.proxy(reqwest::Proxy::custom(choose));
            }
            builder.build().map_err(|_| {
                OutboundError::Settings("the TLS client could not be set up; are CA certificates installed?".into())
            })
        };
        let client = build_client(IDLE_CONNECTION_LIFETIME, per_host)?;
        let bot_client = build_client(IDLE_BOT_CONNECTION_LIFETIME, per_host)?;
        let unpooled_client = build_client(Duration::ZERO, 0)?;
        let in_flight = Arc::new(Cache::new(MAX_COUNTED_HOSTS));
        Ok(Self { client, bot_client, unpooled_client, rules, in_flight, per_host })
    }

    /// Sends a GET request. The response's body may have up to `limit_bytes`.
    ///
    /// # Errors
    /// [`OutboundError`]. A response with an error status is not an error.
    pub async fn get(&self, url: &Url, deadline: Instant, limit_bytes: usize) -> Result<HttpAnswer, OutboundError> {
        self.get_with(url, &[], deadline, limit_bytes).await
    }

    /// Sends a GET request with `headers`, as [`Outbound::get`] does without.
    ///
    /// # Errors
    /// [`OutboundError`]. A response with an error status is not an error.
    pub async fn get_with(
        &self,
        url: &Url,
        headers: &[RequestHeader<'_>],
        deadline: Instant,
        limit_bytes: usize,
    ) -> Result<HttpAnswer, OutboundError> {
        let mut request = self.client.get(url.clone());
        for header in headers {
            request = request.header(header.name, header.value);
        }
        self.call(url, request, deadline, limit_bytes).await
    }

    /// Posts a form (`application/x-www-form-urlencoded`). The response's body may have up to 1 MiB.
    ///
    /// # Errors
    /// [`OutboundError`]. A response with an error status is not an error.
    pub async fn post_form(
        &self,
        url: &Url,
        headers: &[RequestHeader<'_>],
        form: &[FormField<'_>],
        deadline: Instant,
    ) -> Result<HttpAnswer, OutboundError> {
        let request = request::build_form(&self.client, url, headers, form);
        self.call(url, request, deadline, DEFAULT_MAX_ANSWER_BYTES).await
    }

    /// Posts a form over a connection of its own, as [`Outbound::post_form`] does over a pooled one. A server may close
    /// an idle connection at the moment at which a request is sent on it; a request that must not be repeated cannot be
    /// lost in that way here.
    ///
    /// # Errors
    /// [`OutboundError`]. A response with an error status is not an error.
    pub async fn post_form_unpooled(
        &self,
        url: &Url,
        headers: &[RequestHeader<'_>],
        form: &[FormField<'_>],
        deadline: Instant,
    ) -> Result<HttpAnswer, OutboundError> {
        let request = request::build_form(&self.unpooled_client, url, headers, form);
        self.call(url, request, deadline, DEFAULT_MAX_ANSWER_BYTES).await
    }

    /// Posts JSON. The response's body may have up to 1 MiB.
    ///
    /// # Errors
    /// [`OutboundError`]. A response with an error status is not an error.
    pub async fn post_json(
        &self,
        url: &Url,
        headers: &[RequestHeader<'_>],
        body: Bytes,
        deadline: Instant,
    ) -> Result<HttpAnswer, OutboundError> {
        let mut request = self.client.post(url.clone()).header("content-type", "application/json");
        for header in headers {
            request = request.header(header.name, header.value);
        }
        self.call(url, request.body(body), deadline, DEFAULT_MAX_ANSWER_BYTES).await
    }

    /// Forwards a request and returns the response's status and headers; the body follows as a stream. Status and
    /// headers must arrive by `headers_by`.
    ///
    /// # Errors
    /// [`OutboundError`]. A response with an error status is not an error.
    pub async fn relay(&self, request: RelayRequest, headers_by: Instant) -> Result<RelayedAnswer, OutboundError> {
        let (url, counted_as) = (request.url.clone(), request.counted_as.clone());
        let built = relay::build(&self.bot_client, request)?;
        let (response, permit) = within_deadline(headers_by, self.send(&url, &counted_as, built)).await?;
        Ok(RelayedAnswer::new(response, permit))
    }

    /// Forwards a request as [`Outbound::relay`] does, with `body` in the place of the request's own: it is sent while it
    /// arrives.
    ///
    /// # Errors
    /// [`OutboundError`]. A response with an error status is not an error.
    pub async fn relay_streamed(
        &self,
        request: RelayRequest,
        body: StreamedBody,
        headers_by: Instant,
    ) -> Result<RelayedAnswer, OutboundError> {
        let (url, counted_as) = (request.url.clone(), request.counted_as.clone());
        let built = relay::build(&self.bot_client, request)?.body(reqwest::Body::wrap(body));
        let (response, permit) = within_deadline(headers_by, self.send(&url, &counted_as, built)).await?;
        Ok(RelayedAnswer::new(response, permit))
    }

    async fn call(
        &self,
        url: &Url,
        request: reqwest::RequestBuilder,
        deadline: Instant,
        limit_bytes: usize,
    ) -> Result<HttpAnswer, OutboundError> {
        within_deadline(deadline, async {
            let (response, _permit) = self.send(url, "", request).await?;
            answer::read(response, limit_bytes).await
        })
        .await
    }

    /// Sends the request. The caller holds the permit until it has read the body, because the connection is in use
    /// until then.
    async fn send(
        &self,
        url: &Url,
        counted_as: &str,
        request: reqwest::RequestBuilder,
    ) -> Result<(reqwest::Response, OwnedSemaphorePermit), OutboundError> {
        self.rules.check(url)?;
        let permit = self.acquire_permit(url, counted_as).await?;
        let response = request.send().await.map_err(|error| classify(&error, url))?;
        Ok((response, permit))
    }

    async fn acquire_permit(&self, url: &Url, counted_as: &str) -> Result<OwnedSemaphorePermit, OutboundError> {
        let (host, port) = (url.host_str().unwrap_or(""), url.port_or_known_default().unwrap_or(0));
        let host = format!("{host}:{port} {counted_as}");
        let semaphore = self
            .in_flight
            .get_or_insert_with(&host, || Ok::<_, OutboundError>(Arc::new(Semaphore::new(self.per_host))))?;
        semaphore.acquire_owned().await.map_err(|_| OutboundError::Broken)
    }
}

impl std::fmt::Debug for Outbound {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Outbound(..)")
    }
}

fn parse_certificates(bundles: &[Vec<u8>]) -> Result<Vec<reqwest::Certificate>, OutboundError> {
    let mut certificates = Vec::new();
    for pem in bundles {
        let bundle = reqwest::Certificate::from_pem_bundle(pem)
            .map_err(|_| OutboundError::Settings("a CA file is not a PEM bundle of certificates".into()))?;
        if bundle.is_empty() {
            return Err(OutboundError::Settings("a CA file holds no certificate".into()));
        }
        certificates.extend(bundle);
    }
    Ok(certificates)
}

async fn within_deadline<T>(
    deadline: Instant,
    call: impl Future<Output = Result<T, OutboundError>>,
) -> Result<T, OutboundError> {
    tokio::time::timeout_at(deadline, call).await.unwrap_or(Err(OutboundError::TimedOut))
}

/// Maps an error of the HTTP client to [`OutboundError`]. The client's text is dropped because it contains the URL.
fn classify(error: &reqwest::Error, url: &Url) -> OutboundError {
    if host_rules::was_refused(error) {
        return OutboundError::HostRefused { host: host_text(url) };
    }
    // If the handshake timed out, the request was never sent: the host is unreachable.
    if error.is_connect() {
        return OutboundError::Unreachable;
    }
    if error.is_timeout() { OutboundError::TimedOut } else { OutboundError::Broken }
}

fn host_text(url: &Url) -> String {
    match url.host() {
        Some(Host::Domain(name)) => name.to_owned(),
        Some(Host::Ipv4(address)) => address.to_string(),
        Some(Host::Ipv6(address)) => address.to_string(),
        None => String::new(),
    }
}
