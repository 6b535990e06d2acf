//! Invokes of users that name a connection of a skill: they go to the skill, as its parent would pass them on
//! (docs/skills.md).

mod actions;
mod outages;
mod places;
mod refusals;
mod to_parent;
mod to_skill;

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::harness::{Answer, Harness, Options, Received, RecorderBot, Surroundings, activities};

/// The parent's own address, at which the skill's answers arrive.
const PARENT_URL: &str = "http://127.0.0.1:9/api/skills/";
/// The parent's id of the conversation with the skill.
const PARENT_CONVERSATION: &str = "the-parents-own-id";
/// The settings of the parent: with its credentials bot-sso gets its app tokens.
const PARENT: &str =
    "credentials = [{ secret = { env = \"DEMO_APP_SECRET\" } }]\nskill_host_urls = [\"http://127.0.0.1:9/\"]";
/// The connection of the skill `weather`.
const CONNECTION: &str = "weather-graph";

/// A gateway before the bot `demo`, whose skill `weather` has the app of `demo-forward`.
struct SkilledBot {
    harness: Harness,
    skill: RecorderBot,
    options: Options,
}

impl SkilledBot {
    async fn start() -> Self {
        Self::with(Options { bot: PARENT, ..Options::default() }).await
    }

    async fn with(mut options: Options) -> Self {
        let (surroundings, skill) = (Surroundings::start().await, RecorderBot::start().await);
        let directory = surroundings.stage.directory();
        let (app_id, tenant) = (directory.find_bot("demo-forward").unwrap().app_id, directory.main_tenant_id());
        let endpoint = skill.endpoint();
        let _ = write!(
            options.appended,
            "[skills.weather]\napp_id = \"{app_id}\"\ntenant = \"{tenant}\"\nendpoint = \"{endpoint}\"\n\
             connections = [\"{CONNECTION}\", \"weather-mail\"]\nexchange_uris = [\"api://weather/access\"]\n\
             bots = [\"demo\"]\n",
        );
        let secret = directory.find_bot("demo").unwrap().app_secret;
        options.environment.push(("DEMO_APP_SECRET".to_owned(), secret.to_owned()));
        let harness = surroundings.run(&options).await;
        Self { harness, skill, options }
    }

    /// Restarts the application with the skill at another `endpoint`.
    async fn move_skill(&mut self, endpoint: &str) {
        self.options.appended = self.options.appended.replace(&self.skill.endpoint(), endpoint);
        self.harness.restart(&self.options).await;
    }

    /// Opens a conversation of `demo` with the skill for `user`, who writes in the personal chat, and returns the id by which
    /// the skill knows it.
    async fn converse(&self, user: &str) -> String {
        let message = activities::message(&self.harness, &self.harness.user(user), "what is the weather?");
        self.converse_about(&message).await
    }

    /// Passes `message`, which a user has sent to `demo`, on to the skill as an SDK parent does.
    async fn converse_about(&self, message: &Value) -> String {
        let relates_to = json!({
            "serviceUrl": message["serviceUrl"], "activityId": message["id"], "channelId": message["channelId"],
            "conversation": message["conversation"], "bot": null,
        });
        self.converse_relating_to(&relates_to, message).await
    }

    /// As [`SkilledBot::converse_about`], for a parent that writes `relates_to`.
    async fn converse_relating_to(&self, relates_to: &Value, message: &Value) -> String {
        let before = self.skill.received().len();
        let answer = self.pass_on(relates_to, message).await;
        assert_eq!(answer.status, 200, "{relates_to}: {}", text_of(&answer));
        let received = self.skill.received()[before].json();
        received["conversation"]["id"].as_str().unwrap().to_owned()
    }

    async fn pass_on(&self, relates_to: &Value, message: &Value) -> Answer {
        let mut passed_on = message.clone();
        passed_on["relatesTo"] = relates_to.clone();
        passed_on["serviceUrl"] = PARENT_URL.into();
        let user = message["from"]["id"].as_str().unwrap();
        passed_on["conversation"] = json!({ "id": format!("{PARENT_CONVERSATION}-{user}") });
        passed_on["recipient"]["role"] = "skill".into();
        let bearer = self.parent_token().await;
        let authorization = format!("Bearer {bearer}");
        let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
        let body = passed_on.to_string().into_bytes();
        self.harness.send("POST", "/api/skills/weather/messages", &headers, body).await
    }

    /// The token with which `demo` itself would call the skill.
    async fn parent_token(&self) -> String {
        let scope = format!("{}/.default", self.harness.bot_app_id("demo-forward"));
        self.harness.app_token(self.harness.bot_app_id("demo"), &scope).await
    }

    /// What the skill has received of users, without the parent's messages.
    fn skill_invokes(&self) -> Vec<Received> {
        self.skill.received().into_iter().filter(|request| request.json()["type"] != "message").collect()
    }
}

/// A `signin/tokenExchange` of `user` for a connection of the skill.
fn exchange(harness: &Harness, user: &str, connection: &str) -> Value {
    let value = json!({ "id": "the skill's card", "connectionName": connection, "token": "the client's token" });
    activities::invoke(harness, &harness.user(user), "signin/tokenExchange", value)
}

/// An action of `user` that carries a token for a connection of the skill.
fn action(harness: &Harness, user: &str, name: &str, connection: &str) -> Value {
    let value = json!({
        "action": { "type": "Action.Execute", "verb": "show", "data": {} },
        "authentication": { "id": "some-id", "connectionName": connection, "token": "the client's token" },
        "trigger": "manual",
    });
    activities::invoke(harness, &harness.user(user), name, value)
}

fn text_of(answer: &Answer) -> String {
    format!("{} {}", answer.status, String::from_utf8_lossy(&answer.body))
}
