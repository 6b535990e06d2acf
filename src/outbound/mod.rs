//! The ways out: the one HTTP client with its deadlines, no redirects, size caps, host rules, the operator's CA file and
//! egress proxy; and mail.
//!
//! Owns every call that leaves the process and the rules that say which hosts may be called. It deliberately knows
//! neither tokens nor the meaning of a response: it sends bytes to a host that the caller chooses and refuses hosts
//! that the rules forbid.

mod answer;
mod client;
mod host_rules;
mod host_slots;
mod mail;
mod proxy_exceptions;
mod relay;
mod relay_headers;
mod request;
mod streamed_body;
#[cfg(test)]
mod tests;
mod tls;
mod traced_call;

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use ipnet::IpNet;
use reqwest::{Request, Response};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use url::{Host, Url};

pub use answer::{Headers, HttpAnswer};
use client::{ClientParts, HttpClient, IdleConnections, RequestBody, ThreadClients};
use host_rules::HostRules;
use host_slots::HostSlots;
pub use mail::{
    MailDelivery, MailEncryption, MailError, MailMessage, MailSettings, Mailer, SmtpCredentials, SmtpSettings,
};
pub use proxy_exceptions::ProxyExceptions;
pub use relay::{RelayRequest, RelayedAnswer};
pub use relay_headers::RelayHeaders;
pub use request::{FormField, FormHeaders, FormPost, RequestHeader};
pub use streamed_body::{BodyNotWanted, BodySender, StreamedBody};
use traced_call::{TraceAudience, failure_name, write_trace_headers};

use crate::observability::OutgoingCall;

/// The maximum size of a response body where the caller does not pass one.
const DEFAULT_MAX_ANSWER_BYTES: usize = 1024 * 1024;
const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// How long an idle connection is kept. Handshakes with issuers are slow, so connections are reused.
const IDLE_CONNECTION_LIFETIME: Duration = Duration::from_mins(1);
/// How long an idle connection to a bot is kept. A Node.js server closes an idle connection after 5 s; if this client
/// did not close it earlier, a request sent at that moment would be lost.
const IDLE_BOT_CONNECTION_LIFETIME: Duration = Duration::from_secs(4);
/// The idle connections to a host that are kept for documents, which are fetched one at a time.
const MAX_IDLE_DOCUMENT_CONNECTIONS: usize = 2;
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
    /// The threads that send most of the requests: each keeps connections of its own. Zero is treated as one.
    pub threads: usize,
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

