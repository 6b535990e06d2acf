//! A parent bot and a skill on unmodified SDKs: the user reaches the parent through the gateway, and the parent reaches the
//! skill through the skill host. The bots' output is in `target/test-logs/real-skills-*.log`.

use std::fmt::Write as _;

use bot_sso::dev::{SkillEntry, Stage, User};
use serde_json::{Value, json};

use crate::harness::peers::{Peer, Program};
use crate::harness::waiting::wait_for;
use crate::harness::{Answer, Harness, Options, Surroundings, activities, write_private};

const OAUTH_CARD: &str = "application/vnd.microsoft.card.oauth";
const PARENT: Program = Program { peer: "botbuilder", script: "parent.mjs" };
/// The bot of the stage whose app is the parent's.
pub const PARENT_BOT: &str = "demo";
/// The stage's skills. The parent's SDK calls the first; a user has to consent to the second.
pub const WEATHER: &str = "weather";
pub const CALENDAR: &str = "calendar";

const TEAMS: &str = "msteams";

/// The parent's way to call its skill.
#[derive(Clone, Copy)]
pub enum Call {
    /// `BotFrameworkClient` in normal delivery, with answers to the SDK's handler for skills.
    Handler,
    /// `SkillDialog` with `expectReplies`.
    Dialog,
}

/// The program that is the skill.
#[derive(Clone, Copy)]
pub enum Sdk {
    /// `OAuthPrompt` of `BotBuilder`.
    BotBuilder,
    /// The Agents SDK, with a sign-in that is stored before its card leaves.
    Agents,
    /// The Agents SDK, with the SDK's own authorization handler, which stores the sign-in after its card has left.
    AgentsAuthorization,
}

/// The settings of a pair.
#[derive(Clone, Copy)]
pub struct Setup {
    pub call: Call,
    pub sdk: Sdk,
    /// The skill whose app the program has.
    pub skill: &'static str,
}

/// A running gateway and parent, with the skill that the parent calls.
pub struct Pair {
    pub harness: Harness,
    pub parent: Peer,
    /// The name of the connection by which the skill signs its user in.
    pub connection: &'static str,
    /// The channel on which users talk to the parent: Teams, unless a test changes it.
    pub channel: &'static str,
    /// The skill's program; `None` if the test is the skill.
    pub skill: Option<Peer>,
    _secrets: tempfile::TempDir,
}

/// The addresses between the parent and its skill.
pub struct Route<'a> {
    /// The address that the parent's SDK has as the skill's.
    pub called: &'a str,
    /// The skill's address in the configuration of the skill host.
    pub endpoint: &'a str,
}

impl Pair {
    /// Starts a pair whose parent calls the skill through the skill host.
    pub async fn start(setup: Setup, scenario: &str) -> Self {
        let surroundings = Surroundings::start().await;
        let (skill, endpoint) = start_skill(&surroundings, &surroundings.base, setup, scenario).await;
        let called = format!("{}/api/skills/{}/messages", surroundings.base, setup.skill);
        let route = Route { called: &called, endpoint: &endpoint };
        let mut pair = Self::with_route(surroundings, setup, &route, scenario).await;
        pair.skill = Some(skill);
        pair
    }

    /// Starts a pair whose parent calls the skill itself.
    pub async fn start_without_host(setup: Setup, scenario: &str) -> Self {
        let surroundings = Surroundings::start().await;
        let (skill, endpoint) = start_skill(&surroundings, &surroundings.base, setup, scenario).await;
        let route = Route { called: &endpoint, endpoint: &endpoint };
        let mut pair = Self::with_route(surroundings, setup, &route, scenario).await;
        pair.skill = Some(skill);
        pair
    }

