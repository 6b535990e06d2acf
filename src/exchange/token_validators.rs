use std::collections::HashMap;
use std::sync::Arc;

use crate::domain::{Connection, ExchangeableToken, Secret, StatedClaims};
use crate::token_validation::{self, ExchangeableTokenValidator, read_unverified_audience};

use super::outcome::{Reason, Refusal};

/// Validates exchangeable tokens by the rules of their connection's identity provider.
pub struct TokenValidators {
    by_provider: HashMap<String, ExchangeableTokenValidator>,
}

impl TokenValidators {
    /// One validator for each identity provider, keyed by the provider's name in the configuration.
    #[must_use]
    pub fn new(by_provider: HashMap<String, ExchangeableTokenValidator>) -> Self {
        Self { by_provider }
    }

    /// Proves that `raw` is an exchangeable token for `connection`: signature, issuer, audience, lifetime, scope, user.
    ///
    /// # Errors
    /// A [`Refusal`] that names the check that failed.
    pub async fn validate(&self, connection: &Connection, raw: &Secret) -> Result<ExchangeableToken, Refusal> {
        let validator = self.by_provider.get(&connection.identity_provider).ok_or_else(|| {
            Refusal::local(Reason::Misconfigured, "the connection's identity provider issues no exchangeable tokens")
        })?;
        validator.validate(raw, &connection.exchange).await.map_err(|error| {
            let explanation = validator.explain(raw, &connection.exchange, &error);
            Refusal::of_token(&error, explanation)
        })
    }

    /// The connections among `connections` that a token with the audience of `raw` may be meant for. The audience is not
    /// verified yet.
    pub fn find_by_audience<'c>(
        &self,
        connections: &'c [Arc<Connection>],
        raw: &str,
    ) -> impl Iterator<Item = &'c Arc<Connection>> {
        let audience = read_unverified_audience(raw);
        connections.iter().filter(move |connection| {
            let exchanges = self.by_provider.contains_key(&connection.identity_provider);
            exchanges && audience.as_deref().is_some_and(|audience| connection.exchange.may_accept(audience))
        })
    }
}

/// What `token`, which was validated here, says of itself. `None` if it is no JWT, or lacks a claim that every token has.
#[must_use]
pub fn read_stated_claims(token: &ExchangeableToken) -> Option<StatedClaims> {
    token_validation::read_stated_claims(token)
}
