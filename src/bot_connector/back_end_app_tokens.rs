use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::{AppToken, AppTokens};
use crate::domain::{AppScope, BackEndName, SharedClock};
use crate::identity_provider::{AppClient, Attempt, RedeemFailure};

/// The app tokens that back ends get as themselves: each those of the client that its exchanges use. Clones share the same
/// tokens.
#[derive(Clone)]
pub struct BackEndAppTokens {
    clients: Arc<HashMap<BackEndName, Arc<AppClient>>>,
    tokens: Arc<AppTokens>,
}

/// Why there is no app token of a back end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BackEndAppTokenError {
    /// The configuration has no client for it.
    #[error("the back end has no client that gets app tokens")]
    NoClient,
    /// The operator must correct a credential, a permission or a registration.
    #[error("the identity provider refuses the client; an earlier line says why")]
    Misconfigured,
    /// An outage, throttling or lack of time.
    #[error("the identity provider gives no token at the moment")]
    Unavailable {
        /// The time after which the next request makes sense, if that is known.
        retry_after: Option<Duration>,
    },
}

impl BackEndAppTokens {
    /// Obtains the tokens by `clients`, and judges their end by `clock`.
    #[must_use]
    pub fn new(clients: HashMap<BackEndName, Arc<AppClient>>, clock: SharedClock) -> Self {
        Self { clients: Arc::new(clients), tokens: Arc::new(AppTokens::new(clock)) }
    }

    /// Returns a valid app token of `back_end` for `scope`, by `deadline`. The token is kept in memory until shortly before
    /// its end, and concurrent callers share one request.
    ///
    /// # Errors
    /// [`BackEndAppTokenError`] says why there is none.
    pub async fn get(
        &self,
        back_end: &BackEndName,
        scope: &AppScope,
        correlation_id: &str,
        deadline: Instant,
    ) -> Result<AppToken, BackEndAppTokenError> {
        let client = self.clients.get(back_end).ok_or(BackEndAppTokenError::NoClient)?;
        let attempt = Attempt { correlation_id: correlation_id.to_owned(), deadline, claims: None };
        self.tokens.get(client, scope, &attempt).await.map_err(|error| error.failure.into())
    }
}

impl From<RedeemFailure> for BackEndAppTokenError {
    fn from(failure: RedeemFailure) -> Self {
        match failure {
            RedeemFailure::Throttled { retry_after } => Self::Unavailable { retry_after },
            RedeemFailure::Unavailable { retry_after } => Self::Unavailable { retry_after: Some(retry_after) },
            RedeemFailure::Transient => Self::Unavailable { retry_after: None },
            // An application has no user who could cure the rest.
            RedeemFailure::ConsentRequired
            | RedeemFailure::InteractionRequired { .. }
            | RedeemFailure::AssertionExpired
            | RedeemFailure::AssertionRejected
            | RedeemFailure::Misconfigured
            | RedeemFailure::Denied
            | RedeemFailure::Refused => Self::Misconfigured,
        }
    }
}

impl fmt::Debug for BackEndAppTokens {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("BackEndAppTokens(..)")
    }
}
