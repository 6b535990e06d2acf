use super::agents::{AGENT_365, agent_apps, agent_users};
use super::entries::{
    App, AppTokenVersion, BotEntry, ClientEntry, ConnectionEntry, FederatedCredential, FederatedIssuer,
    ManagedIdentityEntry, StageEntries, Tenant, User,
};
use super::tenant_ids::{CONTOSO_ID, FABRIKAM_ID};
use super::users::fixed_users;
use crate::domain::PERSONAL_ACCOUNTS_TENANT;

/// The subject of the only workload that the bots' apps trust.
pub(in crate::dev) const WORKLOAD_SUBJECT: &str = "system:serviceaccount:bot-sso:gateway";

/// The name of the bot that has the demo skills.
pub(super) const ASSISTANT: &str = "assistant";

const BOTS: [BotEntry; 4] = [
    BotEntry {
        name: "demo",
        app_id: "1b7f3c52-8a0e-4d61-9c2b-5e4f6a7b8c01",
        app_secret: "demo-app-secret-of-the-local-stage",
        endpoint: None,
        sdk: None,
        after_exchange: Some("notify"),
        sign_in_invokes: &[],
    },
    BotEntry {
        name: "demo-forward",
        app_id: "2c8a4d63-9b1f-4e72-8d3c-6f5a7b8c9d02",
        app_secret: "demo-forward-app-secret-of-the-local-stage",
        endpoint: None,
        sdk: None,
        after_exchange: Some("forward"),
        sign_in_invokes: &[],
    },
    BotEntry {
        name: "demo-none",
        app_id: "3d9b5e74-ac20-4f83-9e4d-7a6b8c9dae03",
        app_secret: "demo-none-app-secret-of-the-local-stage",
        endpoint: None,
        sdk: None,
        after_exchange: Some("none"),
        sign_in_invokes: &[],
    },
    BotEntry {
        name: ASSISTANT,
        app_id: "e5a1c3d7-0f24-4b68-8d9e-1a2b3c4d5e06",
        app_secret: "assistant-app-secret-of-the-local-stage",
        endpoint: None,
        sdk: None,
        after_exchange: Some("notify"),
        sign_in_invokes: &[],
    },
];

const LEGACY_ID: &str = "4eac6f85-bd31-4094-8f5e-8b7c9daebf04";
const LEGACY_SECRET: &str = "legacy-app-secret-of-the-local-stage";

/// The app of pages with Web Chat.
pub(super) const WEB_CHAT_CLIENT_ID: &str = "5fbd7096-ce42-41a5-906f-9c8daebfc005";

/// Office, by the client id that it has in the public cloud.
pub(super) const OFFICE_CLIENT_ID: &str = "d3590ed6-52b3-4102-aeff-aad2292ab01c";

const CLIENTS: [ClientEntry; 4] = [
    ClientEntry { name: "teams-desktop", client_id: "1fec8e78-bce4-4aaf-ab1b-5451cc387264" },
    ClientEntry { name: "teams-web", client_id: "5e3ce6c0-2b1f-4285-8d4b-75ee78787346" },
    ClientEntry { name: "web-chat", client_id: WEB_CHAT_CLIENT_ID },
    ClientEntry { name: "office", client_id: OFFICE_CLIENT_ID },
];

/// The scopes of a connection that names none.
pub(in crate::dev) const GRAPH_SCOPES: &[&str] = &["https://graph.microsoft.com/User.Read"];
/// The scope of the assistant's own API. A token for it can be exchanged again: for the APIs of the skills.
const ASSISTANT_SCOPES: &[&str] = &["api://botid-e5a1c3d7-0f24-4b68-8d9e-1a2b3c4d5e06/access_as_user"];
const MAIL_SCOPES: &[&str] = &["https://graph.microsoft.com/Mail.Read"];

/// Every bot's app trusts the first managed identity, and no app trusts the second.
const IDENTITIES: [ManagedIdentityEntry; 2] = [
    ManagedIdentityEntry {
        name: "gateway",
        client_id: "6a0e81a7-df53-42b6-8a17-ad9ebfc0d106",
        object_id: "7b1f92b8-e064-43c7-9b28-be0fc0d1e207",
    },
    ManagedIdentityEntry {
        name: "stranger",
        client_id: "8c20a3c9-f175-44d8-8c39-cf10d1e2f308",
        object_id: "9d31b4da-0286-45e9-9d4a-d021e2f30409",
    },
];

pub(super) fn identities() -> Vec<ManagedIdentityEntry> {
    IDENTITIES.to_vec()
}

/// The entries of a stage for which nothing else is chosen.
pub(super) fn entries() -> StageEntries {
    StageEntries { bots: BOTS.to_vec(), connections: connections(), users: fixed_users() }
}

