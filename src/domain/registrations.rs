use std::sync::Arc;

use super::{
    AddIn, AddInName, AppId, BackEnd, Bot, BotName, ConfiguredMap, Connection, HolderName, ServiceRoleApp, Skill,
    SkillName,
};

/// The configured bots, skills, add-ins, back ends and apps, and the connections of all holders. The application builds it once, at start-up.
#[derive(Debug, Default)]
pub struct Registrations {
    bots: ConfiguredMap<BotName, Arc<Bot>>,
    /// Keys are app ids in lower case.
    by_app_id: ConfiguredMap<String, Arc<Bot>>,
    connections: ConfiguredMap<HolderName, Vec<Arc<Connection>>>,
    skills: ConfiguredMap<SkillName, Arc<Skill>>,
    add_ins: ConfiguredMap<AddInName, Arc<AddIn>>,
    /// Keys are client ids.
    back_ends: ConfiguredMap<String, Arc<BackEnd>>,
    apps: ConfiguredMap<AppId, Arc<ServiceRoleApp>>,
}

/// The result of looking up a connection by name.
#[derive(Debug)]
pub enum NamedConnection<'d> {
    /// This connection has exactly the requested name.
    Exact(&'d Arc<Connection>),
    /// No connection has the requested name, but the name of this one differs only in letter case.
    OtherCase(&'d Arc<Connection>),
    /// No connection has the requested name in any letter case.
    Unknown,
}

impl Registrations {
    /// Registers `bots` and `connections`. A connection of an unknown bot cannot be found by its bot.
    #[must_use]
    pub fn new(bots: Vec<Bot>, connections: Vec<Connection>) -> Self {
        let mut registrations = Self::default();
        for bot in bots {
            let bot = Arc::new(bot);
            registrations.by_app_id.insert(bot.app_id.to_ascii_lowercase(), Arc::clone(&bot));
            registrations.bots.insert(bot.name.clone(), bot);
        }
        for connection in connections {
            registrations.connections.entry(connection.holder.clone()).or_default().push(Arc::new(connection));
        }
        registrations
    }

    /// Registers `skills` as well.
    #[must_use]
    pub fn with_skills(mut self, skills: Vec<Skill>) -> Self {
        self.skills.extend(skills.into_iter().map(|skill| (skill.name.clone(), Arc::new(skill))));
        self
    }

    /// Registers `add_ins` as well.
    #[must_use]
    pub fn with_add_ins(mut self, add_ins: Vec<AddIn>) -> Self {
        self.add_ins.extend(add_ins.into_iter().map(|add_in| (add_in.name.clone(), Arc::new(add_in))));
        self
    }

    /// Registers `back_ends` as well.
    #[must_use]
    pub fn with_back_ends(mut self, back_ends: Vec<BackEnd>) -> Self {
        self.back_ends.extend(back_ends.into_iter().map(|back_end| (back_end.client_id.clone(), Arc::new(back_end))));
        self
    }

    /// Registers `apps` as well.
    #[must_use]
    pub fn with_apps(mut self, apps: Vec<ServiceRoleApp>) -> Self {
        self.apps.extend(apps.into_iter().map(|app| (app.id.clone(), Arc::new(app))));
        self
    }

    /// All bots, in no particular order.
    pub fn bots(&self) -> impl Iterator<Item = &Arc<Bot>> {
        self.bots.values()
    }

    /// Finds the only configured bot. Returns `None` if there are several bots or none.
    #[must_use]
    pub fn find_only_bot(&self) -> Option<&Arc<Bot>> {
        let mut bots = self.bots.values();
        bots.next().filter(|_| bots.next().is_none())
    }

    /// Finds the bot whose configured name is `name`.
    #[must_use]
    pub fn find_bot(&self, name: &str) -> Option<&Arc<Bot>> {
        self.bots.get(name)
    }

    /// Finds the bot with the app id `app_id`, compared as a GUID.
    #[must_use]
    pub fn find_bot_by_app_id(&self, app_id: &str) -> Option<&Arc<Bot>> {
        // Most tokens write the app id in lower case, which needs no conversion.
        self.by_app_id.get(app_id).or_else(|| self.by_app_id.get(&app_id.to_ascii_lowercase()))
    }

    /// All connections, in no particular order.
    pub fn connections(&self) -> impl Iterator<Item = &Arc<Connection>> {
        self.connections.values().flatten()
    }

    /// All connections of the bot, add-in, back end or app `holder`.
    #[must_use]
    pub fn list_connections(&self, holder: &str) -> &[Arc<Connection>] {
        self.connections.get(holder).map_or(&[], Vec::as_slice)
    }

    /// Looks up the connection `name` of `holder`.
    #[must_use]
    pub fn find_connection(&self, holder: &str, name: &str) -> NamedConnection<'_> {
        let connections = self.list_connections(holder);
        if let Some(exact) = connections.iter().find(|connection| connection.name.as_str() == name) {
            return NamedConnection::Exact(exact);
        }
        connections
            .iter()
            .find(|connection| connection.name.as_str().eq_ignore_ascii_case(name))
            .map_or(NamedConnection::Unknown, NamedConnection::OtherCase)
    }

    /// All skills, in no particular order.
    pub fn skills(&self) -> impl Iterator<Item = &Arc<Skill>> {
        self.skills.values()
    }

    /// Finds the skill whose configured name is `name`.
    #[must_use]
    pub fn find_skill(&self, name: &str) -> Option<&Arc<Skill>> {
        self.skills.get(name)
    }

    /// The skills that `bot` may call, in no particular order.
    pub fn list_skills(&self, bot: &BotName) -> impl Iterator<Item = &Arc<Skill>> {
        self.skills.values().filter(move |skill| skill.has_parent(bot))
    }

    /// Finds the skill of `bot` that has a connection with exactly the name `connection`. The configuration gives each such name
    /// to one skill of a parent, and to no connection of the parent itself.
    #[must_use]
    pub fn find_skill_by_connection(&self, bot: &BotName, connection: &str) -> Option<&Arc<Skill>> {
        self.list_skills(bot).find(|skill| skill.has_connection(connection))
    }

    /// All add-ins, in no particular order.
    pub fn add_ins(&self) -> impl Iterator<Item = &Arc<AddIn>> {
        self.add_ins.values()
    }

    /// Finds the add-in whose configured name is `name`.
    #[must_use]
    pub fn find_add_in(&self, name: &str) -> Option<&Arc<AddIn>> {
        self.add_ins.get(name)
    }

    /// All back ends, in no particular order.
    pub fn back_ends(&self) -> impl Iterator<Item = &Arc<BackEnd>> {
        self.back_ends.values()
    }

    /// Finds the back end that authenticates as `client_id`.
    #[must_use]
    pub fn find_back_end(&self, client_id: &str) -> Option<&Arc<BackEnd>> {
        self.back_ends.get(client_id)
    }

    /// All apps, in no particular order.
    pub fn apps(&self) -> impl Iterator<Item = &Arc<ServiceRoleApp>> {
        self.apps.values()
    }

    /// Finds the app whose configured id is `id`.
    #[must_use]
    pub fn find_app(&self, id: &str) -> Option<&Arc<ServiceRoleApp>> {
        self.apps.get(id)
    }

    /// Finds the only connection of an add-in, a back end or an app.
    #[must_use]
    pub fn find_only_connection(&self, holder: &HolderName) -> Option<&Arc<Connection>> {
        self.list_connections(holder.as_str()).first()
    }
}
