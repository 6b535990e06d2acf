use super::directory::{App, AppTokenVersion, Directory};
use super::refusal::EntraRefusal;

/// The audience of tokens for the stage's protected resource.
pub(in crate::dev) const GRAPH_AUDIENCE: &str = "https://graph.microsoft.com";
/// The audience of tokens for the Bot Connector and the Token Service.
pub(in crate::dev) const BOT_FRAMEWORK_AUDIENCE: &str = "https://api.botframework.com";

/// The audience of tokens with which an app authenticates through a federated credential (public cloud).
pub(in crate::dev) const FEDERATION_AUDIENCE: &str = "api://AzureADTokenExchange";

/// The audience of the tokens with which agents call the Bot API.
pub(in crate::dev) const BOT_API_AUDIENCE: &str = "https://botapi.skype.com";
/// The audience of the tokens by which an agent identity authenticates: the client id of the token exchange.
pub(in crate::dev) const TOKEN_EXCHANGE_ID: &str = "fb60f99c-7a34-4190-8149-302f77469936";

/// The API for which an access token is issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::dev) enum Resource<'d> {
    Graph,
    BotFramework,
    BotApi,
    /// The exchange of tokens for agent identities.
    TokenExchange,
    App(&'d App),
}

impl<'d> Resource<'d> {
    /// The resource with this identifier: an App ID URI, a client id, or one of the audiences above.
    pub(in crate::dev) fn find(directory: &'d Directory, identifier: &str) -> Option<Self> {
        match identifier.trim_end_matches('/') {
            GRAPH_AUDIENCE => Some(Self::Graph),
            BOT_FRAMEWORK_AUDIENCE => Some(Self::BotFramework),
            BOT_API_AUDIENCE => Some(Self::BotApi),
            // SDKs spell it in two ways.
            other if other.eq_ignore_ascii_case(FEDERATION_AUDIENCE) => Some(Self::TokenExchange),
            other => directory.find_resource(other).map(Self::App),
        }
    }

    /// The `aud` of its tokens: the client id in v2 tokens, the App ID URI in v1 tokens.
    pub(in crate::dev) fn audience(&self) -> &'d str {
        match self {
            Self::Graph => GRAPH_AUDIENCE,
            Self::BotFramework => BOT_FRAMEWORK_AUDIENCE,
            Self::BotApi => BOT_API_AUDIENCE,
            Self::TokenExchange => TOKEN_EXCHANGE_ID,
            Self::App(app) if app.token_version == AppTokenVersion::V2 => app.client_id,
            Self::App(app) => app.identifier_uris.first().map_or(app.client_id, String::as_str),
        }
    }

    /// The version of its tokens.
    pub(in crate::dev) fn token_version(&self) -> AppTokenVersion {
        match self {
            Self::Graph | Self::BotFramework | Self::BotApi => AppTokenVersion::V1,
            Self::TokenExchange => AppTokenVersion::V2,
            Self::App(app) => app.token_version,
        }
    }

    /// The permission for which `.default` stands in a user's token.
    fn default_permission(self) -> &'static str {
        match self {
            Self::Graph => "User.Read",
            Self::BotFramework | Self::BotApi | Self::TokenExchange => "user_impersonation",
            Self::App(_) => "access_as_user",
        }
    }
}

/// A parsed `scope` parameter.
#[derive(Clone, Debug)]
pub(in crate::dev) struct ScopeRequest<'d> {
    pub(in crate::dev) resource: Resource<'d>,
    /// Permission names without the resource. The claim `scp` lists them.
    pub(in crate::dev) permissions: Vec<String>,
    /// Whether `<resource>/.default` was requested.
    pub(in crate::dev) default: bool,
    pub(in crate::dev) openid: bool,
    pub(in crate::dev) offline_access: bool,
}

impl<'d> ScopeRequest<'d> {
    /// Parses a space-separated list of scopes. If all are OIDC scopes, the resource is the protected resource, as at Entra.
    pub(in crate::dev) fn parse(directory: &'d Directory, text: &str) -> Result<Self, EntraRefusal> {
        let mut request = Self {
            resource: Resource::Graph,
            permissions: Vec::new(),
            default: false,
            openid: false,
            offline_access: false,
        };
        let mut named: Option<Resource<'d>> = None;
        for scope in text.split_ascii_whitespace() {
            match scope {
                "openid" | "profile" | "email" => request.openid = true,
                "offline_access" => request.offline_access = true,
                _ => {
                    let (resource, permission) = split_scope(directory, scope)?;
                    if named.is_some_and(|other| other != resource) {
                        return Err(EntraRefusal::bad_request(
                            "invalid_scope",
                            700_022,
                            "The provided value for the input parameter scope is not valid: it contains more than one resource.",
                        ));
                    }
                    named = Some(resource);
                    if permission == ".default" {
                        request.default = true;
                    } else {
                        request.permissions.push(permission.to_owned());
                    }
                }
            }
        }
        request.resource = named.unwrap_or(Resource::Graph);
        if request.permissions.is_empty() {
            request.permissions.push(request.resource.default_permission().to_owned());
        }
        Ok(request)
    }

    /// The `scope` member of a token answer.
    pub(in crate::dev) fn granted_scope(&self) -> String {
        let mut granted_scope: Vec<String> =
            self.permissions.iter().map(|permission| self.qualify(permission)).collect();
        if self.openid {
            granted_scope.extend(["openid".to_owned(), "profile".to_owned()]);
        }
        granted_scope.join(" ")
    }

    fn qualify(&self, permission: &str) -> String {
        match self.resource {
            Resource::App(app) => {
                let uri = app.identifier_uris.first().map_or(app.client_id, String::as_str);
                format!("{uri}/{permission}")
            }
            Resource::Graph | Resource::BotFramework | Resource::BotApi | Resource::TokenExchange => {
                format!("{}/{permission}", self.resource.audience())
            }
        }
    }
}

fn split_scope<'d, 's>(directory: &'d Directory, scope: &'s str) -> Result<(Resource<'d>, &'s str), EntraRefusal> {
    let Some((identifier, permission)) = scope.rsplit_once('/') else {
        // A scope without a slash is a permission of the protected resource, if it is a valid name.
        return if scope.chars().all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '_') {
            Ok((Resource::Graph, scope))
        } else {
            Err(EntraRefusal::bad_request(
                "invalid_scope",
                70_011,
                format!(
                    "The provided value for the input parameter 'scope' is not valid. The scope {scope} is not valid."
                ),
            ))
        };
    };
    let resource = Resource::find(directory, identifier).ok_or_else(|| {
        EntraRefusal::bad_request(
            "invalid_resource",
            500_011,
            format!("The resource principal named {identifier} was not found in the tenant."),
        )
    })?;
    Ok((resource, permission))
}