    /// Starts the gateway and the parent, for a skill at `route` that runs already.
    pub async fn with_route(surroundings: Surroundings, setup: Setup, route: &Route<'_>, scenario: &str) -> Self {
        let mut parent = start_parent(&surroundings, setup, route.called, scenario);
        let secrets = tempfile::tempdir().unwrap();
        let sections = Sections { stage: &surroundings.stage, secrets: secrets.path() };
        let options = Options {
            after_exchange: "notify",
            endpoint: Some(format!("http://127.0.0.1:{}/api/messages", parent.port().await)),
            connection: sections.exchange_uris(),
            offline_access: true,
            reachable: true,
            appended: sections.of_parent() + &sections.of_skills(route.endpoint) + &sections.of_skills_as_bots(),
            ..Options::default()
        };
        let connection = surroundings.stage.directory().find_skill(setup.skill).unwrap().connection.name;
        let harness = surroundings.run(&options).await;
        Self { harness, parent, connection, channel: TEAMS, skill: None, _secrets: secrets }
    }

    /// Posts the Teams activity `activity` of `user` to the parent, rewritten as one of the channel on which the user talks to
    /// the parent.
    pub async fn post(&self, user: &User, activity: Value) -> Answer {
        if self.channel == TEAMS {
            return self.harness.post(&activity).await;
        }
        self.harness.post(&activities::on_channel(activity, self.channel, &id_elsewhere(user))).await
    }

    pub async fn say(&self, user: &User, text: &str) {
        let answer = self.post(user, activities::message(&self.harness, user, text)).await;
        assert!(matches!(answer.status, 200..=202), "{text}: {} {}", answer.status, answer.text());
    }

