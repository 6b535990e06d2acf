#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::time::Instant;
use url::Url;

use super::client_auth::ClientCredential;
use super::entra_errors::{Verdict, classify, unanswered};
use super::throttle::{Asker, ThrottleBoard};
use super::token_endpoint::{self, TokenAnswer};
use super::{
    Attempt, Capabilities, Diagnostics, Grant, IdentityProvider, RedeemError, RedeemFailure, RedeemFuture,
    RedeemedToken,
};
use crate::domain::{Connection, ExchangeableToken, SharedClock, SharedEntropy};
use crate::outbound::Outbound;

/// Stands for the user's tenant in the token endpoint's address.
const TENANT: &str = "{tenant}";
const MOST_RETRIES: u32 = 2;
/// A call that has less time than this is not begun.
const LEAST_TIME_FOR_A_RETRY: Duration = Duration::from_millis(300);
const SHORTEST_PAUSE_MILLIS: u64 = 100;
const LONGEST_PAUSE_MILLIS: u64 = 400;

/// Where an Entra cloud redeems grants.
#[derive(Clone, Debug)]
pub struct EntraSettings {
    /// The provider's name in configuration, for the log.
    pub provider: String,
    /// The token endpoint, `{tenant}` standing for the user's tenant:
    /// `https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token`.
    pub token_endpoint: String,
}

/// The application that redeems.
#[derive(Clone, Debug)]
pub struct EntraClient {
    /// Its client id.
    pub client_id: String,
    /// Its credentials, in the order in which they are tried.
    pub credentials: Vec<ClientCredential>,
}

/// What a provider works with.
#[derive(Clone)]
pub struct EntraMeans {
    /// The HTTP client.
    pub outbound: Outbound,
    /// The time.
    pub clock: SharedClock,
    /// For the jitter of retries.
    pub entropy: SharedEntropy,
    /// Who must not ask, shared by all providers.
    pub throttle: Arc<ThrottleBoard>,
}

/// Microsoft Entra ID as one application sees it.
pub struct Entra {
    settings: EntraSettings,
    client_id: String,
    /// Replaceable while users are waiting: a redemption under way ends with those it began with.
    credentials: ArcSwap<Vec<ClientCredential>>,
    means: EntraMeans,
    /// The credential that worked last: a withdrawn one is not tried first for every user.
    preferred: AtomicUsize,
}

impl Entra {
    /// A provider that redeems as `client`.
    #[must_use]
    pub fn new(settings: EntraSettings, client: EntraClient, means: EntraMeans) -> Self {
        let EntraClient { client_id, credentials } = client;
        let credentials = ArcSwap::from_pointee(credentials);
        Self { settings, client_id, credentials, means, preferred: AtomicUsize::new(0) }
    }

    /// From now on redeems with these, in this order.
    pub fn replace_credentials(&self, credentials: Vec<ClientCredential>) {
        self.credentials.store(Arc::new(credentials));
        self.preferred.store(0, Ordering::Relaxed);
    }

    /// entra-obo §2. The assertion goes to the configured endpoint in its own tenant and nowhere else.
    async fn on_behalf_of(
        &self,
        connection: &Connection,
        assertion: &ExchangeableToken,
        attempt: &Attempt,
    ) -> Result<RedeemedToken, RedeemError> {
        let asker = Asker {
            client: self.client_id.clone(),
            tenant: assertion.tenant_id.clone(),
            user: assertion.object_id.clone(),
        };
        if let Some(wait) = self.means.throttle.blocked_for(&asker) {
            let hint = "not asked: the issuer wanted us to stay away for longer";
            return Err(refusal(RedeemFailure::Throttled { retry_after: Some(wait) }, hint));
        }
        let url = self.endpoint(&assertion.tenant_id)?;
        let request = Request { url: &url, scope: connection.scopes.join(" "), assertion, attempt };
        let outcome = self.ask_until_settled(&request).await;
        if let Err(verdict) = &outcome {
            self.note_failure(verdict, &asker, attempt);
        }
        outcome.map_err(|verdict| verdict.error)
    }

    /// The next credential where the issuer refuses one, a retry where the fault is passing, and an end.
    async fn ask_until_settled(&self, request: &Request<'_>) -> Result<RedeemedToken, Verdict> {
        let credentials = self.credentials.load_full();
        let count = credentials.len();
        let first = self.preferred.load(Ordering::Relaxed);
        let (mut refused, mut retries) = (0, 0);
        loop {
            let index = first.wrapping_add(refused).checked_rem(count).unwrap_or(0);
            let Some(credential) = credentials.get(index) else {
                let hint = "no client credential is configured for this identity provider";
                return Err(Verdict::of(refusal(RedeemFailure::Misconfigured, hint)));
            };
            let verdict = match self.ask(request, credential).await {
                Ok(token) => {
                    self.preferred.store(index, Ordering::Relaxed);
                    return Ok(token);
                }
                Err(verdict) => verdict,
            };
            if verdict.next_credential && refused + 1 < count {
                refused += 1;
            } else if verdict.retry && retries < MOST_RETRIES && self.pause(request.attempt.deadline).await {
                retries += 1;
            } else {
                return Err(verdict);
            }
        }
    }

