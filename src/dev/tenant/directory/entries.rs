//! The kinds of things that a [`Directory`](super::Directory) holds.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::Sdk;

/// A tenant of the local issuer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tenant {
    /// Tenant id (`tid`), a GUID.
    pub id: &'static str,
    /// Display name.
    pub name: &'static str,
}

/// What happens when an app exchanges a token of the user on behalf of the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum UserScenario {
    /// The exchange succeeds.
    #[serde(rename = "signs in")]
    SignsIn,
    /// The exchange is refused with 65001 until the user has consented.
    #[serde(rename = "lacks consent")]
    LacksConsent,
    /// The exchange is refused with 50076 and `claims` until the user has signed in on the login page.
    #[serde(rename = "needs MFA")]
    NeedsMfa,
    /// The exchange is always refused with 50057.
    #[serde(rename = "disabled")]
    Disabled,
    /// The exchange succeeds, and tokens say that the user's home is another tenant (`idp`, `acct`).
    #[serde(rename = "guest")]
    Guest,
    /// The exchange succeeds, for an app that takes personal accounts. The gateway's bots take none.
    #[serde(rename = "personal account")]
    PersonalAccount,
    /// The user has no password, and is impersonated by its agent identity alone.
    #[serde(rename = "agent user")]
    AgentUser,
}

/// A user object of one tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Short name. The password grant accepts it as `username`, as it accepts the principal name.
    pub name: &'static str,
    /// The `name` claim, and the name that the protected resource returns.
    pub display_name: &'static str,
    /// User principal name.
    pub principal_name: &'static str,
    /// Password; empty if the user has none.
    pub password: &'static str,
    /// Object id in `tid`.
    pub oid: &'static str,
    /// The tenant that issues this user's tokens.
    pub tid: &'static str,
    /// The user's home tenant; differs from `tid` for a guest.
    pub home_tid: &'static str,
    /// What happens when a token of this user is exchanged.
    pub scenario: UserScenario,
}

/// Which claims an app's access tokens carry (`accessTokenAcceptedVersion` of its registration).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppTokenVersion {
    /// `ver` 1.0: audience is the App ID URI, client is `appid`.
    V1,
    /// `ver` 2.0: audience is the client id, client is `azp`.
    V2,
}

/// An app registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct App {
    /// Client id, a GUID.
    pub client_id: &'static str,
    /// Display name.
    pub name: &'static str,
    /// Its secret; `None` for a public client.
    pub secret: Option<&'static str>,
    /// App ID URIs, the preferred one first. An app without any is not an API.
    pub identifier_uris: Vec<String>,
    /// The version of the tokens that are issued for this app.
    pub token_version: AppTokenVersion,
    /// Client id of its blueprint if this is an agent identity, which has no credentials.
    pub blueprint: Option<&'static str>,
    /// Whether each user has to consent to this app, whatever the user's story is.
    pub needs_consent: bool,
}

/// An agent identity with its agent user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentEntry {
    /// Name.
    pub name: &'static str,
    /// App id of the agent identity.
    pub agent_app_id: &'static str,
    /// Name of the bot whose app is the blueprint.
    pub bot: &'static str,
    /// Name of the agent user.
    pub user: &'static str,
    /// Id of the tenant of both.
    pub tenant: &'static str,
}

/// A bot of the stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BotEntry {
    /// Name, as in the path of its messages URL.
    pub name: &'static str,
    /// Microsoft app id.
    pub app_id: &'static str,
    /// Its app's secret.
    pub app_secret: &'static str,
    /// The bot's own address, which receives its activities; `None` for a demo bot, which the stage runs itself.
    pub endpoint: Option<&'static str>,
    /// The SDK that the bot is built on, if the gateway's settings come from it.
    pub sdk: Option<Sdk>,
    /// What the gateway does after an exchange: `notify`, `forward` or `none`. If absent, what fits the SDK.
    pub after_exchange: Option<&'static str>,
    /// The other invokes from which the gateway takes tokens: `adaptive_card`, `message_extension`.
    pub sign_in_invokes: &'static [&'static str],
}

