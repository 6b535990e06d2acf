#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::authorization::{self, AdmissionFuture, AuthorizationRequest, AuthorizeFuture};
use super::client_auth::ClientCredential;
use super::discovery::Discovery;
use super::throttle::ThrottleKey;
use super::token_client::{RedeemingClient, TokenClient, TokenClientParts};
use super::token_endpoint::TokenEndpointStyle;
use super::token_request::TokenRequest;
use super::{
    Attempt, Capabilities, Grant, IdentityProvider, RedeemError, RedeemFailure, RedeemFuture, RedeemedToken, refusal,
};
use crate::domain::{ClaimsChallenge, Connection, Secret, UserKey};
use crate::outbound::FormField;

/// How long a browser waits for a discovery document at most.
const PATIENCE: Duration = Duration::from_secs(6);

/// Any `OpenID` Connect provider as one client sees it: what it can do and where is found by discovery.
pub struct Generic {
    discovery: Arc<Discovery>,
    client: TokenClient,
}

impl Generic {
    /// A provider that redeems as `client`. Its connections share the `discovery`.
    #[must_use]
    pub fn new(discovery: Arc<Discovery>, client: RedeemingClient, parts: TokenClientParts) -> Self {
        let client = TokenClient::new(discovery.provider().to_owned(), client, parts);
        Self { discovery, client }
    }

    /// From now on redeems with these, in this order.
    pub fn replace_credentials(&self, credentials: Vec<ClientCredential>) {
        self.client.replace_credentials(credentials);
    }

    /// RFC 6749 §6. The scopes are those that were granted with the code.
    async fn redeem_refresh_token(
        &self,
        refresh_token: &Secret,
        user: &UserKey,
        attempt: &Attempt,
    ) -> Result<RedeemedToken, RedeemError> {
        // An issuer may have been configured anew under an old name: it must not be shown another's token.
        if user.issuer() != self.discovery.issuer() {
            return Err(refusal(RedeemFailure::AssertionRejected, "the refresh token's user is another issuer's"));
        }
        // There is no parameter for them here (OpenID Connect Core §12.1): a browser must ask.
        if let Some(claims) = &attempt.claims {
            let failure = RedeemFailure::InteractionRequired { claims: Some(claims.as_str().to_owned()) };
            return Err(refusal(failure, "a refresh at this provider cannot answer a claims challenge"));
        }
        let fields = vec![
            FormField::new("grant_type", "refresh_token"),
            FormField::new("refresh_token", refresh_token.expose()),
        ];
        self.redeem_fields(fields, user.subject(), attempt).await
    }

    /// Redeems the grant that `fields` hold; a throttling concerns `user`.
    async fn redeem_fields(
        &self,
        fields: Vec<FormField<'_>>,
        user: &str,
        attempt: &Attempt,
    ) -> Result<RedeemedToken, RedeemError> {
        let endpoints = self.discovery.endpoints(attempt.deadline).await?;
        let (client, tenant) = (self.client.client_id().to_owned(), self.discovery.issuer().to_owned());
        let throttle_key = ThrottleKey { client, tenant, user: user.to_owned() };
        let style = TokenEndpointStyle::Standard(endpoints.secret_method);
        let (url, anchor, app_scope) = (&endpoints.token, None, None);
        self.client.redeem(&TokenRequest { url, style, fields, throttle_key, anchor, app_scope, attempt }).await
    }
}

impl IdentityProvider for Generic {
    fn capabilities(&self) -> Capabilities {
        Capabilities { on_behalf_of: false, refresh_token: true, authorization_code: true }
    }

    fn redeem<'a>(&'a self, _: &'a Connection, grant: Grant<'a>, attempt: Attempt) -> RedeemFuture<'a> {
        Box::pin(async move {
            match grant {
                Grant::OnBehalfOf(_) => {
                    Err(refusal(RedeemFailure::Misconfigured, "tokens are exchanged on behalf of users at Entra only"))
                }
                Grant::RefreshToken { refresh_token, user } => {
                    self.redeem_refresh_token(refresh_token, user, &attempt).await
                }
                Grant::AuthorizationCode { code, code_verifier, redirect_uri, asker } => {
                    let fields = authorization::code_fields(code, code_verifier, redirect_uri);
                    self.redeem_fields(fields, asker, &attempt).await
                }
            }
        })
    }

    fn authorize_url<'a>(
        &'a self,
        connection: &'a Connection,
        request: AuthorizationRequest<'a>,
    ) -> AuthorizeFuture<'a> {
        Box::pin(async move {
            let endpoints = self.discovery.endpoints(Instant::now() + PATIENCE).await?;
            let scope = authorization::scope_with(connection, &["openid"]);
            let claims = request.claims.map(ClaimsChallenge::as_str);
            let endpoint = endpoints.authorization.clone();
            let mut url = authorization::address(endpoint, &connection.client_id, &scope, claims, &request);
            // Without it `offline_access` is ignored (OpenID Connect Core §11).
            if request.ask_consent || connection.asks_offline_access() {
                url.query_pairs_mut().append_pair("prompt", "consent");
            }
            Ok(url)
        })
    }

    fn admits_issuer<'a>(&'a self, iss: Option<&'a str>) -> AdmissionFuture<'a> {
        Box::pin(async move {
            let Some(iss) = iss else {
                let endpoints = self.discovery.endpoints(Instant::now() + PATIENCE).await?;
                return Ok(!endpoints.names_itself);
            };
            Ok(iss == self.discovery.issuer())
        })
    }
}
