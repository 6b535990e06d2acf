//! Reading signed tokens: the bearer of a request, the signature, the claims.

use std::collections::HashSet;

use actix_web::HttpRequest;
use actix_web::http::header::AUTHORIZATION;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::Value;

/// Why one of the stage's own tokens is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenProblem {
    /// Not a JWT, or signed with a key or an algorithm that the stage does not use.
    Malformed,
    /// The signature is not by a listed key.
    Signature,
    /// `exp` has passed.
    Expired,
    /// The audience is another one.
    Audience,
}

/// The claims of a compact JWS whose signature `key` verifies. The caller must check times and audience.
///
/// The JWT crate's own checks are all off because they read the system's clock.
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

/// The `oid` in a token whose signature is not checked. It only counts calls and selects faults.
pub(super) fn unverified_oid(token: &str) -> Option<String> {
    let claims = jsonwebtoken::dangerous::insecure_decode::<Value>(token).ok()?.claims;
    claims.get("oid").and_then(Value::as_str).map(str::to_owned)
}

/// A claim that is a string.
pub(super) fn text_member<'c>(claims: &'c Value, name: &str) -> Option<&'c str> {
    claims.get(name).and_then(Value::as_str)
}

/// A claim that is a number; clients write floats, too.
pub(super) fn number_member(claims: &Value, name: &str) -> Option<f64> {
    claims.get(name).and_then(Value::as_f64)
}

/// The token of an `Authorization: Bearer` header.
pub(super) fn bearer_token(request: &HttpRequest) -> Option<&str> {
    let value = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

/// Whether `exp` lies ahead of `now_seconds`.
#[allow(clippy::cast_precision_loss, reason = "seconds since 1970 fit a float's mantissa for ages")]
pub(super) fn check_expiry(claims: &Value, now_seconds: i64) -> Result<(), TokenProblem> {
    match number_member(claims, "exp") {
        Some(expiry) if expiry > now_seconds as f64 => Ok(()),
        Some(_) => Err(TokenProblem::Expired),
        None => Err(TokenProblem::Malformed),
    }
}
