use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{LIFE, PendingError};
use crate::domain::{ClaimsChallenge, SharedClock, Timestamp, TokenSlot};
use crate::sealing::Sealer;
use crate::store::{Record, RecordKey, Store};

/// What a silent attempt lacked, and a browser must therefore ask the user for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignInNeed {
    /// The user's consent.
    pub consent: bool,
    /// What the issuer wants of the next token (a second factor, a compliant device).
    pub claims: Option<ClaimsChallenge>,
}

impl SignInNeed {
    /// This and `other` together.
    #[must_use]
    pub fn joined(self, other: Self) -> Self {
        let claims = match (self.claims, other.claims) {
            (Some(ours), Some(theirs)) => Some(ClaimsChallenge::joined(&ours, &theirs)),
            (ours, theirs) => ours.or(theirs),
        };
        Self { consent: self.consent || other.consent, claims }
    }
}

/// What the last silent attempt for a slot lacked: one need a slot, for as long as its card can be answered.
pub struct SignInNeeds {
    store: Arc<dyn Store>,
    sealer: Arc<Sealer>,
    clock: SharedClock,
}

#[derive(Serialize, Deserialize)]
struct Plain {
    consent: bool,
    claims: Option<String>,
    /// In milliseconds since the Unix epoch.
    noted_at: i64,
}

impl SignInNeeds {
    /// Needs kept in `store`.
    pub fn new(store: Arc<dyn Store>, sealer: Arc<Sealer>, clock: SharedClock) -> Self {
        Self { store, sealer, clock }
    }

    /// Keeps `need` for `slot`, in the place of an earlier one.
    ///
    /// # Errors
    /// [`PendingError`] if the store fails.
    pub async fn put(&self, slot: &TokenSlot, need: &SignInNeed) -> Result<(), PendingError> {
        let key = self.key(slot);
        let claims = need.claims.as_ref().map(|claims| claims.as_str().to_owned());
        let now = self.clock.now();
        let plain = serde_json::to_vec(&Plain { consent: need.consent, claims, noted_at: now.unix_millis() });
        let plain = plain.map_err(|_| PendingError::Unreadable)?;
        let value = Bytes::from(self.sealer.seal(&[PURPOSE.as_bytes(), &key.0], &plain)?);
        let record = Record { value, expires_at: now.plus(LIFE), index: None };
        Ok(self.store.put(key, record).await?)
    }

    /// What the next browser sign-in for `slot` must ask for; nothing in particular if nothing is known, or if a token was
    /// obtained since: it has met the need.
    ///
    /// # Errors
    /// [`PendingError`] if the store fails.
    pub async fn get(&self, slot: &TokenSlot, obtained_at: Option<Timestamp>) -> Result<SignInNeed, PendingError> {
        let key = self.key(slot);
        let Some(sealed) = self.store.get(key).await? else { return Ok(SignInNeed::default()) };
        let plain = self.sealer.open(&[PURPOSE.as_bytes(), &key.0], &sealed)?;
        let plain: Plain = serde_json::from_slice(&plain).map_err(|_| PendingError::Unreadable)?;
        if obtained_at.is_some_and(|at| at.unix_millis() > plain.noted_at) {
            return Ok(SignInNeed::default());
        }
        let claims = plain.claims.as_deref().and_then(ClaimsChallenge::parse);
        Ok(SignInNeed { consent: plain.consent, claims })
    }

    /// Ends what was kept for these slots.
    ///
    /// # Errors
    /// [`PendingError`] if the store fails.
    pub async fn end(&self, slots: &[TokenSlot]) -> Result<(), PendingError> {
        Ok(self.store.remove(slots.iter().map(|slot| self.key(slot)).collect()).await?)
    }

    fn key(&self, slot: &TokenSlot) -> RecordKey {
        RecordKey(self.sealer.mac(PURPOSE, &slot.key_parts().each_ref().map(|part| part.as_bytes())))
    }
}

const PURPOSE: &str = "pending.need";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use super::*;
    use crate::domain::{Account, BotName, ChannelId, Clock, ConnectionName};
    use crate::sealing::testing::throwaway_sealer;
    use crate::store::testing::throwaway_store;

    fn slot(connection: &str) -> TokenSlot {
        let account = Account::of_channel(&BotName::new("helper"), ChannelId::base_of("msteams"), "29:alice");
        TokenSlot { account, connection: ConnectionName::new(connection) }
    }

    #[tokio::test]
    async fn the_last_need_of_a_slot_counts_until_it_is_met_or_fifteen_minutes_have_passed() {
        let beneath = throwaway_store();
        let needs = SignInNeeds::new(beneath.store.clone(), throwaway_sealer(), beneath.shared_clock.clone());
        let before = beneath.clock.now();
        let consent = SignInNeed { consent: true, claims: None };
        let factor = SignInNeed { consent: false, claims: ClaimsChallenge::parse(r#"{"a":1}"#) };
        needs.put(&slot("graph"), &consent).await.unwrap();
        assert_eq!(needs.get(&slot("graph"), None).await.unwrap(), consent);
        needs.put(&slot("graph"), &factor).await.unwrap();
        assert_eq!(needs.get(&slot("graph"), None).await.unwrap(), factor);
        assert_eq!(needs.get(&slot("mail"), None).await.unwrap(), SignInNeed::default());
        assert_eq!(needs.get(&slot("graph"), Some(before)).await.unwrap(), factor, "a token from before");
        let later = Some(beneath.clock.now().plus(Duration::from_secs(1)));
        assert_eq!(needs.get(&slot("graph"), later).await.unwrap(), SignInNeed::default(), "met since");
        needs.end(&[slot("graph"), slot("never")]).await.unwrap();
        assert_eq!(needs.get(&slot("graph"), None).await.unwrap(), SignInNeed::default());
        needs.put(&slot("graph"), &consent).await.unwrap();
        beneath.clock.advance(LIFE);
        assert_eq!(needs.get(&slot("graph"), None).await.unwrap(), SignInNeed::default());
    }
}
