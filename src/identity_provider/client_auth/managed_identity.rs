use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use url::Url;

use super::credential_failure;
use crate::domain::{Secret, SharedClock, Timestamp};
use crate::identity_provider::RedeemFailure;
use crate::identity_provider::classification::Classification;
use crate::identity_provider::token_endpoint::{self, TokenAnswer};
use crate::observability::carry;
use crate::outbound::{HttpAnswer, Outbound, OutboundError, RequestHeader};
use crate::single_flight::SingleFlight;

/// The timeout of one call of the identity endpoint. The caller's deadline does not shorten the call, which several
/// callers may share.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);
const MAX_ANSWER_BYTES: usize = 64 * 1024;
/// How long a caller waits for a new assertion while the last one is still good.
const REFETCH_PATIENCE: Duration = Duration::from_secs(1);
/// An assertion that expires within this time is fetched anew.
const REFETCH_BEFORE_EXPIRY: Duration = Duration::from_mins(5);

/// The local endpoint that issues tokens of the machine's managed identities (docs/protocols/entra-obo.md §2).
#[derive(Clone, Debug)]
pub enum IdentityEndpoint {
    /// App Service, Container Apps, Functions: api-version 2019-08-01.
    AppService {
        /// `IDENTITY_ENDPOINT`.
        url: Url,
        /// `IDENTITY_HEADER`, which proves that the caller runs in the same app.
        header: Secret,
    },
    /// Virtual machines and scale sets: the instance metadata service, api-version 2018-02-01.
    InstanceMetadata {
        /// The token endpoint of the instance metadata service.
        url: Url,
    },
}

impl IdentityEndpoint {
    /// The endpoint's URL without a query.
    #[must_use]
    pub fn url(&self) -> &Url {
        match self {
            Self::AppService { url, .. } | Self::InstanceMetadata { url } => url,
        }
    }
}

/// A user-assigned managed identity of this machine.
pub struct ManagedIdentity {
    endpoint: IdentityEndpoint,
    client_id: String,
    outbound: Outbound,
    clock: SharedClock,
}

/// A token that the identity endpoint issued.
#[derive(Clone, Debug)]
pub(in crate::identity_provider) struct IdentityToken {
    pub(in crate::identity_provider) token: Secret,
    pub(in crate::identity_provider) expires_at: Timestamp,
}

impl ManagedIdentity {
    /// `outbound` should be a client that may call only the endpoint's host ([`Outbound::for_single_host`]), because
    /// all other clients refuse that address.
    #[must_use]
    pub fn new(endpoint: IdentityEndpoint, client_id: String, outbound: Outbound, clock: SharedClock) -> Self {
        Self { endpoint, client_id, outbound, clock }
    }

    /// Fetches a token for `resource`, which is a resource and not a scope: it does not end in `/.default`.
    pub(in crate::identity_provider) async fn token(
        &self,
        resource: &str,
        deadline: Instant,
    ) -> Result<IdentityToken, Classification> {
        let mut url = self.endpoint.url().clone();
        let (version, name, value) = match &self.endpoint {
            IdentityEndpoint::AppService { header, .. } => ("2019-08-01", "x-identity-header", header.expose()),
            // The service requires this header as a protection against SSRF: a redirected browser or a simple proxy
            // does not send it.
            IdentityEndpoint::InstanceMetadata { .. } => ("2018-02-01", "metadata", "true"),
        };
        url.query_pairs_mut()
            .append_pair("api-version", version)
            .append_pair("resource", resource)
            .append_pair("client_id", &self.client_id);
        let asked_at = self.clock.now();
        let answer = self.outbound.get_with(&url, &[RequestHeader::new(name, value)], deadline, MAX_ANSWER_BYTES).await;
        let answer = answer.map_err(|error| unanswered(&error))?;
        match token_endpoint::read(&answer, self.clock.now()) {
            TokenAnswer::Token(granted) => {
                Ok(IdentityToken { token: granted.access_token, expires_at: asked_at.plus(granted.lifetime) })
            }
            TokenAnswer::Refusal(_) => Err(classify_refusal(&answer)),
            TokenAnswer::Unusable(_) | TokenAnswer::NoAccessToken(_) => Err(with_status(
                credential_failure(RedeemFailure::Transient, "the identity endpoint's response holds no usable token"),
                &answer,
            )),
        }
    }
}

