use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use quick_cache::sync::Cache;
use tokio::time::{Instant, timeout, timeout_at};

use super::refresh::{REFRESH_BUDGET, Refresh, RefreshableTokens};
use super::refresh_aim::RefreshAim;
use super::refresh_turns::RefreshTurns;
use super::unkept::UnkeptTokens;
use crate::domain::{ClaimsChallenge, ClockAndEntropy, Connection, Timestamp, TokenSlot, UserKey};
use crate::exchange::parent_slots::{TokenPlace, WantedToken, is_kept};
use crate::exchange::{ObtainedToken, Outage, Redemption, StorageFailure};
use crate::observability::carry;
use crate::records::Records;
use crate::single_flight::{Flight, SingleFlight};
use crate::vault::{TokenVault, VaultError};

/// A slot starts no second refresh in the background within this time, even if the first one fails: its token is still
/// good.
const BACKGROUND_REFRESH_INTERVAL: Duration = Duration::from_mins(1);
/// A caller with a token that has not ended waits for its refresh only this long: at an issuer that hangs, the bot still
/// has time to use the token.
const REFRESH_PATIENCE: Duration = Duration::from_secs(3);
/// At most this many slots are remembered with the time of their next refresh in the background.
const MAX_REMEMBERED_SLOTS: usize = 16_384;

/// Hands out a user's current token for a connection, and refreshes it if that is possible without the user.
#[derive(Clone)]
pub struct CurrentTokens {
    pub(super) shared: Arc<RefreshState>,
}

pub(super) struct RefreshState {
    pub(super) tokens: RefreshableTokens,
    flights: SingleFlight<FlightKey, ObtainedToken>,
    /// The earliest time of the next refresh in the background, for slots that started one a short while ago. Each replica
    /// has its own: one that begins later than another finds the token refreshed when its turn comes.
    next_background_refresh: Arc<Cache<TokenSlot, Timestamp>>,
}

/// Names a refresh for its followers. A refresh is shared only by callers who want the same of it. Refreshes of one slot
/// that differ run one after the other ([`RefreshTurns`]), and one that finds what it wants asks the issuer nothing.
#[derive(Clone, PartialEq, Eq, Hash)]
struct FlightKey {
    slot: TokenSlot,
    /// The SHA-256 digest of the challenge.
    challenge: Option<Vec<u8>>,
    /// Whether the ID token must be renewed as well.
    wants_id_token: bool,
}

impl CurrentTokens {
    /// The tokens in `vault`, which keeps them in `records`, refreshed by `redemption`. Those that the store does not take
    /// are held in `unkept`.
    #[must_use]
    pub fn new(
        records: &Records,
        vault: Arc<TokenVault>,
        redemption: Redemption,
        unkept: UnkeptTokens,
        ambient: ClockAndEntropy,
    ) -> Self {
        let turns = Arc::new(RefreshTurns::new(records));
        let tokens = RefreshableTokens { vault, redemption, ambient, unkept, turns };
        let (flights, next_background_refresh) = (SingleFlight::default(), Arc::new(Cache::new(MAX_REMEMBERED_SLOTS)));
        Self { shared: Arc::new(RefreshState { tokens, flights, next_background_refresh }) }
    }

    /// The tokens after a reload, refreshed by `redemption`. Of a slot, one refresh is made at a time still, also while one from
    /// before is under way; it is not shared, because the connection may have changed.
    #[must_use]
    pub fn succeed(&self, redemption: Redemption) -> Self {
        let RefreshState { tokens, next_background_refresh, .. } = &*self.shared;
        let (tokens, flights) = (RefreshableTokens { redemption, ..tokens.clone() }, SingleFlight::default());
        let next_background_refresh = Arc::clone(next_background_refresh);
        Self { shared: Arc::new(RefreshState { tokens, flights, next_background_refresh }) }
    }

