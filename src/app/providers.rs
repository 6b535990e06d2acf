use std::sync::Arc;

use super::credentials::Credentials;
use super::renewal::RenewableCredential;
use super::{Ambient, BuildError};
use crate::config::Configuration;
use crate::domain::Connection;
use crate::identity_provider::{
    Entra, EntraClient, EntraMeans, EntraSettings, IdentityProvider, ProviderRegistry, ThrottleBoard,
};
use crate::outbound::Outbound;

/// What every conversation with a token endpoint works with.
pub(super) fn means_of(outbound: &Outbound, ambient: &Ambient) -> EntraMeans {
    EntraMeans {
        outbound: outbound.clone(),
        clock: ambient.clock.clone(),
        entropy: ambient.entropy.clone(),
        throttle: Arc::new(ThrottleBoard::new(ambient.clock.clone())),
    }
}

/// A provider for every connection, and what SIGHUP renews of it.
pub(super) fn providers_of(
    config: &Configuration,
    outbound: &Outbound,
    ambient: &Ambient,
) -> Result<(ProviderRegistry, Vec<RenewableCredential>), BuildError> {
    let means = means_of(outbound, ambient);
    let mut credentials = Credentials::new(ambient.clock.clone(), config.outbound.connect_timeout);
    let mut registry = ProviderRegistry::default();
    let mut renewable = Vec::new();
    for section in &config.connections {
        let connection: &Connection = &section.connection;
        let Some(provider) = config.identity_providers.get(&connection.identity_provider) else { continue };
        let settings = EntraSettings {
            provider: provider.name.clone(),
            token_endpoint: provider.token_endpoint.clone(),
            authorization_endpoint: provider.authorization_endpoint.clone(),
            issuer: provider.issuer.clone(),
        };
        let client =
            EntraClient { client_id: connection.client_id.clone(), credentials: credentials.of(&section.credentials)? };
        let token_endpoint = provider.token_endpoint.clone();
        let provider = Arc::new(Entra::new(settings, client, means.clone()));
        if connection.token_exchange_uri.is_some() && !provider.capabilities().on_behalf_of {
            return Err(BuildError::Incapable { connection: section.key.clone() });
        }
        if connection.asks_offline_access() && !provider.capabilities().refresh_token {
            return Err(BuildError::CannotRefresh { connection: section.key.clone() });
        }
        registry.register(connection, provider.clone());
        let (key, connection) = (section.key.clone(), connection.clone());
        renewable.push(RenewableCredential { key, connection, token_endpoint, provider });
    }
    Ok((registry, renewable))
}
