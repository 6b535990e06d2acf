use std::future::Future;
use std::pin::Pin;

use url::Url;

use super::RedeemError;
use crate::domain::{ClaimsChallenge, Connection, Secret};
use crate::outbound::FormField;

/// What one browser is sent to the authorization endpoint with.
#[derive(Clone, Copy, Debug)]
pub struct AuthorizationRequest<'a> {
    /// Where the browser comes back to; registered at the provider letter by letter.
    pub redirect_uri: &'a Url,
    /// Ties the answer to this browser's sign-in (RFC 6749 §10.12).
    pub state: &'a Secret,
    /// Ties the ID token to it (`OpenID` Connect Core §3.1.2.1).
    pub nonce: &'a Secret,
    /// Of the method `S256` (RFC 7636 §4.2).
    pub code_challenge: &'a str,
    /// Ask for consent although the user may have given an older one: a silent attempt lacked it.
    pub ask_consent: bool,
    /// What an issuer or a resource wants of the sign-in.
    pub claims: Option<&'a ClaimsChallenge>,
}

/// What [`IdentityProvider::authorize_url`](super::IdentityProvider::authorize_url) returns.
pub type AuthorizeFuture<'a> = Pin<Box<dyn Future<Output = Result<Url, RedeemError>> + Send + 'a>>;

/// What [`IdentityProvider::admits_issuer`](super::IdentityProvider::admits_issuer) returns.
pub type AdmissionFuture<'a> = Pin<Box<dyn Future<Output = Result<bool, RedeemError>> + Send + 'a>>;

/// The connection's scopes and these, each once.
pub(super) fn scope_with(connection: &Connection, needed: &[&str]) -> String {
    let present = |scope: &&&str| connection.scopes.iter().any(|it| it.eq_ignore_ascii_case(scope));
    let missing = needed.iter().filter(|scope| !present(scope)).copied();
    connection.scopes.iter().map(String::as_str).chain(missing).collect::<Vec<_>>().join(" ")
}

/// What redeems a code (RFC 6749 §4.1.3, RFC 7636 §4.5).
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

/// Adds to `endpoint` what every authorization request with a code and a proof key says; a query of its own stays.
pub(super) fn address(
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