    /// The user's token, if one was obtained for the connection as it is configured now and its user has not signed
    /// out. While enough of its lifetime is left, it is returned at once; if its refresh is due, the refresh runs in the
    /// background and a later caller gets the new token. Otherwise it is refreshed before this returns, within five
    /// seconds; concurrent callers share one refresh. If that fails for an outage, a token that has not ended serves.
    ///
    /// A failure of the store is an outage, too; it is logged here.
    pub async fn get(&self, wanted: impl Into<TokenPlace<'_>>) -> ObtainedToken {
        self.try_get(wanted.into()).await.unwrap_or_else(|error| unreadable(&error))
    }

    /// As [`CurrentTokens::get`].
    ///
    /// # Errors
    /// [`StorageFailure`] if the store fails and memory has no token.
    pub(super) async fn try_get(&self, wanted: TokenPlace<'_>) -> Result<ObtainedToken, StorageFailure> {
        if !self.shared.tokens.turns.are_shared() {
            return self.find_or_renew(wanted).await;
        }
        // A shared store that is slow is asked several times, and the bot waits for all of it.
        let obtained = timeout(REFRESH_BUDGET, self.find_or_renew(wanted)).await;
        obtained.unwrap_or(Ok(ObtainedToken::Unavailable(Outage::FAULT)))
    }

    async fn find_or_renew(&self, wanted: TokenPlace<'_>) -> Result<ObtainedToken, StorageFailure> {
        let TokenPlace { slot, connection } = wanted;
        let vault = &self.shared.tokens.vault;
        let failure = match vault.find(slot, connection.revision).await {
            Ok(Some(token)) => {
                if token.is_refresh_due(self.shared.tokens.ambient.now()) {
                    self.shared.refresh_in_background(wanted);
                }
                return Ok(ObtainedToken::Token(token));
            }
            Ok(None) => match self.renew(wanted).await {
                Ok(obtained) => return Ok(obtained),
                Err(failure) => failure,
            },
            Err(error) => error.into(),
        };
        self.shared.tokens.find_in_memory(slot, connection).await.map(ObtainedToken::Token).ok_or(failure)
    }

    /// Refreshes the token in `slot`, of whose lifetime little or nothing is left.
    async fn renew(&self, wanted: TokenPlace<'_>) -> Result<ObtainedToken, StorageFailure> {
        let TokenPlace { slot, connection } = wanted;
        let vault = &self.shared.tokens.vault;
        let record = if connection.keeps_refresh_token() { vault.read(slot, connection.revision).await? } else { None };
        let Some(record) = record.filter(|record| record.token.refresh_token.is_some()) else {
            return Ok(ObtainedToken::UserNeeded);
        };
        let has_ended = record.token.has_ended(self.shared.tokens.ambient.now());
        let flight = self.shared.start_refresh(wanted, RefreshAim::Usable);
        let outage = match await_refresh(flight, if has_ended { REFRESH_BUDGET } else { REFRESH_PATIENCE }).await {
            ObtainedToken::Unavailable(outage) => outage,
            obtained @ (ObtainedToken::Token(_) | ObtainedToken::UserNeeded) => return Ok(obtained),
        };
        // The record is read again, because the user may have signed out, or another writer kept a token, meanwhile.
        let Some(record) = vault.read(slot, connection.revision).await? else { return Ok(ObtainedToken::UserNeeded) };
        if record.token.has_ended(self.shared.tokens.ambient.now()) {
            return Ok(ObtainedToken::Unavailable(outage));
        }
        Ok(ObtainedToken::Token(Arc::new(record.token.without_refresh_token())))
    }

    /// Whether `slot` still holds a usable token of `user`.
    ///
    /// # Errors
    /// [`StorageFailure`] if the store fails, so that it is not known.
    pub async fn is_kept(
        &self,
        slot: &TokenSlot,
        connection: &Connection,
        user: &UserKey,
    ) -> Result<bool, StorageFailure> {
        Ok(is_kept(&self.shared.tokens.vault, slot, connection, user).await?)
    }

