use super::{BotName, ConnectionName};

/// A digest of what a kept token depends on: provider, client and scopes. A changed connection has a new revision, and
/// tokens kept under the old one are no longer handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConnectionRevision(pub [u8; 16]);

/// Which tenants' users a connection takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TenantPolicy {
    /// Only these tenants (lower-case GUIDs); one entry is a single-tenant connection.
    Listed(Vec<String>),
    /// Any organisation's tenant; personal accounts are not an organisation.
    AnyOrganization,
}

/// One acceptable audience (DESIGN §5.7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AudienceRule {
    /// A client id: compared as a GUID, ignoring case.
    ClientId(String),
    /// A URI: compared exactly.
    Uri(String),
}

/// What a connection demands of a token before it is exchanged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExchangePolicy {
    /// Whose users.
    pub tenants: TenantPolicy,
    /// Acceptable audiences; see [`audiences_of`].
    pub audiences: Vec<AudienceRule>,
    /// Scopes that must all be in `scp` (default `access_as_user`).
    pub required_scopes: Vec<String>,
    /// Client ids (lower-case) that may have obtained the token; empty: any.
    pub authorized_clients: Vec<String>,
    /// Whether v1.0 tokens are taken at all.
    pub allow_v1: bool,
}

/// What kind of identity provider serves a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderKind {
    /// Microsoft Entra ID (AAD v2).
    Entra,
    /// Any other `OpenID` Connect provider.
    OpenIdConnect,
}

/// A configured OAuth connection of one bot.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Its bot.
    pub bot: BotName,
    /// Its name, unique within the bot.
    pub name: ConnectionName,
    /// The name of its identity provider in configuration.
    pub identity_provider: String,
    /// What kind of provider that is.
    pub provider_kind: ProviderKind,
    /// The client id under which we exchange.
    pub client_id: String,
    /// The scopes we ask for.
    pub scopes: Vec<String>,
    /// Whether the bot handles continuous access evaluation: tokens then live for a day, and the resource withdraws them
    /// by a claims challenge (entra-obo §2, `claims`).
    pub continuous_access: bool,
    /// What the card offers clients to get an exchangeable token for; none: no silent sign-in.
    pub token_exchange_uri: Option<String>,
    /// The resources that the bot may have a signed-in user's token exchanged for (`exchange` with `{uri}`).
    pub exchange_uris: Vec<String>,
    /// The resources that `GetAadTokens` gives tokens for.
    pub aad_resources: Vec<String>,
    /// What an exchangeable token must be.
    pub exchange: ExchangePolicy,
    /// See [`ConnectionRevision`].
    pub revision: ConnectionRevision,
}

impl Connection {
    /// Whether its tokens are refreshed without the user: the operator asked for `offline_access`.
    #[must_use]
    pub fn asks_offline_access(&self) -> bool {
        self.scopes.iter().any(|scope| scope.eq_ignore_ascii_case("offline_access"))
    }
}

/// The audiences that fit a connection: the client id, the exchange URI, that URI without its trailing scope segment,
/// `api://<client id>` and `api://botid-<client id>` (DESIGN §5.7). Nothing is matched by substring.
///
/// Only a segment that *is* one of `required_scopes` counts as a scope segment: `api://contoso.com/botid-1` must not
/// make `api://contoso.com`, which may be another app's, an audience of this one.
#[must_use]
pub fn audiences_of(
    client_id: &str,
    token_exchange_uri: Option<&str>,
    required_scopes: &[String],
) -> Vec<AudienceRule> {
    let mut rules = vec![
        AudienceRule::ClientId(client_id.to_ascii_lowercase()),
        AudienceRule::Uri(format!("api://{client_id}")),
        AudienceRule::Uri(format!("api://botid-{client_id}")),
    ];
    if let Some(uri) = token_exchange_uri {
        rules.push(AudienceRule::Uri(uri.to_owned()));
        if let Some((resource, scope)) = uri.rsplit_once('/')
            && required_scopes.iter().any(|required| required == scope)
        {
            rules.push(AudienceRule::Uri(resource.to_owned()));
        }
    }
    rules
}
