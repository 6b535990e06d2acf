use url::Url;

use crate::domain::AppScope;

use super::credential::CredentialSection;

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
