use super::unverified::read_claims;
use crate::domain::{ExchangeableToken, StatedClaims};

/// Reads what `token`, which has been validated, says of itself. `None` if it is no JWT, or lacks a claim that every token
/// has.
#[must_use]
pub fn read_stated_claims(token: &ExchangeableToken) -> Option<StatedClaims> {
    let claims = read_claims(token.raw.expose())?;
    let lifetime = claims.lifetime().ok()?;
    let find = |names: &[&str]| names.iter().find_map(|name| claims.text(name)).map(str::to_owned);
    Some(StatedClaims {
        issuer: find(&["iss"])?,
        subject: find(&["sub"])?,
        audience: claims.texts("aud")?,
        scope: find(&["scp", "scope"]),
        client_id: find(&["azp", "appid", "client_id"]),
        username: find(&["preferred_username", "upn", "unique_name"]),
        issued_at: lifetime.issued,
        not_before: lifetime.not_before,
    })
}
