use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use tokio::time::Instant;
use url::Url;

use super::client_auth::{ClientCredential, ProofRequest};
use super::entra_errors::{Verdict, unanswered};
use super::judgement;
use super::presentation::{Dialect, Presented};
use super::throttle::{Asker, ThrottleBoard};
use super::{Attempt, RedeemError, RedeemFailure, RedeemedToken, refusal};
use crate::domain::{AppScope, SharedClock, SharedEntropy, Timestamp};
use crate::outbound::{Answer, Outbound};

const MOST_RETRIES: u32 = 2;
/// A call that has less time than this is not begun.
const LEAST_TIME_FOR_A_RETRY: Duration = Duration::from_millis(300);
const SHORTEST_PAUSE_MILLIS: u64 = 100;
const LONGEST_PAUSE_MILLIS: u64 = 400;

/// What a provider works with.
#[derive(Clone)]
pub struct RedeemingMeans {
    /// The HTTP client.
    pub outbound: Outbound,
    /// The time.
    pub clock: SharedClock,
    /// For the jitter of retries, and the ids of client assertions.
    pub entropy: SharedEntropy,
    /// Who must not ask, shared by all providers.
    pub throttle: Arc<ThrottleBoard>,
}

/// The application that redeems.
#[derive(Clone, Debug)]
pub struct RedeemingClient {
    /// Its client id.
    pub client_id: String,
    /// Its credentials, in the order in which they are tried.
    pub credentials: Vec<ClientCredential>,
}

/// One application's conversations with token endpoints: proves who it is, asks, tries again where that helps. Every
/// grant goes this way.
pub(super) struct TokenClient {
    /// The provider's name in configuration, for the log.
    provider: String,
    client_id: String,
    /// Replaceable while users are waiting: a redemption under way ends with those it began with.
    credentials: ArcSwap<Vec<ClientCredential>>,
    means: RedeemingMeans,
    /// The credential that worked last: a withdrawn one is not tried first for every user.
    preferred: AtomicUsize,
}

/// What stays the same over the tries of one redemption.
pub(super) struct TokenRequest<'a> {
    pub(super) url: &'a Url,
    /// How that endpoint wants to be spoken to.
    pub(super) dialect: Dialect,
    /// The grant's own form fields; those of the client are added.
    pub(super) fields: Vec<(&'static str, &'a str)>,
    /// Who asks, for throttling.
    pub(super) asker: Asker,
    /// `x-anchormailbox`: where the user's mailbox is, as a routing hint.
    pub(super) anchor: Option<String>,
    pub(super) attempt: &'a Attempt,
}

impl TokenClient {
    pub(super) fn new(provider: String, client: RedeemingClient, means: RedeemingMeans) -> Self {
        let RedeemingClient { client_id, credentials } = client;
        let credentials = ArcSwap::from_pointee(credentials);
        Self { provider, client_id, credentials, means, preferred: AtomicUsize::new(0) }
    }

    pub(super) fn client_id(&self) -> &str {
        &self.client_id
    }

    /// From now on proves itself with these, in this order.
    pub(super) fn replace_credentials(&self, credentials: Vec<ClientCredential>) {
        self.credentials.store(Arc::new(credentials));
        self.preferred.store(0, Ordering::Relaxed);
    }

    /// Asks until the request is settled, unless the issuer wants this asker to stay away.
    pub(super) async fn redeem(&self, request: &TokenRequest<'_>) -> Result<RedeemedToken, RedeemError> {
        self.redeem_for(request, None).await
    }

    /// As [`TokenClient::redeem`], for a token of the application's own: one that is a managed identity gets it from its
    /// machine.
    pub(super) async fn redeem_as_itself(
        &self,
        request: &TokenRequest<'_>,
        scope: &AppScope,
    ) -> Result<RedeemedToken, RedeemError> {
        self.redeem_for(request, Some(scope)).await
    }

    async fn redeem_for(
        &self,
        request: &TokenRequest<'_>,
        own: Option<&AppScope>,
    ) -> Result<RedeemedToken, RedeemError> {
        if let Some(wait) = self.means.throttle.blocked_for(&request.asker) {
            let hint = "not asked: the issuer wanted us to stay away for longer";
            return Err(refusal(RedeemFailure::Throttled { retry_after: Some(wait) }, hint));
        }
        let outcome = self.ask_until_settled(request, own).await;
        if let Err(verdict) = &outcome {
            self.note_failure(verdict, request);
        }
        outcome.map_err(|verdict| verdict.error)
    }

