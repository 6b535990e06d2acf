use url::Url;

use super::presentation::Dialect;
use super::throttle::Asker;
use super::token_client::{RedeemingClient, RedeemingMeans, TokenClient, TokenRequest};
use super::{Attempt, RedeemError, RedeemedToken};
use crate::domain::AppScope;

/// Where and as what an application gets tokens of its own.
#[derive(Clone, Debug)]
pub struct AppSettings {
    /// The provider's name in configuration, for the log.
    pub provider: String,
    /// The token endpoint, with the tenant in it.
    pub token_endpoint: Url,
    /// The tenant, for throttling: its GUID or its domain.
    pub tenant: String,
}

/// An application that gets tokens of its own, without a user (RFC 6749 §4.4).
pub struct AppClient {
    token_endpoint: Url,
    tenant: String,
    client: TokenClient,
}

impl AppClient {
    /// The application `client`.
    #[must_use]
    pub fn new(settings: AppSettings, client: RedeemingClient, means: RedeemingMeans) -> Self {
        let AppSettings { provider, token_endpoint, tenant } = settings;
        Self { token_endpoint, tenant, client: TokenClient::new(provider, client, means) }
    }

    /// Where it asks.
    #[must_use]
    pub fn token_endpoint(&self) -> &Url {
        &self.token_endpoint
    }

    /// Its client id.
    #[must_use]
    pub fn client_id(&self) -> &str {
        self.client.client_id()
    }

    /// Asks for a token for `scope`, within the attempt's deadline.
    ///
    /// # Errors
    /// [`RedeemError`] says why there is none, and what to change.
    pub async fn redeem(&self, scope: &AppScope, attempt: &Attempt) -> Result<RedeemedToken, RedeemError> {
        let request = TokenRequest {
            url: &self.token_endpoint,
            dialect: Dialect::Entra,
            fields: vec![("grant_type", "client_credentials"), ("scope", scope.as_str())],
            asker: Asker {
                client: self.client.client_id().to_owned(),
                tenant: self.tenant.clone(),
                // Nobody in particular.
                user: String::new(),
            },
            anchor: None,
            attempt,
        };
        self.client.redeem_as_itself(&request, scope).await
    }
}
