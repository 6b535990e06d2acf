use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use serde::Deserialize;
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::token_endpoint::SecretMethod;
use super::{RedeemError, RedeemFailure, refusal};
use crate::domain::{SharedClock, Timestamp, read_bounded_object};
use crate::observability::carry;
use crate::outbound::{Outbound, OutboundError};
use crate::single_flight::SingleFlight;

/// The document is fetched again after this time. Endpoints change rarely.
const DOCUMENT_LIFETIME: Duration = Duration::from_hours(6);
/// The minimum time between two fetches while no document is cached.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(2);
/// The minimum time between two fetches while an older document is still in use.
const PAUSE_WHILE_CACHED: Duration = Duration::from_mins(5);
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
const MAX_DOCUMENT_BYTES: usize = 256 * 1024;

/// The provider's discovery URL, and the endpoints that override the document's.
#[derive(Clone, Debug)]
pub struct DiscoverySettings {
    /// The provider's name in configuration, for the log.
    pub provider: String,
    /// `iss`, compared exactly.
    pub issuer: String,
    /// The URL of the discovery document, usually a path below the issuer.
    pub metadata_url: Url,
    /// Overrides the document's authorization endpoint. It may be on any host.
    pub authorization_endpoint: Option<Url>,
    /// Overrides the document's token endpoint. It may be on any host.
    pub token_endpoint: Option<Url>,
    /// Overrides the document's userinfo endpoint. It may be on any host.
    pub userinfo_endpoint: Option<Url>,
    /// Overrides the document's revocation endpoint. It may be on any host.
    pub revocation_endpoint: Option<Url>,
    /// Whether the configuration names the key set, so that the document need not.
    pub has_key_set: bool,
}

/// The discovery document of an issuer (`OpenID` Connect Discovery §4). It is fetched at the first use; concurrent
/// callers share one fetch. Each replica fetches its own.
pub struct Discovery {
    settings: DiscoverySettings,
    outbound: Outbound,
    clock: SharedClock,
    cached: ArcSwapOption<CachedEndpoints>,
    fetches: SingleFlight<(), Result<Arc<Endpoints>, DiscoveryFailure>>,
}

/// The members of a discovery document that are used.
#[derive(Debug)]
pub struct Endpoints {
    /// Where browsers are sent to sign in.
    pub authorization: Url,
    /// Where codes and refresh tokens are redeemed.
    pub token: Url,
    /// Where users' names are asked for (`OpenID` Connect Core §5.3), if there is one that may be called.
    pub userinfo: Option<Url>,
    /// Where tokens are revoked (RFC 7009), if there is one that may be called.
    pub revocation: Option<Url>,
    /// How the provider takes a client's secret.
    pub secret_method: SecretMethod,
    /// Whether each authorization response has an `iss` parameter (RFC 9207 §3).
    pub sends_iss: bool,
}

/// Why a discovery document is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentError {
    /// The bytes are no discovery document.
    Malformed,
    /// A member is not acceptable; the text says which, and what to configure.
    Refused(&'static str),
}

struct CachedEndpoints {
    /// The last valid document.
    endpoints: Option<Arc<Endpoints>>,
    /// The failure of the last fetch, if it failed.
    failure: Option<DiscoveryFailure>,
    next_fetch: Timestamp,
}

