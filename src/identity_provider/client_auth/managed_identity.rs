use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use url::Url;

use super::of_credential;
use crate::domain::{Secret, SharedClock, Timestamp};
use crate::identity_provider::RedeemFailure;
use crate::identity_provider::classification::Classification;
use crate::identity_provider::token_endpoint::{self, TokenAnswer};
use crate::outbound::{HttpAnswer, Outbound, OutboundError, RequestHeader};
use crate::single_flight::SingleFlight;

/// How long the machine's identity endpoint is waited for, whoever asks.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);
const LONGEST_ANSWER: usize = 64 * 1024;
/// An assertion with less life left than this is fetched anew.
const FETCH_AGAIN_BEFORE_END: Duration = Duration::from_mins(5);

/// Where a machine gets tokens of its managed identities (entra-obo §2).
#[derive(Clone, Debug)]
pub enum IdentityEndpoint {
    /// App Service, Container Apps, Functions: api-version 2019-08-01.
    AppService {
        /// `IDENTITY_ENDPOINT`.
        url: Url,
        /// `IDENTITY_HEADER`: proves that the caller runs in the same app.
        header: Secret,
    },
    /// Virtual machines and scale sets: the instance metadata service, api-version 2018-02-01.
    InstanceMetadata {
        /// Its token endpoint.
        url: Url,
    },
}

impl IdentityEndpoint {
    /// Its address, without a query.
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

/// A token that the identity endpoint gave.
#[derive(Clone, Debug)]
pub(in crate::identity_provider) struct IdentityToken {
    pub(in crate::identity_provider) token: Secret,
    pub(in crate::identity_provider) expires_at: Timestamp,
}

impl ManagedIdentity {
    /// `outbound` should reach the endpoint's host and no other: that address is refused to everybody else.
    #[must_use]
    pub fn new(endpoint: IdentityEndpoint, client_id: String, outbound: Outbound, clock: SharedClock) -> Self {
        Self { endpoint, client_id, outbound, clock }
    }

    /// A token for `resource` (no scope: without `/.default`).
    pub(in crate::identity_provider) async fn token(
        &self,
        resource: &str,
        deadline: Instant,
    ) -> Result<IdentityToken, Classification> {
        let mut url = self.endpoint.url().clone();
        let (version, name, value) = match &self.endpoint {
            IdentityEndpoint::AppService { header, .. } => ("2019-08-01", "x-identity-header", header.expose()),
            // Without this header it answers nobody: a redirected browser or a naive proxy cannot send it.
            IdentityEndpoint::InstanceMetadata { .. } => ("2018-02-01", "metadata", "true"),
        };
        url.query_pairs_mut()
            .append_pair("api-version", version)
            .append_pair("resource", resource)
            .append_pair("client_id", &self.client_id);
        let asked_at = self.clock.now();
        let answer = self.outbound.get_with(&url, &[RequestHeader::new(name, value)], deadline, LONGEST_ANSWER).await;
        let answer = answer.map_err(|error| unanswered(&error))?;
        match token_endpoint::read(&answer, self.clock.now()) {
            TokenAnswer::Token(granted) => {
                Ok(IdentityToken { token: granted.access_token, expires_at: asked_at.plus(granted.lifetime) })
            }
            TokenAnswer::Refusal(_) => Err(refused(&answer)),
            TokenAnswer::Nonsense(_) => Err(with_status(
                of_credential(RedeemFailure::Transient, "the identity endpoint's answer holds no usable token"),
                &answer,
            )),
        }
    }
}

/// The identity endpoint's statuses: 404 and 410 mean that it is not up yet (or just being updated).
fn refused(answer: &HttpAnswer) -> Classification {
    let verdict = match answer.status {
        404 | 410 | 429 | 500.. => Classification {
            retry: true,
            ..of_credential(
                RedeemFailure::Transient,
                "the identity endpoint has a passing fault; nothing to change here",
            )
        },
        _ => of_credential(
            RedeemFailure::Misconfigured,
            "the identity endpoint gives no token for this managed identity: check its client_id, and that it is \
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
            of_credential(RedeemFailure::Misconfigured, "the identity endpoint's address cannot be called")
        }
        OutboundError::Unreachable | OutboundError::TimedOut | OutboundError::TooLarge | OutboundError::Broken => {
            of_credential(
                RedeemFailure::Transient,
                "the identity endpoint does not answer: does this machine have managed identities at all?",
            )
        }
    }
}

/// A managed identity whose token is an application's assertion: the application trusts it by a federated credential.
pub struct FederatedIdentity {
    identity: Arc<ManagedIdentity>,
    /// The cloud's token exchange audience.
    audience: String,
    kept: Mutex<Option<IdentityToken>>,
    fetching: SingleFlight<(), Result<IdentityToken, Classification>>,
}

impl FederatedIdentity {
    /// `audience`: what the federated credential's audience is, as `api://AzureADTokenExchange`.
    #[must_use]
    pub fn new(identity: Arc<ManagedIdentity>, audience: String) -> Self {
        Self { identity, audience, kept: Mutex::new(None), fetching: SingleFlight::default() }
    }

    /// The assertion: kept until 5 minutes before its end, fetched by one for all. While the endpoint fails, the old
    /// one serves to its very end.
    pub(super) async fn assertion(self: &Arc<Self>, deadline: Instant) -> Result<Secret, Classification> {
        let now = self.identity.clock.now();
        let kept = self.find_kept().filter(|kept| now < kept.expires_at);
        if let Some(kept) = kept.as_ref().filter(|kept| now.plus(FETCH_AGAIN_BEFORE_END) < kept.expires_at) {
            return Ok(kept.token.clone());
        }
        let shared = Arc::clone(self);
        let fetching = self.fetching.join((), || async move {
            let fetched = shared.identity.token(&shared.audience, Instant::now() + ANSWER_LIMIT).await?;
            *shared.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(fetched.clone());
            Ok(fetched)
        });
        let fetched = timeout_at(deadline, fetching.outcome()).await;
        let fetched = fetched.ok().flatten().unwrap_or_else(|| Err(unanswered(&OutboundError::TimedOut)));
        match (fetched, kept) {
            (Ok(fetched), _) => Ok(fetched.token),
            (Err(_), Some(kept)) => Ok(kept.token),
            (Err(verdict), None) => Err(verdict),
        }
    }

    /// Forgets what was fetched.
    pub(super) fn forget(&self) -> bool {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).take().is_some()
    }

    fn find_kept(&self) -> Option<IdentityToken> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
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
