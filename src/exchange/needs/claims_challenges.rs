use zeroize::Zeroizing;

use crate::domain::{ClaimsChallenge, TokenSlot, UserKey};
use crate::records::{Collection, Content, Kind, Plaintext, RecordError, Records, StoredRecord, catalogue};

/// The claims challenges with which resources rejected a token, one for each slot. A challenge is kept if no token that
/// satisfies it could be obtained without the user. The next exchange takes it, and no later one sees it.
pub struct ClaimsChallenges {
    challenges: Collection<ClaimsChallenge>,
}

impl Content for ClaimsChallenge {
    const KIND: &'static Kind = &catalogue::CLAIMS_CHALLENGE;

    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        Some(Zeroizing::new(self.as_str().as_bytes().to_vec()))
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        std::str::from_utf8(plain.bytes()).ok().and_then(Self::parse)
    }
}

impl ClaimsChallenges {
    /// Keeps challenges in `records`.
    #[must_use]
    pub fn new(records: &Records) -> Self {
        Self { challenges: Collection::new(records) }
    }

    /// Keeps `challenge` for `slot` and replaces an earlier one. `user` is the user of the challenged token, if known.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn put(
        &self,
        slot: &TokenSlot,
        user: Option<&UserKey>,
        challenge: &ClaimsChallenge,
    ) -> Result<(), RecordError> {
        let mut record = self.challenges.seal(self.challenges.key_from_texts(&slot.key_parts()), challenge)?;
        if let Some(user) = user {
            record = record.listed_by(self.challenges.index([user.issuer(), user.subject()]));
        }
        self.challenges.put(record).await
    }

    /// The challenge that waits for `slot`. It stays.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn find(&self, slot: &TokenSlot) -> Result<Option<ClaimsChallenge>, RecordError> {
        let record = self.challenges.get(self.challenges.key_from_texts(&slot.key_parts())).await?;
        Ok(record.map(|record| record.content))
    }

    /// Takes the challenge that waits for `slot`. Of several callers one gets it.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn take(&self, slot: &TokenSlot) -> Result<Option<ClaimsChallenge>, RecordError> {
        let key = self.challenges.key_from_texts(&slot.key_parts());
        // Nearly always there is no challenge, and `contains` costs no write.
        if !self.challenges.contains(key).await? {
            return Ok(None);
        }
        self.challenges.take(key).await
    }

    /// Removes the challenges of these slots.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn end(&self, slots: &[TokenSlot]) -> Result<(), RecordError> {
        self.challenges
            .remove(slots.iter().map(|slot| self.challenges.key_from_texts(&slot.key_parts())).collect())
            .await
    }

    /// Removes the challenges that were kept with `user` as their user.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn end_all_of_user(&self, user: &UserKey) -> Result<(), RecordError> {
        let members = self.challenges.members(self.challenges.index([user.issuer(), user.subject()])).await?;
        if members.is_empty() {
            return Ok(());
        }
        self.challenges.remove(members.iter().map(StoredRecord::key).collect()).await
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use super::*;
    use crate::domain::{Account, BotName, ChannelId, ConnectionName};
    use crate::records::testing::{ThrowawayRecords, throwaway_records};

    fn set_up() -> (ClaimsChallenges, ThrowawayRecords) {
        let store = throwaway_records();
        (ClaimsChallenges::new(&store.records), store)
    }

    fn slot(connection: &str) -> TokenSlot {
        let account = Account::of_channel(&BotName::new("helper"), ChannelId::new("msteams"), "29:alice");
        TokenSlot { account, connection: ConnectionName::new(connection) }
    }

    fn challenge(text: &str) -> ClaimsChallenge {
        ClaimsChallenge::parse(text).unwrap()
    }

    #[tokio::test]
    async fn take_returns_the_latest_challenge_of_the_slot_once() {
        let (challenges, _store) = set_up();
        challenges.put(&slot("graph"), None, &challenge(r#"{"a":1}"#)).await.unwrap();
        challenges.put(&slot("graph"), None, &challenge(r#"{"a":2}"#)).await.unwrap();
        assert_eq!(challenges.take(&slot("mail")).await.unwrap(), None);
        assert_eq!(challenges.take(&slot("graph")).await.unwrap(), Some(challenge(r#"{"a":2}"#)));
        assert_eq!(challenges.take(&slot("graph")).await.unwrap(), None);
    }

    #[tokio::test]
    async fn one_of_many_concurrent_callers_takes_the_challenge() {
        let (challenges, _store) = set_up();
        challenges.put(&slot("graph"), None, &challenge(r#"{"a":1}"#)).await.unwrap();
        let (slot, challenges) = (slot("graph"), &challenges);
        let callers = (0..8).map(|_| challenges.take(&slot));
        let taken = futures_util::future::join_all(callers).await;
        assert_eq!(taken.into_iter().filter(|taken| taken.as_ref().unwrap().is_some()).count(), 1);
    }

    #[tokio::test]
    async fn a_challenge_ends_after_an_hour_or_at_a_sign_out() {
        let (challenges, store) = set_up();
        let (alice, bob) = (UserKey::entra("a", "t"), UserKey::entra("b", "t"));
        challenges.put(&slot("graph"), None, &challenge(r#"{"a":1}"#)).await.unwrap();
        store.clock.advance(Duration::from_hours(1));
        assert_eq!(challenges.take(&slot("graph")).await.unwrap(), None);
        challenges.put(&slot("graph"), None, &challenge(r#"{"a":1}"#)).await.unwrap();
        challenges.end(&[slot("graph"), slot("never")]).await.unwrap();
        assert_eq!(challenges.take(&slot("graph")).await.unwrap(), None);
        challenges.put(&slot("graph"), Some(&alice), &challenge(r#"{"a":1}"#)).await.unwrap();
        challenges.put(&slot("mail"), Some(&bob), &challenge(r#"{"b":1}"#)).await.unwrap();
        challenges.end_all_of_user(&alice).await.unwrap();
        assert_eq!(challenges.take(&slot("graph")).await.unwrap(), None);
        assert_eq!(challenges.take(&slot("mail")).await.unwrap(), Some(challenge(r#"{"b":1}"#)));
    }
}
