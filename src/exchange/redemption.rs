use std::sync::Arc;

use tokio::time::timeout_at;

use super::SignInRequirements;
use crate::domain::Connection;
use crate::identity_provider::{
    Attempt, Diagnostics, Grant, IdentityProvider, ProviderRegistry, RedeemError, RedeemFailure, RedeemedToken,
};

/// Redeems grants at the connections' identity providers.
#[derive(Clone)]
pub struct Redemption {
    providers: Arc<ProviderRegistry>,
    requirements: SignInRequirements,
}

impl Redemption {
    /// Redeems at `providers`; `requirements` keeps what they ask users for.
    #[must_use]
    pub fn new(providers: Arc<ProviderRegistry>, requirements: SignInRequirements) -> Self {
        Self { providers, requirements }
    }

    /// What the next sign-ins must satisfy.
    pub(super) const fn requirements(&self) -> &SignInRequirements {
        &self.requirements
    }

    /// The identity provider of `connection`, if it is one that can exchange.
    #[must_use]
    pub fn find_provider(&self, connection: &Connection) -> Option<&Arc<dyn IdentityProvider>> {
        self.providers.find(connection)
    }

    /// Redeems `grant`. Returns by the attempt's deadline even if the provider hangs.
    ///
    /// # Errors
    /// [`RedeemError`] if the provider refuses or does not answer in time.
    pub async fn redeem(
        &self,
        connection: &Connection,
        grant: Grant<'_>,
        attempt: Attempt,
    ) -> Result<RedeemedToken, RedeemError> {
        let Some(provider) = self.providers.find(connection) else {
            let hint = "the connection has no identity provider that can exchange";
            return Err(build_error(RedeemFailure::Misconfigured, hint));
        };
        let deadline = attempt.deadline;
        let redeemed = timeout_at(deadline, provider.redeem(connection, grant, attempt)).await;
        redeemed.unwrap_or_else(|_| {
            Err(build_error(RedeemFailure::Transient, "the identity provider did not answer in time"))
        })
    }
}

fn build_error(failure: RedeemFailure, hint: &'static str) -> RedeemError {
    RedeemError { failure, diagnostics: Box::new(Diagnostics { hint, ..Diagnostics::default() }) }
}
