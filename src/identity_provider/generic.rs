#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use url::Url;

use super::authorization::{self, AdmissionFuture, AuthorizationRequest, AuthorizeFuture};
use super::client_auth::ClientCredential;
use super::discovery::Discovery;
use super::presentation::Dialect;
use super::throttle::Asker;
use super::token_client::{RedeemingClient, RedeemingMeans, TokenClient, TokenRequest};
use super::{
    Attempt, Capabilities, Grant, IdentityProvider, RedeemError, RedeemFailure, RedeemFuture, RedeemedToken, refusal,
};
use crate::domain::{ClaimsChallenge, Connection, Secret, UserKey};

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
    pub fn new(discovery: Arc<Discovery>, client: RedeemingClient, means: RedeemingMeans) -> Self {
        let client = TokenClient::new(discovery.provider().to_owned(), client, means);
        Self { discovery, client }
    }

    /// From now on redeems with these, in this order.
    pub fn replace_credentials(&self, credentials: Vec<ClientCredential>) {
        self.client.replace_credentials(credentials);
    }

    /// RFC 6749 §4.1.3.
    async fn code(
        &self,
        (code, code_verifier, redirect_uri): (&Secret, &Secret, &Url),
        (asker, attempt): (&str, &Attempt),
    ) -> Result<RedeemedToken, RedeemError> {
        let fields = authorization::code_fields(code, code_verifier, redirect_uri);
        self.ask(fields, asker, attempt).await
    }

    /// RFC 6749 §6. The scopes are those that were granted with the code.
    async fn refresh(
        &self,
        (refresh_token, user): (&Secret, &UserKey),
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
        let fields = vec![("grant_type", "refresh_token"), ("refresh_token", refresh_token.expose())];
        self.ask(fields, user.subject(), attempt).await
    }

    async fn ask(
        &self,
        fields: Vec<(&'static str, &str)>,
        user: &str,
        attempt: &Attempt,
    ) -> Result<RedeemedToken, RedeemError> {
        let endpoints = self.discovery.endpoints(attempt.deadline).await?;
        let (client, tenant) = (self.client.client_id().to_owned(), self.discovery.issuer().to_owned());
        let asker = Asker { client, tenant, user: user.to_owned() };
        let dialect = Dialect::Standard(endpoints.secret_method);
        self.client.redeem(&TokenRequest { url: &endpoints.token, dialect, fields, asker, anchor: None, attempt }).await
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
                Grant::RefreshToken { refresh_token, user } => self.refresh((refresh_token, user), &attempt).await,
                Grant::AuthorizationCode { code, code_verifier, redirect_uri, asker } => {
                    self.code((code, code_verifier, redirect_uri), (asker, &attempt)).await
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
            let mut url = authorization::address(endpoint, connection, (&scope, claims), &request);
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