    /// A new assertion where the old one's times were refused, the next credential where the issuer refuses one, a
    /// retry where the fault is passing, and an end.
    async fn ask_until_settled(
        &self,
        request: &TokenRequest<'_>,
        own: Option<&AppScope>,
    ) -> Result<RedeemedToken, Verdict> {
        let credentials = self.credentials.load_full();
        let count = credentials.len();
        let first = self.preferred.load(Ordering::Relaxed);
        let (mut refused, mut retries, mut renewed) = (0, 0, false);
        loop {
            let index = first.wrapping_add(refused).checked_rem(count).unwrap_or(0);
            let Some(credential) = credentials.get(index) else {
                let hint = "no client credential is configured for this identity provider";
                return Err(Verdict::of(refusal(RedeemFailure::Misconfigured, hint)));
            };
            let verdict = match self.ask(request, credential, own).await {
                Ok(token) => {
                    self.preferred.store(index, Ordering::Relaxed);
                    return Ok(token);
                }
                Err(verdict) => verdict,
            };
            if verdict.wants_new_assertion() && !renewed && credential.renew() {
                renewed = true;
            } else if verdict.wants_other_credential() && refused + 1 < count {
                self.note_refused(&verdict, index, credential);
                refused += 1;
                renewed = false;
            } else if verdict.retry && retries < MOST_RETRIES && self.pause(request.attempt.deadline).await {
                retries += 1;
            } else {
                return Err(verdict);
            }
        }
    }

    async fn ask(
        &self,
        request: &TokenRequest<'_>,
        credential: &ClientCredential,
        own: Option<&AppScope>,
    ) -> Result<RedeemedToken, Verdict> {
        if let (ClientCredential::ManagedIdentity(identity), Some(scope)) = (credential, own) {
            let given = identity.token(scope.resource(), request.attempt.deadline).await?;
            return Ok(RedeemedToken {
                access_token: given.token,
                expires_at: given.expires_at,
                granted_scope: None,
                refresh_token: None,
                refresh_at: None,
                id_token: None,
            });
        }
        // The token's life is counted from before the call: rather too short than too long.
        let asked_at = self.means.clock.now();
        let answer = self.post(request, credential).await?;
        let judged = judgement::verdict(&answer, request.dialect, (asked_at, self.means.clock.now()));
        if judged.as_ref().is_err_and(Verdict::wants_new_assertion) {
            self.note_clocks(&answer, asked_at);
        }
        judged
    }

    async fn post(&self, request: &TokenRequest<'_>, credential: &ClientCredential) -> Result<Answer, Verdict> {
        let attempt = request.attempt;
        let proof = credential
            .prove(&ProofRequest {
                client_id: &self.client_id,
                token_endpoint: request.url,
                clock: &self.means.clock,
                entropy: &self.means.entropy,
                deadline: attempt.deadline,
            })
            .await?;
        let Presented { headers, form } = request.present(&self.client_id, &proof);
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_ref())).collect();
        let answer = self.means.outbound.post_form(request.url, &headers, &form, attempt.deadline).await;
        answer.map_err(|error| unanswered(&error))
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

    /// The next credential may well serve, and then nobody would learn that this one does not.
    fn note_refused(&self, verdict: &Verdict, index: usize, credential: &ClientCredential) {
        let diagnostics = &verdict.error.diagnostics;
        tracing::warn!(
            provider = %self.provider,
            client_id = %self.client_id,
            credential = index,
            kind = credential.kind(),
            aadsts = diagnostics.aadsts,
            trace_id = diagnostics.trace_id,
            hint = diagnostics.hint,
            "a client credential does not serve; the next one is tried"
        );
    }

    /// How far this machine's clock is from the issuer's.
    fn note_clocks(&self, answer: &Answer, asked_at: Timestamp) {
        let date = answer.header("date").and_then(|date| OffsetDateTime::parse(date, &Rfc2822).ok());
        tracing::warn!(
            provider = %self.provider,
            client_id = %self.client_id,
            seconds_ahead = date.map(|date| asked_at.unix_seconds().saturating_sub(date.unix_timestamp())),
            "the client assertion's times were refused: compare this machine's clock with the issuer's"
        );
    }

    fn note_failure(&self, verdict: &Verdict, request: &TokenRequest<'_>) {
        if let RedeemFailure::Throttled { retry_after } = verdict.error.failure {
            self.means.throttle.note(&request.asker, retry_after, verdict.tenant_wide);
        }
        tracing::debug!(
            provider = %self.provider,
            correlation_id = %request.attempt.correlation_id,
            aadsts = verdict.error.diagnostics.aadsts,
            "the grant was not redeemed"
        );
    }
}
