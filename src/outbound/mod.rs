//! The one HTTP client: deadlines, no redirects, size caps, host rules, the operator's CA file and egress proxy.
//!
//! Owns every call that leaves the process and the rules where it may go. It deliberately knows neither tokens nor
//! what an answer means: it moves bytes to a host that the caller chose, and refuses hosts that nobody may choose.

mod answer;
mod host_rules;
mod relay;
mod request;
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
use host_rules::{HostRules, PermittedAddresses};
pub use relay::{RelayRequest, Relayed};
use request::encode_form;
pub use request::{FormField, RequestHeader};

/// The cap of an answer's body where the caller does not set one.
const ANSWER_LIMIT_BYTES: usize = 1024 * 1024;
/// How long a connection is kept for the next request: issuers' handshakes are dear.
const KEEP_IDLE: Duration = Duration::from_mins(1);
/// The same towards bots. Node closes an idle connection after 5 s: we have to be first, or a request is lost.
const KEEP_BOTS_IDLE: Duration = Duration::from_secs(4);
/// For so many hosts connections are counted at a time; the least used one is forgotten first.
const COUNTED_HOSTS: usize = 512;
/// For a client of one host: whoever uses it asks rarely.
const CONNECTIONS_TO_ONE_HOST: usize = 4;

/// How the process reaches others. Set once at start-up. Not printable: the proxy's URL may hold a password.
#[derive(Clone, Default)]
pub struct OutboundSettings {
    /// PEM bundles trusted beside the system's certificates.
    pub ca_certificates_pem: Vec<Vec<u8>>,
    /// The only proxy there is; the environment's proxy variables are not read. Loopback, literal addresses that are
    /// not public and single-label names are reached directly.
    pub egress_proxy: Option<Url>,
    /// How long a TCP and TLS handshake may take.
    pub connect_timeout: Duration,
    /// Hosts that may be reached without TLS.
    pub plain_http_hosts: Vec<String>,
    /// Hosts that may resolve to (or be) addresses that are not public.
    pub private_hosts: Vec<String>,
    /// Networks that any host may resolve into although they are not public.
    pub private_networks: Vec<IpNet>,
    /// Requests in flight to one host; more wait, within their deadline. Zero counts as one.
    pub max_connections_per_host: usize,
}

/// Why a call brought no answer. Holds no URL path or query, no header and no body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutboundError {
    /// The rules forbid this host, scheme or address.
    #[error("calls to {host} are not permitted")]
    HostRefused {
        /// The host, as the URL names it.
        host: String,
    },
    /// No connection: name not found, refused, TLS handshake failed.
    #[error("the host is unreachable")]
    Unreachable,
    /// The deadline passed.
    #[error("timed out")]
    TimedOut,
    /// The answer is larger than its cap.
    #[error("the answer is too large")]
    TooLarge,
    /// The exchange of messages failed half-way, or the request could not be expressed.
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
    relaying: reqwest::Client,
    rules: Arc<HostRules>,
    in_flight: Arc<Cache<String, Arc<Semaphore>>>,
    per_host: usize,
}

