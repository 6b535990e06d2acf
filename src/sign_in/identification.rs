use std::collections::HashMap;

use crate::domain::{Connection, Secret};
use crate::token_validation::{IdTokenError, IdTokenValidator, IdentifiedUser};

/// Says who signed in in a browser, by the rules of the connection's identity provider.
pub struct IdTokenValidators {
    by_provider: HashMap<String, IdTokenValidator>,
}

/// Why nobody was identified.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentificationError {
    /// The ID token proves nothing, or nothing can be said about it.
    #[error(transparent)]
    Token(#[from] IdTokenError),
    /// Nobody's ID tokens are believed for this connection.
    #[error("the connection's identity provider issues no ID tokens")]
    NoIssuer,
}

impl IdTokenValidators {
    /// One validator an identity provider, by the provider's name in configuration.
    #[must_use]
    pub fn new(by_provider: HashMap<String, IdTokenValidator>) -> Self {
        Self { by_provider }
    }

    /// Proves that `raw` was issued to the connection's client for the sign-in that `nonce` was made for, and that the
    /// connection takes users of that tenant.
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
        Ok(validator.validate(raw, &connection.client_id, nonce, &connection.exchange.tenants).await?)
    }
}
