//! Any `OpenID` Connect provider other than Entra.
//!
//! Owns the parameters of its token and authorization requests. It deliberately knows neither how a discovery document is
//! fetched and cached, nor how a request is sent and retried, nor what an error of the token endpoint means.

#[cfg(test)]
mod tests;
mod token_exchange;

pub use token_exchange::{TokenExchangeSettings, UserTokenGrant};

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::authorization::{self, AdmissionFuture, AuthorizationRequest, AuthorizeFuture};
use super::client_auth::ClientCredential;
use super::discovery::{Discovery, Endpoints};
use super::throttle::ThrottleKey;
use super::token_client::{RedeemingClient, TokenClient, TokenClientParts};
use super::token_endpoint::{SecretMethod, TokenEndpointStyle};
use super::token_request::TokenRequest;
use super::userinfo::{NamesFuture, find_names};
use super::{
    Attempt, Capabilities, Grant, IdentityProvider, RedeemError, RedeemFailure, RedeemFuture, RedeemedToken,
    RevocableTokens, RevocationFuture, RevocationOutcome, refusal,
};
use crate::domain::{ClaimsChallenge, Connection, ExchangeableToken, Secret, UserKey};
use crate::outbound::{FormField, HttpAnswer, Outbound};

/// The maximum time that a browser request waits for a discovery document.
const DISCOVERY_TIMEOUT: Duration = Duration::from_secs(6);
/// The word of `prompt` that lets the user choose an account (`OpenID` Connect Core §3.1.2.1).
const SELECT_ACCOUNT: &str = "select_account";
/// The word of `prompt` that asks the user to sign in anew (`OpenID` Connect Core §3.1.2.1).
const LOGIN: &str = "login";
/// The same by another parameter, which also makes the ID token say when the user signed in (`OpenID` Connect Core §2).
const NOW: (&str, &str) = ("max_age", "0");
/// The word of `prompt` that asks for consent (`OpenID` Connect Core §3.1.2.1).
const CONSENT: &str = "consent";
const TYPE_OF_REFRESH_TOKEN: (&str, &str) = ("token_type_hint", "refresh_token");
const TYPE_OF_ACCESS_TOKEN: (&str, &str) = ("token_type_hint", "access_token");
const UNSUPPORTED: &[u8] = b"unsupported_token_type";

/// The settings of one connection to a provider.
#[derive(Clone, Debug, Default)]
pub struct GenericSettings {
    /// Further parameters of authorization requests. None of them is a parameter that this client sets itself.
    pub authorize_params: BTreeMap<String, String>,
    /// The value of `prompt`, empty for no `prompt`. `None` asks for consent if the connection asks for
    /// `offline_access`, which providers ignore otherwise (`OpenID` Connect Core §11).
    pub prompt: Option<String>,
    /// Where a secret is sent. `None` for the method that the provider announces.
    pub secret_method: Option<SecretMethod>,
    /// How users' tokens are exchanged; `None` if the connection exchanges none.
    pub token_exchange: Option<TokenExchangeSettings>,
}

/// An `OpenID` Connect provider, used by one client. Its endpoints come from its discovery document.
pub struct Generic {
    discovery: Arc<Discovery>,
    settings: GenericSettings,
    client: TokenClient,
    outbound: Outbound,
}

impl Generic {
    /// Creates a provider that redeems grants as `client`. All connections of the provider share `discovery`.
    #[must_use]
    pub fn new(
        discovery: Arc<Discovery>,
        settings: GenericSettings,
        client: RedeemingClient,
        parts: TokenClientParts,
    ) -> Self {
        let outbound = parts.outbound.clone();
        let client = TokenClient::new(discovery.provider().to_owned(), client, parts);
        Self { discovery, settings, client, outbound }
    }

    /// Replaces the client's credentials. Redemptions that have begun keep the old ones.
    pub fn replace_credentials(&self, credentials: Vec<ClientCredential>) {
        self.client.replace_credentials(credentials);
    }

