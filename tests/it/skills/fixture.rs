//! A parent bot and two skills around the application: the parent (`demo`) and the skills record what they get, and hold
//! the apps of the stage.

use bot_sso::dev::Signer;
use serde_json::{Value, json};

use crate::harness::{Answer, Behaviour, Harness, Options, Received, RecorderBot, Surroundings, activities, logs};

/// The stage's bot `demo`, which is the parent.
pub const PARENT: &str = "1b7f3c52-8a0e-4d61-9c2b-5e4f6a7b8c01";
/// The stage's bot `demo-forward`, whose app is that of the skill `weather`.
pub const WEATHER: &str = "2c8a4d63-9b1f-4e72-8d3c-6f5a7b8c9d02";
/// The stage's bot `demo-none`, which is another parent.
pub const OTHER_PARENT: &str = "3d9b5e74-ac20-4f83-9e4d-7a6b8c9dae03";
/// An app of the stage that is neither a bot nor a skill here, unless a test makes it one: that of the connection `legacy`.
pub const LEGACY: &str = "4eac6f85-bd31-4094-8f5e-8b7c9daebf04";
pub const CONTOSO: &str = "8c1e0f2a-5b3d-4c6e-9f7a-0b1c2d3e4f50";
pub const FABRIKAM: &str = "d2a9c4e6-7f81-4b3a-a5c7-1e2f3a4b5c60";
/// The resource that the skill `weather` may ask for.
pub const WEATHER_URI: &str = "api://botid-2c8a4d63-9b1f-4e72-8d3c-6f5a7b8c9d02";
/// A resource that the parent's connection lists, and the skill `weather` does not.
pub const MAIL_URI: &str = "https://graph.microsoft.com/Mail.Read";
/// The connection that the cards of `weather` name.
pub const SKILL_CONNECTION: &str = "skill-graph";

pub struct Fixture {
    pub harness: Harness,
    /// What the parent gets at its own skill host.
    pub parent: RecorderBot,
    /// What the skill `weather` gets.
    pub skill: RecorderBot,
    pub options: Options,
}

/// The differences from the plain fixture.
#[derive(Default)]
pub struct Setting {
    /// Leaves the parent's credentials out.
    pub without_credentials: bool,
    /// Leaves the skill `news` out.
    pub without_news: bool,
    /// Another prefix of the parent's service URLs; none if empty.
    pub elsewhere: &'static str,
    /// Lines put into every connection, instead of the list of resources.
    pub connection: Option<&'static str>,
    /// TOML at the end of the configuration.
    pub appended: String,
}

impl Fixture {
    pub async fn start() -> Self {
        Self::with(Setting::default()).await
    }

