use url::Url;

use super::facts::StageFacts;
use crate::dev::tenant::{BOT_FRAMEWORK_AUDIENCE, BotEntry};
use crate::domain::Sdk;

/// One line of an environment block.
pub(super) struct Variable {
    pub(super) name: &'static str,
    pub(super) value: String,
}

impl Variable {
    fn new(name: &'static str, value: impl Into<String>) -> Self {
        Self { name, value: value.into() }
    }
}

/// The settings with which a bot that the stage does not run works behind the gateway.
pub(super) struct BotSettings<'a> {
    pub(super) facts: &'a StageFacts,
    pub(super) gateway: &'a str,
    pub(super) bot: &'a BotEntry,
    /// The address at which the bot takes activities.
    pub(super) endpoint: &'a str,
}

impl BotSettings<'_> {
    /// The environment block.
    pub(super) fn variables(&self) -> Vec<Variable> {
        let mut variables: Vec<_> = self.port().into_iter().collect();
        variables.extend(match self.bot.sdk {
            None => self.common(),
            Some(Sdk::BotBuilder | Sdk::TeamsAi) => self.botbuilder(),
            Some(Sdk::BotBuilderPython) => self.botbuilder_python(),
            Some(Sdk::Agents) => self.agents(),
            Some(Sdk::AgentsJs) => self.agents_js(),
            Some(Sdk::Teams) => self.teams(),
        });
        let http = &self.facts.addresses.http_base;
        // Each SDK gets the bot's own tokens as on a machine with a managed identity, so none needs the secret.
        variables.push(Variable::new("IDENTITY_ENDPOINT", format!("{http}/msi/token")));
        variables.push(Variable::new("IDENTITY_HEADER", "any"));
        let connections = &self.facts.directory.connections;
        let connection = connections.iter().find(|connection| connection.bot == self.bot.name);
        if let Some(connection) = connection {
            variables.push(Variable::new("CONNECTION_NAME", connection.name));
            if self.bot.sdk == Some(Sdk::TeamsAi) {
                variables.push(Variable::new("TOKEN_EXCHANGE_URI", connection.token_exchange_uri.clone()));
            }
        }
        variables.push(Variable::new("GRAPH_URL", format!("{http}/graph/v1.0/me")));
        variables
    }

    /// The port on which the bot has to listen. The samples' own default is the gateway's.
    fn port(&self) -> Option<Variable> {
        let port = Url::parse(self.endpoint).ok()?.port_or_known_default()?;
        Some(Variable::new("PORT", port.to_string()))
    }

    fn tenant(&self) -> &'static str {
        self.facts.directory.main_tenant_id()
    }

    fn issuer(&self) -> String {
        self.facts.addresses.channel_issuer()
    }

    fn metadata(&self) -> String {
        format!("{}/channel/v1/.well-known/openidconfiguration", self.facts.addresses.http_base)
    }

    fn login_url(&self) -> String {
        format!("{}/{}", self.facts.addresses.http_base, self.tenant())
    }

    /// What any bot needs to know, under names of our own.
    fn common(&self) -> Vec<Variable> {
        vec![
            Variable::new("BOT_APP_ID", self.bot.app_id),
            Variable::new("BOT_APP_TYPE", "UserAssignedMSI"),
            Variable::new("BOT_APP_SECRET", self.bot.app_secret),
            Variable::new("BOT_TENANT_ID", self.tenant()),
            Variable::new("BOT_TOKEN_ENDPOINT", format!("{}/oauth2/v2.0/token", self.login_url())),
            Variable::new("TOKEN_SERVICE", self.gateway),
            Variable::new("CHANNEL_ISSUER", self.issuer()),
            Variable::new("CHANNEL_OPENID_METADATA", self.metadata()),
        ]
    }

    fn botbuilder(&self) -> Vec<Variable> {
        vec![
            Variable::new("MicrosoftAppId", self.bot.app_id),
            Variable::new("MicrosoftAppType", "UserAssignedMsi"),
            Variable::new("MicrosoftAppTenantId", self.tenant()),
            Variable::new("OAuthUrl", self.gateway),
            Variable::new("ToChannelFromBotLoginUrl", self.login_url()),
            Variable::new("ToChannelFromBotOAuthScope", BOT_FRAMEWORK_AUDIENCE),
            Variable::new("ToBotFromChannelTokenIssuer", self.issuer()),
            Variable::new("ToBotFromChannelOpenIdMetadataUrl", self.metadata()),
            Variable::new("ToBotFromEmulatorOpenIdMetadataUrl", self.metadata()),
            Variable::new("ValidateAuthority", "false"),
            Variable::new("CallerId", "urn:botframework:azure"),
        ]
    }

    fn botbuilder_python(&self) -> Vec<Variable> {
        vec![
            Variable::new("APP_ID", self.bot.app_id),
            Variable::new("APP_TYPE", "UserAssignedMSI"),
            Variable::new("APP_TENANTID", self.tenant()),
            Variable::new("OAUTH_URL", self.gateway),
            Variable::new("TO_CHANNEL_FROM_BOT_LOGIN_URL", self.login_url()),
            Variable::new("TO_CHANNEL_FROM_BOT_OAUTH_SCOPE", BOT_FRAMEWORK_AUDIENCE),
            Variable::new("TO_BOT_FROM_CHANNEL_TOKEN_ISSUER", self.issuer()),
            Variable::new("TO_BOT_FROM_CHANNEL_OPENID_METADATA_URL", self.metadata()),
            Variable::new("TO_BOT_FROM_EMULATOR_OPENID_METADATA_URL", self.metadata()),
            Variable::new("CALLER_ID", "urn:botframework:azure"),
        ]
    }

    fn agents(&self) -> Vec<Variable> {
        vec![
            Variable::new("CONNECTIONS__SERVICE_CONNECTION__SETTINGS__AUTHTYPE", "UserManagedIdentity"),
            Variable::new("CONNECTIONS__SERVICE_CONNECTION__SETTINGS__CLIENTID", self.bot.app_id),
            Variable::new("CONNECTIONS__SERVICE_CONNECTION__SETTINGS__TENANTID", self.tenant()),
            Variable::new("TOKEN_SERVICE_ENDPOINT", self.gateway),
        ]
    }

    fn agents_js(&self) -> Vec<Variable> {
        vec![
            Variable::new("clientId", self.bot.app_id),
            Variable::new("tenantId", self.tenant()),
            Variable::new("authType", "UserManagedIdentity"),
            Variable::new("TOKEN_SERVICE_ENDPOINT", self.gateway),
            // Below this address the SDK looks for the keys of the bot's callers.
            Variable::new("authorityEndpoint", format!("{}/channel/v1", self.facts.addresses.http_base)),
        ]
    }

    fn teams(&self) -> Vec<Variable> {
        vec![
            Variable::new("CLIENT_ID", self.bot.app_id),
            Variable::new("TENANT_ID", self.tenant()),
            Variable::new("OAUTH_URL", self.gateway),
            Variable::new("ToBotFromChannelTokenIssuer", self.issuer()),
            Variable::new("ToBotFromChannelOpenIdMetadataUrl", self.metadata()),
        ]
    }
}