    /// Exchanges a user's token (RFC 8693 §2.1, RFC 7523 §2.1). The token goes to no other issuer's provider than the
    /// configuration says.
    async fn exchange_user_token(
        &self,
        connection: &Connection,
        token: &ExchangeableToken,
        attempt: &Attempt,
    ) -> Result<RedeemedToken, RedeemError> {
        let Some(exchange) = &self.settings.token_exchange else {
            let hint = "the connection has no token_exchange, so its provider exchanges no tokens";
            return Err(refusal(RedeemFailure::Misconfigured, hint));
        };
        if !self.knows_user(&token.user) || exchange.is_of_entra == (token.user.namespace().is_some()) {
            let hint = "the token to exchange is of another issuer than token_exchange says";
            return Err(refusal(RedeemFailure::AssertionRejected, hint));
        }
        if let Some(claims) = &attempt.claims {
            let failure = RedeemFailure::InteractionRequired { claims: Some(claims.as_str().to_owned()) };
            return Err(refusal(failure, "a token exchange at this provider cannot satisfy a claims challenge"));
        }
        let scope = connection.scopes.join(" ");
        let endpoints = self.discovery.endpoints(attempt.deadline).await?;
        let request = self.request(&endpoints, exchange.fields(token, &scope), token.user.subject(), attempt);
        let style = TokenEndpointStyle::StandardExchange(self.secret_method(&endpoints));
        self.client.redeem(&TokenRequest { style, ..request }).await
    }

    /// Whether tokens of `user` may be sent to this provider: those of its own users, and of Entra's if the connection
    /// exchanges Entra's tokens. A provider's configuration may now name another issuer, which must not get the old one's.
    fn knows_user(&self, user: &UserKey) -> bool {
        let exchanges_entra = || self.settings.token_exchange.as_ref().is_some_and(|exchange| exchange.is_of_entra);
        user.namespace().map_or_else(exchanges_entra, |issuer| issuer == self.discovery.issuer())
    }

    /// Redeems a refresh token (RFC 6749 §6). The request names no scopes, so the new token has the scopes that were
    /// granted with the code.
    async fn redeem_refresh_token(
        &self,
        refresh_token: &Secret,
        user: &UserKey,
        attempt: &Attempt,
    ) -> Result<RedeemedToken, RedeemError> {
        if !self.knows_user(user) {
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
        let endpoints = self.discovery.endpoints(attempt.deadline).await?;
        self.client.redeem(&self.request(&endpoints, fields, user.subject(), attempt)).await
    }

    /// Redeems an authorization code (RFC 6749 §4.1.3), which is sent once.
    async fn redeem_code(
        &self,
        fields: Vec<FormField<'_>>,
        throttled_as: &str,
        attempt: &Attempt,
    ) -> Result<RedeemedToken, RedeemError> {
        let endpoints = self.discovery.endpoints(attempt.deadline).await?;
        let request = self.request(&endpoints, fields, throttled_as, attempt);
        self.client.redeem(&TokenRequest { is_repeatable: false, ..request }).await
    }

    /// Revokes the refresh token, then the access token. The refresh token's failure is the result, but the access
    /// token is revoked even so.
    async fn revoke_tokens(&self, tokens: RevocableTokens<'_>) -> Result<RevocationOutcome, RedeemError> {
        let endpoints = self.discovery.endpoints(tokens.deadline).await?;
        let Some(url) = endpoints.revocation.as_ref().filter(|_| self.knows_user(tokens.user)) else {
            return Ok(RevocationOutcome::NotSupported);
        };
        let of_refresh = tokens.refresh_token.map(|token| [("token", token.expose()), TYPE_OF_REFRESH_TOKEN]);
        let of_access = [("token", tokens.access_token.expose()), TYPE_OF_ACCESS_TOKEN];
        let attempt =
            Attempt { correlation_id: tokens.correlation_id.to_owned(), deadline: tokens.deadline, claims: None };
        let mut outcome = Ok(RevocationOutcome::Revoked);
        for fields in of_refresh.into_iter().chain([of_access]) {
            let fields = fields.map(|(name, value)| FormField::new(name, value)).to_vec();
            let request = self.request(&endpoints, fields, tokens.user.subject(), &attempt);
            let answer = self.client.post_once(&request, url).await;
            outcome = outcome.and(answer.and_then(|answer| check_revocation(&answer)));
        }
        outcome
    }

    /// A request to the token endpoint. If the provider throttles it, `user` is blocked.
    fn request<'a>(
        &'a self,
        endpoints: &'a Endpoints,
        fields: Vec<FormField<'a>>,
        user: &'a str,
        attempt: &'a Attempt,
    ) -> TokenRequest<'a> {
        let (client, tenant) = (self.client.client_id(), self.discovery.issuer());
        TokenRequest {
            url: &endpoints.token,
            style: TokenEndpointStyle::Standard(self.secret_method(endpoints)),
            fields,
            throttle_key: ThrottleKey { client, tenant, user },
            anchor: None,
            app_scope: None,
            is_repeatable: true,
            attempt,
        }
    }

    fn secret_method(&self, endpoints: &Endpoints) -> SecretMethod {
        self.settings.secret_method.unwrap_or(endpoints.secret_method)
    }

    /// The value of `prompt`: what is configured, and `login`, `consent` and `select_account` if this sign-in needs them.
    fn prompt(&self, connection: &Connection, request: &AuthorizationRequest<'_>) -> Option<String> {
        let by_default = if connection.asks_offline_access() { CONSENT } else { "" };
        let configured = self.settings.prompt.as_deref().unwrap_or(by_default);
        let mut words: Vec<&str> = configured.split(' ').filter(|word| !word.is_empty()).collect();
        for (word, is_needed) in
            [(LOGIN, request.asks_anew), (CONSENT, request.ask_consent), (SELECT_ACCOUNT, request.choose_account)]
        {
            if is_needed && !words.contains(&word) {
                words.push(word);
            }
        }
        (!words.is_empty()).then(|| words.join(" "))
    }
}

