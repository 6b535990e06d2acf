//! Reads signed tokens: the bearer token of a request, the signature, the claims.

use std::collections::HashSet;

use actix_web::HttpRequest;
use actix_web::http::header::AUTHORIZATION;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::Value;

/// Why the stage refuses a token that one of its own issuers should have signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenProblem {
    /// Not a JWT, or signed with a key or an algorithm that the stage does not use.
    Malformed,
    /// No listed key verifies the signature.
    Signature,
    /// `exp` has passed.
    Expired,
    /// The token is for another audience.
    Audience,
}

/// Verifies the signature of a compact JWS with `key`, and returns the claims. The caller must check times and audience:
/// the JWT crate's own checks are off, because they read the system's clock.
pub(super) fn signed_claims(token: &str, key: &DecodingKey, algorithms: &[Algorithm]) -> Result<Value, TokenProblem> {
    let mut validation = Validation::new(Algorithm::RS256);
    validation.algorithms = algorithms.to_vec();
    validation.required_spec_claims = HashSet::new();
    validation.validate_exp = false;
    validation.validate_aud = false;
    jsonwebtoken::decode::<Value>(token, key, &validation)
        .map(|decoded| decoded.claims)
        .map_err(|_| TokenProblem::Signature)
}

/// The `oid` in a token, without a check of the signature. The stage uses it only to count calls and to select faults.
pub(super) fn unverified_oid(token: &str) -> Option<String> {
    let claims = jsonwebtoken::dangerous::insecure_decode::<Value>(token).ok()?.claims;
    claims.get("oid").and_then(Value::as_str).map(str::to_owned)
}

/// The claims of a token, without a check of the signature. The caller has the token from its issuer.
pub(super) fn unverified_claims(token: &str) -> Option<Value> {
    jsonwebtoken::dangerous::insecure_decode::<Value>(token).ok().map(|decoded| decoded.claims)
}

/// The `uti` of a token, without a check of the signature.
pub(super) fn unverified_token_id(token: &str) -> Option<String> {
    let claims = jsonwebtoken::dangerous::insecure_decode::<Value>(token).ok()?.claims;
    text_member(&claims, "uti").map(str::to_owned)
}

/// The member `name` of a JSON object (of claims, for instance), if it is a string.
pub(super) fn text_member<'c>(claims: &'c Value, name: &str) -> Option<&'c str> {
    claims.get(name).and_then(Value::as_str)
}

/// The member `name` of a JSON object, if it is a number. The number is a float, because some clients write times so.
pub(super) fn number_member(claims: &Value, name: &str) -> Option<f64> {
    claims.get(name).and_then(Value::as_f64)
}

/// The token in the `Authorization: Bearer` header of a request.
pub(super) fn bearer_token(request: &HttpRequest) -> Option<&str> {
    let value = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

/// Checks that `exp` is later than `now_seconds`.
#[allow(clippy::cast_precision_loss, reason = "seconds since 1970 are small enough for a float to hold exactly")]
pub(super) fn check_expiry(claims: &Value, now_seconds: i64) -> Result<(), TokenProblem> {
    match number_member(claims, "exp") {
        Some(expiry) if expiry > now_seconds as f64 => Ok(()),
        Some(_) => Err(TokenProblem::Expired),
        None => Err(TokenProblem::Malformed),
    }
}
