use std::collections::HashMap;

use crate::domain::{Connection, Secret, UserKey};
use crate::token_validation::{CheckExplanation, IdTokenError, IdTokenValidator, IdentifiedUser};

/// Identifies the user of a browser sign-in from the ID token, by the rules of the connection's identity provider.
pub struct IdTokenValidators {
    by_provider: HashMap<String, IdTokenValidator>,
}

/// Why no user was identified.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentificationError {
    /// The ID token failed validation, or it could not be validated.
    #[error("{error}")]
    Token {
        /// The check that failed.
        error: IdTokenError,
        /// What the operator's log says about it.
        explanation: Box<CheckExplanation>,
    },
    /// The connection has no issuer of ID tokens.
    #[error("the connection's identity provider issues no ID tokens")]
    NoIssuer,
}

impl IdTokenValidators {
    /// One validator for each identity provider, keyed by the provider's name in the configuration.
    #[must_use]
    pub fn new(by_provider: HashMap<String, IdTokenValidator>) -> Self {
        Self { by_provider }
    }

    /// The user that `raw` names, without any verification; see [`IdTokenValidator::presume_user`].
    #[must_use]
    pub fn presume_user(&self, connection: &Connection, raw: &Secret) -> Option<UserKey> {
        self.by_provider.get(&connection.identity_provider)?.presume_user(raw)
    }

    /// Validates that `raw` was issued to the connection's client for the sign-in that `nonce` was drawn for, and that
    /// the connection admits users of that tenant.
    ///
    /// # Errors
    /// [`IdentificationError`] names the check that failed.
    pub async fn validate(
        &self,
        connection: &Connection,
        raw: &Secret,
        nonce: &Secret,
    ) -> Result<IdentifiedUser, IdentificationError> {
        let validator = self.by_provider.get(&connection.identity_provider).ok_or(IdentificationError::NoIssuer)?;
        let tenants = &connection.exchange.tenants;
        validator.validate(raw, &connection.client_id, nonce, tenants).await.map_err(|error| {
            let explanation = Box::new(validator.explain(raw, &connection.client_id, tenants, &error));
            IdentificationError::Token { error, explanation }
        })
    }
}
