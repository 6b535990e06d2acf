use std::collections::HashMap;
use std::sync::Arc;

use super::BuildError;
use super::credentials::{CredentialBuilder, CredentialHolder, RenewableCredential, ReplaceCredentials};
use super::directory_provider::{DirectoryProvider, ProviderParts};
use crate::config::{
    ClientAuthentication, Configuration, ConnectionSection, EntraSection, ExchangeGrant, KeySource, OpenIdOptions,
    OpenIdSection, TokenExchangeOptions,
};
use crate::domain::{BackEndName, Bot, BotName, ClockAndEntropy, Connection, HolderName, ProviderKind};
use crate::identity_provider::{
    AppClient, AppSettings, Discovery, DiscoverySettings, Entra, EntraSettings, Generic, GenericSettings,
    IdentityProvider, ProviderRegistry, RedeemingClient, SecretMethod, ThrottleBoard, TokenClientParts,
    TokenExchangeSettings, UserTokenGrant,
};
use crate::observability::{Metrics, ProviderMetrics};
use crate::outbound::Outbound;

/// Collects what every client of a token endpoint needs.
pub(super) fn token_client_parts(
    outbound: &Outbound,
    ambient: &ClockAndEntropy,
    throttle: ThrottleBoard,
    metrics: ProviderMetrics,
) -> TokenClientParts {
    TokenClientParts {
        outbound: outbound.clone(),
        clock: ambient.clock.clone(),
        entropy: ambient.entropy.clone(),
        throttle: Arc::new(throttle),
        metrics,
    }
}

/// The identity providers, and what SIGHUP needs to renew their credentials.
pub(super) struct BuiltProviders {
    pub(super) registry: ProviderRegistry,
    pub(super) renewable: Vec<RenewableCredential>,
    /// The clients of the bots that call skills and have credentials.
    pub(super) parents: HashMap<BotName, Arc<AppClient>>,
    /// The clients of the back ends that get tokens as themselves.
    pub(super) back_ends: HashMap<BackEndName, Arc<AppClient>>,
}

/// What identity providers are reached by.
pub(super) struct ProviderSources<'a> {
    pub(super) outbound: &'a Outbound,
    pub(super) ambient: &'a ClockAndEntropy,
    /// `None` if the configuration has no directory.
    pub(super) directories: Option<&'a ProviderParts>,
}

/// Builds the identity provider of every connection, and collects the credentials that SIGHUP reloads. Credentials that
/// `credentials` has built before share what the first ones have read and fetched.
pub(super) fn build_providers(
    config: &Configuration,
    sources: &ProviderSources<'_>,
    throttle: ThrottleBoard,
    metrics: &Metrics,
    credentials: &mut CredentialBuilder,
) -> Result<BuiltProviders, BuildError> {
    let ProviderSources { outbound, ambient, directories } = *sources;
    let parts = token_client_parts(outbound, ambient, throttle, metrics.providers().clone());
    let discoveries = build_discoveries(config, outbound, ambient);
    let mut registry = ProviderRegistry::default();
    let mut renewable = Vec::new();
    for section in &config.connections {
        let connection: &Connection = &section.connection;
        let name = &connection.identity_provider;
        if connection.provider_kind == ProviderKind::Directory {
            if let Some(provider) = build_directory(config, section, directories) {
                registry.register(connection, provider);
            }
            continue;
        }
        let client = RedeemingClient {
            client_id: connection.client_id.clone(),
            credentials: credentials.build_all(&section.credentials)?,
        };
        let provider = match (config.identity_providers.get(name), discoveries.get(name)) {
            (Some(entra), _) => build_entra(entra, client, &parts),
            (None, Some(discovery)) => build_generic(discovery, &section.openid, client, &parts),
            (None, None) => continue,
        };
        let (provider, replace) = provider;
        if connection.token_exchange_uri.is_some() && !provider.capabilities().on_behalf_of {
            return Err(BuildError::Incapable { place: section.place() });
        }
        if connection.keeps_refresh_token() && !provider.capabilities().refresh_token {
            return Err(BuildError::CannotRefresh { place: section.place() });
        }
        registry.register(connection, provider);
        let (place, goes_to) = (section.place(), config.find_credentials_destination(name));
        let holder = CredentialHolder::Connection { place, connection: Box::new(connection.clone()) };
        renewable.push(RenewableCredential { holder, goes_to, replace });
    }
    let mut built = BuiltProviders { registry, renewable, parents: HashMap::new(), back_ends: HashMap::new() };
    built.add_parents(config, &parts, credentials)?;
    built.add_back_ends(config, &parts, credentials)?;
    Ok(built)
}

impl BuiltProviders {
    /// Builds the clients with which the bots that call skills get their own app tokens.
    fn add_parents(
        &mut self,
        config: &Configuration,
        parts: &TokenClientParts,
        credentials: &mut CredentialBuilder,
    ) -> Result<(), BuildError> {
        let identities = config.app_identities();
        let calls_skills = |bot: &&Bot| config.skills.iter().any(|skill| skill.has_parent(&bot.name));
        for bot in config.bots.iter().filter(calls_skills) {
            let place = format!("bots.{}", bot.name);
            let Some(identity) = identities.iter().find(|identity| identity.place == place) else { continue };
            let Some(tenant) = identity.tenant.clone() else { continue };
            let settings = AppSettings {
                provider: identity.identity_provider.clone(),
                token_endpoint: identity.token_endpoint.clone(),
                tenant,
            };
            let client = RedeemingClient {
                client_id: identity.client_id.clone(),
                credentials: credentials.build_all(&identity.credentials)?,
            };
            let client = Arc::new(AppClient::new(settings, client, parts.clone()));
            self.parents.insert(bot.name.clone(), client.clone());
            self.renewable.push(RenewableCredential {
                holder: CredentialHolder::Bot { place, app_id: identity.client_id.clone() },
                goes_to: Some(identity.token_endpoint.to_string()),
                replace: Box::new(move |renewed| client.replace_credentials(renewed)),
            });
        }
        Ok(())
    }
}

