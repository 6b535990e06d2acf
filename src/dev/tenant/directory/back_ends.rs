//! The callers of the gateway that are no bots: an Office add-in, back ends, and apps with a service role.

use super::entries::{App, AppTokenVersion, User, UserScenario};
use super::fixed::GRAPH_SCOPES;

/// An Office add-in of the stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddInEntry {
    /// Name, as in the paths of its addresses.
    pub name: &'static str,
    /// Client id of its app registration.
    pub client_id: &'static str,
    /// That app's secret.
    pub client_secret: &'static str,
    /// The Application ID URI: `Resource` of the add-in's manifest.
    pub resource: &'static str,
    /// The id and the secret of its server-side caller, which may have the users' tokens themselves.
    pub caller: ClientSecretEntry,
}

/// A client of the gateway, and the secret by which it authenticates there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientSecretEntry {
    /// Client id.
    pub client_id: &'static str,
    /// Secret.
    pub secret: &'static str,
}

/// How a back end of the stage authenticates at the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackEndCredential {
    /// By this secret.
    Secret(&'static str),
    /// By assertions, signed with the stage's key for back ends.
    PrivateKey,
}

/// A back end of the stage: it exchanges its users' tokens at the gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackEndEntry {
    /// Name.
    pub name: &'static str,
    /// The id by which it authenticates.
    pub client_id: &'static str,
    /// How it authenticates.
    pub credential: BackEndCredential,
    /// The source of its users' tokens.
    pub exchange: ExchangeEntry,
    /// The scopes of the tokens that it gets.
    pub scopes: &'static [&'static str],
    /// Whether it may also get tokens for itself.
    pub has_app_token: bool,
}

/// The registration whose client exchanges the tokens of a back end's users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExchangeEntry {
    /// The add-in with this name.
    AddIn(&'static str),
    /// The connection without a bot that has this name.
    Connection(&'static str),
}

/// A connection without a bot, for back ends and apps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedConnectionEntry {
    /// The key of its section in the gateway's configuration.
    pub name: &'static str,
    /// Client id of its app registration.
    pub client_id: &'static str,
    /// That app's secret.
    pub client_secret: &'static str,
    /// The scopes that the gateway requests, beside those of OpenID Connect.
    pub scopes: &'static [&'static str],
}

/// An app of the stage whose trusted functions read its users' tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceRoleEntry {
    /// The app's id.
    pub app_id: &'static str,
    /// The token by which its functions authenticate.
    pub service_token: &'static str,
    /// Name of the connection from which its users' tokens come.
    pub connection: &'static str,
}

/// A user of an app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppUserEntry {
    /// The app's id of the user: 24 hexadecimal digits.
    pub user_id: String,
    /// Name of the stage's user.
    pub user: &'static str,
    /// Whether the stage signs the user in at its start.
    pub is_linked: bool,
}

const ADD_INS: [AddInEntry; 1] = [AddInEntry {
    name: "files",
    client_id: "d5e1f7a9-3b24-4c68-9d7e-1f2a3b4c5d07",
    client_secret: "files-app-secret-of-the-local-stage",
    resource: "api://localhost/d5e1f7a9-3b24-4c68-9d7e-1f2a3b4c5d07",
    caller: ClientSecretEntry { client_id: "files-middle-tier", secret: "files-middle-tier-secret-of-the-local-stage" },
}];

const BACK_ENDS: [BackEndEntry; 2] = [
    BackEndEntry {
        name: "orders",
        client_id: "orders",
        credential: BackEndCredential::Secret("orders-secret-of-the-local-stage"),
        exchange: ExchangeEntry::AddIn("files"),
        scopes: GRAPH_SCOPES,
        has_app_token: false,
    },
    BackEndEntry {
        name: "billing",
        client_id: "billing",
        credential: BackEndCredential::PrivateKey,
        exchange: ExchangeEntry::Connection("billing"),
        scopes: GRAPH_SCOPES,
        has_app_token: true,
    },
];

