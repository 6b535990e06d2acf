use std::fmt::Write;

use super::{Secret, Timestamp, UserKey};

/// A digest of what a token says about how its user signed in (entra-obo §4, row "Key").
///
/// Two exchangeable tokens of one user with equal contexts may share an exchanged token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SecurityContext(pub [u8; 16]);

/// A *validated* token that a client handed in to be exchanged: signature, issuer, audience, lifetime, scope and user
/// have been proven. Only `token_validation` makes one.
#[derive(Clone, Debug)]
pub struct ExchangeableToken {
    /// The token as it came: the `assertion` of the exchange.
    pub raw: Secret,
    /// Whose it is.
    pub user: UserKey,
    /// The user's object id, lower-case (`oid`).
    pub object_id: String,
    /// The tenant that issued it, lower-case (`tid`): the exchange happens there.
    pub tenant_id: String,
    /// When it ends (`exp`).
    pub expires_at: Timestamp,
    /// How the user signed in.
    pub security_context: SecurityContext,
    /// The token's own identifier for logs (`uti`), if it has one.
    pub token_id: Option<String>,
}

impl ExchangeableToken {
    /// SHA-256 of the token in hexadecimal: names it where it must not be spelled out.
    #[must_use]
    pub fn digest(&self) -> String {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, self.raw.expose().as_bytes());
        digest.as_ref().iter().fold(String::with_capacity(64), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

/// A token that we hold for a user: what the bot gets.
#[derive(Clone, Debug)]
pub struct UserToken {
    /// The access token.
    pub access_token: Secret,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Whose it is.
    pub user: UserKey,
    /// How the user had signed in when it was obtained.
    pub security_context: SecurityContext,
    /// The scopes the issuer says it granted, where it says so.
    pub granted_scope: Option<String>,
    /// When it was obtained: tells one keeping from the next.
    pub obtained_at: Timestamp,
    /// What it can be refreshed with, without the user. Goes into the vault and never out to a door.
    pub refresh_token: Option<Secret>,
    /// From when it is to be refreshed although it is still good; only where it can be refreshed.
    pub refresh_at: Option<Timestamp>,
}

impl UserToken {
    /// The token as it is held in memory and handed out: without what it is refreshed with.
    #[must_use]
    pub fn without_refresh_token(self) -> Self {
        Self { refresh_token: None, ..self }
    }

    /// Whether it is time to refresh it in the background.
    #[must_use]
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.refresh_at.is_some_and(|due| due <= now)
    }
}
