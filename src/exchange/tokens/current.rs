use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use quick_cache::sync::Cache;
use tokio::time::{Instant, timeout_at};

use super::refresh::{REFRESH_BUDGET, Refresh, RefreshableTokens, Refreshed};
use crate::domain::{ClaimsChallenge, ClockAndEntropy, Connection, Timestamp, TokenSlot, UserKey, UserToken};
use crate::exchange::parent_slots::{WantedToken, find_slot_in_use, is_kept, parent_slots};
use crate::exchange::{Redemption, StorageFailure};
use crate::single_flight::{Flight, SingleFlight};
use crate::vault::TokenVault;

/// A slot starts no second refresh in the background within this time, even if the first one fails: its token is still
/// good.
const BACKGROUND_REFRESH_INTERVAL: Duration = Duration::from_mins(1);
/// At most this many slots are remembered with the time of their next refresh in the background.
const MAX_REMEMBERED_SLOTS: usize = 16_384;

/// Hands out a user's current token for a connection, and refreshes it if that is possible without the user.
#[derive(Clone)]
pub struct CurrentTokens {
    shared: Arc<RefreshState>,
}

struct RefreshState {
    tokens: RefreshableTokens,
    flights: SingleFlight<FlightKey, Refreshed>,
    /// The earliest time of the next refresh in the background, for slots that started one a short while ago.
    next_background_refresh: Cache<TokenSlot, Timestamp>,
}

/// Names a refresh for its followers. A refresh that must satisfy a challenge is not shared with one that need not.
#[derive(Clone, PartialEq, Eq, Hash)]
struct FlightKey {
    slot: TokenSlot,
    /// The SHA-256 digest of the challenge.
    challenge: Option<Vec<u8>>,
}

impl CurrentTokens {
    /// The tokens in `vault`, refreshed by `redemption`.
    #[must_use]
    pub fn new(vault: Arc<TokenVault>, redemption: Redemption, ambient: ClockAndEntropy) -> Self {
        let tokens = RefreshableTokens { vault, redemption, ambient };
        let (flights, next_background_refresh) = (SingleFlight::default(), Cache::new(MAX_REMEMBERED_SLOTS));
        Self { shared: Arc::new(RefreshState { tokens, flights, next_background_refresh }) }
    }

    /// The user's token, if one was obtained for the connection as it is configured now, its user has not signed out,
    /// and
    /// enough of its lifetime is left. Such a token is returned at once; if its refresh is due, the refresh runs in the
    /// background and a later caller gets the new token. An expired token is refreshed before this returns, within five
    /// seconds; concurrent callers share one refresh.
    ///
    /// `None` means that the user must sign in, or that the issuer is not available at the moment.
    ///
    /// # Errors
    /// [`StorageFailure`] if the store is unavailable or the record cannot be opened.
    pub async fn get(&self, wanted: WantedToken<'_>) -> Result<Option<Arc<UserToken>>, StorageFailure> {
        let slot = find_slot_in_use(&self.shared.tokens.vault, wanted).await?;
        self.get_from_slot(&slot, wanted.connection).await
    }

