use std::collections::HashMap;
use std::sync::Arc;

use crate::domain::{ConfiguredMap, Connection, ExchangeableToken, Secret, StatedClaims, SubjectIssuer};
use crate::token_validation::{self, ExchangeableTokenValidator, ProviderTokenValidator, read_unverified_audiences};

use super::outcome::{Reason, Refusal};

/// The audiences of tokens for Microsoft Graph: its app id, and its address in each cloud (docs/protocols/entra-obo.md §2).
const GRAPH_APP_ID: &str = "00000003-0000-0000-c000-000000000000";
const GRAPH_ADDRESSES: [&str; 4] = [
    "https://graph.microsoft.com",
    "https://graph.microsoft.us",
    "https://dod-graph.microsoft.us",
    "https://microsoftgraph.chinacloudapi.cn",
];

/// Validates exchangeable tokens by the rules of the issuer whose tokens their connection exchanges.
pub struct TokenValidators {
    entra: ConfiguredMap<String, ExchangeableTokenValidator>,
    others: ConfiguredMap<String, ProviderTokenValidator>,
}

impl TokenValidators {
    /// One validator for each identity provider of kind `entra`, and for each of the `others`, keyed by the provider's name
    /// in the configuration.
    #[must_use]
    pub fn new(
        entra: HashMap<String, ExchangeableTokenValidator>,
        others: HashMap<String, ProviderTokenValidator>,
    ) -> Self {
        Self { entra: entra.into_iter().collect(), others: others.into_iter().collect() }
    }

    /// Proves that `raw` is an exchangeable token for `connection`: signature, issuer, audience, lifetime, scope, user.
    ///
    /// # Errors
    /// A [`Refusal`] that names the check that failed.
    pub async fn validate(&self, connection: &Connection, raw: &Secret) -> Result<ExchangeableToken, Refusal> {
        let policy = &connection.exchange;
        match &policy.subject {
            Some(SubjectIssuer::Entra { identity_provider }) => {
                let validator = self.entra.get(identity_provider).ok_or_else(exchanges_nothing)?;
                validator.validate(raw, policy).await.map_err(|error| {
                    let explanation = validator.explain(raw, policy, &error);
                    Refusal::of_token(&error, explanation)
                })
            }
            Some(SubjectIssuer::Own { .. }) => {
                let validator = self.others.get(&connection.identity_provider).ok_or_else(exchanges_nothing)?;
                validator.validate(raw, policy).await.map_err(|error| {
                    let explanation = validator.explain(raw, policy, &error);
                    Refusal::of_token(&error, explanation)
                })
            }
            None => Err(exchanges_nothing()),
        }
    }

    /// The connections among `connections` that a token with an audience of `raw` may be meant for. The audiences are not
    /// verified yet.
    pub fn find_by_audience<'c>(
        &self,
        connections: &'c [Arc<Connection>],
        raw: &str,
    ) -> impl Iterator<Item = &'c Arc<Connection>> {
        let audiences = read_unverified_audiences(raw);
        connections.iter().filter(move |connection| {
            let accepts = |audience: &String| connection.exchange.may_accept(audience);
            connection.exchange.subject.is_some() && audiences.iter().any(accepts)
        })
    }
}

fn exchanges_nothing() -> Refusal {
    Refusal::local(Reason::Misconfigured, "the connection's identity provider issues no exchangeable tokens")
}

/// What `token`, which was validated here, says of itself. `None` if it is no JWT, or lacks a claim that every token has.
#[must_use]
pub fn read_stated_claims(token: &ExchangeableToken) -> Option<StatedClaims> {
    token_validation::read_stated_claims(token)
}

/// Whether `raw`, which has been refused, names Microsoft Graph as its audience: a mistake that its sender can mend by
/// requesting another scope. The audience is not verified.
#[must_use]
pub fn is_for_microsoft_graph(raw: &Secret) -> bool {
    read_unverified_audiences(raw.expose()).iter().any(|audience| {
        let address = audience.strip_suffix('/').unwrap_or(audience);
        audience.eq_ignore_ascii_case(GRAPH_APP_ID)
            || GRAPH_ADDRESSES.iter().any(|known| address.eq_ignore_ascii_case(known))
    })
}