    /// Whether [`CurrentTokens::get`] may return a token, judged without a request to the issuer: a usable token or a
    /// refresh token is kept.
    ///
    /// # Errors
    /// [`StorageFailure`] if the store fails and memory has no token.
    pub async fn can_give(&self, wanted: impl Into<TokenPlace<'_>>) -> Result<bool, StorageFailure> {
        let TokenPlace { slot, connection } = wanted.into();
        let vault = &self.shared.tokens.vault;
        let found = async {
            if vault.find(slot, connection.revision).await?.is_some() {
                return Ok(true);
            }
            if !connection.keeps_refresh_token() {
                return Ok(false);
            }
            let record = vault.read(slot, connection.revision).await?;
            Ok(record.is_some_and(|record| record.token.refresh_token.is_some()))
        };
        let found: Result<bool, VaultError> = found.await;
        match found {
            Err(failure) => match self.shared.tokens.find_in_memory(slot, connection).await {
                Some(_) => Ok(true),
                None => Err(failure.into()),
            },
            Ok(can_give) => Ok(can_give),
        }
    }

    /// Gets a token that satisfies `challenge`, with which a resource rejected the current token. The kept token is not
    /// returned: the refresh token gets a new one. If that fails without the user, the kept tokens are removed, and the
    /// challenge waits for the user's next exchange, which carries it once.
    ///
    /// A failure of the store is an outage; it is logged here.
    pub async fn get_challenged(&self, wanted: WantedToken<'_>, challenge: ClaimsChallenge) -> ObtainedToken {
        self.try_get_challenged(wanted, challenge).await.unwrap_or_else(|error| unreadable(&error))
    }

    async fn try_get_challenged(
        &self,
        wanted: WantedToken<'_>,
        challenge: ClaimsChallenge,
    ) -> Result<ObtainedToken, StorageFailure> {
        let flight = self.shared.start_refresh(wanted.into(), RefreshAim::Challenged(challenge));
        let obtained = await_refresh(flight, REFRESH_BUDGET).await;
        if let ObtainedToken::Token(_) = obtained {
            // The token satisfies an older challenge that still waits for the user as well.
            let ended = self.shared.tokens.redemption.requirements().end_challenge(wanted.slot).await;
            if let Err(error) = ended {
                tracing::warn!(%error, "a claims challenge that is satisfied stays noted until it expires");
            }
        }
        Ok(obtained)
    }
}

impl RefreshState {
    /// Joins the running refresh of this slot, or starts one.
    pub(super) fn start_refresh(&self, wanted: TokenPlace<'_>, aim: RefreshAim) -> Flight<ObtainedToken> {
        let TokenPlace { slot, connection } = wanted;
        let challenge =
            aim.challenge().map(|challenge| digest(&SHA256, challenge.as_str().as_bytes()).as_ref().to_vec());
        let wants_id_token = matches!(aim, RefreshAim::IdToken);
        let key = FlightKey { slot: slot.clone(), challenge, wants_id_token };
        self.flights.join(key, || {
            let (tokens, slot, connection) = (self.tokens.clone(), slot.clone(), Arc::clone(connection));
            carry(Refresh { tokens, slot, connection, aim }.run())
        })
    }

    /// Starts a refresh that no caller waits for: each caller has a usable token, so a failure concerns none of them.
    fn refresh_in_background(self: &Arc<Self>, wanted: TokenPlace<'_>) {
        let slot = wanted.slot;
        let now = self.tokens.ambient.now();
        if self.next_background_refresh.get(slot).is_some_and(|earliest| now < earliest) {
            return;
        }
        // The interval starts with the refresh, not with its failure, so callers return early here while the refresh
        // runs.
        self.next_background_refresh.insert(slot.clone(), now.plus(BACKGROUND_REFRESH_INTERVAL));
        drop(self.start_refresh(wanted, RefreshAim::Usable));
    }
}

/// Waits for a refresh for at most `patience`. The refresh itself goes on.
pub(super) async fn await_refresh(flight: Flight<ObtainedToken>, patience: Duration) -> ObtainedToken {
    let outcome = timeout_at(Instant::now() + patience, flight.outcome()).await;
    outcome.ok().flatten().unwrap_or(ObtainedToken::Unavailable(Outage::FAULT))
}

fn unreadable(error: &StorageFailure) -> ObtainedToken {
    tracing::error!(%error, "a token cannot be read");
    ObtainedToken::Unavailable(Outage::FAULT)
}
