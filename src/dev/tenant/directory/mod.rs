//! The directory of the local tenants: all users, apps, bots and other entries, with ids that never change.
//!
//! Owns the types of the entries, the entries themselves and the look-ups. It deliberately knows nothing of tokens,
//! requests and consents.

mod agents;
mod back_ends;
mod entries;
mod fixed;
mod skills;
mod tenant_ids;
mod users;

pub(in crate::dev) use agents::AGENT_365;
use agents::agents;
pub use back_ends::{
    AddInEntry, AppUserEntry, BackEndCredential, BackEndEntry, ClientSecretEntry, ExchangeEntry, ServiceRoleEntry,
    SharedConnectionEntry,
};
use back_ends::{add_ins, back_end_apps, back_ends, service_role_apps, shared_connections};
pub(in crate::dev) use entries::derive_id;
pub use entries::{
    AgentEntry, App, AppTokenVersion, BotEntry, ClientEntry, ConnectionEntry, FederatedCredential, FederatedIssuer,
    ManagedIdentityEntry, SkillEntry, StageEntries, Tenant, User, UserScenario,
};
pub(in crate::dev) use fixed::{GRAPH_SCOPES, WORKLOAD_SUBJECT, graph_connection};
use fixed::{
    OFFICE_CLIENT_ID, WEB_CHAT_CLIENT_ID, apps, clients, entries, federated_credentials, identities, personal_accounts,
    tenants, users,
};
use skills::{skill_apps, skills};
pub(in crate::dev) use tenant_ids::{CONTOSO_ID, FABRIKAM_ID};

/// The id of the tenant that is not `tid`.
pub(in crate::dev) fn other_tenant_id(tid: &str) -> &'static str {
    if tid == CONTOSO_ID { FABRIKAM_ID } else { CONTOSO_ID }
}

/// Everything that exists on the stage. The fixed ids never change, so they may be written into tests.
#[derive(Clone, Debug)]
pub struct Directory {
    /// Tenants of organizations, the main one first.
    pub tenants: Vec<Tenant>,
    /// The tenant of personal accounts.
    pub personal_accounts: Tenant,
    /// Users.
    pub users: Vec<User>,
    /// App registrations: bots, the further APIs of connections, the skills, the clients, the Agent 365 platform, the agent identities,
    /// the add-ins, and the connections without a bot. All of them exist in every tenant.
    pub apps: Vec<App>,
    /// Bots that users talk to.
    pub bots: Vec<BotEntry>,
    /// Skills of these bots.
    pub skills: Vec<SkillEntry>,
    /// Agents.
    pub agents: Vec<AgentEntry>,
    /// Clients.
    pub clients: Vec<ClientEntry>,
    /// Connections of the bots that users talk to.
    pub connections: Vec<ConnectionEntry>,
    /// Managed identities. The managed identity endpoint also issues tokens for the apps with a secret, which are not
    /// listed here.
    pub identities: Vec<ManagedIdentityEntry>,
    /// Federated credentials of the apps.
    pub federated_credentials: Vec<FederatedCredential>,
    /// Office add-ins.
    pub add_ins: Vec<AddInEntry>,
    /// Back ends that are no bots.
    pub back_ends: Vec<BackEndEntry>,
    /// Connections without a bot.
    pub shared_connections: Vec<SharedConnectionEntry>,
    /// Apps with a service role.
    pub service_role_apps: Vec<ServiceRoleEntry>,
}

impl StageEntries {
    /// The bots, connections and users that every stage has by default.
    #[must_use]
    pub fn fixed() -> Self {
        entries()
    }
}

impl Directory {
    /// The directory of a stage for which nothing else is chosen.
    #[must_use]
    pub fn with_fixed_entries() -> Self {
        Self::of(StageEntries::fixed())
    }

    /// The directory of a stage with these bots, connections and users. The names and ids of a kind must differ.
    #[must_use]
    pub fn of(entries: StageEntries) -> Self {
        Self {
            tenants: tenants(),
            personal_accounts: personal_accounts(),
            users: users(&entries),
            apps: apps(&entries).into_iter().chain(skill_apps(&entries.bots)).chain(back_end_apps()).collect(),
            skills: skills(&entries.bots),
            agents: agents(&entries.bots),
            clients: clients(),
            identities: identities(),
            federated_credentials: federated_credentials(&entries.bots),
            add_ins: add_ins(),
            back_ends: back_ends(),
            shared_connections: shared_connections(),
            service_role_apps: service_role_apps(),
            bots: entries.bots,
            connections: entries.connections,
        }
    }

