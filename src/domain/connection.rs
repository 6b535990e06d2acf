use super::{ConnectionName, HolderName};

/// A digest of the settings that a kept token depends on: provider, client and scopes. If one of them changes, the
/// connection has a new revision, and tokens of the old revision are no longer handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConnectionRevision(pub [u8; 16]);

/// The Entra tenants whose users may use a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TenantPolicy {
    /// Only these tenants (lower-case GUIDs). A single-tenant connection has one entry.
    Listed(Vec<String>),
    /// The tenant of any organization. The tenant of personal Microsoft accounts is not accepted.
    AnyOrganization,
    /// Any tenant: those of organizations and that of personal Microsoft accounts.
    AnyAccount,
}

/// The tenant id of personal Microsoft accounts, which is no organization's (docs/protocols/entra-obo.md §1 rule 13).
pub const PERSONAL_ACCOUNTS_TENANT: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

impl TenantPolicy {
    /// Whether users of the tenant `tenant_id` are accepted. The letter case of the id does not matter.
    #[must_use]
    pub fn admits(&self, tenant_id: &str) -> bool {
        match self {
            Self::Listed(tenants) => tenants.iter().any(|listed| listed.eq_ignore_ascii_case(tenant_id)),
            Self::AnyOrganization => !tenant_id.eq_ignore_ascii_case(PERSONAL_ACCOUNTS_TENANT),
            Self::AnyAccount => true,
        }
    }
}

/// An audience (`aud`) that an exchangeable token may have (docs/architecture.md §Security rules, rule 7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AudienceRule {
    /// A client id, which is compared as a GUID.
    ClientId(String),
    /// A URI, or any other name of a resource, which is compared exactly.
    Uri(String),
}

/// Whose tokens a connection exchanges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubjectIssuer {
    /// Entra. Its tokens name a person by object id and tenant, which channels state, too.
    Entra {
        /// The name of the identity provider of kind `entra` in the configuration. It need not be the connection's, which
        /// then gets Entra's token as `subject_token` (RFC 8693 §2.1).
        identity_provider: String,
    },
    /// The connection's own provider, which is not Entra. No channel states the ids of its users.
    Own {
        /// `iss` of its tokens.
        issuer: String,
    },
}

/// The requirements that an exchangeable token must meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExchangePolicy {
    /// Who issues the tokens; `None` if the connection exchanges none.
    pub subject: Option<SubjectIssuer>,
    /// The tenants whose users are accepted.
    pub tenants: TenantPolicy,
    /// The audiences that are accepted; see [`acceptable_audiences`].
    pub audiences: Vec<AudienceRule>,
    /// The scopes that the token's `scp`, or `scope` at other providers, must all contain (default for Entra: `access_as_user`).
    pub required_scopes: Vec<String>,
    /// The client ids (lower-case for Entra) that may have obtained the token. If the list is empty, any client may.
    pub authorized_clients: Vec<String>,
    /// Whether v1.0 tokens are accepted.
    pub allow_v1: bool,
}

impl ExchangePolicy {
    /// The identity provider of kind `entra` whose tokens the connection exchanges, if it exchanges Entra's.
    #[must_use]
    pub fn entra_provider(&self) -> Option<&str> {
        match &self.subject {
            Some(SubjectIssuer::Entra { identity_provider }) => Some(identity_provider),
            Some(SubjectIssuer::Own { .. }) | None => None,
        }
    }

    /// The issuer of the tokens, if the connection exchanges those of its own provider and that is not Entra.
    #[must_use]
    pub fn own_issuer(&self) -> Option<&str> {
        match &self.subject {
            Some(SubjectIssuer::Own { issuer }) => Some(issuer),
            Some(SubjectIssuer::Entra { .. }) | None => None,
        }
    }

    /// Whether a token with this audience may be meant for the connection. v1.0 tokens may spell a URI with a trailing
    /// slash (docs/protocols/entra-obo.md §1 rule 14).
    #[must_use]
    pub fn may_accept(&self, audience: &str) -> bool {
        self.audiences.iter().any(|rule| match rule {
            AudienceRule::ClientId(client_id) => audience.eq_ignore_ascii_case(client_id),
            AudienceRule::Uri(uri) => audience.strip_suffix('/').unwrap_or(audience) == uri || audience == uri,
        })
    }
}

