use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::PendingError;
use crate::domain::{ClaimsChallenge, SharedClock, TokenSlot, UserKey};
use crate::sealing::Sealer;
use crate::store::{Record, RecordKey, Store};

/// How long a challenge waits for the user. Longer than that, and the resource is better asked again.
const LIFE: Duration = Duration::from_hours(1);

/// What resources want of the next token, one challenge a slot: kept when no token could be had that answers it, taken by
/// the exchange that comes next, and by no other.
pub struct ClaimsChallenges {
    store: Arc<dyn Store>,
    sealer: Arc<Sealer>,
    clock: SharedClock,
}

impl ClaimsChallenges {
    /// Challenges kept in `store`.
    pub fn new(store: Arc<dyn Store>, sealer: Arc<Sealer>, clock: SharedClock) -> Self {
        Self { store, sealer, clock }
    }

    /// Keeps `challenge` for `slot`, in the place of an earlier one; `user` is whose token was challenged, if known.
    ///
    /// # Errors
    /// [`PendingError`] if the store fails.
    pub async fn put(
        &self,
        slot: &TokenSlot,
        user: Option<&UserKey>,
        challenge: &ClaimsChallenge,
    ) -> Result<(), PendingError> {
        let key = self.key(slot);
        let value = Bytes::from(self.sealer.seal(&[PURPOSE.as_bytes(), &key.0], challenge.as_str().as_bytes())?);
        let record =
            Record { value, expires_at: self.clock.now().plus(LIFE), index: user.map(|user| self.of_user(user)) };
        Ok(self.store.put(key, record).await?)
    }

    /// The challenge that waits for `slot`, and goes on waiting.
    ///
    /// # Errors
    /// [`PendingError`] if the store fails.
    pub async fn find(&self, slot: &TokenSlot) -> Result<Option<ClaimsChallenge>, PendingError> {
        let key = self.key(slot);
        let Some(sealed) = self.store.get(key).await? else { return Ok(None) };
        self.open(key, &sealed).map(Some)
    }

    /// The challenge that waits for `slot`, for one caller once.
    ///
    /// # Errors
    /// [`PendingError`] if the store fails.
    pub async fn take(&self, slot: &TokenSlot) -> Result<Option<ClaimsChallenge>, PendingError> {
        let key = self.key(slot);
        // Nearly always there is none, and reading costs no write.
        if self.store.get(key).await?.is_none() {
            return Ok(None);
        }
        let Some(sealed) = self.store.take(key).await? else { return Ok(None) };
        self.open(key, &sealed).map(Some)
    }

    /// Ends what waits for these slots.
    ///
    /// # Errors
    /// [`PendingError`] if the store fails.
    pub async fn end(&self, slots: &[TokenSlot]) -> Result<(), PendingError> {
        Ok(self.store.remove(slots.iter().map(|slot| self.key(slot)).collect()).await?)
    }

    /// Ends what waits for `user`, wherever it is known that it does.
    ///
    /// # Errors
    /// [`PendingError`] if the store fails.
    pub async fn end_all_of(&self, user: &UserKey) -> Result<(), PendingError> {
        let members = self.store.members(self.of_user(user)).await?;
        if members.is_empty() {
            return Ok(());
        }
        Ok(self.store.remove(members.into_iter().map(|(key, _)| key).collect()).await?)
    }

    fn open(&self, key: RecordKey, sealed: &[u8]) -> Result<ClaimsChallenge, PendingError> {
        let plain = self.sealer.open(&[PURPOSE.as_bytes(), &key.0], sealed)?;
        let challenge = std::str::from_utf8(&plain).ok().and_then(ClaimsChallenge::parse);
        challenge.ok_or(PendingError::Unreadable)
    }

    fn key(&self, slot: &TokenSlot) -> RecordKey {
        RecordKey(self.sealer.mac(PURPOSE, &slot.key_parts().each_ref().map(|part| part.as_bytes())))
    }

    fn of_user(&self, user: &UserKey) -> RecordKey {
        RecordKey(self.sealer.mac("pending.claims.user", &[user.issuer().as_bytes(), user.subject().as_bytes()]))
    }
}

const PURPOSE: &str = "pending.claims";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::domain::{Account, BotName, ChannelId, ConnectionName};
    use crate::sealing::testing::throwaway_sealer;
    use crate::store::testing::{ThrowawayStore, throwaway_store};

    fn set_up() -> (ClaimsChallenges, ThrowawayStore) {
        let beneath = throwaway_store();
        let challenges = ClaimsChallenges::new(beneath.store.clone(), throwaway_sealer(), beneath.shared_clock.clone());
        (challenges, beneath)
    }

    fn slot(connection: &str) -> TokenSlot {
        let account = Account::of_channel(&BotName::new("helper"), ChannelId::base_of("msteams"), "29:alice");
        TokenSlot { account, connection: ConnectionName::new(connection) }
    }

    fn challenge(text: &str) -> ClaimsChallenge {
        ClaimsChallenge::parse(text).unwrap()
    }

    #[tokio::test]
    async fn a_challenge_is_taken_once_from_its_own_slot_and_the_latest_counts() {
        let (challenges, _beneath) = set_up();
        challenges.put(&slot("graph"), None, &challenge(r#"{"a":1}"#)).await.unwrap();
        challenges.put(&slot("graph"), None, &challenge(r#"{"a":2}"#)).await.unwrap();
        assert_eq!(challenges.take(&slot("mail")).await.unwrap(), None);
        assert_eq!(challenges.take(&slot("graph")).await.unwrap(), Some(challenge(r#"{"a":2}"#)));
        assert_eq!(challenges.take(&slot("graph")).await.unwrap(), None);
    }

    #[tokio::test]
    async fn of_many_takers_one_gets_it() {
        let (challenges, _beneath) = set_up();
        challenges.put(&slot("graph"), None, &challenge(r#"{"a":1}"#)).await.unwrap();
        let (slot, challenges) = (slot("graph"), &challenges);
        let callers = (0..8).map(|_| challenges.take(&slot));
        let taken = futures_util::future::join_all(callers).await;
        assert_eq!(taken.into_iter().filter(|taken| taken.as_ref().unwrap().is_some()).count(), 1);
    }

    #[tokio::test]
    async fn an_hour_ends_it_and_so_does_a_sign_out() {
        let (challenges, beneath) = set_up();
        let (alice, bob) = (UserKey::entra("a", "t"), UserKey::entra("b", "t"));
        challenges.put(&slot("graph"), None, &challenge(r#"{"a":1}"#)).await.unwrap();
        beneath.clock.advance(LIFE);
        assert_eq!(challenges.take(&slot("graph")).await.unwrap(), None);
        challenges.put(&slot("graph"), None, &challenge(r#"{"a":1}"#)).await.unwrap();
        challenges.end(&[slot("graph"), slot("never")]).await.unwrap();
        assert_eq!(challenges.take(&slot("graph")).await.unwrap(), None);
        challenges.put(&slot("graph"), Some(&alice), &challenge(r#"{"a":1}"#)).await.unwrap();
        challenges.put(&slot("mail"), Some(&bob), &challenge(r#"{"b":1}"#)).await.unwrap();
        challenges.end_all_of(&alice).await.unwrap();
        assert_eq!(challenges.take(&slot("graph")).await.unwrap(), None);
        assert_eq!(challenges.take(&slot("mail")).await.unwrap(), Some(challenge(r#"{"b":1}"#)));
    }
}
