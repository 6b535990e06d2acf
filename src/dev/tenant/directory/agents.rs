use super::entries::{AgentEntry, App, AppTokenVersion, BotEntry, User, UserScenario};
use super::tenant_ids::CONTOSO_ID;

/// The Agent 365 platform as a client of the tenants.
pub(in crate::dev) struct AgentPlatform {
    /// The client id that the platform has in the public cloud, by which bots recognise it.
    pub(in crate::dev) client_id: &'static str,
    /// Its secret. A program that plays the platform requests tokens with it.
    pub(in crate::dev) secret: &'static str,
}

/// The Agent 365 platform of the stage.
pub(in crate::dev) const AGENT_365: AgentPlatform =
    AgentPlatform { client_id: "5a807f24-c9de-44ee-a3a7-329e88a00ffc", secret: "agent-365-secret-of-the-local-stage" };

/// An agent, and the object id of its user.
struct FixedAgent {
    name: &'static str,
    agent_app_id: &'static str,
    bot: &'static str,
    user: AgentUserEntry,
}

#[derive(Clone, Copy)]
struct AgentUserEntry {
    name: &'static str,
    display_name: &'static str,
    principal_name: &'static str,
    oid: &'static str,
}

/// The first two have the same blueprint, so that one of them can be listed and the other not.
const AGENTS: [FixedAgent; 3] = [
    FixedAgent {
        name: "helper",
        agent_app_id: "a1e40c11-0b2d-4c3e-8f5a-6b7c8d9e0f01",
        bot: "demo",
        user: AgentUserEntry {
            name: "helper-user",
            display_name: "Helper",
            principal_name: "helper@contoso.example",
            oid: "0a9e0000-1111-4222-8333-0000000a6e01",
        },
    },
    FixedAgent {
        name: "scribe",
        agent_app_id: "a2f51d22-1c3e-4d4f-905b-7c8d9eaf1002",
        bot: "demo",
        user: AgentUserEntry {
            name: "scribe-user",
            display_name: "Scribe",
            principal_name: "scribe@contoso.example",
            oid: "0a9e0000-1111-4222-8333-0000000a6e02",
        },
    },
    FixedAgent {
        name: "courier",
        agent_app_id: "a3062e33-2d4f-4e50-a16c-8d9eafb02103",
        bot: "demo-forward",
        user: AgentUserEntry {
            name: "courier-user",
            display_name: "Courier",
            principal_name: "courier@contoso.example",
            oid: "0a9e0000-1111-4222-8333-0000000a6e03",
        },
    },
];

/// The agents whose blueprints are among `bots`.
fn agents_of(bots: &[BotEntry]) -> impl Iterator<Item = FixedAgent> {
    AGENTS.into_iter().filter(|agent| bots.iter().any(|bot| bot.name == agent.bot))
}

pub(super) fn agents(bots: &[BotEntry]) -> Vec<AgentEntry> {
    let entry = |agent: FixedAgent| AgentEntry {
        name: agent.name,
        agent_app_id: agent.agent_app_id,
        bot: agent.bot,
        user: agent.user.name,
        tenant: CONTOSO_ID,
    };
    agents_of(bots).map(entry).collect()
}

/// The agents' users, who have no passwords.
pub(super) fn agent_users(bots: &[BotEntry]) -> impl Iterator<Item = User> {
    agents_of(bots).map(|agent| User {
        name: agent.user.name,
        display_name: agent.user.display_name,
        principal_name: agent.user.principal_name,
        password: "",
        oid: agent.user.oid,
        tid: CONTOSO_ID,
        home_tid: CONTOSO_ID,
        scenario: UserScenario::AgentUser,
    })
}

/// The agent identities as clients.
pub(super) fn agent_apps(bots: &[BotEntry]) -> impl Iterator<Item = App> {
    agents_of(bots).map(|agent| App {
        client_id: agent.agent_app_id,
        name: agent.name,
        secret: None,
        identifier_uris: Vec::new(),
        token_version: AppTokenVersion::V2,
        blueprint: bots.iter().find(|bot| bot.name == agent.bot).map(|bot| bot.app_id),
        needs_consent: false,
    })
}
