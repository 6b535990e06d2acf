use std::sync::Arc;

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use super::keys::ChannelKeys;
use crate::dev::addresses::Addresses;
use crate::dev::error::StageError;
use crate::dev::jwt::{TokenProblem, check_expiry, signed_claims, text_member};
use crate::dev::signing_key::SigningKey;
use crate::domain::SharedClock;

/// The lifetime of a channel token, in seconds.
pub(super) const CHANNEL_TOKEN_LIFETIME: i64 = 3600;

/// The channel's issuer: issues channel tokens and verifies them.
pub(in crate::dev) struct ChannelIssuer {
    pub(in crate::dev) addresses: Arc<Addresses>,
    pub(in crate::dev) keys: ChannelKeys,
    pub(in crate::dev) clock: SharedClock,
}

impl ChannelIssuer {
    /// Issues a channel token for the bot `app_id`, signed with `key`.
    pub(in crate::dev) fn mint(&self, app_id: &str, service_url: &str, key: &SigningKey) -> Result<String, StageError> {
        let now = self.clock.now().unix_seconds();
        key.sign(&json!({
            "iss": self.addresses.channel_issuer(),
            "aud": app_id,
            "serviceurl": service_url,
            "nbf": now,
            "exp": now + CHANNEL_TOKEN_LIFETIME,
        }))
    }

    /// Verifies a channel token as the bot `app_id` would, and returns its claims.
    pub(in crate::dev) fn verify(&self, token: &str, app_id: &str) -> Result<Value, TokenProblem> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| TokenProblem::Malformed)?;
        let kid = header.kid.ok_or(TokenProblem::Malformed)?;
        let key = self.keys.find(&kid).ok_or(TokenProblem::Signature)?;
        let claims = signed_claims(token, key.verification_key(), &[Algorithm::RS256])?;
        check_expiry(&claims, self.clock.now().unix_seconds())?;
        let is_for_app = text_member(&claims, "aud") == Some(app_id)
            && text_member(&claims, "iss") == Some(self.addresses.channel_issuer().as_str());
        if is_for_app { Ok(claims) } else { Err(TokenProblem::Audience) }
    }
}
