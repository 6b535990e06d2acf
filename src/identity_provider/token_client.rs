use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use tokio::time::Instant;
use url::Url;

use super::classification::{Classification, classify_answer, classify_unanswered};
use super::client_auth::{ClientCredential, ProofRequest};
use super::throttle::{Block, BlockCause, ThrottleBoard};
use super::token_request::TokenRequest;
use super::{Diagnostics, RedeemError, RedeemFailure, RedeemedToken, refusal};
use crate::domain::{ExchangeStep, ProviderCall, SharedClock, SharedEntropy, Timestamp};
use crate::observability::{ProviderCalls, ProviderMetrics, ProviderResult};
use crate::outbound::{FormPost, HttpAnswer, Outbound, OutboundError};

const MAX_RETRIES: u32 = 2;
/// A retry is not started if less than this time is left before the deadline.
const MIN_TIME_FOR_RETRY: Duration = Duration::from_millis(300);
const MIN_PAUSE_MILLIS: u64 = 100;
const MAX_PAUSE_MILLIS: u64 = 400;

/// The services that the token clients of all providers share.
#[derive(Clone)]
pub struct TokenClientParts {
    /// The HTTP client for calls of token endpoints.
    pub outbound: Outbound,
    /// The clock for token lifetimes and assertions.
    pub clock: SharedClock,
    /// Randomness for the pauses before retries and the ids of client assertions.
    pub entropy: SharedEntropy,
    /// The blocks that issuers imposed, shared by all providers.
    pub throttle: Arc<ThrottleBoard>,
    /// The metrics of calls.
    pub metrics: ProviderMetrics,
}

/// The application that redeems grants.
#[derive(Clone, Debug)]
pub struct RedeemingClient {
    /// The application's client id.
    pub client_id: String,
    /// The application's credentials, in the order in which they are tried.
    pub credentials: Vec<ClientCredential>,
}

/// Calls token endpoints for one application: authenticates it, sends the request and retries. All grants are redeemed
/// here.
pub(super) struct TokenClient {
    /// The provider's name in configuration, for the log.
    provider: String,
    client_id: String,
    /// The credentials may be replaced at run time. A redemption that has begun keeps the credentials it began with.
    credentials: ArcSwap<Vec<ClientCredential>>,
    parts: TokenClientParts,
    calls: ProviderCalls,
    /// The index of the credential that was accepted last. It is tried first, so that a withdrawn credential does not
    /// cost each redemption a call. Each replica finds it by itself.
    preferred: AtomicUsize,
}

impl TokenClient {
    pub(super) fn new(provider: String, client: RedeemingClient, parts: TokenClientParts) -> Self {
        let RedeemingClient { client_id, credentials } = client;
        let credentials = ArcSwap::from_pointee(credentials);
        let calls = parts.metrics.of(&provider);
        Self { provider, client_id, credentials, parts, calls, preferred: AtomicUsize::new(0) }
    }

    pub(super) fn client_id(&self) -> &str {
        &self.client_id
    }

    /// Replaces the credentials. They are tried in the given order.
    pub(super) fn replace_credentials(&self, credentials: Vec<ClientCredential>) {
        self.credentials.store(Arc::new(credentials));
        self.preferred.store(0, Ordering::Relaxed);
    }

    /// Redeems the request's grant, unless the issuer has blocked the throttle key.
    ///
    /// `redeem` calls `try_credentials` (chooses the credential and retries), which calls `try_once` (classifies one
    /// response), which calls `post_signed` (sends one request).
    pub(super) async fn redeem(&self, request: &TokenRequest<'_>) -> Result<RedeemedToken, RedeemError> {
        if let Some(Block { wait, cause }) = self.parts.throttle.remaining_block(&request.throttle_key) {
            let hint = "no request was sent: the time of the issuer's Retry-After is not over";
            let failure = match cause {
                BlockCause::Fault => RedeemFailure::Unavailable { retry_after: wait },
                BlockCause::UserThrottled | BlockCause::TenantThrottled => {
                    RedeemFailure::Throttled { retry_after: Some(wait) }
                }
            };
            return Err(refusal(failure, hint));
        }
        match self.try_credentials(request).await {
            Ok(token) => {
                self.parts.throttle.record_success(&request.throttle_key);
                Ok(token)
            }
            Err(classified) => Err(self.record_failure(classified, request)),
        }
    }

