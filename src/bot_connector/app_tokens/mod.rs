//! App tokens: the tokens with which the gateway calls out as one of the configured applications.
//!
//! Owns how long an app token is kept, when it is refreshed, and that concurrent callers share one call to the token
//! endpoint. It deliberately knows neither what a token is used for nor how a client authenticates to the token endpoint.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use url::Url;

use crate::domain::{AppScope, Secret, SharedClock, Timestamp};
use crate::identity_provider::{AppClient, Attempt, Diagnostics, RedeemError, RedeemFailure, RedeemedToken};
use crate::observability::carry;
use crate::single_flight::{Flight, SingleFlight};

/// The share of its lifetime, in percent, after which a token is refreshed.
const REFRESH_AT_PERCENT: u32 = 80;
/// A token is refreshed at the latest this long before it expires (docs/protocols/bot-auth-and-skills.md §3).
const REFRESH_BEFORE_EXPIRY: Duration = Duration::from_mins(5);
/// The share of its lifetime, in percent, before which a token is never refreshed. Without this limit a token with a
/// lifetime of a few minutes would be refreshed at every use.
const NO_REFRESH_BEFORE_PERCENT: u32 = 50;
/// The pause after a failed refresh, while the kept token is still valid.
const RETRY_AFTER_FAILURE: Duration = Duration::from_secs(30);
/// The maximum time of one call to the token endpoint. It does not depend on the deadlines of the waiting callers.
const REFRESH_TIMEOUT: Duration = Duration::from_secs(8);

/// A token with which the gateway calls out as one of the configured applications.
#[derive(Clone, Debug)]
pub struct AppToken {
    /// The bearer token.
    pub access_token: Secret,
    /// When the token expires.
    pub expires_at: Timestamp,
}

/// Obtains app tokens and keeps them in memory. Concurrent callers share one call to the token endpoint, and a token is
/// refreshed in the background before it expires. While a refresh fails, the kept token is returned until it expires. A
/// failure is returned to all callers that waited for the call, and is not kept. Each replica obtains its own: a token is a
/// matter of one call an hour, and is better in no store.
pub struct AppTokens {
    clock: SharedClock,
    slots: Mutex<HashMap<SlotKey, Arc<Slot>>>,
}

/// Token endpoint (which names the tenant), client id and scope. All three come from the configuration, which therefore
/// limits the number of slots.
type SlotKey = (Url, String, AppScope);

/// The token of one client for one scope, and the call that obtains the next one.
#[derive(Default)]
struct Slot {
    cached: Mutex<Option<CachedToken>>,
    refreshes: SingleFlight<(), Result<AppToken, RedeemError>>,
}

#[derive(Clone)]
struct CachedToken {
    token: AppToken,
    /// The time from which the next use starts a refresh.
    refresh_at: Timestamp,
}

impl AppTokens {
    /// Begins without any token.
    #[must_use]
    pub fn new(clock: SharedClock) -> Self {
        Self { clock, slots: Mutex::default() }
    }

    /// Returns a valid token of `client` for `scope`.
    ///
    /// # Errors
    /// [`RedeemError`] if no valid token is kept and none can be obtained before the deadline of `attempt`.
    pub async fn get(
        &self,
        client: &Arc<AppClient>,
        scope: &AppScope,
        attempt: &Attempt,
    ) -> Result<AppToken, RedeemError> {
        let slot = self.slot(client, scope);
        let now = self.clock.now();
        let valid = slot.find_cached().filter(|cached| now < cached.token.expires_at);
        if let Some(cached) = &valid
            && now < cached.refresh_at
        {
            return Ok(cached.token.clone());
        }
        let refresh = self.start_or_join_refresh(&slot, client, scope, &attempt.correlation_id);
        match valid {
            // The refresh continues in its own task.
            Some(cached) => Ok(cached.token),
            None => {
                timeout_at(attempt.deadline, refresh.outcome()).await.ok().flatten().unwrap_or_else(|| Err(timed_out()))
            }
        }
    }

    fn slot(&self, client: &AppClient, scope: &AppScope) -> Arc<Slot> {
        let key = (client.token_endpoint().clone(), client.client_id().to_owned(), scope.clone());
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(key).or_default())
    }

    fn start_or_join_refresh(
        &self,
        slot: &Arc<Slot>,
        client: &Arc<AppClient>,
        scope: &AppScope,
        correlation_id: &str,
    ) -> Flight<Result<AppToken, RedeemError>> {
        let (clock, shared, client, scope) = (self.clock.clone(), slot.clone(), client.clone(), scope.clone());
        let correlation_id = correlation_id.to_owned();
        let refresh = async move {
            let began_at = clock.now();
            // A caller that read the slot before an earlier refresh ended may start this one after it: the new token
            // is then in the slot.
            let fresh = |cached: &CachedToken| began_at < cached.refresh_at.min(cached.token.expires_at);
            if let Some(cached) = shared.find_cached().filter(fresh) {
                return Ok(cached.token);
            }
            let attempt = Attempt { correlation_id, deadline: Instant::now() + REFRESH_TIMEOUT, claims: None };
            match client.redeem(&scope, &attempt).await {
                Ok(redeemed) => Ok(shared.cache(redeemed, began_at)),
                Err(error) => {
                    shared.postpone_refresh(clock.now());
                    tracing::warn!(
                        client_id = client.client_id(),
                        scope = scope.as_str(),
                        correlation_id = attempt.correlation_id,
                        aadsts = error.diagnostics.aadsts,
                        hint = error.diagnostics.hint,
                        "the token endpoint gave no app token"
                    );
                    Err(error)
                }
            }
        };
        slot.refreshes.join((), || carry(refresh))
    }
}

impl Slot {
    fn find_cached(&self) -> Option<CachedToken> {
        self.cached.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn cache(&self, redeemed: RedeemedToken, began_at: Timestamp) -> AppToken {
        let token = AppToken { access_token: redeemed.access_token, expires_at: redeemed.expires_at };
        let lifetime = began_at.until(token.expires_at);
        let share = |percent: u32| began_at.plus(lifetime.saturating_mul(percent) / 100);
        let refresh_at = share(REFRESH_AT_PERCENT).min(token.expires_at.minus(REFRESH_BEFORE_EXPIRY));
        let refresh_at = refresh_at.max(share(NO_REFRESH_BEFORE_PERCENT));
        let cached = CachedToken { token: token.clone(), refresh_at };
        *self.cached.lock().unwrap_or_else(PoisonError::into_inner) = Some(cached);
        token
    }

    fn postpone_refresh(&self, now: Timestamp) {
        if let Some(cached) = self.cached.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            cached.refresh_at = now.plus(RETRY_AFTER_FAILURE);
        }
    }
}

fn timed_out() -> RedeemError {
    let hint = "the token endpoint did not answer in time";
    let diagnostics = Box::new(Diagnostics { hint, ..Diagnostics::default() });
    RedeemError { failure: RedeemFailure::Transient, diagnostics }
}

impl fmt::Debug for AppTokens {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("AppTokens(..)")
    }
}