    /// Signs the user in at the parent as a client does: silently, by the parent's card.
    pub async fn sign_in_at_parent(&self, user: &User) {
        self.say(user, "hello").await;
        let card = self.wait_for_card(user, "graph").await;
        let token = self.harness.user_token(user.name, "graph").await;
        let id = card["tokenExchangeResource"]["id"].as_str().unwrap();
        let answer = self.post(user, activities::exchange(&self.harness, user, id, &token)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        self.wait_until_said(user, &format!("Signed in as {} (#", user.display_name)).await;
    }

    /// What the parent has sent to the channel in the conversation with `user`.
    pub fn transcript(&self, user: &User) -> Vec<Value> {
        let conversation = match self.channel {
            TEAMS => format!("a:{}", user.name),
            _ => format!("conversation-of-{}", id_elsewhere(user)),
        };
        let calls = self.harness.stage.connector_calls(Some(&conversation));
        let parent = self.harness.bot_app_id(PARENT_BOT);
        assert!(calls.iter().all(|call| call["bot"] == parent), "{calls:#?}");
        let failed = |call: &Value| call["activity"]["text"].as_str().is_some_and(|text| text.contains("an error"));
        assert!(!calls.iter().any(failed), "{calls:#?}");
        calls
    }

    /// The texts that the user has read so far.
    pub fn texts(&self, user: &User) -> Vec<String> {
        let calls = self.transcript(user);
        calls.iter().filter_map(|call| call["activity"]["text"].as_str().map(str::to_owned)).collect()
    }

    /// The cards with which `connection` asks the user to sign in.
    pub fn cards(&self, user: &User, connection: &str) -> Vec<Value> {
        let calls = self.transcript(user);
        let attachments = calls.iter().filter_map(|call| call["activity"]["attachments"].as_array()).flatten();
        let cards = attachments.filter(|attachment| attachment["contentType"] == OAUTH_CARD);
        cards.map(|card| card["content"].clone()).filter(|card| card["connectionName"] == connection).collect()
    }

    pub async fn wait_for_card(&self, user: &User, connection: &str) -> Value {
        wait_for("a card", async || self.cards(user, connection).pop()).await
    }

    /// Waits until the user has read something that begins with `text`.
    pub async fn wait_until_said(&self, user: &User, text: &str) {
        wait_for(text, async || self.texts(user).iter().any(|said| said.starts_with(text)).then_some(())).await;
    }

    /// Waits until the skill has greeted the user by name and has ended. The skill's card arrived `cards` times, and no
    /// program complained.
    pub async fn wait_for_greeting(&self, user: &User, cards: usize) {
        self.wait_for_greetings(user, 1, cards).await;
    }

    /// As [`Pair::wait_for_greeting`], after the user has asked for the skill `times` times.
    pub async fn wait_for_greetings(&self, user: &User, times: usize, cards: usize) {
        let greeting = format!("Hello, {}. I am the skill.", user.display_name);
        let count = |wanted: &str| self.texts(user).iter().filter(|text| text.starts_with(wanted)).count();
        for text in [greeting.as_str(), "The skill has ended."] {
            wait_for(text, async || (count(text) >= times).then_some(())).await;
        }
        assert_eq!((count("Hello, "), count("The skill has ended.")), (times, times), "{:?}", self.texts(user));
        assert_eq!(self.cards(user, self.connection).len(), cards, "{:#?}", self.transcript(user));
        let printed = self.parent.events().into_iter().chain(self.skill.iter().flat_map(Peer::events));
        let errors: Vec<_> = printed.filter(|event| event["event"] == "error").collect();
        assert!(errors.is_empty(), "{errors:?}");
    }
}

/// The id of a user on another channel than Teams.
fn id_elsewhere(user: &User) -> String {
    format!("dl_{}", user.name)
}

/// The URL of the activity that the skill host gave to a skill is this address and `/v3/conversations/…`.
pub fn skill_host(harness: &Harness, skill: &str) -> String {
    format!("{}/api/skills/{skill}", harness.base)
}

/// Variables of the program of a bot or skill with the app `app_id`, for which `token_service` is the Token Service.
fn environment(surroundings: &Surroundings, app_id: &str, token_service: &str) -> Vec<(&'static str, String)> {
    let stage = &surroundings.stage;
    let (http, directory) = (stage.http_base(), stage.directory());
    let tenant = directory.main_tenant_id();
    let mut environment = surroundings.sdk_environment();
    environment.extend([
        ("MicrosoftAppId", app_id.to_owned()),
        ("clientId", app_id.to_owned()),
        ("OAuthUrl", token_service.to_owned()),
        ("TOKEN_SERVICE_ENDPOINT", token_service.to_owned()),
        ("GRAPH_URL", format!("{http}/graph/v1.0/me")),
        ("PARENT_APP_ID", directory.find_bot(PARENT_BOT).unwrap().app_id.to_owned()),
        // The tokens of the other bot are the tenant's.
        ("TENANT_ISSUER", stage.v2_issuer(tenant)),
        ("ToBotFromEmulatorOpenIdMetadataUrl", format!("{http}/{tenant}/v2.0/.well-known/openid-configuration")),
    ]);
    environment
}

/// Starts the skill's program with `token_service` as its Token Service; returns it with its endpoint.
pub async fn start_skill(
    surroundings: &Surroundings,
    token_service: &str,
    setup: Setup,
    scenario: &str,
) -> (Peer, String) {
    let directory = surroundings.stage.directory();
    let entry = directory.find_skill(setup.skill).unwrap();
    let (program, sign_in) = match setup.sdk {
        Sdk::BotBuilder => (Program { peer: "botbuilder", script: "skill.mjs" }, ""),
        Sdk::Agents => (Program { peer: "agents-js", script: "skill.mjs" }, "own"),
        Sdk::AgentsAuthorization => (Program { peer: "agents-js", script: "skill.mjs" }, "authorization"),
    };
    let mut environment = environment(surroundings, entry.bot.app_id, token_service);
    environment.extend([
        ("CONNECTION_NAME", entry.connection.name.to_owned()),
        ("SIGN_IN", sign_in.to_owned()),
        ("authorityEndpoint", format!("{}/{}", surroundings.stage.http_base(), directory.main_tenant_id())),
    ]);
    let mut skill = Peer::start(&program, &format!("real-skills-{scenario}-skill"), &environment);
    let endpoint = format!("http://127.0.0.1:{}/api/messages", skill.port().await);
    (skill, endpoint)
}

fn start_parent(surroundings: &Surroundings, setup: Setup, skill_endpoint: &str, scenario: &str) -> Peer {
    let directory = surroundings.stage.directory();
    let app_id = directory.find_bot(PARENT_BOT).unwrap().app_id;
    let mut environment = environment(surroundings, app_id, &surroundings.base);
    environment.extend([
        ("SKILL_CALL", if matches!(setup.call, Call::Dialog) { "dialog" } else { "handler" }.to_owned()),
        ("SKILL_APP_ID", directory.find_skill(setup.skill).unwrap().bot.app_id.to_owned()),
        ("SKILL_ENDPOINT", skill_endpoint.to_owned()),
    ]);
    Peer::start(&PARENT, &format!("real-skills-{scenario}-parent"), &environment)
}

/// Writes the sections of a configuration about the parent and the stage's skills.
pub struct Sections<'a> {
    pub stage: &'a Stage,
    /// The directory of the secret files.
    pub secrets: &'a std::path::Path,
}

