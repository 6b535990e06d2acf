use std::sync::Arc;

use super::renewal::RenewableCredential;
use super::{Ambient, BuildError};
use crate::config::{Configuration, ConnectionSection};
use crate::domain::Connection;
use crate::identity_provider::{
    ClientCredential, Entra, EntraClient, EntraMeans, EntraSettings, IdentityProvider, ProviderRegistry, ThrottleBoard,
};
use crate::outbound::Outbound;

/// A provider for every connection, and what SIGHUP renews of it.
pub(super) fn providers_of(
    config: &Configuration,
    outbound: &Outbound,
    ambient: &Ambient,
) -> Result<(ProviderRegistry, Vec<RenewableCredential>), BuildError> {
    let means = EntraMeans {
        outbound: outbound.clone(),
        clock: ambient.clock.clone(),
        entropy: ambient.entropy.clone(),
        throttle: Arc::new(ThrottleBoard::new(ambient.clock.clone())),
    };
    let mut registry = ProviderRegistry::default();
    let mut credentials = Vec::new();
    for section in &config.connections {
        let connection: &Connection = &section.connection;
        let Some(provider) = config.identity_providers.get(&connection.identity_provider) else { continue };
        let settings =
            EntraSettings { provider: provider.name.clone(), token_endpoint: provider.token_endpoint.clone() };
        let client = EntraClient { client_id: connection.client_id.clone(), credentials: credentials_of(section) };
        let provider = Arc::new(Entra::new(settings, client, means.clone()));
        if connection.token_exchange_uri.is_some() && !provider.capabilities().on_behalf_of {
            return Err(BuildError::Incapable { connection: section.key.clone() });
        }
        if connection.asks_offline_access() && !provider.capabilities().refresh_token {
            return Err(BuildError::CannotRefresh { connection: section.key.clone() });
        }
        registry.register(connection, provider.clone());
        credentials.push(RenewableCredential { key: section.key.clone(), connection: connection.clone(), provider });
    }
    Ok((registry, credentials))
}

/// The credentials that a connection's client proves itself with, in their order.
pub(super) fn credentials_of(section: &ConnectionSection) -> Vec<ClientCredential> {
    vec![ClientCredential::Secret(section.client_secret.clone())]
}
