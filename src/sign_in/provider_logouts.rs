use std::collections::HashMap;

use super::provider_sessions::ProviderSessions;
use crate::domain::{Secret, Timestamp, UserKey};
use crate::records::RecordError;
use crate::token_validation::{LogoutTokenError, LogoutTokenValidator};

/// Reads the logout tokens by which identity providers say that they have signed persons out.
pub struct ProviderLogouts {
    by_provider: HashMap<String, LogoutTokenValidator>,
    sessions: ProviderSessions,
}

/// A sign-out at an identity provider.
#[derive(Clone, Debug)]
pub struct ProviderLogout {
    /// The person; `None` if the token names a session alone, and no sign-in here was by that session.
    pub user: Option<UserKey>,
    /// The issuer of the logout token.
    pub issuer: String,
    /// `jti` of the logout token, unique among those of the issuer.
    pub token_id: String,
    /// When the logout token is refused because of its age.
    pub ends_at: Timestamp,
}

/// Why a logout token has no effect.
#[derive(Debug, thiserror::Error)]
pub enum ProviderLogoutError {
    /// No identity provider of this name sends logout tokens.
    #[error("there is no such identity provider")]
    UnknownProvider,
    /// The token is not accepted.
    #[error("the logout token is rejected: {check}")]
    Rejected {
        /// The check that failed.
        check: &'static str,
    },
    /// The token cannot be checked now.
    #[error("the issuer's keys are unavailable")]
    KeysUnavailable,
    /// The token names a key that is not known: it is new, or made up.
    #[error("the key of the logout token is not known yet")]
    KeyNotKnownYet,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] RecordError),
}

impl From<LogoutTokenError> for ProviderLogoutError {
    fn from(error: LogoutTokenError) -> Self {
        match error {
            LogoutTokenError::Rejected { check } => Self::Rejected { check },
            LogoutTokenError::KeysUnavailable => Self::KeysUnavailable,
            LogoutTokenError::KeyNotKnownYet => Self::KeyNotKnownYet,
        }
    }
}

impl ProviderLogouts {
    /// Validates tokens by the validator of each identity provider, keyed by its name in the configuration; `sessions` knows whose
    /// sessions the tokens name.
    #[must_use]
    pub fn new(by_provider: HashMap<String, LogoutTokenValidator>, sessions: ProviderSessions) -> Self {
        Self { by_provider, sessions }
    }

    /// Validates the logout token `raw` of the identity provider with the name `provider`, and finds the person. A token that names a
    /// person and a session is about the person.
    ///
    /// # Errors
    /// [`ProviderLogoutError`].
    pub async fn read(&self, provider: &str, raw: &Secret) -> Result<ProviderLogout, ProviderLogoutError> {
        let validator = self.by_provider.get(provider).ok_or(ProviderLogoutError::UnknownProvider)?;
        let token = validator.validate(raw).await?;
        let user = match (token.user, &token.session_id) {
            (Some(user), _) => Some(user),
            (None, Some(session_id)) => self.sessions.find(&token.issuer, session_id).await?,
            (None, None) => None,
        };
        Ok(ProviderLogout { user, issuer: token.issuer, token_id: token.token_id, ends_at: token.ends_at })
    }
}
