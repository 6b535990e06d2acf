//! What the tests of token exchanges share: the provider beside the stage, whose Entra it trusts, and connections that
//! exchange tokens there.

use std::fmt::Write as _;

use bot_sso::dev::User;
use bot_sso::domain::Secret;
use serde_json::{Value, json};

use super::fixture::{CLIENT, CLIENT_SECRET, OidcProvider};
use crate::harness::{Answer, Harness, Options, Surroundings, activities, write_private};

/// A table `token_exchange` for tokens of the stage's Entra, with `{more}` in its place.
pub const OF_ENTRA: &str = "subject = \"entra\"";
/// One for the provider's own tokens.
pub const OWN: &str = "subject = \"provider\", accepted_audiences = [\"https://sso.example.com\"]";
/// The audience of the provider's own tokens.
pub const RESOURCE: &str = "https://sso.example.com";

/// A connection of `demo` at the provider.
pub struct ExchangingConnection {
    pub name: &'static str,
    /// The content of the table `token_exchange`.
    pub table: String,
    /// Further lines.
    pub lines: String,
}

impl ExchangingConnection {
    pub fn new(name: &'static str, table: impl Into<String>) -> Self {
        Self { name, table: table.into(), lines: String::new() }
    }

    pub fn with(self, lines: impl Into<String>) -> Self {
        Self { lines: lines.into(), ..self }
    }
}

/// The application, and the provider that trusts the stage's Entra.
pub struct Exchanges {
    pub provider: OidcProvider,
    pub harness: Harness,
}

impl Exchanges {
    pub async fn start(scenario: &str, connections: &[ExchangingConnection]) -> Self {
        let surroundings = Surroundings::start().await;
        let stage = &surroundings.stage;
        let demo = stage.directory().find_bot("demo").unwrap().app_id;
        let jwks = format!("{}/common/discovery/v2.0/keys", stage.http_base());
        let environment = [
            ("ENTRA_JWKS", jwks.as_str()),
            ("ENTRA_ISSUER", &stage.v2_issuer("{tenantid}")),
            ("ENTRA_AUDIENCE", demo),
            ("GRACE_OID", stage.directory().find_user("Ben").unwrap().oid),
        ];
        let provider = OidcProvider::start_with(&format!("exchange-{scenario}"), &environment).await;
        let secret = surroundings.directory().join("tickets.secret");
        write_private(&secret, CLIENT_SECRET);
        let tenants: Vec<_> = stage.directory().tenants.iter().map(|tenant| tenant.id).collect();
        let mut appended =
            format!("[identity_providers.elsewhere]\nkind = \"oidc\"\nissuer = \"{}\"\n", provider.issuer);
        for ExchangingConnection { name, table, lines } in connections {
            let _ = write!(
                appended,
                "[connections.{name}]\nbot = \"demo\"\nidentity_provider = \"elsewhere\"\nclient_id = \"{CLIENT}\"\n\
                 client_secret = {{ file = \"{}\" }}\nscopes = [\"openid\", \"profile\", \"offline_access\"]\n\
                 token_exchange_uri = \"api://botid-{demo}\"\ntoken_exchange = {{ {table} }}\n{lines}\n",
                secret.display()
            );
            if table.contains(OF_ENTRA) {
                let _ = writeln!(appended, "tenants = {tenants:?}");
            }
        }
        let connection = "identity_provider = \"entra\"".to_owned();
        let options = Options { appended, connection, operations: true, ..Options::default() };
        Self { provider, harness: surroundings.run(&options).await }
    }

    /// Sends the token for the connection, in an invoke of the activity's user.
    pub async fn exchange(&self, activity: &Value, connection: &str, token: &str) -> Answer {
        let mut invoke = activity.clone();
        invoke["type"] = "invoke".into();
        invoke["name"] = "signin/tokenExchange".into();
        let id = format!("{connection}-{}", activity["from"]["id"]);
        invoke["value"] = json!({ "id": id, "connectionName": connection, "token": token });
        self.harness.post(&invoke).await
    }

    /// An exchangeable token of Entra.
    pub async fn entra_token(&self, user: &str) -> String {
        self.harness.user_token(user, "graph").await
    }

    /// A token of the provider for the page at which `login` has signed in: a JSON Web Token for `resource`, or an opaque one.
    pub async fn page_token(&self, login: &str, resource: Option<&str>) -> String {
        let grant = ("grant_type", "urn:example:grant-type:page-sign-in");
        let mut form = vec![grant, ("login", login), ("scope", if resource.is_some() { "chat" } else { "openid" })];
        form.extend(resource.map(|resource| ("resource", resource)));
        self.token_of_page(&form).await
    }

    /// A token of the page itself.
    pub async fn app_token(&self) -> String {
        let form = [("grant_type", "client_credentials"), ("scope", "chat"), ("resource", RESOURCE)];
        self.token_of_page(&form).await
    }

    async fn token_of_page(&self, form: &[(&str, &str)]) -> String {
        let mut form = form.to_vec();
        form.extend([("client_id", "page"), ("client_secret", CLIENT_SECRET)]);
        self.harness.token_request(&format!("{}/token", self.provider.issuer), &form).await
    }

    /// The parameters of the exchanges that the provider has seen.
    pub fn seen(&self) -> Vec<Value> {
        let events = self.provider.peer.events().into_iter().filter(|event| event["event"] == "exchange");
        events.map(|event| event["params"].clone()).collect()
    }

    /// The token that the bot gets, or the status if it gets none.
    pub async fn get_token(&self, channel: &str, user_id: &str, connection: &str) -> Result<Secret, u16> {
        let answer = self.harness.get_token(channel, user_id, connection).await;
        if answer.status == 200 {
            Ok(Secret::from(answer.json()["token"].as_str().unwrap()))
        } else {
            Err(answer.status)
        }
    }

    pub fn user(&self, name: &str) -> User {
        self.harness.user(name)
    }

    /// An activity of a user of Web Chat.
    pub fn on_web_chat(&self, user_id: &str) -> Value {
        activities::on_channel(activities::teams(&self.harness, &self.user("Ada")), "webchat", user_id)
    }
}