    /// Tries the request until it succeeds or no step is left: a new assertion if the issuer refused the assertion's
    /// `nbf` or `exp`, the next credential if the issuer refused one, a retry after a temporary fault.
    async fn try_credentials(&self, request: &TokenRequest<'_>) -> Result<RedeemedToken, Classification> {
        let credentials = self.credentials.load_full();
        let count = credentials.len();
        let first = self.preferred.load(Ordering::Relaxed);
        let (mut refused, mut retries, mut renewed) = (0, 0, false);
        loop {
            let index = first.wrapping_add(refused).checked_rem(count).unwrap_or(0);
            let Some(credential) = credentials.get(index) else {
                return Err(Classification::conclusive(no_credential()));
            };
            let classified = match self.try_once(request, credential).await {
                Ok(token) => {
                    self.preferred.store(index, Ordering::Relaxed);
                    return Ok(token);
                }
                Err(classified) => classified,
            };
            if classified.error.diagnostics.has_error("invalid_client") && !classified.wants_new_assertion() {
                credential.drop_refused();
            }
            if classified.wants_new_assertion() && !renewed && credential.renew() {
                renewed = true;
            } else if classified.wants_other_credential() && refused + 1 < count {
                self.log_refused_credential(&classified, index, credential);
                refused += 1;
                renewed = false;
            } else if classified.retry && retries < MAX_RETRIES && self.pause(request.attempt.deadline).await {
                retries += 1;
            } else {
                return Err(classified);
            }
        }
    }

    async fn try_once(
        &self,
        request: &TokenRequest<'_>,
        credential: &ClientCredential,
    ) -> Result<RedeemedToken, Classification> {
        if let (ClientCredential::ManagedIdentity(identity), Some(scope)) = (credential, request.app_scope) {
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
        // The token's lifetime is counted from before the call, so it is rather too short than too long.
        let asked_at = self.parts.clock.now();
        let TimedAnswer { answer, took } = self.post_signed(request, request.url, credential).await?;
        let redeemed = classify_answer(&answer, request.style, asked_at, self.parts.clock.now());
        let refused = redeemed.as_ref().err().map(|classified| &classified.error);
        self.calls.add(result_of(refused.map(|error| &error.failure)), took);
        self.tell_answer(request, Some(answer.status), refused.map(|error| &*error.diagnostics), took);
        let redeemed = redeemed
            .map_err(|classified| Classification { retry: classified.retry && request.is_repeatable, ..classified });
        if redeemed.as_ref().is_err_and(Classification::wants_new_assertion) {
            self.log_clock_difference(&answer, asked_at);
        }
        redeemed
    }

    /// Posts the request to `url` once, with the credential that was accepted last. Nothing is classified or throttled.
    /// For requests that no sign-in waits for (RFC 7009).
    pub(super) async fn post_once(&self, request: &TokenRequest<'_>, url: &Url) -> Result<HttpAnswer, RedeemError> {
        let credentials = self.credentials.load_full();
        let index = self.preferred.load(Ordering::Relaxed).checked_rem(credentials.len()).unwrap_or(0);
        let Some(credential) = credentials.get(index) else { return Err(no_credential()) };
        let posted = self.post_signed(request, url, credential).await.map_err(|classified| classified.error)?;
        self.calls.add(result_of_status(posted.answer.status), posted.took);
        self.tell_answer(request, Some(posted.answer.status), None, posted.took);
        Ok(posted.answer)
    }

    /// Authenticates the client by `credential` and posts the request to `url`. Counts a call that is not answered; the
    /// caller counts the answer, whose meaning it knows.
    async fn post_signed(
        &self,
        request: &TokenRequest<'_>,
        url: &Url,
        credential: &ClientCredential,
    ) -> Result<TimedAnswer, Classification> {
        let deadline = request.attempt.deadline;
        let proof = credential
            .prove(&ProofRequest {
                client_id: &self.client_id,
                token_endpoint: request.url,
                clock: &self.parts.clock,
                entropy: &self.parts.entropy,
                deadline,
            })
            .await?;
        let form = request.sign(&self.client_id, &proof);
        let headers: Vec<_> = form.headers().collect();
        let post = FormPost { url, shared: form.shared, headers: &headers, fields: &form.fields };
        let (outbound, begun) = (&self.parts.outbound, self.parts.clock.elapsed());
        let observation = &self.calls.observation;
        observation
            .tell(&request.attempt.correlation_id, || ExchangeStep::ProviderAsked { call: self.call_of(request) });
        let answer = if request.is_repeatable {
            outbound.post_prepared_form(&post, deadline).await
        } else {
            outbound.post_form_unpooled(&post, deadline).await
        };
        let took = self.parts.clock.elapsed().saturating_sub(begun);
        answer.map(|answer| TimedAnswer { answer, took }).map_err(|error| {
            self.calls.add(ProviderResult::Unavailable, took);
            self.tell_answer(request, None, None, took);
            let classified = classify_unanswered(&error);
            // Without a connection the request was not sent, so sending it is no repetition.
            let may_repeat = request.is_repeatable || error == OutboundError::Unreachable;
            Classification { retry: classified.retry && may_repeat, ..classified }
        })
    }

    fn call_of<'r>(&'r self, request: &'r TokenRequest<'_>) -> ProviderCall<'r> {
        ProviderCall { provider: &self.provider, grant: request.grant_name() }
    }

    /// Tells the observer of the answer, or with no status that there was none.
    fn tell_answer(
        &self,
        request: &TokenRequest<'_>,
        status: Option<u16>,
        refused: Option<&Diagnostics>,
        took: Duration,
    ) {
        self.calls.observation.tell(&request.attempt.correlation_id, || ExchangeStep::ProviderAnswered {
            call: self.call_of(request),
            status,
            error: refused.and_then(|refused| refused.error.as_deref()),
            number: refused.and_then(|refused| refused.aadsts),
            took,
        });
    }

    /// Waits a random time before a retry. Returns false at once if too little time would be left for the retry.
    async fn pause(&self, deadline: Instant) -> bool {
        let mut bytes = [0_u8; 8];
        self.parts.entropy.fill(&mut bytes);
        let spread = u64::from_le_bytes(bytes) % (MAX_PAUSE_MILLIS - MIN_PAUSE_MILLIS);
        let until = Instant::now() + Duration::from_millis(MIN_PAUSE_MILLIS + spread);
        if until + MIN_TIME_FOR_RETRY > deadline {
            return false;
        }
        tokio::time::sleep_until(until).await;
        true
    }

    /// Logs the refused credential at once. If the next credential is accepted, no other line reports the refused one.
    fn log_refused_credential(&self, classified: &Classification, index: usize, credential: &ClientCredential) {
        let diagnostics = &classified.error.diagnostics;
        tracing::warn!(
            provider = %self.provider,
            client_id = %self.client_id,
            credential = index,
            kind = credential.kind(),
            aadsts = diagnostics.aadsts,
            trace_id = diagnostics.trace_id,
            hint = diagnostics.hint,
            "a client credential was refused; the next one is tried"
        );
    }

    /// Logs how far this machine's clock is ahead of the issuer's.
    fn log_clock_difference(&self, answer: &HttpAnswer, asked_at: Timestamp) {
        let date = answer.header("date").and_then(|date| OffsetDateTime::parse(date, &Rfc2822).ok());
        tracing::warn!(
            provider = %self.provider,
            client_id = %self.client_id,
            seconds_ahead = date.map(|date| asked_at.unix_seconds().saturating_sub(date.unix_timestamp())),
            "the client assertion's times were refused: compare this machine's clock with the issuer's"
        );
    }

    /// Records the failure on the throttle board. The returned error says how long the board blocks, so that callers
    /// learn the time after which the next request is sent.
    fn record_failure(&self, classified: Classification, request: &TokenRequest<'_>) -> RedeemError {
        let Classification { mut error, tenant_wide, .. } = classified;
        let throttle = &self.parts.throttle;
        match &mut error.failure {
            RedeemFailure::Throttled { retry_after } => {
                let cause = if tenant_wide { BlockCause::TenantThrottled } else { BlockCause::UserThrottled };
                *retry_after = Some(throttle.record(&request.throttle_key, *retry_after, cause));
            }
            RedeemFailure::Unavailable { retry_after } => {
                *retry_after = throttle.record(&request.throttle_key, Some(*retry_after), BlockCause::Fault);
            }
            _ => {}
        }
        tracing::debug!(
            provider = %self.provider,
            correlation_id = %request.attempt.correlation_id,
            aadsts = error.diagnostics.aadsts,
            "the grant was not redeemed"
        );
        error
    }
}

