use std::collections::HashMap;
use std::sync::Arc;

use super::BuildError;
use super::credentials::Credentials;
use super::renewal::{RenewableCredential, ReplaceCredentials};
use crate::config::{Configuration, EntraSection, OpenIdSection};
use crate::domain::{ClockAndEntropy, Connection};
use crate::identity_provider::{
    Discovery, DiscoverySettings, Entra, EntraSettings, Generic, IdentityProvider, ProviderRegistry, RedeemingClient,
    ThrottleBoard, TokenClientParts,
};
use crate::outbound::Outbound;

/// What every conversation with a token endpoint works with.
pub(super) fn token_client_parts(
    outbound: &Outbound,
    ambient: &ClockAndEntropy,
    throttle: ThrottleBoard,
) -> TokenClientParts {
    TokenClientParts {
        outbound: outbound.clone(),
        clock: ambient.clock.clone(),
        entropy: ambient.entropy.clone(),
        throttle: Arc::new(throttle),
    }
}

/// A provider for every connection, and what SIGHUP renews of it.
pub(super) fn providers_of(
    config: &Configuration,
    outbound: &Outbound,
    ambient: &ClockAndEntropy,
    throttle: ThrottleBoard,
) -> Result<(ProviderRegistry, Vec<RenewableCredential>), BuildError> {
    let means = token_client_parts(outbound, ambient, throttle);
    let discoveries = discoveries_of(config, outbound, ambient);
    let mut credentials = Credentials::new(ambient.clock.clone(), config.outbound.connect_timeout);
    let mut registry = ProviderRegistry::default();
    let mut renewable = Vec::new();
    for section in &config.connections {
        let connection: &Connection = &section.connection;
        let name = &connection.identity_provider;
        let client = RedeemingClient {
            client_id: connection.client_id.clone(),
            credentials: credentials.of(&section.credentials)?,
        };
        let provider = match (config.identity_providers.get(name), discoveries.get(name)) {
            (Some(entra), _) => of_entra(entra, client, &means),
            (None, Some(discovery)) => generic(discovery, client, &means),
            (None, None) => continue,
        };
        let (provider, replace) = provider;
        if connection.token_exchange_uri.is_some() && !provider.capabilities().on_behalf_of {
            return Err(BuildError::Incapable { connection: section.key.clone() });
        }
        if connection.asks_offline_access() && !provider.capabilities().refresh_token {
            return Err(BuildError::CannotRefresh { connection: section.key.clone() });
        }
        registry.register(connection, provider);
        let (key, goes_to) = (section.key.clone(), config.find_credentials_destination(name));
        renewable.push(RenewableCredential { key, connection: connection.clone(), goes_to, replace });
    }
    Ok((registry, renewable))
}

type Provider = (Arc<dyn IdentityProvider>, ReplaceCredentials);

fn of_entra(section: &EntraSection, client: RedeemingClient, means: &TokenClientParts) -> Provider {
    let settings = EntraSettings {
        provider: section.name.clone(),
        token_endpoint: section.token_endpoint.clone(),
        authorization_endpoint: section.authorization_endpoint.clone(),
        issuer: section.issuer.clone(),
    };
    let provider = Arc::new(Entra::new(settings, client, means.clone()));
    (provider.clone(), Box::new(move |renewed| provider.replace_credentials(renewed)))
}

fn generic(discovery: &Arc<Discovery>, client: RedeemingClient, means: &TokenClientParts) -> Provider {
    let provider = Arc::new(Generic::new(discovery.clone(), client, means.clone()));
    (provider.clone(), Box::new(move |renewed| provider.replace_credentials(renewed)))
}

/// One a provider, whatever number of connections it serves.
fn discoveries_of(
    config: &Configuration,
    outbound: &Outbound,
    ambient: &ClockAndEntropy,
) -> HashMap<String, Arc<Discovery>> {
    let discovery = |section: &OpenIdSection| {
        let settings = DiscoverySettings {
            provider: section.name.clone(),
            issuer: section.issuer.clone(),
            metadata_url: section.metadata_url.clone(),
            authorization_endpoint: section.authorization_endpoint.clone(),
            token_endpoint: section.token_endpoint.clone(),
        };
        Discovery::new(settings, outbound.clone(), ambient.clock.clone())
    };
    config.openid_providers.iter().map(|(name, section)| (name.clone(), discovery(section))).collect()
}
