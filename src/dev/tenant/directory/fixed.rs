use super::agents::{AGENT_365, agent_apps, agent_users};
use super::entries::{
    App, AppTokenVersion, BotEntry, ClientEntry, ConnectionEntry, FederatedCredential, FederatedIssuer,
    ManagedIdentityEntry, Tenant, User, UserScenario,
};
use super::tenant_ids::{CONTOSO_ID, FABRIKAM_ID};

/// The subject of the only workload that the bots' apps trust.
pub(in crate::dev) const WORKLOAD_SUBJECT: &str = "system:serviceaccount:bot-sso:gateway";

const BOTS: [BotEntry; 3] = [
    BotEntry {
        name: "demo",
        app_id: "1b7f3c52-8a0e-4d61-9c2b-5e4f6a7b8c01",
        app_secret: "demo-app-secret-of-the-local-stage",
        after_exchange: "notify",
    },
    BotEntry {
        name: "demo-forward",
        app_id: "2c8a4d63-9b1f-4e72-8d3c-6f5a7b8c9d02",
        app_secret: "demo-forward-app-secret-of-the-local-stage",
        after_exchange: "forward",
    },
    BotEntry {
        name: "demo-none",
        app_id: "3d9b5e74-ac20-4f83-9e4d-7a6b8c9dae03",
        app_secret: "demo-none-app-secret-of-the-local-stage",
        after_exchange: "none",
    },
];

const LEGACY_ID: &str = "4eac6f85-bd31-4094-8f5e-8b7c9daebf04";
const LEGACY_SECRET: &str = "legacy-app-secret-of-the-local-stage";

/// The app of pages with Web Chat.
pub(super) const WEB_CHAT_CLIENT_ID: &str = "5fbd7096-ce42-41a5-906f-9c8daebfc005";

const CLIENTS: [ClientEntry; 3] = [
    ClientEntry { name: "teams-desktop", client_id: "1fec8e78-bce4-4aaf-ab1b-5451cc387264" },
    ClientEntry { name: "teams-web", client_id: "5e3ce6c0-2b1f-4285-8d4b-75ee78787346" },
    ClientEntry { name: "web-chat", client_id: WEB_CHAT_CLIENT_ID },
];

const USERS: [User; 7] = [
    User {
        name: "ada",
        display_name: "Ada Lovelace",
        principal_name: "ada@contoso.example",
        password: "ada-password",
        oid: "a0000000-1111-4222-8333-00000000ada0",
        tid: CONTOSO_ID,
        home_tid: CONTOSO_ID,
        scenario: UserScenario::SignsIn,
    },
    User {
        name: "ben",
        display_name: "Ben Franklin",
        principal_name: "ben@contoso.example",
        password: "ben-password",
        oid: "b0000000-1111-4222-8333-00000000be40",
        tid: CONTOSO_ID,
        home_tid: CONTOSO_ID,
        scenario: UserScenario::SignsIn,
    },
    User {
        name: "cleo",
        display_name: "Cleo Patra",
        principal_name: "cleo@contoso.example",
        password: "cleo-password",
        oid: "c0000000-1111-4222-8333-00000000c1e0",
        tid: CONTOSO_ID,
        home_tid: CONTOSO_ID,
        scenario: UserScenario::LacksConsent,
    },
    User {
        name: "dan",
        display_name: "Dan Bricklin",
        principal_name: "dan@contoso.example",
        password: "dan-password",
        oid: "d0000000-1111-4222-8333-00000000da40",
        tid: CONTOSO_ID,
        home_tid: CONTOSO_ID,
        scenario: UserScenario::NeedsMfa,
    },
    User {
        name: "eve",
        display_name: "Eve Curie",
        principal_name: "eve@contoso.example",
        password: "eve-password",
        oid: "e0000000-1111-4222-8333-00000000e5e0",
        tid: CONTOSO_ID,
        home_tid: CONTOSO_ID,
        scenario: UserScenario::Disabled,
    },
    User {
        name: "gus",
        display_name: "Gus Fring",
        principal_name: "gus@fabrikam.example",
        password: "gus-password",
        oid: "f0000000-1111-4222-8333-000000009050",
        tid: CONTOSO_ID,
        home_tid: FABRIKAM_ID,
        scenario: UserScenario::Guest,
    },
    User {
        name: "fay",
        display_name: "Fay Ajzenberg",
        principal_name: "fay@fabrikam.example",
        password: "fay-password",
        oid: "f0000000-2222-4333-8444-00000000fa70",
        tid: FABRIKAM_ID,
        home_tid: FABRIKAM_ID,
        scenario: UserScenario::SignsIn,
    },
];