/// The kinds of identity providers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderKind {
    /// Microsoft Entra ID (AAD v2).
    Entra,
    /// Any other `OpenID` Connect provider.
    OpenIdConnect,
    /// A directory of this process.
    Directory,
}

/// A configured OAuth connection of one bot, or of one add-in, back end or app.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The bot, add-in, back end or app that the connection belongs to.
    pub holder: HolderName,
    /// The connection's name, unique within its holder.
    pub name: ConnectionName,
    /// The name of the identity provider in the configuration.
    pub identity_provider: String,
    /// The kind of the identity provider.
    pub provider_kind: ProviderKind,
    /// The client id that we use at the identity provider.
    pub client_id: String,
    /// The scopes that we request for the user's token.
    pub scopes: Vec<String>,
    /// The scopes that a user's token must have been granted; a token without one of them is not kept.
    pub required_granted_scopes: Vec<String>,
    /// Whether the bot handles continuous access evaluation. If so, tokens are valid for about a day, and a resource
    /// revokes them by a claims challenge (docs/protocols/entra-obo.md §2, `claims`).
    pub continuous_access: bool,
    /// The URI in the card's `tokenExchangeResource`, for which the client obtains an exchangeable token. Without it
    /// there is no silent sign-in.
    pub token_exchange_uri: Option<String>,
    /// The resources that a signed-in user's token may be exchanged for (operation `exchange` with `{uri}`).
    pub exchange_uris: Vec<String>,
    /// The resources that `GetAadTokens` may return tokens for.
    pub aad_resources: Vec<String>,
    /// The requirements that an exchangeable token must meet.
    pub exchange: ExchangePolicy,
    /// Whether a user of Teams may sign in in the browser with another account than the one that Teams states for the
    /// chat. If not, such a sign-in gets no code (docs/architecture.md §Security rules, rule 8).
    pub allow_other_accounts: bool,
    /// Whether a parameter of the authorization request asks for a refresh token, such as `access_type=offline`
    /// (docs/connections.md §Refresh tokens of other providers).
    pub asks_offline_by_parameter: bool,
    /// The digest of the settings that a kept token depends on.
    pub revision: ConnectionRevision,
}

/// Scopes by which providers other than Entra are asked for a refresh token, beside `offline_access`
/// (docs/connections.md §Refresh tokens of other providers).
const OTHER_OFFLINE_SCOPES: [&str; 3] = ["offline", "offline.access", "refresh_token"];

impl Connection {
    /// Whether the configured scopes contain `offline_access` (`OpenID` Connect Core §11).
    #[must_use]
    pub fn asks_offline_access(&self) -> bool {
        self.scopes.iter().any(|scope| scope.eq_ignore_ascii_case("offline_access"))
    }

    /// Whether tokens are refreshed without the user: the connection asks for a refresh token, in whatever way its
    /// provider wants to be asked. A refresh token that the connection did not ask for is not kept.
    #[must_use]
    pub fn keeps_refresh_token(&self) -> bool {
        let asks_in_other_words = || {
            self.asks_offline_by_parameter
                || self.scopes.iter().any(|scope| OTHER_OFFLINE_SCOPES.contains(&scope.as_str()))
        };
        match self.provider_kind {
            ProviderKind::Entra => self.asks_offline_access(),
            ProviderKind::OpenIdConnect => self.asks_offline_access() || asks_in_other_words(),
            // The settings of the directory say whether there are refresh tokens.
            ProviderKind::Directory => true,
        }
    }
}

/// The audiences that a connection accepts: the client id, the exchange URI, that URI without its trailing scope
/// segment, `api://<client id>` and `api://botid-<client id>` (docs/architecture.md §Security rules, rule 7). Nothing
/// is matched by substring.
///
/// A trailing segment counts as a scope only if it is one of `required_scopes`. Otherwise the exchange URI
/// `api://contoso.com/botid-1` would make `api://contoso.com` an accepted audience, which may belong to another app.
#[must_use]
pub fn acceptable_audiences(
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
