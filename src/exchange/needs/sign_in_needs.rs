use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::domain::{ClaimsChallenge, RecordKey, Timestamp, TokenSlot};
use crate::records::{Collection, Content, Kind, Plaintext, RecordError, Records, catalogue, encode_json};

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

impl SignInNeeds {
    /// Keeps needs in `records`.
    #[must_use]
    pub fn new(records: &Records) -> Self {
        Self { records: records.clone(), needs: Collection::new(records) }
    }

    /// Keeps `need` for `slot` and replaces an earlier one.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn put(&self, slot: &TokenSlot, need: &SignInNeed) -> Result<(), RecordError> {
        let claims = need.claims.as_ref().map(|claims| claims.as_str().to_owned());
        let noted_at = self.records.clock().now().unix_millis();
        let SignInNeed { consent, choose_account, .. } = *need;
        let noted = StoredNeed { consent, claims, noted_at, choose_account };
        self.needs.put(self.needs.seal(self.key(slot), &noted)?).await
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
        let claims = noted.claims.as_deref().and_then(ClaimsChallenge::parse);
        Ok(SignInNeed { consent: noted.consent, claims, choose_account: noted.choose_account })
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
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use super::*;
    use crate::domain::{Account, BotName, ChannelId, Clock, ConnectionName};
    use crate::records::testing::throwaway_records;

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
        needs.put(&slot("graph"), &consent).await.unwrap();
        assert_eq!(needs.get(&slot("graph"), None).await.unwrap(), consent);
        needs.put(&slot("graph"), &factor).await.unwrap();
        assert_eq!(needs.get(&slot("graph"), None).await.unwrap(), factor);
        assert_eq!(needs.get(&slot("mail"), None).await.unwrap(), SignInNeed::default());
        assert_eq!(needs.get(&slot("graph"), Some(before)).await.unwrap(), factor, "a token from before");
        let later = Some(store.clock.now().plus(Duration::from_secs(1)));
        assert_eq!(needs.get(&slot("graph"), later).await.unwrap(), SignInNeed::default(), "met since");
        needs.end(&[slot("graph"), slot("never")]).await.unwrap();
        assert_eq!(needs.get(&slot("graph"), None).await.unwrap(), SignInNeed::default());
        needs.put(&slot("graph"), &consent).await.unwrap();
        store.clock.advance(catalogue::CARD_LIFETIME);
        assert_eq!(needs.get(&slot("graph"), None).await.unwrap(), SignInNeed::default());
    }
}
