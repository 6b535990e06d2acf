use url::Url;

use crate::domain::{AppScope, Skill};

use super::credential::CredentialSection;

/// An application that can request tokens for itself: the client of a connection, or a bot.
#[derive(Clone, Debug)]
pub struct AppIdentitySection {
    /// The section that configures it, such as `connections.graph`.
    pub place: String,
    /// The name of the identity provider that issues its tokens.
    pub identity_provider: String,
    /// Its client id.
    pub client_id: String,
    /// The tenant in which it requests tokens, a GUID or a domain; `None` if the configuration names no tenant.
    pub tenant: Option<String>,
    /// The endpoint of that tenant.
    pub token_endpoint: Url,
    /// The client of a connection requests tokens for itself, a bot for the connector or for a skill.
    pub scope: AppScope,
    /// Its credentials, in the order in which they are tried.
    pub credentials: Vec<CredentialSection>,
}

impl AppIdentitySection {
    /// The same application, as it requests tokens for `skill`.
    pub(in crate::config) fn for_skill(self, skill: &Skill) -> Self {
        let place = format!("{} token for skills.{}", self.place, skill.name);
        Self { place, scope: AppScope::configured_for(&skill.app_id), ..self }
    }
}
