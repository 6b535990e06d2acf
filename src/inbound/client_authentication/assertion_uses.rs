use zeroize::Zeroizing;

use crate::domain::{TenantId, Timestamp};
use crate::records::{Collection, Content, Kind, Plaintext, RecordError, Records, catalogue};
use crate::token_validation::ClientAssertion;

/// The assertions that clients have used. A use is durable, so that an assertion cannot be repeated after a restart either.
#[derive(Clone)]
pub struct ClientAssertionUses {
    uses: Collection<AssertionUse>,
}

/// The empty content: the existence of the record is the use.
struct AssertionUse;

impl Content for AssertionUse {
    const KIND: &'static Kind = &catalogue::CLIENT_ASSERTION;

    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        Some(Zeroizing::default())
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        plain.bytes().is_empty().then_some(Self)
    }
}

impl ClientAssertionUses {
    /// Keeps the uses in `records`.
    #[must_use]
    pub fn new(records: &Records) -> Self {
        Self { uses: Collection::new(records) }
    }

    /// Uses `assertion`. Returns whether it was not used before (RFC 7523 §3, `jti`). The use is kept for as long as the
    /// assertion would be valid.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails. The assertion must then be refused.
    pub async fn begin(&self, assertion: &ClientAssertion) -> Result<bool, RecordError> {
        let parts = [assertion.client_id.as_bytes(), assertion.token_id.as_bytes()];
        self.begin_use(&parts, assertion.ends_at).await
    }

    /// Uses the assertion `token_id` about a user, by which the application `client_id` of the directory `tenant` gets tokens. As
    /// [`ClientAssertionUses::begin`].
    ///
    /// # Errors
    /// [`RecordError`] if the store fails. The assertion must then be refused.
    pub async fn begin_at_directory(
        &self,
        tenant: &TenantId,
        client_id: &str,
        token_id: &str,
        ends_at: Timestamp,
    ) -> Result<bool, RecordError> {
        self.begin_use(&[tenant.as_str(), client_id, token_id].map(str::as_bytes), ends_at).await
    }

    async fn begin_use(&self, parts: &[&[u8]], ends_at: Timestamp) -> Result<bool, RecordError> {
        let record = self.uses.seal_until(self.uses.key(parts), &AssertionUse, ends_at)?;
        Ok(self.uses.put_if_absent(record).await?.is_none())
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
    async fn an_application_of_a_directory_uses_an_assertion_once() {
        let fixture = throwaway_records();
        let (uses, ends_at) =
            (ClientAssertionUses::new(&fixture.records), fixture.clock.now().plus(Duration::from_mins(2)));
        for [tenant, client_id, token_id] in
            [["a", "shop", "1"], ["b", "shop", "1"], ["a", "desk", "1"], ["a", "shop", "2"]]
        {
            let tenant = TenantId::new(tenant);
            assert!(uses.begin_at_directory(&tenant, client_id, token_id, ends_at).await.unwrap());
            assert!(!uses.begin_at_directory(&tenant, client_id, token_id, ends_at).await.unwrap());
        }
    }

    #[tokio::test]
    async fn an_assertion_is_used_once_by_each_client_also_after_a_restart() {
        let fixture = throwaway_records();
        let after_restart = || ClientAssertionUses::new(&fixture.records);
        let ends_at = fixture.clock.now().plus(Duration::from_mins(2));
        let of = |client_id: &str, token_id: &str| ClientAssertion {
            client_id: client_id.to_owned(),
            token_id: token_id.to_owned(),
            ends_at,
        };
        assert!(after_restart().begin(&of("orders", "1")).await.unwrap());
        assert!(!after_restart().begin(&of("orders", "1")).await.unwrap());
        assert!(after_restart().begin(&of("orders", "2")).await.unwrap());
        assert!(after_restart().begin(&of("billing", "1")).await.unwrap());
        fixture.clock.advance(Duration::from_secs(119));
        assert!(!after_restart().begin(&of("orders", "1")).await.unwrap());
    }
}