/// The process's HTTP client. Clones share their connections.
#[derive(Clone)]
pub struct Outbound {
    clients: ThreadClients,
    bot_clients: ThreadClients,
    document_client: HttpClient,
    /// Keeps no idle connections: each request has a connection of its own.
    unpooled_client: HttpClient,
    rules: Arc<HostRules>,
    slots: Arc<HostSlots>,
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
        Self::with_rules(&settings, Some(&only))
    }

    /// Builds the client.
    ///
    /// # Errors
    /// [`OutboundError::Settings`] if a certificate or the proxy cannot be used.
    pub fn new(settings: &OutboundSettings) -> Result<Self, OutboundError> {
        Self::with_rules(settings, None)
    }

    fn with_rules(settings: &OutboundSettings, only_hosts: Option<&[String]>) -> Result<Self, OutboundError> {
        let per_host = settings.max_connections_per_host.max(1);
        let rules = Arc::new(HostRules::new(settings).restricted_to(only_hosts));
        let pooled = |lifetime| IdleConnections { lifetime, most: per_host };
        let for_documents =
            IdleConnections { most: per_host.min(MAX_IDLE_DOCUMENT_CONNECTIONS), ..pooled(IDLE_CONNECTION_LIFETIME) };
        let tls = tls::build(settings)?;
        let parts = ClientParts { settings, tls: &tls, rules: &rules };
        let clients = ThreadClients::new(&parts, pooled(IDLE_CONNECTION_LIFETIME))?;
        let bot_clients = ThreadClients::new(&parts, pooled(IDLE_BOT_CONNECTION_LIFETIME))?;
        let document_client = HttpClient::new(&parts, for_documents)?;
        let unpooled_client = HttpClient::new(&parts, IdleConnections::NONE)?;
        let slots = Arc::new(HostSlots::new(per_host));
        Ok(Self { clients, bot_clients, document_client, unpooled_client, rules, slots })
    }

    /// Replaces the hosts that may be called without TLS, and those that may resolve to (or be) addresses that are not public:
    /// a reload names others. All clones keep the new rules; a request that was sent before is not ended.
    pub fn replace_hosts(&self, plain_http: &[String], private: &[String]) {
        self.rules.replace_hosts(plain_http, private);
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
        self.call(self.clients.own(), request::build(url, headers, None)?, deadline, limit_bytes).await
    }

    /// Fetches a document that the process keeps for a while, as [`Outbound::get_with`] does, over connections of its own. A
    /// connection is driven by the thread that has opened it. The process fetches documents when it starts, on a thread that
    /// serves no requests: each request on such a connection would wake that thread, and wait for it.
    ///
    /// # Errors
    /// [`OutboundError`]. A response with an error status is not an error.
    pub async fn get_document(
        &self,
        url: &Url,
        headers: &[RequestHeader<'_>],
        deadline: Instant,
        limit_bytes: usize,
    ) -> Result<HttpAnswer, OutboundError> {
        self.call(&self.document_client, request::build(url, headers, None)?, deadline, limit_bytes).await
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
        static CONTENT_TYPE_ALONE: LazyLock<FormHeaders> = LazyLock::new(FormHeaders::default);
        let post = FormPost { url, shared: &CONTENT_TYPE_ALONE, headers, fields: form };
        self.post_prepared_form(&post, deadline).await
    }

    /// Posts a form as [`Outbound::post_form`] does, with headers that were prepared before.
    ///
    /// # Errors
    /// [`OutboundError`]. A response with an error status is not an error.
    pub async fn post_prepared_form(
        &self,
        post: &FormPost<'_>,
        deadline: Instant,
    ) -> Result<HttpAnswer, OutboundError> {
        self.call(self.clients.own(), post.build()?, deadline, DEFAULT_MAX_ANSWER_BYTES).await
    }

    /// Posts a form over a connection of its own, as [`Outbound::post_prepared_form`] does over a pooled one. A server may
    /// close an idle connection at the moment at which a request is sent on it; a request that must not be repeated cannot be
    /// lost in that way here.
    ///
    /// # Errors
    /// [`OutboundError`]. A response with an error status is not an error.
    pub async fn post_form_unpooled(
        &self,
        post: &FormPost<'_>,
        deadline: Instant,
    ) -> Result<HttpAnswer, OutboundError> {
        self.call(&self.unpooled_client, post.build()?, deadline, DEFAULT_MAX_ANSWER_BYTES).await
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
        let mut request = request::build(url, headers, Some(body))?;
        request.headers_mut().append(CONTENT_TYPE, JSON);
        self.call(self.clients.own(), request, deadline, DEFAULT_MAX_ANSWER_BYTES).await
    }

    /// Posts `body`, whose type is among `headers`. The response's body may have up to 1 MiB.
    ///
    /// # Errors
    /// [`OutboundError`]. A response with an error status is not an error.
    pub async fn post(
        &self,
        url: &Url,
        headers: &[RequestHeader<'_>],
        body: Bytes,
        deadline: Instant,
    ) -> Result<HttpAnswer, OutboundError> {
        self.call(self.clients.own(), request::build(url, headers, Some(body))?, deadline, DEFAULT_MAX_ANSWER_BYTES)
            .await
    }

    /// Forwards a request and returns the response's status and headers; the body follows as a stream. Status and
    /// headers must arrive by `headers_by`.
    ///
    /// # Errors
    /// [`OutboundError`]. A response with an error status is not an error.
    pub async fn relay(&self, request: RelayRequest, headers_by: Instant) -> Result<RelayedAnswer, OutboundError> {
        let RelayRequest { method, url, headers, body, counted_as } = request;
        let built = relay::build(&method, url, headers, RequestBody::Whole(body))?;
        self.relay_built(built, &counted_as, headers_by).await
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
        let RelayRequest { method, url, headers, body: _, counted_as } = request;
        let built = relay::build(&method, url, headers, RequestBody::Streamed(body))?;
        self.relay_built(built, &counted_as, headers_by).await
    }

    async fn relay_built(
        &self,
        request: Request,
        counted_as: &str,
        headers_by: Instant,
    ) -> Result<RelayedAnswer, OutboundError> {
        let sending = self.send(self.bot_clients.own(), request, counted_as, TraceAudience::Relayed);
        let Sent { response, permit } = within_deadline(headers_by, sending).await?;
        Ok(RelayedAnswer::new(response, permit))
    }

    /// Sends the request, and reads the response's body of up to `limit_bytes`.
    async fn call(
        &self,
        client: &HttpClient,
        request: Request,
        deadline: Instant,
        limit_bytes: usize,
    ) -> Result<HttpAnswer, OutboundError> {
        within_deadline(deadline, async {
            let Sent { response, permit: _permit } = self.send(client, request, "", TraceAudience::Stranger).await?;
            answer::read(response, limit_bytes).await
        })
        .await
    }

    /// Sends the request as a part of the current trace, if there is one. The caller holds the permit until it has read the
    /// body, because the connection is in use until then.
    async fn send(
        &self,
        client: &HttpClient,
        mut request: Request,
        counted_as: &str,
        audience: TraceAudience,
    ) -> Result<Sent, OutboundError> {
        let Some(call) = OutgoingCall::begin(request.method().as_str(), request.url()) else {
            return self.send_untraced(client, request, counted_as).await;
        };
        write_trace_headers(&call, audience, request.headers_mut());
        let sent = self.send_untraced(client, request, counted_as).await;
        match &sent {
            Ok(sent) => call.answered(sent.response.status().as_u16()),
            Err(error) => call.failed(failure_name(error)),
        }
        sent
    }

    async fn send_untraced(
        &self,
        client: &HttpClient,
        request: Request,
        counted_as: &str,
    ) -> Result<Sent, OutboundError> {
        self.rules.check(request.url())?;
        let permit = self.slots.acquire(request.url(), counted_as).await?;
        let response = client.send(request).await?;
        Ok(Sent { response, permit })
    }
}

/// A request that was sent, and the head of the response to it.
struct Sent {
    response: Response,
    permit: OwnedSemaphorePermit,
}

impl std::fmt::Debug for Outbound {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Outbound(..)")
    }
}

async fn within_deadline<T>(
    deadline: Instant,
    call: impl Future<Output = Result<T, OutboundError>>,
) -> Result<T, OutboundError> {
    tokio::time::timeout_at(deadline, call).await.unwrap_or(Err(OutboundError::TimedOut))
}

fn host_text(url: &Url) -> String {
    match url.host() {
        Some(Host::Domain(name)) => name.to_owned(),
        Some(Host::Ipv4(address)) => address.to_string(),
        Some(Host::Ipv6(address)) => address.to_string(),
        None => String::new(),
    }
}
