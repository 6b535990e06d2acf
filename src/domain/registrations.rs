use std::collections::HashMap;
use std::sync::Arc;

use super::{Bot, BotName, Connection};

/// The configured bots and their connections. Built once at start-up.
#[derive(Debug, Default)]
pub struct Registrations {
    bots: HashMap<BotName, Arc<Bot>>,
    /// By app ids in lower case.
    by_app_id: HashMap<String, Arc<Bot>>,
    connections: HashMap<BotName, Vec<Arc<Connection>>>,
}

/// What a name means among a bot's connections.
#[derive(Debug)]
pub enum NamedConnection<'d> {
    /// Exactly this one.
    Exact(&'d Arc<Connection>),
    /// None, but this one differs only in letter case.
    OtherCase(&'d Arc<Connection>),
    /// None.
    Unknown,
}

impl Registrations {
    /// These registrations. Connections of unknown bots are unreachable.
    #[must_use]
    pub fn new(bots: Vec<Bot>, connections: Vec<Connection>) -> Self {
        let mut registrations = Self::default();
        for bot in bots {
            let bot = Arc::new(bot);
            registrations.by_app_id.insert(bot.app_id.to_ascii_lowercase(), Arc::clone(&bot));
            registrations.bots.insert(bot.name.clone(), bot);
        }
        for connection in connections {
            registrations.connections.entry(connection.bot.clone()).or_default().push(Arc::new(connection));
        }
        registrations
    }

    /// All bots, in no order.
    pub fn bots(&self) -> impl Iterator<Item = &Arc<Bot>> {
        self.bots.values()
    }

    /// The bot, if there is just one.
    #[must_use]
    pub fn find_only_bot(&self) -> Option<&Arc<Bot>> {
        let mut bots = self.bots.values();
        bots.next().filter(|_| bots.next().is_none())
    }

    /// The bot configured under `name`.
    #[must_use]
    pub fn find_bot(&self, name: &str) -> Option<&Arc<Bot>> {
        self.bots.get(name)
    }

    /// The bot whose app id is `app_id`, compared as a GUID.
    #[must_use]
    pub fn find_bot_by_app_id(&self, app_id: &str) -> Option<&Arc<Bot>> {
        // Most tokens spell it as we do.
        self.by_app_id.get(app_id).or_else(|| self.by_app_id.get(&app_id.to_ascii_lowercase()))
    }

    /// All connections of `bot`.
    #[must_use]
    pub fn connections_of(&self, bot: &str) -> &[Arc<Connection>] {
        self.connections.get(bot).map_or(&[], Vec::as_slice)
    }

    /// The connection of `bot` called `name`.
    #[must_use]
    pub fn find_connection(&self, bot: &str, name: &str) -> NamedConnection<'_> {
        let connections = self.connections_of(bot);
        if let Some(exact) = connections.iter().find(|connection| connection.name.as_str() == name) {
            return NamedConnection::Exact(exact);
        }
        connections
            .iter()
            .find(|connection| connection.name.as_str().eq_ignore_ascii_case(name))
            .map_or(NamedConnection::Unknown, NamedConnection::OtherCase)
    }
}