/// Success is 200 even for a token that the provider does not know (RFC 7009 §2.2). A provider that cannot revoke access
/// tokens answers `unsupported_token_type` (RFC 7009 §2.2.1), which nothing can cure.
fn check_revocation(answer: &HttpAnswer) -> Result<RevocationOutcome, RedeemError> {
    let is_unsupported = || answer.body.windows(UNSUPPORTED.len()).any(|part| part == UNSUPPORTED);
    if (200..300).contains(&answer.status) || is_unsupported() {
        return Ok(RevocationOutcome::Revoked);
    }
    let mut error = refusal(RedeemFailure::Transient, "the provider did not revoke the token: see its log");
    error.diagnostics.http_status = Some(answer.status);
    Err(error)
}

impl IdentityProvider for Generic {
    fn capabilities(&self) -> Capabilities {
        let on_behalf_of = self.settings.token_exchange.is_some();
        Capabilities { on_behalf_of, refresh_token: true, authorization_code: true }
    }

    fn redeem<'a>(&'a self, connection: &'a Connection, grant: Grant<'a>, attempt: Attempt) -> RedeemFuture<'a> {
        Box::pin(async move {
            match grant {
                Grant::OnBehalfOf(token) => self.exchange_user_token(connection, token, &attempt).await,
                Grant::RefreshToken { refresh_token, user } => {
                    self.redeem_refresh_token(refresh_token, user, &attempt).await
                }
                Grant::AuthorizationCode { code, code_verifier, redirect_uri, throttled_as, .. } => {
                    let fields = authorization::code_fields(code, code_verifier, redirect_uri);
                    self.redeem_code(fields, throttled_as, &attempt).await
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
            let (endpoint, configured) = (endpoints.authorization.clone(), &self.settings.authorize_params);
            let mut url = authorization::build_authorize_url(endpoint, &connection.client_id, &scope, claims, &request);
            url.query_pairs_mut()
                .extend_pairs(self.prompt(connection, &request).map(|prompt| ("prompt", prompt)))
                .extend_pairs(request.asks_anew.then_some(NOW).filter(|(name, _)| !configured.contains_key(*name)))
                .extend_pairs(configured);
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

    fn find_names<'a>(&'a self, access_token: &'a Secret, subject: &'a str, deadline: Instant) -> NamesFuture<'a> {
        Box::pin(async move {
            let endpoints = self.discovery.endpoints(deadline).await.ok()?;
            find_names(&self.outbound, endpoints.userinfo.as_ref()?, access_token, subject, deadline).await
        })
    }

    fn revoke<'a>(&'a self, tokens: RevocableTokens<'a>) -> RevocationFuture<'a> {
        Box::pin(self.revoke_tokens(tokens))
    }
}
