use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::domain::{ClaimsChallenge, RecordKey, Timestamp, TokenSlot};
use crate::records::{
    Collection, Content, Kind, OpenedRecord, Plaintext, RecordError, Records, catalogue, encode_json,
};

/// Attempts to change a record by compare-and-put while other callers change the same record.
const MAX_CAS_ATTEMPTS: usize = 8;

/// What a browser sign-in must ask the user for, because an earlier sign-in failed without it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignInNeed {
    /// Whether the user must consent.
    pub consent: bool,
    /// The claims that the issuer wants in the next token (a second factor, a compliant device).
    pub claims: Option<ClaimsChallenge>,
    /// Whether the user must be able to choose another account, because the one of the last attempt was not meant.
    pub choose_account: bool,
}

impl SignInNeed {
    /// Both needs combined.
    #[must_use]
    pub fn joined(self, other: Self) -> Self {
        let claims = match (self.claims, other.claims) {
            (Some(ours), Some(theirs)) => Some(ClaimsChallenge::joined(&ours, &theirs)),
            (ours, theirs) => ours.or(theirs),
        };
        let choose_account = self.choose_account || other.choose_account;
        Self { consent: self.consent || other.consent, claims, choose_account }
    }
}

/// What failed sign-ins still need from the user, one record for each slot ([`catalogue::SIGN_IN_NEED`]).
pub struct SignInNeeds {
    records: Records,
    needs: Collection<StoredNeed>,
}

/// The stored form of a need.
#[derive(Serialize, Deserialize)]
struct StoredNeed {
    consent: bool,
    claims: Option<String>,
    /// In milliseconds since the Unix epoch.
    noted_at: i64,
    #[serde(default)]
    choose_account: bool,
}

impl Content for StoredNeed {
    const KIND: &'static Kind = &catalogue::SIGN_IN_NEED;

    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        encode_json(self)
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        plain.json(Self::KIND)
    }
}

impl StoredNeed {
    fn new(need: &SignInNeed, noted_at: Timestamp) -> Self {
        let claims = need.claims.as_ref().map(|claims| claims.as_str().to_owned());
        let SignInNeed { consent, choose_account, .. } = *need;
        Self { consent, claims, noted_at: noted_at.unix_millis(), choose_account }
    }

    fn into_need(self) -> SignInNeed {
        let claims = self.claims.as_deref().and_then(ClaimsChallenge::parse);
        SignInNeed { consent: self.consent, claims, choose_account: self.choose_account }
    }
}

impl SignInNeeds {
    /// Keeps needs in `records`.
    #[must_use]
    pub fn new(records: &Records) -> Self {
        Self { records: records.clone(), needs: Collection::new(records) }
    }

    /// Keeps for `slot` the need that `change` makes of the earlier one, which is empty if none is kept. `change` is called
    /// again if another writer, perhaps of another replica, keeps a need meanwhile.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn change(&self, slot: &TokenSlot, change: impl Fn(SignInNeed) -> SignInNeed) -> Result<(), RecordError> {
        let key = self.key(slot);
        for _ in 0..MAX_CAS_ATTEMPTS {
            let (earlier, stored) = match self.needs.get(key).await? {
                Some(OpenedRecord { content, stored }) => (content.into_need(), Some(stored)),
                None => (SignInNeed::default(), None),
            };
            let noted = StoredNeed::new(&change(earlier), self.records.clock().now());
            if self.needs.compare_and_put(stored, self.needs.seal(key, &noted)?).await? {
                return Ok(());
            }
        }
        tracing::warn!(bot = slot.account.holder.as_str(), "a need is lost: others changed the record meanwhile");
        Ok(())
    }

    /// What the next browser sign-in for `slot` must ask for. The need is empty if none is kept, or if a token was
    /// obtained after it was kept, because that token satisfies it.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn get(&self, slot: &TokenSlot, obtained_at: Option<Timestamp>) -> Result<SignInNeed, RecordError> {
        let Some(record) = self.needs.get(self.key(slot)).await? else { return Ok(SignInNeed::default()) };
        let noted = record.content;
        if obtained_at.is_some_and(|at| at.unix_millis() > noted.noted_at) {
            return Ok(SignInNeed::default());
        }
        Ok(noted.into_need())
    }

    /// Removes the needs of these slots.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn end(&self, slots: &[TokenSlot]) -> Result<(), RecordError> {
        self.needs.remove(slots.iter().map(|slot| self.key(slot)).collect()).await
    }

    fn key(&self, slot: &TokenSlot) -> RecordKey {
        self.needs.key_from_texts(&slot.key_parts())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use std::time::Duration;

    use super::*;
    use crate::domain::{Account, BotName, ChannelId, Clock, ConnectionName};
    use crate::records::testing::{throwaway_records, throwaway_replicas};

    fn slot(connection: &str) -> TokenSlot {
        let account = Account::of_channel(&BotName::new("helper"), ChannelId::new("msteams"), "29:alice");
        TokenSlot { account, connection: ConnectionName::new(connection) }
    }

    #[tokio::test]
    async fn a_slots_last_need_counts_until_a_token_is_obtained_or_fifteen_minutes_pass() {
        let store = throwaway_records();
        let needs = SignInNeeds::new(&store.records);
        let before = store.clock.now();
        let consent = SignInNeed { consent: true, ..SignInNeed::default() };
        let claims = ClaimsChallenge::parse(r#"{"a":1}"#);
        let factor = SignInNeed { claims, choose_account: true, ..SignInNeed::default() };
        needs.change(&slot("graph"), |_| consent.clone()).await.unwrap();
        assert_eq!(needs.get(&slot("graph"), None).await.unwrap(), consent);
        needs.change(&slot("graph"), |_| factor.clone()).await.unwrap();
        assert_eq!(needs.get(&slot("graph"), None).await.unwrap(), factor);
        assert_eq!(needs.get(&slot("mail"), None).await.unwrap(), SignInNeed::default());
        assert_eq!(needs.get(&slot("graph"), Some(before)).await.unwrap(), factor, "a token from before");
        let later = Some(store.clock.now().plus(Duration::from_secs(1)));
        assert_eq!(needs.get(&slot("graph"), later).await.unwrap(), SignInNeed::default(), "met since");
        needs.end(&[slot("graph"), slot("never")]).await.unwrap();
        assert_eq!(needs.get(&slot("graph"), None).await.unwrap(), SignInNeed::default());
        needs.change(&slot("graph"), |_| consent.clone()).await.unwrap();
        store.clock.advance(catalogue::CARD_LIFETIME);
        assert_eq!(needs.get(&slot("graph"), None).await.unwrap(), SignInNeed::default());
    }

    #[tokio::test]
    async fn what_two_replicas_need_at_the_same_time_is_joined() {
        let beneath = throwaway_replicas(2).await;
        let [one, other] = [0, 1].map(|replica: usize| SignInNeeds::new(&beneath.replicas[replica]));
        let consent = SignInNeed { consent: true, ..SignInNeed::default() };
        let account = SignInNeed { choose_account: true, ..SignInNeed::default() };
        let slot = slot("graph");
        let (noted, also_noted) = tokio::join!(
            one.change(&slot, |earlier| earlier.joined(consent.clone())),
            other.change(&slot, |earlier| earlier.joined(account.clone())),
        );
        noted.and(also_noted).unwrap();
        assert_eq!(one.get(&slot, None).await.unwrap(), consent.clone().joined(account.clone()));
        other.end(std::slice::from_ref(&slot)).await.unwrap();
        assert_eq!(one.get(&slot, None).await.unwrap(), SignInNeed::default());
    }
}