/// Why the document could not be fetched or used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct DiscoveryFailure {
    failure: FailureClass,
    hint: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FailureClass {
    Passing,
    Misconfigured,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: Option<String>,
    token_endpoint: Option<String>,
    userinfo_endpoint: Option<String>,
    revocation_endpoint: Option<String>,
    jwks_uri: Option<String>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl Discovery {
    /// Creates the discovery of a provider. The document is fetched at the first use, not here.
    #[must_use]
    pub fn new(settings: DiscoverySettings, outbound: Outbound, clock: SharedClock) -> Arc<Self> {
        let fetches = SingleFlight::default();
        Arc::new(Self { settings, outbound, clock, cached: ArcSwapOption::empty(), fetches })
    }

    pub(super) fn provider(&self) -> &str {
        &self.settings.provider
    }

    pub(super) fn issuer(&self) -> &str {
        &self.settings.issuer
    }

    /// Returns the issuer's endpoints from the cache, or fetches them and waits until `deadline`.
    pub(super) async fn endpoints(self: &Arc<Self>, deadline: Instant) -> Result<Arc<Endpoints>, RedeemError> {
        if let Some(cached) = self.cached.load_full()
            && self.clock.now() < cached.next_fetch
        {
            return cached.usable().map_err(DiscoveryFailure::into_error);
        }
        let this = Arc::clone(self);
        let flight = self.fetches.join((), || carry(async move { this.renew().await }));
        match timeout_at(deadline, flight.outcome()).await {
            Ok(Some(outcome)) => outcome.map_err(DiscoveryFailure::into_error),
            _ => Err(UNANSWERED.into_error()),
        }
    }

    /// Fetches the document. If that fails, an older document stays in use.
    async fn renew(&self) -> Result<Arc<Endpoints>, DiscoveryFailure> {
        let fetched = self.fetch().await;
        let older = self.cached.load_full().and_then(|cached| cached.endpoints.clone());
        let (pause, endpoints) = match (&fetched, older) {
            (Ok(endpoints), _) => (DOCUMENT_LIFETIME, Some(Arc::clone(endpoints))),
            (Err(_), Some(older)) => (PAUSE_WHILE_CACHED, Some(older)),
            (Err(_), None) => (PAUSE_AFTER_FAILURE, None),
        };
        if let Err(failure) = &fetched {
            tracing::warn!(
                provider = %self.settings.provider,
                url = %self.settings.metadata_url,
                hint = failure.hint,
                "the provider's discovery document cannot be used"
            );
        }
        let cached = CachedEndpoints { endpoints, failure: fetched.err(), next_fetch: self.clock.now().plus(pause) };
        let usable = cached.usable();
        self.cached.store(Some(Arc::new(cached)));
        usable
    }

    async fn fetch(&self) -> Result<Arc<Endpoints>, DiscoveryFailure> {
        let deadline = Instant::now() + FETCH_TIMEOUT;
        let answer = self.outbound.get_document(&self.settings.metadata_url, &[], deadline, MAX_DOCUMENT_BYTES).await;
        let answer = answer.map_err(|error| match error {
            OutboundError::HostRefused { .. } | OutboundError::Settings(_) => misconfigured(
                "the provider's host is not permitted: see the outbound section (plain http, private addresses)",
            ),
            _ => UNANSWERED,
        })?;
        if answer.status != 200 {
            return Err(DiscoveryFailure {
                hint: "the provider has no discovery document: check issuer",
                ..UNANSWERED
            });
        }
        self.settings.read_document(&answer.body).map(Arc::new).map_err(|error| match error {
            DocumentError::Malformed => {
                DiscoveryFailure { hint: "the provider's response is not a discovery document", ..UNANSWERED }
            }
            DocumentError::Refused(hint) => misconfigured(hint),
        })
    }
}

impl DiscoverySettings {
    /// Reads a discovery document.
    ///
    /// # Errors
    /// [`DocumentError`].
    pub fn read_document(&self, body: &[u8]) -> Result<Endpoints, DocumentError> {
        let document = read_bounded_object(body).map_err(|_| DocumentError::Malformed)?;
        self.read_endpoints(document).map_err(DocumentError::Refused)
    }

    /// Reads the endpoints. The error is a hint that says which member is not acceptable.
    fn read_endpoints(&self, document: Document) -> Result<Endpoints, &'static str> {
        if document.issuer != self.issuer {
            return Err(
                "the discovery document names another issuer: configure issuer exactly as the document spells it",
            );
        }
        let authorization = self.endpoint(self.authorization_endpoint.as_ref(), document.authorization_endpoint).ok_or(
            "the provider's authorization endpoint is not on the issuer's host and port: check it, and configure authorization_endpoint",
        )?;
        let token = self.endpoint(self.token_endpoint.as_ref(), document.token_endpoint).ok_or(
            "the provider's token endpoint is not on the issuer's host and port: check it, and configure token_endpoint",
        )?;
        // The key set is fetched elsewhere (`token_validation`), by the same rule. A key set that can never be fetched is
        // reported here, before a user is sent to the provider, because it is no outage.
        if !self.has_key_set && !self.is_beside_document(document.jwks_uri.as_deref()) {
            return Err(
                "the provider's key set (jwks_uri) is not on the host and port of its discovery document: check it, and configure jwks_url",
            );
        }
        let userinfo =
            self.optional_endpoint("userinfo_endpoint", self.userinfo_endpoint.as_ref(), document.userinfo_endpoint);
        let revocation = self.optional_endpoint(
            "revocation_endpoint",
            self.revocation_endpoint.as_ref(),
            document.revocation_endpoint,
        );
        let methods = document.token_endpoint_auth_methods_supported.unwrap_or_default();
        let offers = |name: &str| methods.iter().any(|method| method == name);
        // If the document lists no methods, the method is `client_secret_basic` (OpenID Connect Discovery §3).
        let only_post = offers("client_secret_post") && !offers("client_secret_basic");
        let secret_method = if only_post { SecretMethod::Post } else { SecretMethod::Basic };
        let sends_iss = document.authorization_response_iss_parameter_supported;
        Ok(Endpoints { authorization, token, userinfo, revocation, secret_method, sends_iss })
    }

    /// An endpoint that sign-ins do not depend on. If the announced one is not acceptable, it is not used, and the log
    /// says so.
    fn optional_endpoint(&self, key: &'static str, configured: Option<&Url>, announced: Option<String>) -> Option<Url> {
        let is_announced = announced.is_some();
        let endpoint = self.endpoint(configured, announced);
        if is_announced && endpoint.is_none() {
            tracing::warn!(
                provider = %self.provider,
                endpoint = key,
                hint = "an endpoint of the provider is not on the issuer's host and port: check it, and configure it by this name",
                "an announced endpoint is not used"
            );
        }
        endpoint
    }

    /// Whether the announced key set has the origin of the document: scheme, host and port.
    fn is_beside_document(&self, announced: Option<&str>) -> bool {
        let Some(url) = announced.and_then(|text| Url::parse(text).ok()) else { return false };
        url.origin() == self.metadata_url.origin()
    }

    /// Chooses the configured endpoint, or the announced one if it has the issuer's origin: scheme, host and port
    /// (docs/architecture.md §Identity providers).
    fn endpoint(&self, configured: Option<&Url>, announced: Option<String>) -> Option<Url> {
        if let Some(configured) = configured {
            return Some(configured.clone());
        }
        let (issuer, url) = (Url::parse(&self.issuer).ok()?, Url::parse(&announced?).ok()?);
        (url.origin() == issuer.origin()).then_some(url)
    }
}

impl CachedEndpoints {
    fn usable(&self) -> Result<Arc<Endpoints>, DiscoveryFailure> {
        match (&self.endpoints, self.failure) {
            (Some(endpoints), _) => Ok(Arc::clone(endpoints)),
            (None, failure) => Err(failure.unwrap_or(UNANSWERED)),
        }
    }
}

impl DiscoveryFailure {
    fn into_error(self) -> RedeemError {
        let failure = match self.failure {
            FailureClass::Passing => RedeemFailure::Transient,
            FailureClass::Misconfigured => RedeemFailure::Misconfigured,
        };
        refusal(failure, self.hint)
    }
}

const UNANSWERED: DiscoveryFailure =
    DiscoveryFailure { failure: FailureClass::Passing, hint: "the provider's discovery document cannot be fetched" };

fn misconfigured(hint: &'static str) -> DiscoveryFailure {
    DiscoveryFailure { failure: FailureClass::Misconfigured, hint }
}
