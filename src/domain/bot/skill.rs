use url::Url;

use crate::domain::{AppScope, BotName, ConnectionName, SkillName};

/// A configured skill: a bot that parent bots call through bot-sso, and whose sign-in cards bot-sso answers with the
/// parent's sign-in (docs/skills.md).
#[derive(Clone, Debug)]
pub struct Skill {
    /// The skill's name in the configuration and in URL paths.
    pub name: SkillName,
    /// The skill's app id, a lower-case GUID. It is the audience of what parents send to the skill.
    pub app_id: String,
    /// The tenant (a lower-case GUID) that issues the skill's tokens.
    pub tenant_id: String,
    /// The URL of the skill's messages endpoint.
    pub endpoint: Url,
    /// The names of the skill's own connections, by which invokes that answer its cards are recognised.
    pub connections: Vec<ConnectionName>,
    /// The resources that a parent's token may be exchanged for when a card of the skill asks for them. Compared exactly.
    pub exchange_uris: Vec<String>,
    /// The parent bots that may call the skill.
    pub parents: Vec<BotName>,
}

impl Skill {
    /// The `serviceUrl` under which the skill answers its parents: bot-sso's, whose address is `public_url`.
    #[must_use]
    pub fn host_url(&self, public_url: &Url) -> String {
        format!("{}/api/skills/{}/", public_url.as_str().trim_end_matches('/'), self.name)
    }

    /// The scope of the app tokens with which the skill's parents call it.
    #[must_use]
    pub fn app_scope(&self) -> AppScope {
        AppScope::configured_for(&self.app_id)
    }

    /// Whether the bot `bot` may call this skill.
    #[must_use]
    pub fn has_parent(&self, bot: &BotName) -> bool {
        self.parents.contains(bot)
    }

    /// Whether the skill has a connection with exactly this name.
    #[must_use]
    pub fn has_connection(&self, name: &str) -> bool {
        self.connections.iter().any(|connection| connection.as_str() == name)
    }
}