impl BuiltProviders {
    /// Builds the clients with which back ends get tokens as themselves. Such a client is that of the back end's connection,
    /// and has its credentials.
    fn add_back_ends(
        &mut self,
        config: &Configuration,
        parts: &TokenClientParts,
        credentials: &mut CredentialBuilder,
    ) -> Result<(), BuildError> {
        for section in &config.back_ends {
            let Some(identity) = &section.app_client else { continue };
            let Some(tenant) = identity.tenant.clone() else { continue };
            let holder = HolderName::from(&section.back_end.name);
            let Some(connection) = config.connections.iter().find(|it| it.connection.holder == holder) else {
                continue;
            };
            let settings = AppSettings {
                provider: identity.identity_provider.clone(),
                token_endpoint: identity.token_endpoint.clone(),
                tenant,
            };
            let client = RedeemingClient {
                client_id: identity.client_id.clone(),
                credentials: credentials.build_all(&identity.credentials)?,
            };
            let client = Arc::new(AppClient::new(settings, client, parts.clone()));
            self.back_ends.insert(section.back_end.name.clone(), client.clone());
            self.renewable.push(RenewableCredential {
                holder: CredentialHolder::Connection {
                    place: connection.place(),
                    connection: Box::new(connection.connection.clone()),
                },
                goes_to: config.find_credentials_destination(&identity.identity_provider),
                replace: Box::new(move |renewed| client.replace_credentials(renewed)),
            });
        }
        Ok(())
    }
}

/// Builds the provider of `section`, whose users are those of a directory.
fn build_directory(
    config: &Configuration,
    section: &ConnectionSection,
    parts: Option<&ProviderParts>,
) -> Option<Arc<dyn IdentityProvider>> {
    let mut directories = config.directories.iter().map(|section| &section.directory);
    let directory = directories.find(|directory| directory.name == section.connection.identity_provider)?;
    Some(Arc::new(DirectoryProvider::new(parts?.clone(), directory, section.openid.prompt.as_deref())))
}

type Provider = (Arc<dyn IdentityProvider>, ReplaceCredentials);

fn build_entra(section: &EntraSection, client: RedeemingClient, parts: &TokenClientParts) -> Provider {
    let settings = EntraSettings {
        provider: section.name.clone(),
        token_endpoint: section.token_endpoint.clone(),
        authorization_endpoint: section.authorization_endpoint.clone(),
        issuer: section.issuer.clone(),
    };
    let provider = Arc::new(Entra::new(settings, client, parts.clone()));
    (provider.clone(), Box::new(move |renewed| provider.replace_credentials(renewed)))
}

fn build_generic(
    discovery: &Arc<Discovery>,
    options: &OpenIdOptions,
    client: RedeemingClient,
    parts: &TokenClientParts,
) -> Provider {
    let settings = GenericSettings {
        authorize_params: options.authorize_params.clone(),
        prompt: options.prompt.clone(),
        secret_method: match options.client_auth {
            Some(ClientAuthentication::ClientSecretBasic) => Some(SecretMethod::Basic),
            Some(ClientAuthentication::ClientSecretPost) => Some(SecretMethod::Post),
            Some(ClientAuthentication::PrivateKeyJwt) | None => None,
        },
        token_exchange: options.token_exchange.clone().map(build_token_exchange),
    };
    let provider = Arc::new(Generic::new(discovery.clone(), settings, client, parts.clone()));
    (provider.clone(), Box::new(move |renewed| provider.replace_credentials(renewed)))
}

fn build_token_exchange(options: TokenExchangeOptions) -> TokenExchangeSettings {
    TokenExchangeSettings {
        grant: match options.grant {
            ExchangeGrant::TokenExchange => UserTokenGrant::TokenExchange,
            ExchangeGrant::JwtBearer => UserTokenGrant::JwtBearer,
        },
        is_of_entra: options.is_of_entra,
        subject_token_type: options.subject_token_type,
        requested_token_type: options.requested_token_type,
        audience: options.audience,
        resource: options.resource,
        parameters: options.parameters,
    }
}

/// Builds the provider of `section`, a connection of kind `oidc`, for `client` alone.
pub(super) fn build_openid_client(
    discovery: &Arc<Discovery>,
    section: &ConnectionSection,
    client: RedeemingClient,
    parts: &TokenClientParts,
) -> Arc<dyn IdentityProvider> {
    build_generic(discovery, &section.openid, client, parts).0
}

/// Builds one discovery for each provider, however many connections use it.
pub(super) fn build_discoveries(
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
            userinfo_endpoint: section.userinfo_endpoint.clone(),
            revocation_endpoint: section.revocation_endpoint.clone(),
            has_key_set: matches!(section.keys, KeySource::Jwks(_)),
        };
        Discovery::new(settings, outbound.clone(), ambient.clock.clone())
    };
    config.openid_providers.iter().map(|(name, section)| (name.clone(), discovery(section))).collect()
}
