//! The checks of [`TokenIssuer`]: whether it issued a token that it is shown.

use jsonwebtoken::Algorithm;
use serde_json::Value;

use super::issuer::TokenIssuer;
use crate::dev::jwt::{TokenProblem, check_expiry, signed_claims, text_member};

impl TokenIssuer {
    /// Checks that one of the tenants' listed keys signed the token, and returns its claims. The token may have expired.
    pub(in crate::dev) fn verify_signature(&self, token: &str) -> Result<Value, TokenProblem> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| TokenProblem::Malformed)?;
        let kid = header.kid.ok_or(TokenProblem::Malformed)?;
        let key = self.keys.find(&kid).ok_or(TokenProblem::Signature)?;
        signed_claims(token, key.verification_key(), &[Algorithm::RS256])
    }

    /// As [`Self::verify_signature`], and the token must not have expired.
    pub(in crate::dev) fn verify(&self, token: &str) -> Result<Value, TokenProblem> {
        let claims = self.verify_signature(token)?;
        check_expiry(&claims, self.now_seconds())?;
        Ok(claims)
    }

    /// As [`Self::verify`], and the claim `aud` must be `audience`.
    pub(in crate::dev) fn verify_for(&self, token: &str, audience: &str) -> Result<Value, TokenProblem> {
        let claims = self.verify(token)?;
        if text_member(&claims, "aud") == Some(audience) { Ok(claims) } else { Err(TokenProblem::Audience) }
    }
}
