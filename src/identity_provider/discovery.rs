use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use serde::Deserialize;
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::token_endpoint::SecretMethod;
use super::{RedeemError, RedeemFailure, refusal};
use crate::domain::{SharedClock, Timestamp};
use crate::outbound::{Outbound, OutboundError};
use crate::single_flight::SingleFlight;

/// Endpoints move rarely; after this the document is fetched again.
const FRESH_FOR: Duration = Duration::from_hours(6);
/// After a failure the next who needs it waits for another try no sooner.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(2);
/// While an older document serves, tries are made so often.
const PAUSE_WHILE_KEPT: Duration = Duration::from_mins(5);
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
const DOCUMENT_LIMIT_BYTES: usize = 256 * 1024;

/// Which provider, and what of its document is overruled.
#[derive(Clone, Debug)]
pub struct DiscoverySettings {
    /// The provider's name in configuration, for the log.
    pub provider: String,
    /// `iss`, compared exactly.
    pub issuer: String,
    /// Where the document is: usually below the issuer.
    pub metadata_url: Url,
    /// Instead of the document's; may be on any host.
    pub authorization_endpoint: Option<Url>,
    /// Instead of the document's; may be on any host.
    pub token_endpoint: Option<Url>,
}

/// What an issuer says about itself (`OpenID` Connect Discovery §4): fetched when first needed, by one for all who wait.
pub struct Discovery {
    settings: DiscoverySettings,
    outbound: Outbound,
    clock: SharedClock,
    kept: ArcSwapOption<Kept>,
    fetches: SingleFlight<(), Result<Arc<Endpoints>, Undiscovered>>,
}

/// What is used of a document.
#[derive(Debug)]
pub(super) struct Endpoints {
    pub(super) authorization: Url,
    pub(super) token: Url,
    pub(super) secret_method: SecretMethod,
    /// Every authorization response names its issuer (RFC 9207 §3).
    pub(super) names_itself: bool,
}

struct Kept {
    /// The last good document.
    endpoints: Option<Arc<Endpoints>>,
    /// What came of the last fetch, if it failed.
    failure: Option<Undiscovered>,
    next_fetch: Timestamp,
}

/// Why there is no document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Undiscovered {
    failure: Class,
    hint: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Passing,
    Misconfigured,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: Option<String>,
    token_endpoint: Option<String>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl Discovery {
    /// Nothing is fetched yet.
    #[must_use]
    pub fn new(settings: DiscoverySettings, outbound: Outbound, clock: SharedClock) -> Arc<Self> {
        let fetches = SingleFlight::default();
        Arc::new(Self { settings, outbound, clock, kept: ArcSwapOption::empty(), fetches })
    }

    pub(super) fn provider(&self) -> &str {
        &self.settings.provider
    }

    pub(super) fn issuer(&self) -> &str {
        &self.settings.issuer
    }

    /// The issuer's endpoints, fetched unless they are known; waited for until `deadline`.
    pub(super) async fn endpoints(self: &Arc<Self>, deadline: Instant) -> Result<Arc<Endpoints>, RedeemError> {
        if let Some(kept) = self.kept.load_full()
            && self.clock.now() < kept.next_fetch
        {
            return kept.usable().map_err(Undiscovered::into_error);
        }
        let this = Arc::clone(self);
        let flight = self.fetches.join((), || async move { this.renew().await });
        match timeout_at(deadline, flight.outcome()).await {
            Ok(Some(outcome)) => outcome.map_err(Undiscovered::into_error),
            _ => Err(UNANSWERED.into_error()),
        }
    }

    /// An older document goes on serving while no new one can be had.
    async fn renew(&self) -> Result<Arc<Endpoints>, Undiscovered> {
        let fetched = self.fetch().await;
        let older = self.kept.load_full().and_then(|kept| kept.endpoints.clone());
        let (pause, endpoints) = match (&fetched, older) {
            (Ok(endpoints), _) => (FRESH_FOR, Some(Arc::clone(endpoints))),
            (Err(_), Some(older)) => (PAUSE_WHILE_KEPT, Some(older)),
            (Err(_), None) => (PAUSE_AFTER_FAILURE, None),
        };
        if let Err(undiscovered) = &fetched {
            tracing::warn!(
                provider = %self.settings.provider,
                url = %self.settings.metadata_url,
                hint = undiscovered.hint,
                "the provider's discovery document cannot be used"
            );
        }
        let kept = Kept { endpoints, failure: fetched.err(), next_fetch: self.clock.now().plus(pause) };
        let usable = kept.usable();
        self.kept.store(Some(Arc::new(kept)));
        usable
    }

    async fn fetch(&self) -> Result<Arc<Endpoints>, Undiscovered> {
        let deadline = Instant::now() + FETCH_TIMEOUT;
        let answer = self.outbound.get(&self.settings.metadata_url, deadline, DOCUMENT_LIMIT_BYTES).await;
        let answer = answer.map_err(|error| match error {
            OutboundError::HostRefused { .. } | OutboundError::Settings(_) => {
                wrong("the provider's host is not permitted: see the outbound section (plain http, private addresses)")
            }
            _ => UNANSWERED,
        })?;
        if answer.status != 200 {
            return Err(Undiscovered { hint: "the provider has no discovery document: check issuer", ..UNANSWERED });
        }
        let document: Document = serde_json::from_slice(&answer.body)
            .map_err(|_| Undiscovered { hint: "what the provider sent is no discovery document", ..UNANSWERED })?;
        self.settings.endpoints_of(document).map(Arc::new).map_err(wrong)
    }
}

