use url::Url;

use super::client_auth::ClientCredential;
use super::throttle::ThrottleKey;
use super::token_client::{RedeemingClient, TokenClient, TokenClientParts};
use super::token_endpoint::TokenEndpointStyle;
use super::token_request::TokenRequest;
use super::{Attempt, RedeemError, RedeemedToken};
use crate::domain::AppScope;
use crate::outbound::FormField;

/// Where an application gets its own tokens.
#[derive(Clone, Debug)]
pub struct AppSettings {
    /// The provider's name in configuration, for the log.
    pub provider: String,
    /// The token endpoint, with the tenant in it.
    pub token_endpoint: Url,
    /// The tenant as a GUID or a domain. It is part of the throttle key.
    pub tenant: String,
}

/// Gets tokens for an application itself, without a user (client credentials, RFC 6749 §4.4).
pub struct AppClient {
    token_endpoint: Url,
    tenant: String,
    client: TokenClient,
}

impl AppClient {
    /// Builds the client of the application `client`.
    #[must_use]
    pub fn new(settings: AppSettings, client: RedeemingClient, parts: TokenClientParts) -> Self {
        let AppSettings { provider, token_endpoint, tenant } = settings;
        Self { token_endpoint, tenant, client: TokenClient::new(provider, client, parts) }
    }

    /// The token endpoint that tokens are requested from.
    #[must_use]
    pub fn token_endpoint(&self) -> &Url {
        &self.token_endpoint
    }

    /// The application's client id.
    #[must_use]
    pub fn client_id(&self) -> &str {
        self.client.client_id()
    }

    /// Replaces the application's credentials. They are tried in the given order.
    pub fn replace_credentials(&self, credentials: Vec<ClientCredential>) {
        self.client.replace_credentials(credentials);
    }

    /// Requests a token for `scope`, within the attempt's deadline.
    ///
    /// # Errors
    /// [`RedeemError`] says why no token was issued and what the operator can change.
    pub async fn redeem(&self, scope: &AppScope, attempt: &Attempt) -> Result<RedeemedToken, RedeemError> {
        let request = TokenRequest {
            url: &self.token_endpoint,
            style: TokenEndpointStyle::Entra,
            fields: vec![FormField::new("grant_type", "client_credentials"), FormField::new("scope", scope.as_str())],
            throttle_key: ThrottleKey {
                client: self.client.client_id(),
                tenant: &self.tenant,
                // The token is for the application itself, so the throttle key names no user.
                user: "",
            },
            anchor: None,
            app_scope: Some(scope),
            is_repeatable: true,
            attempt,
        };
        self.client.redeem(&request).await
    }
}
