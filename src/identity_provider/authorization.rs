use std::future::Future;
use std::pin::Pin;

use url::Url;

use super::RedeemError;
use crate::domain::{ClaimsChallenge, Connection, Secret};
use crate::outbound::FormField;

/// The parameters of one authorization request (RFC 6749 §4.1.1).
#[derive(Clone, Copy, Debug)]
pub struct AuthorizationRequest<'a> {
    /// The callback URL. It must equal the URL that is registered at the provider, character by character.
    pub redirect_uri: &'a Url,
    /// Binds the response to this browser's sign-in (RFC 6749 §10.12).
    pub state: &'a Secret,
    /// Binds the ID token to this sign-in (`OpenID` Connect Core §3.1.2.1).
    pub nonce: &'a Secret,
    /// The PKCE challenge for the method `S256` (RFC 7636 §4.2).
    pub code_challenge: &'a str,
    /// Whether the provider must show the consent prompt even if the user consented earlier. It is set after a silent
    /// exchange failed because consent was missing.
    pub ask_consent: bool,
    /// Whether the provider must let the user choose an account, because the one that it chose before was not meant.
    pub choose_account: bool,
    /// Whether the provider must ask the user to sign in even if it has a session of the user (`OpenID` Connect Core §3.1.2.1).
    pub asks_anew: bool,
    /// The claims challenge of an issuer or a resource that this sign-in must satisfy.
    pub claims: Option<&'a ClaimsChallenge>,
    /// The Entra tenant that the browser is sent to, a GUID that the connection admits; `None`: where the connection alone
    /// sends browsers. Other providers have no tenants.
    pub tenant: Option<&'a str>,
}

/// The future that [`IdentityProvider::authorize_url`](super::IdentityProvider::authorize_url) returns.
pub type AuthorizeFuture<'a> = Pin<Box<dyn Future<Output = Result<Url, RedeemError>> + Send + 'a>>;

/// The future that [`IdentityProvider::admits_issuer`](super::IdentityProvider::admits_issuer) returns.
pub type AdmissionFuture<'a> = Pin<Box<dyn Future<Output = Result<bool, RedeemError>> + Send + 'a>>;

/// Joins the connection's scopes and the scopes in `needed` to a `scope` parameter without duplicates.
#[must_use]
pub fn join_scopes(connection: &Connection, needed: &[&str]) -> String {
    let present = |scope: &&&str| connection.scopes.iter().any(|it| it.eq_ignore_ascii_case(scope));
    let missing = needed.iter().filter(|scope| !present(scope)).copied();
    connection.scopes.iter().map(String::as_str).chain(missing).collect::<Vec<_>>().join(" ")
}

/// The form fields that redeem an authorization code (RFC 6749 §4.1.3, RFC 7636 §4.5).
pub(super) fn code_fields<'a>(
    code: &'a Secret,
    code_verifier: &'a Secret,
    redirect_uri: &'a Url,
) -> Vec<FormField<'a>> {
    vec![
        FormField::new("grant_type", "authorization_code"),
        FormField::new("code", code.expose()),
        FormField::new("code_verifier", code_verifier.expose()),
        FormField::new("redirect_uri", redirect_uri.as_str()),
    ]
}

/// Adds the parameters of an authorization request with PKCE to `endpoint`. Query parameters of the endpoint are
/// kept.
#[must_use]
pub fn build_authorize_url(
    mut endpoint: Url,
    client_id: &str,
    scope: &str,
    claims: Option<&str>,
    request: &AuthorizationRequest<'_>,
) -> Url {
    endpoint
        .query_pairs_mut()
        .append_pair("client_id", client_id)
        .append_pair("response_type", "code")
        .append_pair("redirect_uri", request.redirect_uri.as_str())
        .append_pair("scope", scope)
        .append_pair("state", request.state.expose())
        .append_pair("nonce", request.nonce.expose())
        .append_pair("code_challenge", request.code_challenge)
        .append_pair("code_challenge_method", "S256")
        .extend_pairs(claims.map(|claims| ("claims", claims)));
    endpoint
}
