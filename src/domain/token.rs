use std::fmt::Write;
use std::sync::Arc;

use super::{Secret, Timestamp, UserKey};

/// A digest of the claims that say how the user of a token signed in (docs/protocols/entra-obo.md §4, row "Key").
///
/// Two exchangeable tokens of one user may share one exchanged token of a bot if their security contexts are equal, and one
/// of an add-in or a back end if their policy contexts are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SecurityContext(pub [u8; 16]);

/// A validated token that a client has sent to be exchanged: one of Entra, or an access token of the connection's own
/// provider. Its signature, issuer, audience, lifetime, scope and user have been checked; only `token_validation` creates
/// this type.
#[derive(Clone, Debug)]
pub struct ExchangeableToken {
    /// The token exactly as it was received. The exchange request sends it as `assertion` or `subject_token`.
    pub raw: Secret,
    /// The user that the token was issued for. For a token of Entra it has the object id and the tenant, to which an
    /// exchange request at Entra goes.
    pub user: UserKey,
    /// The end of the token's lifetime (`exp`).
    pub expires_at: Timestamp,
    /// The digest of how the user signed in, with the client and the session.
    pub security_context: SecurityContext,
    /// The digest of what policies of the issuer look at, whatever client and session the user signed in with.
    pub policy_context: SecurityContext,
    /// The names by which the token shows the user to people.
    pub displayed: Arc<DisplayedNames>,
}

/// The names by which a token shows its user to people. They are no identity: users and administrators change them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DisplayedNames {
    /// The user's name (`name`).
    pub name: Option<String>,
    /// The name with which the user signs in (`preferred_username`).
    pub preferred_username: Option<String>,
}

impl ExchangeableToken {
    /// The SHA-256 hash of the token in hexadecimal digits. It identifies the token without revealing it.
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

/// A token that was obtained for a user and that the bot receives.
#[derive(Clone, Debug)]
pub struct UserToken {
    /// The access token.
    pub access_token: Secret,
    /// The end of the access token's lifetime.
    pub expires_at: Timestamp,
    /// The user that the token was issued for.
    pub user: UserKey,
    /// The digest of how the user had signed in when the token was obtained.
    pub security_context: SecurityContext,
    /// The scopes that the issuer granted, if its response states them.
    pub granted_scope: Option<String>,
    /// The time at which the token was obtained. It distinguishes this token from its successor in the same slot.
    pub obtained_at: Timestamp,
    /// The time at which the first token of this sign-in was obtained. Refreshed tokens keep it, so it names the sign-in that
    /// a bot is told of.
    pub signed_in_at: Timestamp,
    /// The refresh token, with which the access token is renewed without the user. It is stored in the vault and never
    /// leaves the process towards a caller.
    pub refresh_token: Option<Secret>,
    /// The time from which the access token should be refreshed although it is still valid. `None` if it cannot be
    /// refreshed.
    pub refresh_at: Option<Timestamp>,
    /// The ID token of the sign-in, renewed with the access token where the issuer does that. Only apps read it, so it is
    /// kept for them alone.
    pub id_token: Option<IdToken>,
}

/// An ID token that is kept beside the access token of the same user.
#[derive(Clone, Debug)]
pub struct IdToken {
    /// The token as the issuer has returned it.
    pub raw: Secret,
    /// The end of its lifetime (`exp`).
    pub expires_at: Timestamp,
}

impl UserToken {
    /// The same token without its refresh token. Only this form is kept in memory and handed out.
    #[must_use]
    pub fn without_refresh_token(self) -> Self {
        Self { refresh_token: None, ..self }
    }

    /// Whether the lifetime of the access token has ended.
    #[must_use]
    pub fn has_ended(&self, now: Timestamp) -> bool {
        self.expires_at <= now
    }

    /// The ID token, if there is one and its lifetime has not ended.
    #[must_use]
    pub fn unended_id_token(&self, now: Timestamp) -> Option<&IdToken> {
        self.id_token.as_ref().filter(|id_token| id_token.expires_at > now)
    }

    /// Whether the token should be refreshed in the background now.
    #[must_use]
    pub fn is_refresh_due(&self, now: Timestamp) -> bool {
        self.refresh_at.is_some_and(|due| due <= now)
    }
}
