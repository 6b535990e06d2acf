//! Any `OpenID` Connect provider other than Entra.
//!
//! Owns the parameters of its token and authorization requests. It deliberately knows neither how a discovery document is
//! fetched and cached, nor how a request is sent and retried, nor what an error of the token endpoint means.

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

/// The maximum time that a browser request waits for a discovery document.
const DISCOVERY_TIMEOUT: Duration = Duration::from_secs(6);

/// An `OpenID` Connect provider, used by one client. Its endpoints come from its discovery document.
pub struct Generic {
    discovery: Arc<Discovery>,
    client: TokenClient,
}

impl Generic {
    /// Creates a provider that redeems grants as `client`. All connections of the provider share `discovery`.
    #[must_use]
    pub fn new(discovery: Arc<Discovery>, client: RedeemingClient, parts: TokenClientParts) -> Self {
        let client = TokenClient::new(discovery.provider().to_owned(), client, parts);
        Self { discovery, client }
    }

    /// Replaces the client's credentials. Redemptions that have begun keep the old ones.
    pub fn replace_credentials(&self, credentials: Vec<ClientCredential>) {
        self.client.replace_credentials(credentials);
    }

    /// Redeems a refresh token (RFC 6749 §6). The request names no scopes, so the new token has the scopes that were
    /// granted with the code.
    async fn redeem_refresh_token(
        &self,
        refresh_token: &Secret,
        user: &UserKey,
        attempt: &Attempt,
    ) -> Result<RedeemedToken, RedeemError> {
        // A provider's configuration may now name another issuer. The old issuer's token must not be sent to it.
        if user.issuer() != self.discovery.issuer() {
            return Err(refusal(
                RedeemFailure::AssertionRejected,
                "the refresh token's user belongs to another issuer",
            ));
        }
        // A refresh request has no `claims` parameter (OpenID Connect Core §12.1): the user must sign in by browser.
        if let Some(claims) = &attempt.claims {
            let failure = RedeemFailure::InteractionRequired { claims: Some(claims.as_str().to_owned()) };
            return Err(refusal(failure, "a refresh at this provider cannot satisfy a claims challenge"));
        }
        let fields = vec![
            FormField::new("grant_type", "refresh_token"),
            FormField::new("refresh_token", refresh_token.expose()),
        ];
        self.redeem_grant(fields, user.subject(), attempt).await
    }

    /// Redeems the grant in `fields`. If the provider throttles the request, `user` is blocked.
    async fn redeem_grant(
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
                    Err(refusal(RedeemFailure::Misconfigured, "only Entra supports the on-behalf-of exchange"))
                }
                Grant::RefreshToken { refresh_token, user } => {
                    self.redeem_refresh_token(refresh_token, user, &attempt).await
                }
                Grant::AuthorizationCode { code, code_verifier, redirect_uri, throttled_as } => {
                    let fields = authorization::code_fields(code, code_verifier, redirect_uri);
                    self.redeem_grant(fields, throttled_as, &attempt).await
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
            let endpoints = self.discovery.endpoints(Instant::now() + DISCOVERY_TIMEOUT).await?;
            let scope = authorization::join_scopes(connection, &["openid"]);
            let claims = request.claims.map(ClaimsChallenge::as_str);
            let endpoint = endpoints.authorization.clone();
            let mut url = authorization::build_authorize_url(endpoint, &connection.client_id, &scope, claims, &request);
            // Without `prompt=consent` the provider ignores `offline_access` (OpenID Connect Core §11).
            if request.ask_consent || connection.asks_offline_access() {
                url.query_pairs_mut().append_pair("prompt", "consent");
            }
            Ok(url)
        })
    }

    fn admits_issuer<'a>(&'a self, iss: Option<&'a str>) -> AdmissionFuture<'a> {
        Box::pin(async move {
            let Some(iss) = iss else {
                let endpoints = self.discovery.endpoints(Instant::now() + DISCOVERY_TIMEOUT).await?;
                return Ok(!endpoints.sends_iss);
            };
            Ok(iss == self.discovery.issuer())
        })
    }
}