impl Outbound {
    /// A client that reaches one host, wherever that is, with or without TLS, directly, and no other. For this machine's
    /// identity endpoint: its address is refused to everything else.
    ///
    /// # Errors
    /// [`OutboundError::Settings`] if `url` names no host or TLS cannot be set up.
    pub fn to_host_of(url: &Url, connect_timeout: Duration) -> Result<Self, OutboundError> {
        let host = url.host_str().ok_or_else(|| OutboundError::Settings("an address without a host".into()))?;
        let only = vec![host.to_owned()];
        let settings = OutboundSettings {
            connect_timeout,
            plain_http_hosts: only.clone(),
            private_hosts: only.clone(),
            max_connections_per_host: CONNECTIONS_TO_ONE_HOST,
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
        // The operator named the proxy; it usually stands on a private network.
        private_hosts.extend(settings.egress_proxy.iter().map(host_of));
        let rules = HostRules::new(&settings.plain_http_hosts, &private_hosts, settings.private_networks);
        let rules = Arc::new(rules.only(only_hosts));
        let certificates = certificates_of(&settings.ca_certificates_pem)?;
        let client_of = |keep_idle: Duration| {
            let mut builder = reqwest::Client::builder()
                .http1_only()
                .no_proxy()
                .referer(false)
                .redirect(reqwest::redirect::Policy::none())
                .connect_timeout(settings.connect_timeout)
                .pool_max_idle_per_host(per_host)
                .pool_idle_timeout(keep_idle)
                .dns_resolver(Arc::new(PermittedAddresses::new(Arc::clone(&rules))));
            if !certificates.is_empty() {
                builder = builder.tls_certs_merge(certificates.clone());
            }
            if let Some(proxy) = settings.egress_proxy.clone() {
                let choose = move |url: &Url| host_rules::is_proxied(url).then(|| proxy.clone());
                builder = builder.proxy(reqwest::Proxy::custom(choose));
            }
            builder.build().map_err(|_| {
                OutboundError::Settings("the TLS client could not be set up; are CA certificates installed?".into())
            })
        };
        let (client, relaying) = (client_of(KEEP_IDLE)?, client_of(KEEP_BOTS_IDLE)?);
        Ok(Self { client, relaying, rules, in_flight: Arc::new(Cache::new(COUNTED_HOSTS)), per_host })
    }

    /// Fetches `url`; the answer's body may have up to `limit_bytes`.
    ///
    /// # Errors
    /// See [`OutboundError`]; any HTTP status is an answer.
    pub async fn get(&self, url: &Url, deadline: Instant, limit_bytes: usize) -> Result<HttpAnswer, OutboundError> {
        self.get_with(url, &[], deadline, limit_bytes).await
    }

    /// As [`Outbound::get`], with headers.
    ///
    /// # Errors
    /// See [`OutboundError`]; any HTTP status is an answer.
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

    /// Posts a form (`application/x-www-form-urlencoded`); the answer is capped at 1 MiB.
    ///
    /// # Errors
    /// See [`OutboundError`]; any HTTP status is an answer.
    pub async fn post_form(
        &self,
        url: &Url,
        headers: &[RequestHeader<'_>],
        form: &[FormField<'_>],
        deadline: Instant,
    ) -> Result<HttpAnswer, OutboundError> {
        let body = encode_form(form);
        let mut request = self.client.post(url.clone()).header("content-type", "application/x-www-form-urlencoded");
        for header in headers {
            request = request.header(header.name, header.value);
        }
        self.call(url, request.body(body), deadline, ANSWER_LIMIT_BYTES).await
    }

    /// Posts JSON; the answer is capped at 1 MiB.
    ///
    /// # Errors
    /// See [`OutboundError`]; any HTTP status is an answer.
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
        self.call(url, request.body(body), deadline, ANSWER_LIMIT_BYTES).await
    }

    /// Passes a request on and hands back the answer's head; the body follows as a stream. The head must be there by
    /// `headers_by`.
    ///
    /// # Errors
    /// See [`OutboundError`]; any HTTP status is an answer.
    pub async fn relay(&self, request: RelayRequest, headers_by: Instant) -> Result<Relayed, OutboundError> {
        let url = request.url.clone();
        let built = relay::build(&self.relaying, request)?;
        let (response, permit) = within(headers_by, self.send(&url, built)).await?;
        Ok(Relayed::new(response, permit))
    }

    async fn call(
        &self,
        url: &Url,
        request: reqwest::RequestBuilder,
        deadline: Instant,
        limit_bytes: usize,
    ) -> Result<HttpAnswer, OutboundError> {
        within(deadline, async {
            let (response, _permit) = self.send(url, request).await?;
            answer::read(response, limit_bytes).await
        })
        .await
    }

    /// The permit is held until the body has been read: it counts the connection, not the request's head.
    async fn send(
        &self,
        url: &Url,
        request: reqwest::RequestBuilder,
    ) -> Result<(reqwest::Response, OwnedSemaphorePermit), OutboundError> {
        self.rules.check(url)?;
        let permit = self.permit(url).await?;
        let response = request.send().await.map_err(|error| classify(&error, url))?;
        Ok((response, permit))
    }

    async fn permit(&self, url: &Url) -> Result<OwnedSemaphorePermit, OutboundError> {
        let host = format!("{}:{}", url.host_str().unwrap_or(""), url.port_or_known_default().unwrap_or(0));
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

fn certificates_of(bundles: &[Vec<u8>]) -> Result<Vec<reqwest::Certificate>, OutboundError> {
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

async fn within<T>(
    deadline: Instant,
    call: impl Future<Output = Result<T, OutboundError>>,
) -> Result<T, OutboundError> {
    tokio::time::timeout_at(deadline, call).await.unwrap_or(Err(OutboundError::TimedOut))
}

/// Tells the conditions apart without passing on the client's text, which names the URL.
fn classify(error: &reqwest::Error, url: &Url) -> OutboundError {
    if host_rules::was_refused(error) {
        return OutboundError::HostRefused { host: host_of(url) };
    }
    // A connection that timed out while it was being made never carried the request: it counts as unreachable.
    if error.is_connect() {
        return OutboundError::Unreachable;
    }
    if error.is_timeout() { OutboundError::TimedOut } else { OutboundError::Broken }
}

fn host_of(url: &Url) -> String {
    match url.host() {
        Some(Host::Domain(name)) => name.to_owned(),
        Some(Host::Ipv4(address)) => address.to_string(),
        Some(Host::Ipv6(address)) => address.to_string(),
        None => String::new(),
    }
}