/// Classifies an error status of the identity endpoint. 404 and 410 mean that the endpoint is starting or being
/// updated.
fn classify_refusal(answer: &HttpAnswer) -> Classification {
    let verdict = match answer.status {
        404 | 410 | 429 | 500.. => Classification {
            retry: true,
            ..credential_failure(
                RedeemFailure::Transient,
                "the identity endpoint has a temporary fault; there is nothing to change in this configuration",
            )
        },
        _ => credential_failure(
            RedeemFailure::Misconfigured,
            "the identity endpoint issues no token for this managed identity: check its client_id, and that it is \
             assigned to this machine",
        ),
    };
    with_status(verdict, answer)
}

fn with_status(mut verdict: Classification, answer: &HttpAnswer) -> Classification {
    verdict.error.diagnostics.http_status = Some(answer.status);
    verdict
}

fn unanswered(error: &OutboundError) -> Classification {
    match error {
        OutboundError::HostRefused { .. } | OutboundError::Settings(_) => {
            credential_failure(RedeemFailure::Misconfigured, "the identity endpoint's address cannot be called")
        }
        OutboundError::Unreachable | OutboundError::TimedOut | OutboundError::TooLarge | OutboundError::Broken => {
            credential_failure(
                RedeemFailure::Transient,
                "the identity endpoint does not respond: check that this machine has managed identities",
            )
        }
    }
}

/// A managed identity whose token serves as the client assertion of an application. The application trusts the identity
/// by a federated credential.
pub struct FederatedIdentity {
    identity: Arc<ManagedIdentity>,
    /// The token exchange audience of the cloud.
    audience: String,
    cached: Mutex<Option<IdentityToken>>,
    fetching: SingleFlight<(), Result<IdentityToken, Classification>>,
}

impl FederatedIdentity {
    /// `audience` is the federated credential's audience, such as `api://AzureADTokenExchange`.
    #[must_use]
    pub fn new(identity: Arc<ManagedIdentity>, audience: String) -> Self {
        Self { identity, audience, cached: Mutex::new(None), fetching: SingleFlight::default() }
    }

    /// Returns the assertion. It is cached until 5 minutes before it expires; concurrent callers share one fetch. While
    /// the endpoint fails, the cached assertion is used until it expires.
    pub(super) async fn assertion(self: &Arc<Self>, deadline: Instant) -> Result<Secret, Classification> {
        let now = self.identity.clock.now();
        let cached = self.find_cached().filter(|cached| now < cached.expires_at);
        if let Some(cached) = cached.as_ref().filter(|cached| now.plus(REFETCH_BEFORE_EXPIRY) < cached.expires_at) {
            return Ok(cached.token.clone());
        }
        let shared = Arc::clone(self);
        let fetch = async move {
            let fetched = shared.identity.token(&shared.audience, Instant::now() + CALL_TIMEOUT).await?;
            *shared.cached.lock().unwrap_or_else(PoisonError::into_inner) = Some(fetched.clone());
            Ok(fetched)
        };
        let fetching = self.fetching.join((), || carry(fetch));
        // At an endpoint that hangs, the caller must have time left to use the cached assertion.
        let patience = if cached.is_some() { deadline.min(Instant::now() + REFETCH_PATIENCE) } else { deadline };
        let fetched = timeout_at(patience, fetching.outcome()).await;
        let fetched = fetched.ok().flatten().unwrap_or_else(|| Err(unanswered(&OutboundError::TimedOut)));
        match (fetched, cached) {
            (Ok(fetched), _) => Ok(fetched.token),
            (Err(verdict), Some(cached)) => {
                tracing::warn!(
                    identity = self.identity.client_id,
                    hint = verdict.error.diagnostics.hint,
                    expires_at = cached.expires_at.unix_seconds(),
                    "the managed identity issues no new assertion; the last one serves until it expires"
                );
                Ok(cached.token)
            }
            (Err(verdict), None) => Err(verdict),
        }
    }

    /// Drops the cached assertion. Returns whether there was one.
    pub(super) fn forget(&self) -> bool {
        self.cached.lock().unwrap_or_else(PoisonError::into_inner).take().is_some()
    }

    fn find_cached(&self) -> Option<IdentityToken> {
        self.cached.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl fmt::Debug for ManagedIdentity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ManagedIdentity({})", self.client_id)
    }
}

impl fmt::Debug for FederatedIdentity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "FederatedIdentity({:?}, {})", self.identity, self.audience)
    }
}