impl Sections<'_> {
    fn skills(&self) -> &[SkillEntry] {
        &self.stage.directory().skills
    }

    fn secret_file(&self, name: &str, secret: &str) -> Value {
        let file = self.secrets.join(format!("{name}.secret"));
        write_private(&file, secret);
        json!(file)
    }

    /// The line of a connection of the parent whose tokens may be exchanged for the skills.
    fn exchange_uris(&self) -> String {
        let uris: Vec<_> = self.skills().iter().map(|skill| &skill.connection.token_exchange_uri).collect();
        format!("exchange_uris = {uris:?}")
    }

    fn of_parent(&self) -> String {
        let secret = self.stage.directory().find_bot(PARENT_BOT).unwrap().app_secret;
        format!("[[bots.demo.credentials]]\nsecret = {{ file = {} }}\n", self.secret_file(PARENT_BOT, secret))
    }

    /// The skills that the parent calls, all at one endpoint.
    fn of_skills(&self, endpoint: &str) -> String {
        let tenant = self.stage.directory().main_tenant_id();
        self.skills().iter().fold(String::new(), |mut text, skill| {
            let _ = write!(
                text,
                "[skills.{name}]\napp_id = \"{app_id}\"\ntenant = \"{tenant}\"\nendpoint = \"{endpoint}\"\n\
                 connections = [\"{connection}\"]\nexchange_uris = [\"{uri}\"]\nbots = [\"demo\"]\n",
                name = skill.bot.name,
                app_id = skill.bot.app_id,
                connection = skill.connection.name,
                uri = skill.connection.token_exchange_uri,
            );
            text
        })
    }

    /// The skills as bots of their own Token Service, which no channel reaches through this gateway.
    fn of_skills_as_bots(&self) -> String {
        let skills = self.skills().iter();
        skills
            .map(|skill| self.of_skill_as_bot(skill, "http://127.0.0.1:9/api/messages", "after_exchange = \"none\"\n"))
            .collect()
    }

    /// A skill as a bot, with its connection. `more` are lines and tables of its section.
    pub fn of_skill_as_bot(&self, skill: &SkillEntry, endpoint: &str, more: &str) -> String {
        let (name, app_id, connection) = (skill.bot.name, skill.bot.app_id, &skill.connection);
        format!(
            "[bots.{name}]\napp_id = \"{app_id}\"\nendpoint = \"{endpoint}\"\n{more}\n\
             [connections.{connection_name}]\nname = \"{connection_name}\"\nbot = \"{name}\"\nclient_id = \"{client_id}\"\n\
             client_secret = {{ file = {secret} }}\nscopes = {scopes:?}\ntoken_exchange_uri = \"{uri}\"\ntenants = [\"{tenant}\"]\n",
            connection_name = connection.name,
            client_id = connection.client_id,
            secret = self.secret_file(connection.name, connection.client_secret),
            scopes = connection.scopes,
            uri = connection.token_exchange_uri,
            tenant = self.stage.directory().main_tenant_id(),
        )
    }
}
