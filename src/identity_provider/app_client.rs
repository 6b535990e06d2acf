use url::Url;

use super::throttle::ThrottleKey;
use super::token_client::{RedeemingClient, TokenClient, TokenClientParts};
use super::token_endpoint::TokenEndpointStyle;
use super::token_request::TokenRequest;
use super::{Attempt, RedeemError, RedeemedToken};
use crate::domain::AppScope;
use crate::outbound::FormField;

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
    pub fn new(settings: AppSettings, client: RedeemingClient, parts: TokenClientParts) -> Self {
        let AppSettings { provider, token_endpoint, tenant } = settings;
        Self { token_endpoint, tenant, client: TokenClient::new(provider, client, parts) }
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
            style: TokenEndpointStyle::Entra,
            fields: vec![FormField::new("grant_type", "client_credentials"), FormField::new("scope", scope.as_str())],
            throttle_key: ThrottleKey {
                client: self.client.client_id().to_owned(),
                tenant: self.tenant.clone(),
                // The application asks for itself.
                user: String::new(),
            },
            anchor: None,
            app_scope: Some(scope),
            attempt,
        };
        self.client.redeem(&request).await
    }
}