    /// The id of the tenant to which most users belong.
    #[must_use]
    pub fn main_tenant_id(&self) -> &'static str {
        CONTOSO_ID
    }

    /// The client id of the app of pages with Web Chat.
    #[must_use]
    pub fn web_chat_client_id(&self) -> &'static str {
        WEB_CHAT_CLIENT_ID
    }

    /// The client id of Office, which gets the tokens that add-ins present.
    #[must_use]
    pub fn office_client_id(&self) -> &'static str {
        OFFICE_CLIENT_ID
    }

    /// The tenant with this id.
    #[must_use]
    pub fn find_tenant(&self, id: &str) -> Option<&Tenant> {
        self.all_tenants().find(|tenant| tenant.id.eq_ignore_ascii_case(id))
    }

    /// The tenants of organizations, and that of personal accounts.
    pub fn all_tenants(&self) -> impl Iterator<Item = &Tenant> {
        self.tenants.iter().chain([&self.personal_accounts])
    }

    /// Whether the user belongs to an organization. The gateway's bots take such users alone.
    #[must_use]
    pub fn is_of_organization(&self, user: &User) -> bool {
        self.tenants.iter().any(|tenant| tenant.id == user.tid)
    }

    /// The user with this short name, principal name or object id, ignoring case.
    #[must_use]
    pub fn find_user(&self, key: &str) -> Option<&User> {
        self.users
            .iter()
            .find(|user| [user.name, user.principal_name, user.oid].iter().any(|known| known.eq_ignore_ascii_case(key)))
    }

    /// The app with this client id.
    #[must_use]
    pub fn find_app(&self, client_id: &str) -> Option<&App> {
        self.apps.iter().find(|app| app.client_id.eq_ignore_ascii_case(client_id))
    }

    /// Whether an app or a managed identity has this client id.
    #[must_use]
    pub fn has_id(&self, client_id: &str) -> bool {
        let mut identities = self.identities.iter();
        self.find_app(client_id).is_some()
            || identities.any(|identity| identity.client_id.eq_ignore_ascii_case(client_id))
    }

    /// The app that is an API and has this client id or App ID URI.
    #[must_use]
    pub fn find_resource(&self, identifier: &str) -> Option<&App> {
        self.apps.iter().filter(|app| !app.identifier_uris.is_empty()).find(|app| {
            app.client_id.eq_ignore_ascii_case(identifier) || app.identifier_uris.iter().any(|uri| uri == identifier)
        })
    }

    /// The agent whose agent identity has this app id.
    #[must_use]
    pub fn find_agent(&self, app_id: &str) -> Option<&AgentEntry> {
        self.agents.iter().find(|agent| agent.agent_app_id.eq_ignore_ascii_case(app_id))
    }

    /// The bots that users talk to, and the skills.
    pub fn bots_and_skills(&self) -> impl Iterator<Item = &BotEntry> {
        self.bots.iter().chain(self.skills.iter().map(|skill| &skill.bot))
    }

    /// The connections of all of them.
    pub fn all_connections(&self) -> impl Iterator<Item = &ConnectionEntry> {
        self.connections.iter().chain(self.skills.iter().map(|skill| &skill.connection))
    }

    /// The skills that this bot may call.
    pub fn skills_of<'d>(&'d self, bot: &'d str) -> impl Iterator<Item = &'d SkillEntry> {
        self.skills.iter().filter(move |skill| skill.parent == bot)
    }

    /// The skill with this name.
    #[must_use]
    pub fn find_skill(&self, name: &str) -> Option<&SkillEntry> {
        self.skills.iter().find(|skill| skill.bot.name == name)
    }

    /// The add-in with this name.
    #[must_use]
    pub fn find_add_in(&self, name: &str) -> Option<&AddInEntry> {
        self.add_ins.iter().find(|add_in| add_in.name == name)
    }

    /// The connection without a bot that has this name.
    #[must_use]
    pub fn find_shared_connection(&self, name: &str) -> Option<&SharedConnectionEntry> {
        self.shared_connections.iter().find(|connection| connection.name == name)
    }

    /// The scope that a client requests to get a token that this back end exchanges.
    #[must_use]
    pub fn subject_scope(&self, back_end: &BackEndEntry) -> Option<String> {
        match back_end.exchange {
            ExchangeEntry::AddIn(name) => self.find_add_in(name).map(AddInEntry::scope),
            ExchangeEntry::Connection(name) => self.find_shared_connection(name).map(SharedConnectionEntry::scope),
        }
    }

    /// The bot that users talk to with this name.
    #[must_use]
    pub fn find_bot(&self, name: &str) -> Option<&BotEntry> {
        self.bots.iter().find(|bot| bot.name == name)
    }
}
