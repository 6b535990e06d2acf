use std::sync::Arc;

use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{ProviderRefusal, SignInError, SignInFailure};
use crate::records::{Collection, Content, Kind, Plaintext, Records, catalogue, encode_json};

/// Failed redemptions that are remembered in memory at the same time.
const MAX_REMEMBERED: usize = 4_096;

/// The refusals that concern a code or its user, by the name of the browser's step and of the code, so that a repeated return
/// is answered in the same way. A refusal is final, so it may be answered from memory. Over a shared store, where the browser
/// may return to another replica, it is stored as well. Where neither knows it, the provider is asked, which refuses a used code.
#[derive(Clone)]
pub(in crate::sign_in) struct CodeRefusals {
    known: Arc<Cache<[u8; 32], SignInFailure>>,
    /// `None` over an exclusive store.
    shared: Option<Collection<RefusedCode>>,
}

/// The stored form of a refusal. It has no details for the log: the first answer has logged them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RefusedCode {
    LinkUnknown,
    StateUnknown,
    IssuerMismatch,
    IdTokenRejected,
    TenantNotAllowed,
    OtherAccount,
    Refused(ProviderRefusal),
}

impl Content for RefusedCode {
    const KIND: &'static Kind = &catalogue::REFUSED_CODE;

    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        encode_json(self)
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        plain.json(Self::KIND)
    }
}

impl CodeRefusals {
    pub(in crate::sign_in) fn new(records: &Records) -> Self {
        let shared = records.replicas().map(|_| Collection::new(records));
        Self { known: Arc::new(Cache::new(MAX_REMEMBERED)), shared }
    }

    /// The refusal of the code of this name, if it was refused before.
    pub(in crate::sign_in) async fn find(&self, code_name: &[u8; 32]) -> Result<Option<SignInFailure>, SignInFailure> {
        if let Some(failure) = self.known.get(code_name) {
            return Ok(Some(failure));
        }
        let Some(shared) = &self.shared else { return Ok(None) };
        let refused = shared.get(shared.key(&[code_name])).await?;
        Ok(refused.map(|refused| SignInError::from(refused.content).into()))
    }

    /// Remembers why the code of this name was refused, unless a later try of the same code may succeed.
    pub(in crate::sign_in) async fn remember(&self, code_name: [u8; 32], failure: &SignInFailure) {
        let Some(refused) = RefusedCode::of(failure.error) else { return };
        self.known.insert(code_name, failure.clone());
        let Some(shared) = &self.shared else { return };
        let stored = async { shared.put(shared.seal(shared.key(&[&code_name]), &refused)?).await };
        if let Err(error) = stored.await {
            tracing::warn!(%error, "other replicas do not know that a code was refused: they would ask the provider");
        }
    }
}

impl RefusedCode {
    /// `None` for a failure that may pass.
    const fn of(error: SignInError) -> Option<Self> {
        Some(match error {
            SignInError::LinkUnknown => Self::LinkUnknown,
            SignInError::OtherBrowser | SignInError::StateUnknown | SignInError::FormUnreadable => Self::StateUnknown,
            SignInError::ProviderRefused(refusal) => Self::Refused(refusal),
            SignInError::IssuerMismatch => Self::IssuerMismatch,
            SignInError::IdTokenRejected { .. } => Self::IdTokenRejected,
            SignInError::TenantNotAllowed => Self::TenantNotAllowed,
            SignInError::OtherAccount => Self::OtherAccount,
            SignInError::Throttled { .. }
            | SignInError::Unavailable
            | SignInError::Misconfigured
            | SignInError::Storage => return None,
        })
    }
}

impl From<RefusedCode> for SignInError {
    fn from(refused: RefusedCode) -> Self {
        match refused {
            RefusedCode::LinkUnknown => Self::LinkUnknown,
            RefusedCode::StateUnknown => Self::StateUnknown,
            RefusedCode::IssuerMismatch => Self::IssuerMismatch,
            RefusedCode::IdTokenRejected => Self::IdTokenRejected { check: "as before" },
            RefusedCode::TenantNotAllowed => Self::TenantNotAllowed,
            RefusedCode::OtherAccount => Self::OtherAccount,
            RefusedCode::Refused(refusal) => Self::ProviderRefused(refusal),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use crate::records::testing::throwaway_replicas;

    const CODE: [u8; 32] = [2; 32];

    #[tokio::test]
    async fn a_refusal_at_one_replica_is_the_answer_of_the_other_one_and_a_failure_that_may_pass_is_not() {
        let shared = throwaway_replicas(2).await;
        let [here, there] = [0, 1].map(|number| CodeRefusals::new(&shared.replicas[number]));
        for error in [SignInError::Unavailable, SignInError::Misconfigured, SignInError::Storage] {
            here.remember(CODE, &error.into()).await;
            assert_eq!(there.find(&CODE).await.unwrap(), None, "{error:?}");
        }
        let refusals = [
            SignInError::LinkUnknown,
            SignInError::StateUnknown,
            SignInError::IssuerMismatch,
            SignInError::TenantNotAllowed,
            SignInError::OtherAccount,
            SignInError::ProviderRefused(ProviderRefusal::Denied),
            SignInError::ProviderRefused(ProviderRefusal::ConsentMissing),
        ];
        for (number, error) in (0..).zip(refusals) {
            here.remember([number; 32], &error.into()).await;
            let found = there.find(&[number; 32]).await.unwrap().unwrap();
            assert_eq!(found.error, error);
        }
        here.remember(CODE, &SignInError::IdTokenRejected { check: "nonce" }.into()).await;
        let found = there.find(&CODE).await.unwrap().unwrap();
        assert!(matches!(found.error, SignInError::IdTokenRejected { .. }));
    }
}
