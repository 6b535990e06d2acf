use std::sync::Arc;

use tokio::time::timeout_at;

use super::SignInRequirements;
use super::granted_scopes::missing_scopes;
use crate::domain::Connection;
use crate::identity_provider::{
    Attempt, Diagnostics, Grant, IdentityProvider, ProviderRegistry, RedeemError, RedeemFailure, RedeemedToken,
};

/// Why a token without a required scope is not kept, for the operator.
const MISSING_SCOPES: &str = "the user was not granted every scope of required_granted_scopes: the user or an administrator has to consent to the missing ones, or the setting asks for too much";

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

    /// Redeems `grant`. Returns by the attempt's deadline even if the provider hangs. A token that lacks a required
    /// scope is a missing consent: the user or an administrator can grant the scope (RFC 6749 §3.3).
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
        let (deadline, correlation_id) = (attempt.deadline, attempt.correlation_id.clone());
        let redeemed = timeout_at(deadline, provider.redeem(connection, grant, attempt)).await;
        let redeemed = redeemed.unwrap_or_else(|_| {
            Err(build_error(RedeemFailure::Transient, "the identity provider did not answer in time"))
        })?;
        let is_refresh = matches!(grant, Grant::RefreshToken { .. });
        let missing = missing_scopes(connection, &redeemed, is_refresh);
        if missing.is_empty() {
            return Ok(redeemed);
        }
        log_missing_scopes(connection, &missing, redeemed.granted_scope.as_deref(), &correlation_id);
        Err(build_error(RedeemFailure::ConsentRequired, MISSING_SCOPES))
    }
}

/// Names the scopes in the log; the error's own text is fixed.
fn log_missing_scopes(connection: &Connection, missing: &[&str], granted: Option<&str>, correlation_id: &str) {
    tracing::warn!(
        correlation_id,
        bot = connection.holder.as_str(),
        connection = connection.name.as_str(),
        missing = missing.join(" "),
        granted,
        hint = MISSING_SCOPES,
        "a token was refused because it lacks required scopes"
    );
}

fn build_error(failure: RedeemFailure, hint: &'static str) -> RedeemError {
    RedeemError { failure, diagnostics: Box::new(Diagnostics { hint, ..Diagnostics::default() }) }
}
