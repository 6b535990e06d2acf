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

/// A refresh in the background that failed is not tried again for so long: the token is still good.
const RETRY_AFTER_FAILURE: Duration = Duration::from_mins(1);
/// Slots whose last refresh failed, remembered.
const FAILED_SLOTS_REMEMBERED: usize = 16_384;

/// Gives out the token that a user has for a connection right now, refreshed where that can be done without the user.
#[derive(Clone)]
pub struct CurrentTokens {
    shared: Arc<Shared>,
}

struct Shared {
    tokens: RefreshableTokens,
    flights: SingleFlight<FlightKey, Refreshed>,
    resting: Cache<TokenSlot, Timestamp>,
}

/// A refresh that answers a challenge is another one than one that does not.
#[derive(Clone, PartialEq, Eq, Hash)]
struct FlightKey {
    slot: TokenSlot,
    challenge: Option<Vec<u8>>,
}

impl CurrentTokens {
    /// The tokens in `vault`, refreshed by `redemption`.
    #[must_use]
    pub fn new(vault: Arc<TokenVault>, redemption: Redemption, ambient: ClockAndEntropy) -> Self {
        let tokens = RefreshableTokens { vault, redemption, ambient };
        let (flights, resting) = (SingleFlight::default(), Cache::new(FAILED_SLOTS_REMEMBERED));
        Self { shared: Arc::new(Shared { tokens, flights, resting }) }
    }

    /// The user's token, if there is one that was obtained for the connection as it is configured now, has not been
    /// signed out and has enough life left to be handed out; at once where that is so. Once the issuer wants it
    /// refreshed, that is done in the background, and the next caller gets the new one. A token that is over is
    /// refreshed before this returns: one refresh for all who ask meanwhile, within five seconds.
    ///
    /// None means that the user is needed, or that the issuer could not be asked just now.
    ///
    /// # Errors
    /// [`StorageFailure`] if the store is unavailable or the record cannot be opened.
    pub async fn get(&self, wanted: WantedToken<'_>) -> Result<Option<Arc<UserToken>>, StorageFailure> {
        let slot = find_slot_in_use(&self.shared.tokens.vault, wanted).await?;
        self.get_in(&slot, wanted.connection).await
    }

    /// The slot that holds the wanted token.
    pub(super) async fn slot_in_use<'w>(&self, wanted: WantedToken<'w>) -> Result<Cow<'w, TokenSlot>, StorageFailure> {
        Ok(find_slot_in_use(&self.shared.tokens.vault, wanted).await?)
    }

    /// [`CurrentTokens::get`] of the token in `slot`, whoever has brought it.
    pub(super) async fn get_in(
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

    /// Whether `user` still has the token that was brought for `slot`, by a channel or by a parent bot.
    pub async fn is_kept(&self, slot: &TokenSlot, connection: &Connection, user: &UserKey) -> bool {
        matches!(is_kept(&self.shared.tokens.vault, slot, connection, user).await, Ok(true))
    }

    /// Whether [`CurrentTokens::get`] would give a token, as far as that can be told without asking the issuer.
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

    /// A token that answers `challenge`, with which a resource has turned down the present one. What is kept does not
    /// count: a refresh token brings a new token, or none can be had without the user. Then the challenge waits for the
    /// user's next exchange, and goes with it once.
    ///
    /// # Errors
    /// [`StorageFailure`] as [`CurrentTokens::get`].
    pub async fn get_challenged(
        &self,
        wanted: WantedToken<'_>,
        challenge: ClaimsChallenge,
    ) -> Result<Challenged, StorageFailure> {
        let vault = &self.shared.tokens.vault;
        let slot = find_slot_in_use(vault, wanted).await?;
        let flight = self.shared.start_refresh(&slot, wanted.connection, Some(challenge));
        match timeout_at(Instant::now() + REFRESH_BUDGET, flight.outcome()).await {
            Ok(Some(Refreshed::Token(token))) => {
                // An older one that nobody came to answer is answered with it.
                self.shared.tokens.redemption.requirements().end_challenge(&slot).await?;
                Ok(Challenged::Answered(token))
            }
            Ok(Some(Refreshed::Nothing)) => {
                // None of the user's tokens answers it, by whichever way they were brought.
                for other in std::iter::once(wanted.slot.clone()).chain(parent_slots(wanted.bot, wanted.slot)) {
                    if other != *slot {
                        vault.forget(&other).await?;
                    }
                }
                Ok(Challenged::UserNeeded)
            }
            Ok(Some(Refreshed::Unavailable) | None) | Err(_) => Ok(Challenged::Unavailable),
        }
    }
}

/// What came of a resource's challenge.
#[derive(Clone, Debug)]
pub enum Challenged {
    /// This token answers it.
    Answered(Arc<UserToken>),
    /// The user has to answer it.
    UserNeeded,
    /// The issuer could not be asked: nothing has changed, and asking again may help.
    Unavailable,
}

impl Shared {
    /// Joins the refresh of this slot, or begins it.
    fn start_refresh(
        &self,
        slot: &TokenSlot,
        connection: &Arc<Connection>,
        challenge: Option<ClaimsChallenge>,
    ) -> Flight<Refreshed> {
        let named =
            challenge.as_ref().map(|challenge| digest(&SHA256, challenge.as_str().as_bytes()).as_ref().to_vec());
        let key = FlightKey { slot: slot.clone(), challenge: named };
        self.flights.join(key, || {
            let (tokens, slot, connection) = (self.tokens.clone(), slot.clone(), Arc::clone(connection));
            Refresh { tokens, slot, connection, challenge }.run()
        })
    }

    /// Whoever asks now has a good token: nobody waits, and a failure is nobody's.
    fn refresh_in_background(self: &Arc<Self>, slot: &TokenSlot, connection: &Arc<Connection>) {
        let now = self.tokens.ambient.now();
        if self.resting.get(slot).is_some_and(|until| now < until) {
            return;
        }
        // From the beginning, not from the failure: whoever comes while it runs need not even look for it.
        self.resting.insert(slot.clone(), now.plus(RETRY_AFTER_FAILURE));
        drop(self.start_refresh(slot, connection, None));
    }
}

/// Waits for a refresh, as long as one takes at most.
async fn await_refresh(flight: Flight<Refreshed>) -> Option<Arc<UserToken>> {
    match timeout_at(Instant::now() + REFRESH_BUDGET, flight.outcome()).await {
        Ok(Some(Refreshed::Token(token))) => Some(token),
        Ok(Some(Refreshed::Nothing | Refreshed::Unavailable) | None) | Err(_) => None,
    }
}