    async fn ask(&self, request: &Request<'_>, credential: &ClientCredential) -> Result<RedeemedToken, Verdict> {
        let Request { url, scope, assertion, attempt } = request;
        let mut form = vec![
            ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
            ("client_id", self.client_id.as_str()),
            ("assertion", assertion.raw.expose()),
            ("requested_token_use", "on_behalf_of"),
            ("scope", scope.as_str()),
        ];
        form.extend(credential.fields());
        let anchor = format!("oid:{}@{}", assertion.object_id, assertion.tenant_id);
        let mut headers = vec![
            ("accept", "application/json"),
            ("x-client-sku", "bot-sso"),
            ("x-client-ver", env!("CARGO_PKG_VERSION")),
            // Without it the issuer breaks loops with invalid_grant, which would show the user a card.
            ("x-ms-lib-capability", "retry-after, h429"),
            ("x-anchormailbox", anchor.as_str()),
        ];
        // It may have come from outside; an id that cannot be a header must not cost the exchange.
        if attempt.correlation_id.bytes().all(|byte| byte.is_ascii_graphic()) {
            headers.push(("client-request-id", attempt.correlation_id.as_str()));
            headers.push(("return-client-request-id", "true"));
        }
        // The token's life is counted from before the call: rather too short than too long.
        let asked_at = self.means.clock.now();
        let answer = self.means.outbound.post_form(url, &headers, &form, attempt.deadline).await;
        let answer = answer.map_err(|error| unanswered(&error))?;
        match token_endpoint::read(&answer, self.means.clock.now()) {
            TokenAnswer::Token(granted) => Ok(RedeemedToken {
                access_token: granted.access_token,
                expires_at: asked_at.plus(granted.lifetime),
                granted_scope: granted.scope,
            }),
            TokenAnswer::Refusal(refusal) => Err(classify(&refusal)),
            TokenAnswer::Nonsense(hint) => {
                let mut error = refusal(RedeemFailure::Transient, hint);
                error.diagnostics.http_status = Some(answer.status);
                Err(Verdict::of(error))
            }
        }
    }

    /// Waits a random while before a retry; says no if not enough time would be left for one.
    async fn pause(&self, deadline: Instant) -> bool {
        let mut bytes = [0_u8; 8];
        self.means.entropy.fill(&mut bytes);
        let spread = u64::from_le_bytes(bytes) % (LONGEST_PAUSE_MILLIS - SHORTEST_PAUSE_MILLIS);
        let until = Instant::now() + Duration::from_millis(SHORTEST_PAUSE_MILLIS + spread);
        if until + LEAST_TIME_FOR_A_RETRY > deadline {
            return false;
        }
        tokio::time::sleep_until(until).await;
        true
    }

    fn note_failure(&self, verdict: &Verdict, asker: &Asker, attempt: &Attempt) {
        if let RedeemFailure::Throttled { retry_after } = verdict.error.failure {
            self.means.throttle.note(asker, retry_after, verdict.tenant_wide);
        }
        tracing::debug!(
            provider = %self.settings.provider,
            correlation_id = %attempt.correlation_id,
            aadsts = verdict.error.diagnostics.aadsts,
            "the grant was not redeemed"
        );
    }

    /// The tenant is compared with a GUID's form once more: it becomes part of an address.
    fn endpoint(&self, tenant_id: &str) -> Result<Url, RedeemError> {
        let is_guid = tenant_id.len() == 36 && uuid::Uuid::try_parse(tenant_id).is_ok();
        if !is_guid {
            return Err(refusal(RedeemFailure::AssertionRejected, "the assertion's tenant is no GUID"));
        }
        Url::parse(&self.settings.token_endpoint.replace(TENANT, tenant_id))
            .map_err(|_| refusal(RedeemFailure::Misconfigured, "the identity provider's token endpoint is no URL"))
    }
}

impl IdentityProvider for Entra {
    fn capabilities(&self) -> Capabilities {
        Capabilities { on_behalf_of: true }
    }

    fn redeem<'a>(&'a self, connection: &'a Connection, grant: Grant<'a>, attempt: Attempt) -> RedeemFuture<'a> {
        Box::pin(async move {
            match grant {
                Grant::OnBehalfOf(assertion) => self.on_behalf_of(connection, assertion, &attempt).await,
            }
        })
    }
}

/// What stays the same over the retries of one redemption.
struct Request<'a> {
    url: &'a Url,
    scope: String,
    assertion: &'a ExchangeableToken,
    attempt: &'a Attempt,
}

fn refusal(failure: RedeemFailure, hint: &'static str) -> RedeemError {
    RedeemError { failure, diagnostics: Box::new(Diagnostics { hint, ..Diagnostics::default() }) }
}
