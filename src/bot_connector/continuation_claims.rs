use zeroize::Zeroizing;

use crate::domain::{ExchangeKey, Timestamp};
use crate::records::{Collection, Content, Kind, Plaintext, RecordError, Records, catalogue};

/// The claims that make sure that a bot gets the `tokens/response` event of a kept token at most once, also across a
/// crash and from several replicas. A claim is made before the first delivery attempt.
pub struct ContinuationClaims {
    claims: Collection<ClaimMarker>,
}

/// The empty content of a claim: the existence of the record is the claim.
struct ClaimMarker;

impl Content for ClaimMarker {
    const KIND: &'static Kind = &catalogue::CONTINUATION;

    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        Some(Zeroizing::default())
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        plain.bytes().is_empty().then_some(Self)
    }
}

impl ContinuationClaims {
    /// Keeps the claims in `records`.
    #[must_use]
    pub fn new(records: &Records) -> Self {
        Self { claims: Collection::new(records) }
    }

    /// Claims the delivery of the event for the sign-in at `signed_in_at` of the exchange `key`. Returns `true` to one caller
    /// and `false` to all others until the claim expires after fifteen minutes. The claim is durable when this method
    /// returns. The sign-in and not the token is claimed: a duplicate that comes after a crash may find a refreshed token.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails. It is then unknown whether the claim was kept, so the caller must not deliver.
    pub async fn claim(&self, key: ExchangeKey, signed_in_at: Timestamp) -> Result<bool, RecordError> {
        let signed_in_at = signed_in_at.unix_millis().to_be_bytes();
        let claim = self.claims.seal(self.claims.key(&[&key.0, &signed_in_at]), &ClaimMarker)?;
        Ok(self.claims.put_if_absent(claim).await?.is_none())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::domain::Clock as _;
    use crate::records::testing::{records_of_fixture, throwaway_records, throwaway_replicas};

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn one_of_many_concurrent_callers_gets_the_claim() {
        let fixture = throwaway_records();
        let claims = Arc::new(ContinuationClaims::new(&fixture.records));
        let key = ExchangeKey([1; 32]);
        let obtained_at = fixture.clock.now();
        let callers: Vec<_> = (0..32)
            .map(|_| {
                let claims = claims.clone();
                tokio::spawn(async move { claims.claim(key, obtained_at).await.unwrap() })
            })
            .collect();
        let mut claims_made = 0;
        for caller in callers {
            claims_made += u32::from(caller.await.unwrap());
        }
        assert_eq!(claims_made, 1);
    }

    #[tokio::test]
    async fn a_replica_does_not_get_the_claim_of_another_one() {
        let shared = throwaway_replicas(2).await;
        let (key, signed_in_at) = (ExchangeKey([1; 32]), shared.clock.now());
        let mut claimed = Vec::new();
        for records in &shared.replicas {
            claimed.push(ContinuationClaims::new(records).claim(key, signed_in_at).await.unwrap());
        }
        assert_eq!(claimed, [true, false]);
    }

    #[tokio::test]
    async fn a_claim_that_commit_a030e75_stored_is_still_held() {
        let earlier = records_of_fixture("a030e75");
        let key = ExchangeKey(earlier.records.mac(&catalogue::EXCHANGE_NAME, &[b"an", b"exchange"]));
        assert_eq!(key.activity_id(), earlier.text("activity_id"));
        let claims = ContinuationClaims::new(&earlier.records);
        assert!(!claims.claim(key, earlier.written_at).await.unwrap());
    }

    #[tokio::test]
    async fn a_claim_covers_one_token_for_fifteen_minutes_and_survives_a_restart() {
        let fixture = throwaway_records();
        let after_restart = || ContinuationClaims::new(&fixture.records);
        let (key, other) = (ExchangeKey([1; 32]), ExchangeKey([2; 32]));
        let obtained_at = Timestamp::from_unix_millis(1);
        assert!(after_restart().claim(key, obtained_at).await.unwrap());
        assert!(!after_restart().claim(key, obtained_at).await.unwrap());
        assert!(
            after_restart().claim(key, Timestamp::from_unix_millis(2)).await.unwrap(),
            "a later sign-in of the same exchange has its own claim"
        );
        assert!(after_restart().claim(other, obtained_at).await.unwrap());
        fixture.clock.advance(Duration::from_mins(14));
        assert!(!after_restart().claim(key, obtained_at).await.unwrap());
        fixture.clock.advance(Duration::from_mins(1));
        assert!(after_restart().claim(key, obtained_at).await.unwrap());
    }
}
