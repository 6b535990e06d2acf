//! Validation of the logout tokens by which an `OpenID` Connect provider says that it has signed a person out
//! (OpenID Connect Back-Channel Logout 1.0 §2.6).
//!
//! Owns the proof that such a token is genuine, fresh and for us. It does not know whether the token was used before.

#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::algorithms::SignaturePolicy;
use super::claims::{Claims, MAX_CLOCK_SKEW};
use super::id_token::read_openid_user;
use super::key_set::KeySet;
use super::verifier::{SignatureVerifier, VerificationFailure};
use crate::domain::{Secret, SharedClock, Timestamp, UserKey};

/// Longer logout tokens are refused unread: they have a handful of claims.
const TOKEN_LIMIT_BYTES: usize = 8 * 1024;
/// The age of a logout token at which it is no longer accepted, whatever its `exp` says.
const MAX_AGE: Duration = Duration::from_mins(10);
/// The longest `jti` that is kept, in bytes.
const MAX_TOKEN_ID_BYTES: usize = 256;
/// The longest `sid`, in bytes.
const MAX_SESSION_ID_BYTES: usize = 255;
/// The member of `events` that makes a token a logout token.
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Validates the logout tokens of one provider.
pub struct LogoutTokenValidator {
    issuer: String,
    client_ids: HashSet<String>,
    key_set: Arc<KeySet>,
    verifier: SignatureVerifier<()>,
    clock: SharedClock,
}

/// A valid logout token. Whether it was used before is not checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogoutToken {
    /// The issuer.
    pub issuer: String,
    /// `sub`: the person who was signed out.
    pub user: Option<UserKey>,
    /// `sid`: the session at the provider that has ended. One of the two is there.
    pub session_id: Option<String>,
    /// `jti`, unique among the tokens of the issuer.
    pub token_id: String,
    /// From this time on the token is refused because of its age.
    pub ends_at: Timestamp,
}

/// Why a logout token is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogoutTokenError {
    /// A check failed.
    #[error("the logout token is rejected: {check}")]
    Rejected {
        /// Which check failed: `form`, `alg`, `crit`, `typ`, `kid`, `signature`, `iss`, `aud`, `exp`, `iat`, `nbf`, `events`, `nonce`,
        /// `sub`, `sid`, `jti`.
        check: &'static str,
    },
    /// The token cannot be checked without the issuer's keys.
    #[error("the issuer's keys are unavailable")]
    KeysUnavailable,
    /// The token names a key that is not known: it is new, or made up.
    #[error("the key of the logout token is not known yet")]
    KeyNotKnownYet,
}

impl LogoutTokenValidator {
    /// Accepts the tokens that `issuer` has signed by a key of `key_set` for one of `client_ids`, our clients there.
    #[must_use]
    pub fn new(issuer: String, client_ids: HashSet<String>, key_set: Arc<KeySet>, clock: SharedClock) -> Self {
        let verifier = SignatureVerifier::with_policy(TOKEN_LIMIT_BYTES, SignaturePolicy::LogoutToken);
        Self { issuer, client_ids, key_set, verifier, clock }
    }

    /// Proves that `raw` is a logout token of the provider for us.
    ///
    /// # Errors
    /// [`LogoutTokenError`].
    pub async fn validate(&self, raw: &Secret) -> Result<LogoutToken, LogoutTokenError> {
        let choose = |claims: &Claims| {
            // The issuer is compared before anything is fetched.
            if claims.text("iss") == Some(&self.issuer) { Ok(Arc::clone(&self.key_set)) } else { Err("iss") }
        };
        let token = self.verifier.verify(raw.expose(), self.clock.now(), choose).await?;
        self.read(&token.claims).map_err(|check| LogoutTokenError::Rejected { check })
    }

    fn read(&self, claims: &Claims) -> Result<LogoutToken, &'static str> {
        let audiences = claims.texts("aud").ok_or("aud")?;
        if !audiences.iter().any(|audience| self.client_ids.contains(audience)) {
            return Err("aud");
        }
        let ends_at = self.check_times(claims)?;
        if !claims.has_event(EVENT) {
            return Err("events");
        }
        // A token with a nonce answers an authorization request: it is an ID token.
        if claims.has("nonce") {
            return Err("nonce");
        }
        let user = if claims.has("sub") { Some(read_openid_user(claims, &self.issuer)?) } else { None };
        let session_id = if claims.has("sid") { Some(read_session_id(claims)?) } else { None };
        if user.is_none() && session_id.is_none() {
            return Err("sub");
        }
        let token_id = claims.text("jti").filter(|id| id.len() <= MAX_TOKEN_ID_BYTES).ok_or("jti")?;
        Ok(LogoutToken { issuer: self.issuer.clone(), user, session_id, token_id: token_id.to_owned(), ends_at })
    }

    /// When the token is refused because of its age.
    fn check_times(&self, claims: &Claims) -> Result<Timestamp, &'static str> {
        let (lifetime, now) = (claims.lifetime()?, self.clock.now());
        let issued = lifetime.issued.ok_or("iat")?;
        if let Some(check) = lifetime.find_future_claim(now) {
            return Err(check);
        }
        let (expires, too_old) = (lifetime.ends.plus(MAX_CLOCK_SKEW), issued.plus(MAX_AGE));
        if expires <= now {
            return Err("exp");
        }
        if too_old <= now {
            return Err("iat");
        }
        Ok(expires.min(too_old))
    }
}

impl From<VerificationFailure> for LogoutTokenError {
    fn from(failure: VerificationFailure) -> Self {
        match failure {
            VerificationFailure::Refused(check) => Self::Rejected { check },
            VerificationFailure::KeysUnavailable => Self::KeysUnavailable,
            VerificationFailure::KeyNotKnownYet => Self::KeyNotKnownYet,
        }
    }
}

fn read_session_id(claims: &Claims) -> Result<String, &'static str> {
    let session_id = claims.text("sid").filter(|id| id.len() <= MAX_SESSION_ID_BYTES);
    Ok(session_id.ok_or("sid")?.to_owned())
}