    /// Finds the slot that holds the wanted token.
    pub(super) async fn find_slot<'w>(&self, wanted: WantedToken<'w>) -> Result<Cow<'w, TokenSlot>, StorageFailure> {
        Ok(find_slot_in_use(&self.shared.tokens.vault, wanted).await?)
    }

    /// As [`CurrentTokens::get`], for the token in exactly this `slot`.
    pub(super) async fn get_from_slot(
        &self,
        slot: &TokenSlot,
        connection: &Arc<Connection>,
    ) -> Result<Option<Arc<UserToken>>, StorageFailure> {
        let vault = &self.shared.tokens.vault;
        if let Some(token) = vault.find(slot, connection.revision).await? {
            if token.is_refresh_due(self.shared.tokens.ambient.now()) {
                self.shared.refresh_in_background(slot, connection);
            }
            return Ok(Some(token));
        }
        if !connection.asks_offline_access() {
            return Ok(None);
        }
        let record = vault.read(slot, connection.revision).await?;
        if record.is_none_or(|record| record.token.refresh_token.is_none()) {
            return Ok(None);
        }
        Ok(await_refresh(self.shared.start_refresh(slot, connection, None)).await)
    }

    /// Whether `slot` still holds a usable token of `user`. For the slot of a parent's account, a token in the
    /// channel's slot
    /// counts as well.
    pub async fn is_kept(&self, slot: &TokenSlot, connection: &Connection, user: &UserKey) -> bool {
        matches!(is_kept(&self.shared.tokens.vault, slot, connection, user).await, Ok(true))
    }

    /// Whether [`CurrentTokens::get`] would return a token, judged without a request to the issuer: a usable token or a
    /// refresh
    /// token is kept.
    ///
    /// # Errors
    /// [`StorageFailure`] as [`CurrentTokens::get`].
    pub async fn can_give(&self, wanted: WantedToken<'_>) -> Result<bool, StorageFailure> {
        let (vault, connection) = (&self.shared.tokens.vault, wanted.connection);
        let slot = find_slot_in_use(vault, wanted).await?;
        if vault.find(&slot, connection.revision).await?.is_some() {
            return Ok(true);
        }
        if !connection.asks_offline_access() {
            return Ok(false);
        }
        let record = vault.read(&slot, connection.revision).await?;
        Ok(record.is_some_and(|record| record.token.refresh_token.is_some()))
    }

    /// Gets a token that satisfies `challenge`, with which a resource rejected the current token. The kept token is not
    /// returned: the refresh token gets a new one. If that fails without the user, the kept tokens are removed, and the
    /// challenge waits for the user's next exchange, which carries it once.
    ///
    /// # Errors
    /// [`StorageFailure`] as [`CurrentTokens::get`].
    pub async fn get_challenged(
        &self,
        wanted: WantedToken<'_>,
        challenge: ClaimsChallenge,
    ) -> Result<ChallengeResult, StorageFailure> {
        let vault = &self.shared.tokens.vault;
        let slot = find_slot_in_use(vault, wanted).await?;
        let flight = self.shared.start_refresh(&slot, wanted.connection, Some(challenge));
        match timeout_at(Instant::now() + REFRESH_BUDGET, flight.outcome()).await {
            Ok(Some(Refreshed::Token(token))) => {
                // The token satisfies an older challenge that still waits for the user as well.
                self.shared.tokens.redemption.requirements().end_challenge(&slot).await?;
                Ok(ChallengeResult::Answered(token))
            }
            Ok(Some(Refreshed::UserNeeded)) => {
                // No kept token satisfies the challenge, neither the channel's nor one that a parent brought.
                for other in std::iter::once(wanted.slot.clone()).chain(parent_slots(wanted.bot, wanted.slot)) {
                    if other != *slot {
                        vault.forget(&other).await?;
                    }
                }
                Ok(ChallengeResult::UserNeeded)
            }
            Ok(Some(Refreshed::Unavailable) | None) | Err(_) => Ok(ChallengeResult::Unavailable),
        }
    }
}

/// The result of [`CurrentTokens::get_challenged`].
#[derive(Clone, Debug)]
pub enum ChallengeResult {
    /// This token satisfies the challenge.
    Answered(Arc<UserToken>),
    /// The user must sign in again to satisfy the challenge.
    UserNeeded,
    /// The issuer is not available. Nothing has changed; a later call may succeed.
    Unavailable,
}

impl RefreshState {
    /// Joins the running refresh of this slot, or starts one.
    fn start_refresh(
        &self,
        slot: &TokenSlot,
        connection: &Arc<Connection>,
        challenge: Option<ClaimsChallenge>,
    ) -> Flight<Refreshed> {
        let digest_of_challenge =
            challenge.as_ref().map(|challenge| digest(&SHA256, challenge.as_str().as_bytes()).as_ref().to_vec());
        let key = FlightKey { slot: slot.clone(), challenge: digest_of_challenge };
        self.flights.join(key, || {
            let (tokens, slot, connection) = (self.tokens.clone(), slot.clone(), Arc::clone(connection));
            Refresh { tokens, slot, connection, challenge }.run()
        })
    }

    /// Starts a refresh that no caller waits for: each caller has a usable token, so a failure concerns none of them.
    fn refresh_in_background(self: &Arc<Self>, slot: &TokenSlot, connection: &Arc<Connection>) {
        let now = self.tokens.ambient.now();
        if self.next_background_refresh.get(slot).is_some_and(|earliest| now < earliest) {
            return;
        }
        // The interval starts with the refresh, not with its failure, so callers return early here while the refresh
        // runs.
        self.next_background_refresh.insert(slot.clone(), now.plus(BACKGROUND_REFRESH_INTERVAL));
        drop(self.start_refresh(slot, connection, None));
    }
}

/// Waits for a refresh for at most [`REFRESH_BUDGET`].
async fn await_refresh(flight: Flight<Refreshed>) -> Option<Arc<UserToken>> {
    match timeout_at(Instant::now() + REFRESH_BUDGET, flight.outcome()).await {
        Ok(Some(Refreshed::Token(token))) => Some(token),
        Ok(Some(Refreshed::UserNeeded | Refreshed::Unavailable) | None) | Err(_) => None,
    }
}
