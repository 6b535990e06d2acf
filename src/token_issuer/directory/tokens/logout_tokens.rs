//! `DirectoryTokens`: logout tokens. `directory_tokens.rs` has the type.

use serde::Serialize;

use super::directory_tokens::{DirectoryTokens, sign_by};
use super::token_refusal::TokenRefusal;
use crate::domain::{Directory, Secret};

/// How long a logout token is valid, in seconds: as OpenID Connect Back-Channel Logout 1.0 §4 advises.
const LIFETIME_SECONDS: i64 = 120;

/// The header of a logout token. It has no `ver`, without which no token of a directory is taken as an access or an ID token.
#[derive(Serialize)]
struct LogoutHeader<'a> {
    alg: &'static str,
    typ: &'static str,
    kid: &'a str,
}

/// The payload of a logout token (OpenID Connect Back-Channel Logout 1.0 §2.4).
#[derive(Serialize)]
struct LogoutPayload<'a> {
    iss: &'a str,
    /// An array, as in the directory's ID tokens, so that an application compares both in the same way.
    aud: [&'a str; 1],
    iat: i64,
    exp: i64,
    jti: String,
    events: Events,
    sub: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<&'a str>,
}

/// The one event that a logout token states.
#[derive(Serialize)]
struct Events {
    #[serde(rename = "http://schemas.openid.net/event/backchannel-logout")]
    backchannel_logout: NoStatement,
}

/// The empty object.
#[derive(Serialize)]
struct NoStatement {}

impl DirectoryTokens {
    /// Signs a logout token for the application `client_id` about the user `user_id`: about the session with the public id
    /// `session_id`, or about all sessions. Each token has an id of its own.
    ///
    /// # Errors
    /// [`TokenRefusal`] if the library cannot sign.
    pub fn issue_logout_token(
        &self,
        directory: &Directory,
        client_id: &str,
        user_id: &str,
        session_id: Option<&str>,
    ) -> Result<Secret, TokenRefusal> {
        let keys = self.keys.find(&directory.tenant).ok_or(TokenRefusal("tenant"))?;
        let (key, issued_at) = (keys.signing_key(), self.clock.now().unix_seconds());
        let payload = LogoutPayload {
            iss: &directory.issuer,
            aud: [client_id],
            iat: issued_at,
            exp: issued_at.saturating_add(LIFETIME_SECONDS),
            jti: self.keys.entropy().uuid(),
            events: Events { backchannel_logout: NoStatement {} },
            sub: user_id,
            sid: session_id,
        };
        sign_by(key, &LogoutHeader { alg: "RS256", typ: "logout+jwt", kid: key.kid() }, &payload)
    }
}