const CONNECTIONS: [SharedConnectionEntry; 3] = [
    SharedConnectionEntry {
        name: "billing",
        client_id: "e6f208ba-4c35-4d79-8e8f-203b4c5d6e08",
        client_secret: "billing-app-secret-of-the-local-stage",
        scopes: GRAPH_SCOPES,
    },
    SharedConnectionEntry {
        name: "expenses",
        client_id: "f70319cb-5d46-4e8a-9f90-314c5d6e7f09",
        client_secret: "expenses-app-secret-of-the-local-stage",
        scopes: GRAPH_SCOPES,
    },
    SharedConnectionEntry {
        name: "planner",
        client_id: "08142adc-6e57-4f9b-80a1-425d6e7f800a",
        client_secret: "planner-app-secret-of-the-local-stage",
        scopes: GRAPH_SCOPES,
    },
];

const APPS: [ServiceRoleEntry; 2] = [
    ServiceRoleEntry {
        app_id: "expenses",
        service_token: "expenses-service-token-of-the-local-stage",
        connection: "expenses",
    },
    ServiceRoleEntry {
        app_id: "planner",
        service_token: "planner-service-token-of-the-local-stage",
        connection: "planner",
    },
];

/// How many users each app has.
const USERS_OF_APP: usize = 3;

pub(super) fn add_ins() -> Vec<AddInEntry> {
    ADD_INS.to_vec()
}

pub(super) fn back_ends() -> Vec<BackEndEntry> {
    BACK_ENDS.to_vec()
}

pub(super) fn shared_connections() -> Vec<SharedConnectionEntry> {
    CONNECTIONS.to_vec()
}

pub(super) fn service_role_apps() -> Vec<ServiceRoleEntry> {
    APPS.to_vec()
}

/// The app registrations of the add-ins and of these connections.
pub(super) fn back_end_apps() -> impl Iterator<Item = App> {
    let of_add_ins = ADD_INS.into_iter().map(|add_in| {
        let uris = vec![add_in.resource.to_owned(), format!("api://{}", add_in.client_id)];
        registration(add_in.name, add_in.client_id, add_in.client_secret, uris)
    });
    let of_connections = CONNECTIONS
        .into_iter()
        .map(|entry| registration(entry.name, entry.client_id, entry.client_secret, vec![entry.token_exchange_uri()]));
    of_add_ins.chain(of_connections)
}

fn registration(name: &'static str, client_id: &'static str, secret: &'static str, uris: Vec<String>) -> App {
    App {
        client_id,
        name,
        secret: Some(secret),
        identifier_uris: uris,
        token_version: AppTokenVersion::V2,
        blueprint: None,
        needs_consent: false,
    }
}

impl AddInEntry {
    /// The scope that a client requests to get a token for the add-in.
    #[must_use]
    pub fn scope(&self) -> String {
        format!("{}/access_as_user", self.resource)
    }
}

impl SharedConnectionEntry {
    /// The Application ID URI of its app registration.
    #[must_use]
    pub fn token_exchange_uri(&self) -> String {
        format!("api://{}", self.client_id)
    }

    /// The scope that a client requests to get a token that the connection exchanges.
    #[must_use]
    pub fn scope(&self) -> String {
        format!("{}/access_as_user", self.token_exchange_uri())
    }
}

impl ServiceRoleEntry {
    /// The app's users: of the stage's users who sign in, the last three. All but the very last are linked.
    #[must_use]
    pub fn users(&self, users: &[User]) -> Vec<AppUserEntry> {
        let signing_in = || users.iter().filter(|user| user.scenario == UserScenario::SignsIn);
        let others = signing_in().count().saturating_sub(USERS_OF_APP);
        let last = signing_in().count().saturating_sub(others + 1);
        let entry = |(index, user): (usize, &User)| AppUserEntry {
            user_id: super::entries::derive_id(&["app user", self.app_id, user.oid]).replace('-', "").split_off(8),
            user: user.name,
            is_linked: index < last || index == 0,
        };
        signing_in().skip(others).enumerate().map(entry).collect()
    }
}