/// Every bot's app trusts the workload and the first managed identity. Other apps trust neither.
pub(super) fn federated_credentials(bots: &[BotEntry]) -> Vec<FederatedCredential> {
    let workload = (FederatedIssuer::Workload, WORKLOAD_SUBJECT);
    let identity = IDENTITIES.first().map(|identity| (FederatedIssuer::Tenant, identity.object_id));
    let trusted: Vec<_> = [workload].into_iter().chain(identity).collect();
    let pairs = bots.iter().flat_map(|bot| trusted.iter().map(|trust| (bot.app_id, *trust)));
    pairs.map(|(client_id, (issuer, subject))| FederatedCredential { client_id, issuer, subject }).collect()
}

pub(super) fn tenants() -> Vec<Tenant> {
    vec![Tenant { id: CONTOSO_ID, name: "Contoso" }, Tenant { id: FABRIKAM_ID, name: "Fabrikam" }]
}

/// The tenant of all personal accounts.
pub(super) fn personal_accounts() -> Tenant {
    Tenant { id: PERSONAL_ACCOUNTS_TENANT, name: "Personal accounts" }
}

pub(super) fn clients() -> Vec<ClientEntry> {
    CLIENTS.to_vec()
}

/// The users of `entries`, and those of the agents of its bots.
pub(super) fn users(entries: &StageEntries) -> Vec<User> {
    entries.users.iter().cloned().chain(agent_users(&entries.bots)).collect()
}

/// The apps of the bots, the further APIs of their connections, the clients, the Agent 365 platform and the agents.
pub(super) fn apps(entries: &StageEntries) -> Vec<App> {
    let mut apps: Vec<App> = entries.bots.iter().map(bot_app).collect();
    for connection in &entries.connections {
        match apps.iter_mut().find(|app| app.client_id.eq_ignore_ascii_case(connection.client_id)) {
            Some(app) if app.identifier_uris.contains(&connection.token_exchange_uri) => {}
            Some(app) => app.identifier_uris.push(connection.token_exchange_uri.clone()),
            None => apps.push(connection_app(connection)),
        }
    }
    apps.extend(CLIENTS.iter().map(|client| App {
        client_id: client.client_id,
        name: client.name,
        secret: None,
        identifier_uris: Vec::new(),
        token_version: AppTokenVersion::V2,
        blueprint: None,
        needs_consent: false,
    }));
    apps.push(App {
        client_id: AGENT_365.client_id,
        name: "agent-365",
        secret: Some(AGENT_365.secret),
        identifier_uris: vec![AGENT_365.client_id.to_owned()],
        token_version: AppTokenVersion::V1,
        blueprint: None,
        needs_consent: false,
    });
    apps.extend(agent_apps(&entries.bots));
    apps
}

pub(super) fn bot_app(bot: &BotEntry) -> App {
    App {
        client_id: bot.app_id,
        name: bot.name,
        secret: Some(bot.app_secret),
        identifier_uris: vec![format!("api://botid-{}", bot.app_id), format!("api://{}", bot.app_id)],
        token_version: AppTokenVersion::V2,
        blueprint: None,
        needs_consent: false,
    }
}

/// The app of a connection whose client is not the bot itself.
fn connection_app(connection: &ConnectionEntry) -> App {
    App {
        client_id: connection.client_id,
        name: connection.name,
        secret: Some(connection.client_secret),
        identifier_uris: vec![connection.token_exchange_uri.clone()],
        token_version: if connection.v1_tokens { AppTokenVersion::V1 } else { AppTokenVersion::V2 },
        blueprint: None,
        needs_consent: false,
    }
}

/// The connection `graph` of a bot that exchanges tokens with the bot's own app.
pub(in crate::dev) fn graph_connection(bot: &BotEntry) -> ConnectionEntry {
    bot_connection(bot, "graph", GRAPH_SCOPES)
}

fn bot_connection(bot: &BotEntry, name: &'static str, scopes: &'static [&'static str]) -> ConnectionEntry {
    ConnectionEntry {
        name,
        bot: bot.name,
        client_id: bot.app_id,
        client_secret: bot.app_secret,
        token_exchange_uri: format!("api://botid-{}", bot.app_id),
        exchange_scope: format!("api://botid-{}/access_as_user", bot.app_id),
        scopes,
        v1_tokens: false,
    }
}

fn connections() -> Vec<ConnectionEntry> {
    let with_skills = |bot: &&BotEntry| bot.name == ASSISTANT;
    let mut connections: Vec<_> = BOTS.iter().filter(|bot| !with_skills(bot)).map(graph_connection).collect();
    connections.extend(BOTS.first().map(|bot| bot_connection(bot, "mail", MAIL_SCOPES)));
    connections.push(ConnectionEntry {
        name: "legacy",
        bot: "demo",
        client_id: LEGACY_ID,
        client_secret: LEGACY_SECRET,
        token_exchange_uri: format!("api://{LEGACY_ID}"),
        exchange_scope: format!("api://{LEGACY_ID}/access_as_user"),
        scopes: GRAPH_SCOPES,
        v1_tokens: true,
    });
    connections.extend(BOTS.iter().find(with_skills).map(|bot| bot_connection(bot, ASSISTANT, ASSISTANT_SCOPES)));
    connections
}