/// A skill of the stage, which the stage runs itself. It is also a bot, because it has tokens of its own at the Token Service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkillEntry {
    /// The skill as a bot.
    pub bot: BotEntry,
    /// Name of the bot that may call it.
    pub parent: &'static str,
    /// Its connection. The Token Exchange URL is what the parent's tokens are exchanged for.
    pub connection: ConnectionEntry,
    /// Whether each user has to consent to the app of its connection first.
    pub needs_consent: bool,
}

/// The entries of a directory that a stage may choose; all others follow from them or are fixed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageEntries {
    /// Bots.
    pub bots: Vec<BotEntry>,
    /// Connections of these bots.
    pub connections: Vec<ConnectionEntry>,
    /// Users, without those of agents.
    pub users: Vec<User>,
}

/// A client app, such as Teams. It gets the tokens that bots exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientEntry {
    /// Name.
    pub name: &'static str,
    /// Its client id. Such a client has no secret.
    pub client_id: &'static str,
}

/// An OAuth connection of a bot, for the gateway's configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionEntry {
    /// Connection name; unique in its bot.
    pub name: &'static str,
    /// Name of the bot.
    pub bot: &'static str,
    /// Client id of the app that exchanges tokens on behalf of the user.
    pub client_id: &'static str,
    /// That client's secret.
    pub client_secret: &'static str,
    /// The Token Exchange URL.
    pub token_exchange_uri: String,
    /// The scope that a client requests to get an exchangeable token.
    pub exchange_scope: String,
    /// The scopes that the gateway requests in the exchange.
    pub scopes: &'static [&'static str],
    /// Whether exchangeable tokens are v1 tokens.
    pub v1_tokens: bool,
}

/// A user-assigned managed identity of the stage's machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManagedIdentityEntry {
    /// Name.
    pub name: &'static str,
    /// Its client id.
    pub client_id: &'static str,
    /// Its object id: `oid` and `sub` of its tokens.
    pub object_id: &'static str,
}

/// The issuer of the tokens that a federated credential accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FederatedIssuer {
    /// The stage's workload issuer, as a Kubernetes cluster would have one.
    Workload,
    /// The main tenant, for its managed identities.
    Tenant,
}

/// A federated credential of an app: tokens of this issuer with this subject authenticate the app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FederatedCredential {
    /// Client id of the app.
    pub client_id: &'static str,
    /// The issuer.
    pub issuer: FederatedIssuer,
    /// `sub`, compared with case.
    pub subject: &'static str,
}

impl SkillEntry {
    /// What happens when a parent's token is exchanged for the skill, in the words of the users' stories.
    #[must_use]
    pub fn scenario(&self) -> UserScenario {
        if self.needs_consent { UserScenario::LacksConsent } else { UserScenario::SignsIn }
    }
}

impl User {
    /// Object id in the home tenant; differs from `oid` for a guest.
    #[must_use]
    pub fn home_oid(&self) -> String {
        if self.home_tid == self.tid { self.oid.to_owned() } else { derive_id(&[self.oid, self.home_tid]) }
    }
}

impl ConnectionEntry {
    /// The key of its section in the gateway's configuration. It includes the bot, because two bots may have connections of
    /// the same name.
    #[must_use]
    pub fn section_key(&self) -> String {
        format!("{}-{}", self.bot, self.name)
    }
}

impl App {
    /// Object id of this app's service principal in tenant `tid`: `oid` and `sub` of its app tokens.
    #[must_use]
    pub fn service_principal_id(&self, tid: &str) -> String {
        derive_id(&[self.client_id, tid])
    }
}

/// An id that is always the same for the same `parts`.
pub(in crate::dev) fn derive_id(parts: &[&str]) -> String {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, parts.join("/").as_bytes()).hyphenated().to_string()
}
