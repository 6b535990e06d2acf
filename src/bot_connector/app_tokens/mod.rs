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
use crate::single_flight::{Flight, SingleFlight};

/// A token is refreshed at this share of its life, or …
const REFRESHED_AT_PERCENT: u32 = 80;
/// … so long before its end, whichever comes first (docs/protocols/bot-auth-and-skills.md §3), but …
const REFRESHED_BEFORE_END: Duration = Duration::from_mins(5);
/// … not before this share: a token that lives for minutes only must not be refreshed at every use.
const NEVER_REFRESHED_BEFORE_PERCENT: u32 = 50;
/// How long a refresh that failed is left alone while the old token is still good.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(30);
/// How long one refresh may take, whoever waits for it.
const REFRESH_LIMIT: Duration = Duration::from_secs(8);

/// A token of our own, for calling as one of the configured applications.
#[derive(Clone, Debug)]
pub struct AppToken {
    /// The bearer token.
    pub access_token: Secret,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// The tokens that we call out with: kept in memory, asked for by one for all, refreshed early in the background. While
/// a refresh fails, the old token serves to its end; a failure is shared by all who waited for it and never kept.
pub struct AppTokens {
    clock: SharedClock,
    slots: Mutex<HashMap<SlotKey, Arc<Slot>>>,
}

/// Token endpoint (with its tenant), client id, scope. All of them come from configuration, so that there are as many
/// slots as that has.
type SlotKey = (Url, String, AppScope);

#[derive(Default)]
struct Slot {
    kept: Mutex<Option<Kept>>,
    asking: SingleFlight<(), Result<AppToken, RedeemError>>,
}

#[derive(Clone)]
struct Kept {
    token: AppToken,
    /// From when on it is refreshed in the background.
    refresh_at: Timestamp,
}

impl AppTokens {
    /// Nothing kept yet.
    #[must_use]
    pub fn new(clock: SharedClock) -> Self {
        Self { clock, slots: Mutex::default() }
    }

    /// A token of `client` for `scope` that is good now.
    ///
    /// # Errors
    /// [`RedeemError`] if none is kept and none could be had within the attempt's deadline.
    pub async fn get(
        &self,
        client: &Arc<AppClient>,
        scope: &AppScope,
        attempt: &Attempt,
    ) -> Result<AppToken, RedeemError> {
        let slot = self.slot(client, scope);
        let now = self.clock.now();
        let good = slot.find_kept().filter(|kept| now < kept.token.expires_at);
        if let Some(kept) = &good
            && now < kept.refresh_at
        {
            return Ok(kept.token.clone());
        }
        let asking = self.ask(&slot, client, scope, &attempt.correlation_id);
        match good {
            // The refresh goes on by itself.
            Some(kept) => Ok(kept.token),
            None => {
                timeout_at(attempt.deadline, asking.outcome()).await.ok().flatten().unwrap_or_else(|| Err(too_late()))
            }
        }
    }

    fn slot(&self, client: &AppClient, scope: &AppScope) -> Arc<Slot> {
        let key = (client.token_endpoint().clone(), client.client_id().to_owned(), scope.clone());
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(key).or_default())
    }

    fn ask(
        &self,
        slot: &Arc<Slot>,
        client: &Arc<AppClient>,
        scope: &AppScope,
        correlation_id: &str,
    ) -> Flight<Result<AppToken, RedeemError>> {
        let (clock, shared, client, scope) = (self.clock.clone(), slot.clone(), client.clone(), scope.clone());
        let correlation_id = correlation_id.to_owned();
        slot.asking.join((), || async move {
            let began_at = clock.now();
            // Whoever looked before another one's call ended comes here after it.
            if let Some(kept) = shared.find_kept().filter(|kept| began_at < kept.refresh_at.min(kept.token.expires_at))
            {
                return Ok(kept.token);
            }
            let attempt = Attempt { correlation_id, deadline: Instant::now() + REFRESH_LIMIT, claims: None };
            match client.redeem(&scope, &attempt).await {
                Ok(redeemed) => Ok(shared.keep(redeemed, began_at)),
                Err(error) => {
                    shared.put_off(clock.now());
                    tracing::warn!(
                        client_id = client.client_id(),
                        scope = scope.as_str(),
                        correlation_id = attempt.correlation_id,
                        aadsts = error.diagnostics.aadsts,
                        hint = error.diagnostics.hint,
                        "no app token was given"
                    );
                    Err(error)
                }
            }
        })
    }
}

impl Slot {
    fn find_kept(&self) -> Option<Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, redeemed: RedeemedToken, began_at: Timestamp) -> AppToken {
        let token = AppToken { access_token: redeemed.access_token, expires_at: redeemed.expires_at };
        let life = began_at.until(token.expires_at);
        let share = |percent: u32| began_at.plus(life.saturating_mul(percent) / 100);
        let refresh_at = share(REFRESHED_AT_PERCENT).min(token.expires_at.minus(REFRESHED_BEFORE_END));
        let refresh_at = refresh_at.max(share(NEVER_REFRESHED_BEFORE_PERCENT));
        let kept = Kept { token: token.clone(), refresh_at };
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(kept);
        token
    }

    fn put_off(&self, now: Timestamp) {
        if let Some(kept) = self.kept.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            kept.refresh_at = now.plus(PAUSE_AFTER_FAILURE);
        }
    }
}

fn too_late() -> RedeemError {
    let hint = "the token endpoint did not answer in time";
    let diagnostics = Box::new(Diagnostics { hint, ..Diagnostics::default() });
    RedeemError { failure: RedeemFailure::Transient, diagnostics }
}

impl fmt::Debug for AppTokens {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("AppTokens(..)")
    }
}