impl DiscoverySettings {
    /// The error says what does not fit.
    fn endpoints_of(&self, document: Document) -> Result<Endpoints, &'static str> {
        if document.issuer != self.issuer {
            return Err("the discovery document is another issuer's: write issuer exactly as the provider does");
        }
        let authorization = self.endpoint(self.authorization_endpoint.as_ref(), document.authorization_endpoint).ok_or(
            "the provider's authorization endpoint is not on the issuer's host: check it, and write authorization_endpoint",
        )?;
        let token = self
            .endpoint(self.token_endpoint.as_ref(), document.token_endpoint)
            .ok_or("the provider's token endpoint is not on the issuer's host: check it, and write token_endpoint")?;
        let methods = document.token_endpoint_auth_methods_supported.unwrap_or_default();
        let offers = |name: &str| methods.iter().any(|method| method == name);
        // Where nothing is said, `client_secret_basic` is meant (OpenID Connect Discovery §3).
        let only_post = offers("client_secret_post") && !offers("client_secret_basic");
        let secret_method = if only_post { SecretMethod::Post } else { SecretMethod::Basic };
        let names_itself = document.authorization_response_iss_parameter_supported;
        Ok(Endpoints { authorization, token, secret_method, names_itself })
    }

    /// DESIGN §4: on the issuer's host and no weaker a scheme, unless it is configured.
    fn endpoint(&self, configured: Option<&Url>, announced: Option<String>) -> Option<Url> {
        if let Some(configured) = configured {
            return Some(configured.clone());
        }
        let (issuer, url) = (Url::parse(&self.issuer).ok()?, Url::parse(&announced?).ok()?);
        let scheme_fits = url.scheme() == "https" || url.scheme() == issuer.scheme();
        (scheme_fits && url.host().is_some() && url.host() == issuer.host()).then_some(url)
    }
}

impl Kept {
    fn usable(&self) -> Result<Arc<Endpoints>, Undiscovered> {
        match (&self.endpoints, self.failure) {
            (Some(endpoints), _) => Ok(Arc::clone(endpoints)),
            (None, failure) => Err(failure.unwrap_or(UNANSWERED)),
        }
    }
}

impl Undiscovered {
    fn into_error(self) -> RedeemError {
        let failure = match self.failure {
            Class::Passing => RedeemFailure::Transient,
            Class::Misconfigured => RedeemFailure::Misconfigured,
        };
        refusal(failure, self.hint)
    }
}

const UNANSWERED: Undiscovered =
    Undiscovered { failure: Class::Passing, hint: "the provider's discovery document cannot be fetched" };

fn wrong(hint: &'static str) -> Undiscovered {
    Undiscovered { failure: Class::Misconfigured, hint }
}
