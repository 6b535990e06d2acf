use zeroize::Zeroizing;

use crate::domain::{ExchangeKey, Timestamp};
use crate::records::{Collection, Content, Kind, Plaintext, RecordError, Records, catalogue};

/// Lets the bot be told of a kept token at most once, also across a crash.
pub struct Continuations {
    markers: Collection<Marker>,
}

/// Says by being there that the bot is told. It holds nothing.
struct Marker;

impl Content for Marker {
    const KIND: &'static Kind = &catalogue::CONTINUATION;

    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        Some(Zeroizing::default())
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        plain.bytes().is_empty().then_some(Self)
    }
}

impl Continuations {
    /// Markers kept in `records`.
    #[must_use]
    pub fn new(records: &Records) -> Self {
        Self { markers: Collection::new(records) }
    }

    /// Whether the caller is the one that goes on after the exchange `key` brought a token at `obtained_at`: true for one
    /// caller in fifteen minutes, durably, before it has done anything.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails; whether the claim stands is then not known, so do not go on.
    pub async fn claim(&self, key: ExchangeKey, obtained_at: Timestamp) -> Result<bool, RecordError> {
        let obtained_at = obtained_at.unix_millis().to_be_bytes();
        let marker = self.markers.seal(self.markers.key(&[&key.0, &obtained_at]), &Marker)?;
        Ok(self.markers.put_if_absent(marker).await?.is_none())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::domain::Clock as _;
    use crate::records::testing::{records_of_fixture, throwaway_records};

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn one_of_many_callers_goes_on() {
        let beneath = throwaway_records();
        let continuations = Arc::new(Continuations::new(&beneath.records));
        let key = ExchangeKey([1; 32]);
        let obtained_at = beneath.clock.now();
        let callers: Vec<_> = (0..32)
            .map(|_| {
                let continuations = continuations.clone();
                tokio::spawn(async move { continuations.claim(key, obtained_at).await.unwrap() })
            })
            .collect();
        let mut going_on = 0;
        for caller in callers {
            going_on += u32::from(caller.await.unwrap());
        }
        assert_eq!(going_on, 1);
    }

    #[tokio::test]
    async fn a_bot_that_commit_a030e75_has_told_is_not_told_again() {
        let earlier = records_of_fixture("a030e75");
        let key = ExchangeKey(earlier.records.mac(&catalogue::EXCHANGE_NAME, &[b"an", b"exchange"]));
        assert_eq!(key.activity_id(), earlier.text("activity_id"));
        let continuations = Continuations::new(&earlier.records);
        assert!(!continuations.claim(key, earlier.written_at).await.unwrap());
    }

    #[tokio::test]
    async fn a_claim_holds_for_a_restart_and_fifteen_minutes_and_one_token() {
        let beneath = throwaway_records();
        let fresh = || Continuations::new(&beneath.records);
        let (key, other) = (ExchangeKey([1; 32]), ExchangeKey([2; 32]));
        let obtained_at = Timestamp::from_unix_millis(1);
        assert!(fresh().claim(key, obtained_at).await.unwrap());
        assert!(!fresh().claim(key, obtained_at).await.unwrap());
        assert!(
            fresh().claim(key, Timestamp::from_unix_millis(2)).await.unwrap(),
            "another token of the same exchange"
        );
        assert!(fresh().claim(other, obtained_at).await.unwrap());
        beneath.clock.advance(Duration::from_mins(14));
        assert!(!fresh().claim(key, obtained_at).await.unwrap());
        beneath.clock.advance(Duration::from_mins(1));
        assert!(fresh().claim(key, obtained_at).await.unwrap());
    }
}
