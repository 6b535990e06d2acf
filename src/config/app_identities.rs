use url::Url;

use crate::domain::{AppScope, TenantPolicy};

use super::Configuration;
use super::credentials::CredentialSection;

/// An application that gets tokens of its own: a connection's client, or a bot.
#[derive(Clone, Debug)]
pub struct AppIdentitySection {
    /// Where it is configured: `connections.graph`.
    pub place: String,
    /// The name of its identity provider.
    pub identity_provider: String,
    /// Its client id.
    pub client_id: String,
    /// Its tenant: a GUID, or a domain; none: nothing says which one it could ask in.
    pub tenant: Option<String>,
    /// Where it asks.
    pub token_endpoint: Url,
    /// What for: a connection's client for itself, a bot for the connector.
    pub scope: AppScope,
    /// How it proves itself.
    pub credentials: Vec<CredentialSection>,
}

impl Configuration {
    /// Every application that has credentials. A bot asks in its own tenant, or the cloud's own for multi-tenant bots; a
    /// connection's client in the first that is listed.
    #[must_use]
    pub fn app_identities(&self) -> Vec<AppIdentitySection> {
        self.identities_of_connections().chain(self.identities_of_bots()).collect()
    }

    fn identities_of_connections(&self) -> impl Iterator<Item = AppIdentitySection> {
        self.connections.iter().filter_map(|section| {
            let connection = &section.connection;
            let tenant = match &connection.exchange.tenants {
                TenantPolicy::Listed(tenants) => tenants.first().map(String::as_str),
                TenantPolicy::AnyOrganization => None,
            };
            Some(AppIdentitySection {
                place: format!("connections.{}", section.key),
                token_endpoint: self
                    .token_endpoint(&connection.identity_provider, tenant.unwrap_or("organizations"))?,
                identity_provider: connection.identity_provider.clone(),
                client_id: connection.client_id.clone(),
                tenant: tenant.map(str::to_owned),
                scope: AppScope::configured_for(&connection.client_id),
                credentials: section.credentials.clone(),
            })
        })
    }

    fn identities_of_bots(&self) -> impl Iterator<Item = AppIdentitySection> {
        self.bot_credentials.iter().filter_map(|section| {
            let bot = self.bots.iter().find(|bot| bot.name == section.bot)?;
            let tenant = section.tenant.as_deref().unwrap_or(self.cloud.default_tenant);
            Some(AppIdentitySection {
                place: format!("bots.{}", bot.name.as_str()),
                token_endpoint: self.token_endpoint(&section.identity_provider, tenant)?,
                identity_provider: section.identity_provider.clone(),
                client_id: bot.app_id.clone(),
                tenant: Some(tenant.to_owned()),
                scope: AppScope::configured_for(self.cloud.token_service_audience),
                credentials: section.credentials.clone(),
            })
        })
    }

    /// The template was checked with a GUID in it; a domain of the cloud's is no less of a path segment.
    fn token_endpoint(&self, identity_provider: &str, tenant: &str) -> Option<Url> {
        let provider = self.identity_providers.get(identity_provider)?;
        Url::parse(&provider.token_endpoint.replace("{tenant}", tenant)).ok()
    }
}