    pub async fn with(setting: Setting) -> Self {
        let surroundings = Surroundings::start().await;
        let (parent, skill) = (RecorderBot::start().await, RecorderBot::start().await);
        let secret = "demo-app-secret-of-the-local-stage";
        let credentials =
            if setting.without_credentials { "" } else { "credentials = [{ secret = { env = \"PARENT_SECRET\" } }]" };
        let mut hosts = vec![service_url(&parent)];
        hosts.extend(Some(setting.elsewhere.to_owned()).filter(|url| !url.is_empty()));
        let hosts = format!("skill_host_urls = {hosts:?}");
        let weather = skill_section("weather", WEATHER, &skill.endpoint(), "\"demo\"", SKILL_CONNECTION);
        let news = skill_section("news", LEGACY, &skill.endpoint(), "\"demo\", \"demo-none\"", "news-graph");
        let listed = format!("exchange_uris = [\"{WEATHER_URI}\", \"{MAIL_URI}\"]");
        let options = Options {
            bot: Box::leak(format!("{credentials}\n{hosts}").into_boxed_str()),
            appended: format!("{weather}{}{}", if setting.without_news { "" } else { &news }, setting.appended),
            environment: vec![("PARENT_SECRET".to_owned(), secret.to_owned())],
            connection: setting.connection.map_or(listed, str::to_owned),
            offline_access: true,
            reachable: true,
            operations: true,
            ..Options::default()
        };
        let harness = surroundings.run(&options).await;
        let fixture = Self { harness, parent, skill, options };
        fixture.parent.behave(Behaviour::answering(200, r#"{"id":"parents-1"}"#));
        fixture
    }

    /// Restarts the application.
    pub async fn restart(&mut self) {
        self.harness.restart(&self.options).await;
    }

    /// A message of Ada that the parent passes on to a skill.
    pub fn message(&self) -> Value {
        let mut message = activities::message(&self.harness, &self.harness.user("Ada"), "how is the weather?");
        let user_conversation = message["conversation"].clone();
        message["relatesTo"] = json!({
            "serviceUrl": message["serviceUrl"],
            "activityId": message["id"],
            "channelId": message["channelId"],
            "conversation": user_conversation,
            "bot": null,
        });
        message["conversation"] = json!({ "id": "parents-conversation" });
        message["serviceUrl"] = service_url(&self.parent).into();
        message["recipient"] = json!({ "id": format!("28:{WEATHER}"), "role": "skill" });
        message
    }

    /// The token with which the app `client` calls the app `audience`.
    pub async fn token(&self, client: &str, audience: &str) -> String {
        self.harness.app_token(client, &format!("api://{audience}/.default")).await
    }

    /// Posts an activity to the skill `weather` as its parent.
    pub async fn post(&self, activity: &Value) -> Answer {
        let token = self.token(PARENT, WEATHER).await;
        self.call("POST", "/api/skills/weather/messages", &token, activity.to_string().into_bytes()).await
    }

    /// Opens a conversation with the skill `weather`, and returns the skill's id for it.
    pub async fn open(&self) -> String {
        self.open_with(&self.message()).await
    }

    pub async fn open_with(&self, message: &Value) -> String {
        let answer = self.post(message).await;
        assert_eq!(answer.status, 200, "{}", text_of(&answer));
        let received = self.skill.received();
        received.last().unwrap().json()["conversation"]["id"].as_str().unwrap().to_owned()
    }

    /// Signs Ada in at the parent.
    pub async fn sign_in(&self) {
        let token = self.harness.user_token("Ada", "graph").await;
        let exchange = activities::exchange(&self.harness, &self.harness.user("Ada"), "parents-card", &token);
        assert_eq!(self.harness.post(&exchange).await.status, 200);
        self.harness.received_once_settled().await;
    }

    /// A call of the skill `weather` below its `serviceUrl`.
    pub async fn as_skill(&self, method: &str, path: &str, body: &Value) -> Answer {
        let token = self.token(WEATHER, PARENT).await;
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        self.call(method, &format!("/api/skills/weather/v3/conversations/{path}"), &token, body).await
    }

    /// What the skill `weather` sends to the conversation that it knows by `id`.
    pub async fn send(&self, id: &str, activity: &Value) -> Answer {
        self.as_skill("POST", &format!("{id}/activities"), activity).await
    }

    pub async fn call(&self, method: &str, path: &str, token: &str, body: Vec<u8>) -> Answer {
        let authorization = format!("Bearer {token}");
        let mut headers = vec![("authorization", authorization.as_str()), ("x-ms-conversation-id", "from-the-caller")];
        if !body.is_empty() {
            headers.push(("content-type", "application/json; charset=utf-8"));
        }
        self.harness.send(method, path, &headers, body).await
    }

    /// Opens a conversation of the skill `news` with the parent, and returns the skill's id for it.
    pub async fn open_news(&self) -> String {
        let token = self.token(PARENT, WEATHER).await;
        let token = self.forge(&token, |claims| claims["aud"] = LEGACY.into());
        let body = self.message().to_string().into_bytes();
        let answer = self.call("POST", "/api/skills/news/messages", &token, body).await;
        assert_eq!(answer.status, 200, "{}", text_of(&answer));
        self.skill.received().last().unwrap().json()["conversation"]["id"].as_str().unwrap().to_owned()
    }

    /// An activity of the skill `weather` in the conversation that it knows by `id`.
    pub fn reply(&self, id: &str) -> Value {
        json!({
            "type": "message",
            "id": "skills-activity",
            "text": "sunny",
            "channelId": "msteams",
            "serviceUrl": format!("{}/api/skills/weather/", self.harness.base),
            "conversation": { "id": id },
            "from": { "id": format!("28:{WEATHER}"), "role": "bot" },
            "recipient": { "id": "29:ada" },
            "replyToId": "f:6b2c1b6e-1111-4c1c-9a57-5d9d3a0c0001",
        })
    }

    /// A sign-in card of the skill `weather`.
    pub fn card(&self, id: &str, resource_id: &str) -> Value {
        let mut card = self.reply(id);
        card["attachments"] = json!([oauth_card(resource_id, WEATHER_URI)]);
        card
    }

    /// `token` of an app, with changed claims and a genuine signature.
    pub fn forge(&self, token: &str, change: impl FnOnce(&mut Value)) -> String {
        self.harness.forge(Signer::Tenant, token, change)
    }

    /// The lines of this application's log since `logged` with this message.
    pub fn lines(&self, logged: usize, message: &str) -> Vec<Value> {
        let lines = logs::since(logged);
        let lines = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.filter(|line| self.is_own(line) && line["message"] == message).collect()
    }

    fn is_own(&self, line: &Value) -> bool {
        line["correlation_id"].as_str().is_some_and(|id| id.starts_with(&self.harness.tag))
    }

    /// The details of the skills' security events since `logged`.
    pub fn oversteps(&self, logged: usize) -> Vec<String> {
        let lines = self.lines(logged, "a skill asked for what is not its own");
        assert!(lines.iter().all(|line| line["security"] == true), "{lines:#?}");
        lines.iter().map(|line| line["detail"].as_str().unwrap().to_owned()).collect()
    }

    /// The reasons for which cards went on since `logged`.
    pub fn card_reasons(&self, logged: usize) -> Vec<String> {
        let lines = self.lines(logged, "a skill's card goes on to the user");
        lines.iter().map(|line| line["reason"].as_str().unwrap().to_owned()).collect()
    }

    /// How many cards of the skill `weather` had this outcome, by the metrics.
    pub async fn counted(&self, outcome: &str) -> u64 {
        let url = format!("{}/metrics", self.harness.operations);
        let metrics = text_of(&self.harness.send("GET", &url, &[], Vec::new()).await);
        let series = format!("bot_sso_skill_cards_total{{skill=\"weather\",outcome=\"{outcome}\"}} ");
        metrics.lines().find_map(|line| line.strip_prefix(&series)).unwrap().parse().unwrap()
    }

    /// The invokes with tokens that the skill has received.
    pub fn invokes(&self) -> Vec<Received> {
        let received = self.skill.received().into_iter();
        received.filter(is_token_exchange).collect()
    }
}

pub fn is_token_exchange(request: &Received) -> bool {
    serde_json::from_slice::<Value>(&request.body).is_ok_and(|body| body["name"] == "signin/tokenExchange")
}

/// The address at which a parent receives what skills send.
pub fn service_url(parent: &RecorderBot) -> String {
    parent.endpoint().replace("/api/messages", "/api/skills/")
}

pub fn oauth_card(resource_id: &str, uri: &str) -> Value {
    json!({
        "contentType": "application/vnd.microsoft.card.oauth",
        "content": {
            "text": "Sign in",
            "connectionName": SKILL_CONNECTION,
            "buttons": [{ "type": "signin", "title": "Sign in", "value": "https://token.example/sign-in" }],
            "tokenExchangeResource": { "id": resource_id, "uri": uri },
        },
    })
}

pub fn text_of(answer: &Answer) -> String {
    String::from_utf8_lossy(&answer.body).into_owned()
}

pub fn skill_section(name: &str, app_id: &str, endpoint: &str, bots: &str, connection: &str) -> String {
    let uri = if name == "weather" { WEATHER_URI } else { "api://the-api-of-news" };
    format!(
        "[skills.{name}]\napp_id = \"{app_id}\"\ntenant = \"{CONTOSO}\"\nendpoint = \"{endpoint}\"\n\
         connections = [\"{connection}\"]\nexchange_uris = [\"{uri}\"]\nbots = [{bots}]\n"
    )
}