/// An answer, and the time that it took.
struct TimedAnswer {
    answer: HttpAnswer,
    took: Duration,
}

/// The result as which a call is counted; without a failure it has brought a token.
fn result_of(failure: Option<&RedeemFailure>) -> ProviderResult {
    match failure {
        None => ProviderResult::Ok,
        Some(
            RedeemFailure::ConsentRequired
            | RedeemFailure::InteractionRequired { .. }
            | RedeemFailure::AssertionExpired,
        ) => ProviderResult::UserNeeded,
        Some(RedeemFailure::AssertionRejected | RedeemFailure::Denied | RedeemFailure::Refused) => {
            ProviderResult::Refused
        }
        Some(RedeemFailure::Misconfigured) => ProviderResult::Misconfigured,
        Some(RedeemFailure::Throttled { .. }) => ProviderResult::Throttled,
        Some(RedeemFailure::Unavailable { .. } | RedeemFailure::Transient) => ProviderResult::Unavailable,
    }
}

/// The result of a call whose answer has no other meaning than its status.
fn result_of_status(status: u16) -> ProviderResult {
    match status {
        ..400 => ProviderResult::Ok,
        429 => ProviderResult::Throttled,
        400..500 => ProviderResult::Refused,
        500.. => ProviderResult::Unavailable,
    }
}

fn no_credential() -> RedeemError {
    refusal(RedeemFailure::Misconfigured, "no client credential is configured for this identity provider")
}
