use zeroize::Zeroizing;

use crate::domain::{RecordKey, Timestamp};
use crate::records::{Collection, Content, Kind, Plaintext, RecordError, Records, catalogue};

/// The logout tokens of identity providers that were used. A use is durable, so that a token cannot be repeated after a restart
/// either.
#[derive(Clone)]
pub struct LogoutTokenUses {
    uses: Collection<LogoutTokenUse>,
}

/// The empty content: the existence of the record is the use.
struct LogoutTokenUse;

impl Content for LogoutTokenUse {
    const KIND: &'static Kind = &catalogue::LOGOUT_TOKEN;

    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        Some(Zeroizing::default())
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        plain.bytes().is_empty().then_some(Self)
    }
}

impl LogoutTokenUses {
    /// Keeps the uses in `records`.
    #[must_use]
    pub fn new(records: &Records) -> Self {
        Self { uses: Collection::new(records) }
    }

    /// Whether the token `token_id` of `issuer` was used.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails. The token must then have no effect.
    pub async fn is_used(&self, issuer: &str, token_id: &str) -> Result<bool, RecordError> {
        self.uses.contains(self.key(issuer, token_id)).await
    }

    /// Notes that the sign-out by the token `token_id` of `issuer`, which is accepted until `ends_at`, is complete. Before that the
    /// provider can send the same token again.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn note(&self, issuer: &str, token_id: &str, ends_at: Timestamp) -> Result<(), RecordError> {
        let record = self.uses.seal_until(self.key(issuer, token_id), &LogoutTokenUse, ends_at)?;
        self.uses.put(record).await
    }

    fn key(&self, issuer: &str, token_id: &str) -> RecordKey {
        self.uses.key(&[issuer, token_id].map(str::as_bytes))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use super::*;
    use crate::domain::Clock as _;
    use crate::records::testing::throwaway_records;

    #[tokio::test]
    async fn a_token_of_an_issuer_is_used_once_also_after_a_restart() {
        let fixture = throwaway_records();
        let after_restart = || LogoutTokenUses::new(&fixture.records);
        let ends_at = fixture.clock.now().plus(Duration::from_mins(2));
        for (issuer, token_id) in [("https://a", "1"), ("https://a", "2"), ("https://b", "1")] {
            assert!(!after_restart().is_used(issuer, token_id).await.unwrap());
            after_restart().note(issuer, token_id, ends_at).await.unwrap();
            assert!(after_restart().is_used(issuer, token_id).await.unwrap());
        }
    }
}