const GRAPH_SCOPES: &[&str] = &["https://graph.microsoft.com/User.Read"];
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

pub(in crate::dev) fn identities() -> Vec<ManagedIdentityEntry> {
    IDENTITIES.to_vec()
}

/// Every bot's app trusts the workload and the first managed identity. The legacy app trusts neither.
pub(in crate::dev) fn federated_credentials() -> Vec<FederatedCredential> {
    let workload = (FederatedIssuer::Workload, WORKLOAD_SUBJECT);
    let identity = IDENTITIES.first().map(|identity| (FederatedIssuer::Tenant, identity.object_id));
    let trusted: Vec<_> = [workload].into_iter().chain(identity).collect();
    let pairs = BOTS.iter().flat_map(|bot| trusted.iter().map(|trust| (bot.app_id, *trust)));
    pairs.map(|(client_id, (issuer, subject))| FederatedCredential { client_id, issuer, subject }).collect()
}

pub(in crate::dev) fn tenants() -> Vec<Tenant> {
    vec![Tenant { id: CONTOSO_ID, name: "Contoso" }, Tenant { id: FABRIKAM_ID, name: "Fabrikam" }]
}

pub(in crate::dev) fn bots() -> Vec<BotEntry> {
    BOTS.to_vec()
}

pub(in crate::dev) fn clients() -> Vec<ClientEntry> {
    CLIENTS.to_vec()
}

pub(in crate::dev) fn users() -> Vec<User> {
    USERS.into_iter().chain(agent_users()).collect()
}

pub(in crate::dev) fn apps() -> Vec<App> {
    let bots = BOTS.iter().map(|bot| App {
        client_id: bot.app_id,
        name: bot.name,
        secret: Some(bot.app_secret),
        identifier_uris: vec![format!("api://botid-{}", bot.app_id), format!("api://{}", bot.app_id)],
        token_version: AppTokenVersion::V2,
        blueprint: None,
    });
    let legacy = App {
        client_id: LEGACY_ID,
        name: "legacy",
        secret: Some(LEGACY_SECRET),
        identifier_uris: vec![format!("api://{LEGACY_ID}")],
        token_version: AppTokenVersion::V1,
        blueprint: None,
    };
    let clients = CLIENTS.iter().map(|client| App {
        client_id: client.client_id,
        name: client.name,
        secret: None,
        identifier_uris: Vec::new(),
        token_version: AppTokenVersion::V2,
        blueprint: None,
    });
    let agent_365 = App {
        client_id: AGENT_365.client_id,
        name: "agent-365",
        secret: Some(AGENT_365.secret),
        identifier_uris: vec![AGENT_365.client_id.to_owned()],
        token_version: AppTokenVersion::V1,
        blueprint: None,
    };
    bots.chain([legacy]).chain(clients).chain([agent_365]).chain(agent_apps(&BOTS)).collect()
}

pub(in crate::dev) fn connections() -> Vec<ConnectionEntry> {
    let build_connection = |bot: &BotEntry, name, scopes| ConnectionEntry {
        name,
        bot: bot.name,
        client_id: bot.app_id,
        client_secret: bot.app_secret,
        token_exchange_uri: format!("api://botid-{}", bot.app_id),
        exchange_scope: format!("api://botid-{}/access_as_user", bot.app_id),
        scopes,
        v1_tokens: false,
    };
    let mut connections: Vec<_> = BOTS.iter().map(|bot| build_connection(bot, "graph", GRAPH_SCOPES)).collect();
    connections.extend(BOTS.first().map(|bot| build_connection(bot, "mail", MAIL_SCOPES)));
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
    connections
}
