use serde::Deserialize;

/// The Microsoft cloud whose addresses are the defaults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::config) enum Cloud {
    #[default]
    Public,
    UsGov,
    China,
}

/// A cloud's addresses and names (docs/protocols/bot-auth-and-skills.md §1.1, docs/protocols/entra-obo.md §1 rule 9).
#[derive(Debug)]
pub(in crate::config) struct CloudDefaults {
    /// The issuer of the channels' tokens.
    pub(in crate::config) channel_issuer: &'static str,
    /// The metadata document that names the channels' key set.
    pub(in crate::config) channel_metadata: &'static str,
    /// The login host.
    pub(in crate::config) authority: &'static str,
    /// The issuer of v1.0 tokens.
    pub(in crate::config) v1_issuer: &'static str,
    /// The audience of the token with which a bot calls the connector and the Token Service.
    pub(in crate::config) token_service_audience: &'static str,
    /// The Bot Framework's own tenant, which issues the tokens of bots that are registered as multi-tenant.
    pub(in crate::config) bot_framework_tenant: &'static str,
    /// The tenant in which multi-tenant bots request their tokens: a domain of the Bot Framework's own tenant.
    pub(in crate::config) default_tenant: &'static str,
    /// The audience that federated credentials require of a token (docs/protocols/entra-obo.md §2).
    pub(in crate::config) token_exchange_audience: &'static str,
    /// The `callerId` that bots receive for calls of channels; China has none
    /// (docs/protocols/bot-auth-and-skills.md §1.1).
    pub(in crate::config) caller_id: Option<&'static str>,
    /// The tenants, besides the bot's own, that issue tokens of the Bot Framework Emulator
    /// (docs/protocols/bot-auth-and-skills.md §1.1).
    pub(in crate::config) emulator_tenants: &'static [&'static str],
    /// The app ids of the Agent 365 platforms that write to agents (docs/protocols/agent-identity.md §4).
    pub(in crate::config) agent_platforms: &'static [&'static str],
    /// The audiences, besides the platforms, of the tokens with which agents call (docs/protocols/agent-identity.md §5).
    pub(in crate::config) agent_audiences: &'static [&'static str],
    /// Microsoft Graph, to which scopes without a resource belong.
    pub(in crate::config) graph: &'static str,
    /// The origins of the cloud's Teams clients, as sources of a content security policy
    /// (docs/protocols/bot-auth-and-skills.md §1.1).
    pub(in crate::config) teams_origins: &'static [&'static str],
}

/// The emulator's tenant since version 3.2 of the protocol.
const EMULATOR_TENANT: &str = "f8cdef31-a31e-4b4a-93e4-5f571e91255a";

impl Cloud {
    pub(in crate::config) fn defaults(self) -> &'static CloudDefaults {
        match self {
            Self::Public => &CloudDefaults {
                channel_issuer: "https://api.botframework.com",
                channel_metadata: "https://login.botframework.com/v1/.well-known/openidconfiguration",
                authority: "https://login.microsoftonline.com",
                v1_issuer: "https://sts.windows.net/{tenantid}/",
                token_service_audience: "https://api.botframework.com",
                bot_framework_tenant: "d6d49420-f39b-4df7-a1dc-d59a935871db",
                default_tenant: "botframework.com",
                token_exchange_audience: "api://AzureADTokenExchange",
                caller_id: Some("urn:botframework:azure"),
                emulator_tenants: &["d6d49420-f39b-4df7-a1dc-d59a935871db", EMULATOR_TENANT],
                // The platform of the commercial cloud, and that of the government community cloud (GCC), which has the same login.
                agent_platforms: &["5a807f24-c9de-44ee-a3a7-329e88a00ffc", "c9475445-9789-4fef-9ec5-cde4a9bcd446"],
                agent_audiences: &["https://botapi.skype.com"],
                graph: "https://graph.microsoft.com",
                teams_origins: &[
                    "https://teams.microsoft.com",
                    "https://*.teams.microsoft.com",
                    "https://*.cloud.microsoft",
                ],
            },
            Self::UsGov => &CloudDefaults {
                channel_issuer: "https://api.botframework.us",
                channel_metadata: "https://login.botframework.azure.us/v1/.well-known/openidconfiguration",
                authority: "https://login.microsoftonline.us",
                v1_issuer: "https://sts.windows.net/{tenantid}/",
                token_service_audience: "https://api.botframework.us",
                bot_framework_tenant: "cab8a31a-1906-4287-a0d8-4eef66b95f6e",
                default_tenant: "MicrosoftServices.onmicrosoft.us",
                token_exchange_audience: "api://AzureADTokenExchangeUSGov",
                caller_id: Some("urn:botframework:azureusgov"),
                emulator_tenants: &["cab8a31a-1906-4287-a0d8-4eef66b95f6e", EMULATOR_TENANT],
                // That of GCC High, and that of the Department of Defense.
                agent_platforms: &["6f669b9e-7701-4e2b-b624-82c9207fde26", "0a069c81-8c7c-4712-886b-9c542d673ffb"],
                agent_audiences: &[],
                graph: "https://graph.microsoft.us",
                teams_origins: &["https://teams.microsoft.us", "https://*.teams.microsoft.us"],
            },
            Self::China => &CloudDefaults {
                channel_issuer: "https://api.botframework.azure.cn",
                channel_metadata: "https://login.botframework.azure.cn/v1/.well-known/openidconfiguration",
                authority: "https://login.partner.microsoftonline.cn",
                v1_issuer: "https://sts.chinacloudapi.cn/{tenantid}/",
                token_service_audience: "https://api.botframework.azure.cn",
                bot_framework_tenant: "a55a4d5b-9241-49b1-b4ff-befa8db00269",
                default_tenant: "microsoftservices.partner.onmschina.cn",
                token_exchange_audience: "api://AzureADTokenExchangeChina",
                caller_id: None,
                emulator_tenants: &["a55a4d5b-9241-49b1-b4ff-befa8db00269"],
                agent_platforms: &["bd004c8e-5acf-4c48-8570-4e7d46b2f63b"],
                agent_audiences: &[],
                graph: "https://microsoftgraph.chinacloudapi.cn",
                teams_origins: &["https://teams.microsoftonline.cn", "https://*.teams.microsoftonline.cn"],
            },
        }
    }
}
