use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::VaultError;
use crate::domain::{ConnectionRevision, Secret, SecurityContext, Timestamp, UserKey, UserToken};

/// A token and the revision of the connection it was obtained for, as they are sealed.
#[derive(Clone, Debug)]
pub struct KeptToken {
    /// What the connection was when the token was obtained.
    pub revision: ConnectionRevision,
    /// The token.
    pub token: UserToken,
}

const VERSION: u8 = 1;

/// Plaintext form, version 1. Times in milliseconds since the Unix epoch.
#[derive(Serialize, Deserialize)]
struct Plain<'a> {
    v: u8,
    revision: [u8; 16],
    #[serde(borrow)]
    access_token: Cow<'a, str>,
    expires_at: i64,
    obtained_at: i64,
    issuer: Cow<'a, str>,
    subject: Cow<'a, str>,
    security_context: [u8; 16],
    #[serde(default, skip_serializing_if = "Option::is_none")]
    granted_scope: Option<Cow<'a, str>>,
}

impl KeptToken {
    /// The plaintext to be sealed, in a buffer that is wiped.
    ///
    /// # Errors
    /// [`VaultError::Unreadable`], in theory only: everything a token holds can be written.
    pub fn encode(revision: ConnectionRevision, token: &UserToken) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let plain = Plain {
            v: VERSION,
            revision: revision.0,
            access_token: token.access_token.expose().into(),
            expires_at: token.expires_at.unix_millis(),
            obtained_at: token.obtained_at.unix_millis(),
            issuer: token.user.issuer().into(),
            subject: token.user.subject().into(),
            security_context: token.security_context.0,
            granted_scope: token.granted_scope.as_deref().map(Cow::from),
        };
        // Sized beforehand: a growing buffer would leave copies of the token in freed memory.
        let mut bytes = Zeroizing::new(Vec::with_capacity(1024 + 2 * size_of_texts(token)));
        serde_json::to_writer(&mut *bytes, &plain).map_err(|_| VaultError::Unreadable)?;
        Ok(bytes)
    }

    /// Reads what [`KeptToken::encode`] wrote.
    ///
    /// # Errors
    /// [`VaultError::Unreadable`] if it was written by a version with another form.
    pub fn decode(bytes: &[u8]) -> Result<Self, VaultError> {
        let plain: Plain<'_> = serde_json::from_slice(bytes).map_err(|_| VaultError::Unreadable)?;
        if plain.v != VERSION {
            return Err(VaultError::Unreadable);
        }
        let token = UserToken {
            access_token: Secret::new(plain.access_token.into_owned()),
            expires_at: Timestamp::from_unix_millis(plain.expires_at),
            user: UserKey::from_parts(&plain.issuer, &plain.subject),
            security_context: SecurityContext(plain.security_context),
            granted_scope: plain.granted_scope.map(Cow::into_owned),
            obtained_at: Timestamp::from_unix_millis(plain.obtained_at),
        };
        Ok(Self { revision: ConnectionRevision(plain.revision), token })
    }
}

/// Bytes of all texts in `token`.
pub(super) fn size_of_texts(token: &UserToken) -> usize {
    token.access_token.expose().len()
        + token.user.issuer().len()
        + token.user.subject().len()
        + token.granted_scope.as_ref().map_or(0, String::len)
}
