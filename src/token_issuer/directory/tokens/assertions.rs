use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey};
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

use super::token_refusal::TokenRefusal;
use super::unverified_jws::UnverifiedJws;
use crate::domain::{Application, Timestamp};

/// The longest time for which an application may make an assertion.
const MAX_LIFETIME: Duration = Duration::from_hours(1);
/// How far the clock of an application may be from ours.
const MAX_CLOCK_SKEW: Duration = Duration::from_mins(1);
/// The longest text that is taken over from an assertion, in bytes.
const MAX_TEXT_BYTES: usize = 255;

/// What an application's assertion says of its user.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UserClaims {
    /// The user's id at the application.
    pub sub: String,
    /// The name.
    pub name: Option<String>,
    /// The address.
    pub email: Option<String>,
}

/// An assertion that is in order. Whether it was used before is not checked yet.
#[derive(Debug)]
pub struct CheckedAssertion {
    /// What it says of the user.
    pub claims: UserClaims,
    /// `jti`, unique among the assertions of the application; `None` if it has none (RFC 7523 §3).
    pub token_id: Option<String>,
    /// From this time on the assertion is refused as expired.
    pub ends_at: Timestamp,
}

#[derive(Deserialize)]
struct AssertionPayload {
    iss: Option<Value>,
    aud: Option<Value>,
    exp: Option<Number>,
    iat: Option<Number>,
    nbf: Option<Number>,
    jti: Option<Value>,
    sub: Option<Value>,
    name: Option<Value>,
    email: Option<Value>,
}

/// The public key of an application's assertions.
struct AssertionKey {
    key: DecodingKey,
    algorithm: Algorithm,
}

impl AssertionKey {
    /// Reads a public key in PEM: RSA, or EC on P-256.
    fn parse(pem: &str) -> Option<Self> {
        let rsa = DecodingKey::from_rsa_pem(pem.as_bytes()).ok().map(|key| Self { key, algorithm: Algorithm::RS256 });
        let ec = || DecodingKey::from_ec_pem(pem.as_bytes()).ok();
        rsa.or_else(|| ec().map(|key| Self { key, algorithm: Algorithm::ES256 }))
    }

    fn algorithm_name(&self) -> &'static str {
        if self.algorithm == Algorithm::RS256 { "RS256" } else { "ES256" }
    }
}

/// Checks an assertion of `application` for a directory with this `issuer` (RFC 7523 §3). The key is parsed for each call, which
/// costs a tenth of the check of the signature.
pub(super) fn check_assertion(
    application: &Application,
    issuer: &str,
    assertion: &str,
    now: Timestamp,
) -> Result<CheckedAssertion, TokenRefusal> {
    let key = application.assertion_key.as_deref().and_then(AssertionKey::parse).ok_or(TokenRefusal("key"))?;
    let token = UnverifiedJws::parse(assertion)?;
    if token.algorithm() != key.algorithm_name() {
        return Err(TokenRefusal("alg"));
    }
    let is_genuine = jsonwebtoken::crypto::verify(token.signature, token.signed, &key.key, key.algorithm);
    if !is_genuine.unwrap_or(false) {
        return Err(TokenRefusal("signature"));
    }
    let claims: AssertionPayload = token.claims()?;
    if claims.iss.as_ref().and_then(Value::as_str) != Some(&application.client_id) {
        return Err(TokenRefusal("iss"));
    }
    check_audience(claims.aud.as_ref(), issuer)?;
    let ends_at = check_times(&claims, now)?;
    let token_id = read_text(claims.jti, "jti")?;
    let sub = read_text(claims.sub, "sub")?.filter(|sub| !sub.is_empty()).ok_or(TokenRefusal("sub"))?;
    let claims = UserClaims { sub, name: read_text(claims.name, "name")?, email: read_text(claims.email, "email")? };
    Ok(CheckedAssertion { claims, token_id, ends_at })
}

/// The assertion is for the issuer or its token endpoint, perhaps beside others.
fn check_audience(audience: Option<&Value>, issuer: &str) -> Result<(), TokenRefusal> {
    let is_ours = |text: &str| text.strip_prefix(issuer).is_some_and(|rest| rest.is_empty() || rest == "/token");
    let has_ours = match audience {
        Some(Value::String(one)) => is_ours(one),
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).any(is_ours),
        _ => false,
    };
    if has_ours { Ok(()) } else { Err(TokenRefusal("aud")) }
}

/// Returns the time from which on the assertion is refused.
fn check_times(claims: &AssertionPayload, now: Timestamp) -> Result<Timestamp, TokenRefusal> {
    let latest = now.plus(MAX_CLOCK_SKEW);
    let expires_at = claims.exp.as_ref().and_then(read_seconds).ok_or(TokenRefusal("exp"))?;
    let ends_at = expires_at.plus(MAX_CLOCK_SKEW);
    if ends_at <= now || expires_at > latest.plus(MAX_LIFETIME) {
        return Err(TokenRefusal("exp"));
    }
    for (time, check) in [(&claims.nbf, "nbf"), (&claims.iat, "iat")] {
        let Some(time) = time else { continue };
        if read_seconds(time).is_none_or(|begins| begins > latest) {
            return Err(TokenRefusal(check));
        }
    }
    Ok(ends_at)
}

/// Seconds since 1970, which may have a fraction (RFC 7519 §2).
#[allow(clippy::cast_possible_truncation, reason = "a float that is too large saturates")]
fn read_seconds(number: &Number) -> Option<Timestamp> {
    let seconds = number.as_i64().or_else(|| number.as_f64().map(|seconds| seconds as i64));
    seconds.map(Timestamp::from_unix_seconds)
}

/// A text of at most 255 bytes without control characters; `None` if it is absent.
fn read_text(value: Option<Value>, name: &'static str) -> Result<Option<String>, TokenRefusal> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.len() <= MAX_TEXT_BYTES && !text.chars().any(char::is_control) => {
            Ok(Some(text))
        }
        Some(_) => Err(TokenRefusal(name)),
    }
}
