//! Boots the real application on port 0 against the stage, and speaks to it as channels, bots and browsers do.

pub mod activities;
mod browser;
pub mod chromium;
mod codes;
mod configuration;
mod entropy;
pub mod logs;
pub mod peers;
pub mod raw;
mod recorder;
mod sdks;
pub mod tokens;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bot_sso::app::{self, Ambient, DevelopmentMode};
use bot_sso::config::{self, Environment};
use bot_sso::dev::{GrantKind, Stage, StageOptions, User};
use bot_sso::domain::{OffsetClock, SystemClock, SystemEntropy};
use bot_sso::sealing::KeyRing;
use bot_sso::store::{Durability, EmbeddedStore};
use serde_json::Value;

use configuration::configuration;
use entropy::TaggedEntropy;
pub use recorder::{Behaviour, Received, RecorderBot};

/// An answer, read whole.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!("not JSON ({error}): {} {:?}", self.status, String::from_utf8_lossy(&self.body))
        })
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// `failureDetail` of an invoke response, or the empty text.
    pub fn detail(&self) -> String {
        self.json()["failureDetail"].as_str().unwrap_or("").to_owned()
    }

    pub fn correlation_id(&self) -> String {
        self.detail().rsplit(' ').next().unwrap_or("").to_owned()
    }
}

/// How a harness differs from the plain one.
#[derive(Default)]
pub struct Options {
    /// `after_exchange` of the bot `demo`; `notify` if empty.
    pub after_exchange: &'static str,
    /// More TOML inside `[bots.demo]`'s sub-tables or at the end of the file.
    pub appended: String,
    /// Lines put into `[bots.demo.identity]`.
    pub identity: String,
    /// Lines put into every connection.
    pub connection: String,
    /// Whether the connections ask for `offline_access`.
    pub offline_access: bool,
    /// Whether the operator has a listener.
    pub operations: bool,
    /// A bot endpoint other than the recorder.
    pub endpoint: Option<String>,
    /// Lines put into `[bots.demo]`.
    pub bot: &'static str,
    /// Lines put into `[channels]`.
    pub channels: &'static str,
    /// Lines put into `[token_service]`.
    pub token_service: &'static str,
    /// In development mode, in which who calls without a token is let in.
    pub anonymous: bool,
    /// A client secret other than the right one.
    pub client_secret: Option<&'static str>,
    /// `credentials` of the connection `graph` of `demo`, in the place of its secret: what stands between the brackets.
    pub credentials: String,
    /// The environment that the configuration is read in.
    pub environment: Vec<(String, String)>,
    /// A port of one's own, so that `public_url` really leads here and browsers can be sent back; nowhere if there is none.
    pub port: Option<u16>,
}

/// The bearer of admin calls.
pub const ADMIN_TOKEN: &str = "the-operators-secret-of-the-local-stage";

/// The running application with everything around it.
pub struct Harness {
    pub stage: Stage,
    pub bot: RecorderBot,
    pub base: String,
    /// The operator's listener; empty if there is none.
    pub operations: String,
    /// Where bots reach the Token Service.
    pub for_bots: String,
    pub clock: Arc<OffsetClock>,
    pub directory: tempfile::TempDir,
    /// What the ids of this application's requests begin with.
    pub tag: String,
    http: reqwest::Client,
    handle: actix_web::dev::ServerHandle,
}

impl Harness {
    pub async fn start() -> Self {
        Self::with(Options::default()).await
    }

    pub async fn with(options: Options) -> Self {
        logs::start();
        let directory = tempfile::tempdir().unwrap();
        let clock = Arc::new(OffsetClock::default());
        let stage = Stage::start(StageOptions {
            http_port: 0,
            https_port: 0,
            directory: directory.path().to_owned(),
            clock: clock.clone(),
            entropy: Arc::new(SystemEntropy),
        })
        .await
        .unwrap();
        for app in &stage.directory().apps {
            stage.allow_redirect(app.client_id, "http://127.0.0.1:1/.auth/web/redirect");
        }
        let bot = RecorderBot::start().await;
        KeyRing::generate(&SystemClock, &SystemEntropy).create_file(&directory.path().join("bot-sso.keys")).unwrap();
        let text = configuration(&stage, &bot, &options, directory.path());
        let tag = entropy::next_tag();
        let Booted { base, operations, for_bots, handle } = boot(&text, &options, clock.clone(), &tag).await;
        if options.port.is_some() {
            stage.attach_gateway(&base);
        }
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { stage, bot, base, operations, for_bots, clock, directory, tag, http, handle }
    }

    /// Stops the application, keeps store and stage, and starts it anew.
    pub async fn restart(&mut self, options: &Options) {
        drop(self.stop().await);
        self.boot_again(options).await;
    }

    /// Stops the application and opens its store as soon as it lets go of it.
    async fn stop(&mut self) -> EmbeddedStore {
        self.handle.stop(true).await;
        let end = tokio::time::Instant::now() + Duration::from_secs(10);
        loop {
            match EmbeddedStore::open(&self.store_path(), Durability::Full, self.clock.clone()) {
                Ok(store) => return store,
                Err(error) => assert!(tokio::time::Instant::now() < end, "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn boot_again(&mut self, options: &Options) {
        let text = configuration(&self.stage, &self.bot, options, self.directory.path());
        let booted = boot(&text, options, self.clock.clone(), &self.tag).await;
        (self.base, self.operations, self.for_bots) = (booted.base, booted.operations, booted.for_bots);
        self.handle = booted.handle;
    }

    pub fn store_path(&self) -> PathBuf {
        self.directory.path().join("bot-sso.db")
    }

    pub fn user(&self, name: &str) -> User {
        self.stage.directory().find_user(name).unwrap().clone()
    }

    pub fn bot_app_id(&self, bot: &str) -> &'static str {
        self.stage.directory().find_bot(bot).unwrap().app_id
    }

    /// Calls with a grant at the token endpoint so far.
    pub fn exchanges(&self) -> u64 {
        self.stage.calls().count(GrantKind::OnBehalfOf)
    }

    pub async fn send(&self, method: &str, url: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
        let url = if url.starts_with("http") { url.to_owned() } else { format!("{}{url}", self.base) };
        let mut request = self.http.request(method.parse().unwrap(), url).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        Answer { status, headers, body: response.bytes().await.unwrap().to_vec() }
    }

    async fn form(&self, url: &str, form: &[(&str, &str)]) -> Value {
        let body: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let answer = self.send("POST", url, &headers, body.into_bytes()).await;
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        answer.json()
    }

    /// An exchangeable token of `user` for a connection of the bot `demo`.
    pub async fn user_token(&self, user: &str, connection: &str) -> String {
        self.user_token_for("demo", user, connection).await
    }

    pub async fn user_token_for(&self, bot: &str, user: &str, connection: &str) -> String {
        let directory = self.stage.directory();
        let user = directory.find_user(user).unwrap();
        let connection =
            directory.connections.iter().find(|entry| entry.name == connection && entry.bot == bot).unwrap();
        let client = directory.clients.iter().find(|client| client.client_id.starts_with("5e3ce6c0")).unwrap();
        let answer = self
            .form(
                &format!("{}/{}/oauth2/v2.0/token", self.stage.http_base(), user.tid),
                &[
                    ("grant_type", "password"),
                    ("client_id", client.client_id),
                    ("username", user.principal_name),
                    ("password", user.password),
                    ("scope", &connection.exchange_scope),
                ],
            )
            .await;
        answer["access_token"].as_str().unwrap().to_owned()
    }

    /// A channel's token for `bot`.
    pub async fn channel_token(&self, bot: &str) -> String {
        let manifest = self.stage.manifest(&self.base);
        let channel = &manifest["channel"];
        let answer = self
            .form(
                channel["token_endpoint"].as_str().unwrap(),
                &[
                    ("grant_type", "client_credentials"),
                    ("client_id", channel["client_id"].as_str().unwrap()),
                    ("client_secret", channel["client_secret"].as_str().unwrap()),
                    ("scope", &format!("{}/.default", self.bot_app_id(bot))),
                ],
            )
            .await;
        answer["access_token"].as_str().unwrap().to_owned()
    }

    /// The bearer with which `bot` calls the Token Service.
    pub async fn bot_token(&self, bot: &str) -> String {
        self.app_token(self.bot_app_id(bot), "https://api.botframework.com/.default").await
    }

    /// Posts an activity to `demo` as the channel.
    pub async fn post(&self, activity: &Value) -> Answer {
        self.post_to("demo", activity).await
    }

    pub async fn post_to(&self, bot: &str, activity: &Value) -> Answer {
        let token = self.channel_token(bot).await;
        self.post_as(bot, &token, activity).await
    }

    pub async fn post_as(&self, bot: &str, bearer: &str, activity: &Value) -> Answer {
        self.post_bytes(bot, bearer, serde_json::to_vec(activity).unwrap()).await
    }

    pub async fn post_bytes(&self, bot: &str, bearer: &str, body: Vec<u8>) -> Answer {
        let authorization = format!("Bearer {bearer}");
        let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
        self.send("POST", &format!("/bots/{bot}/api/messages"), &headers, body).await
    }

    /// `GetToken` of the Token Service, as `demo`.
    pub async fn get_token(&self, channel: &str, user_id: &str, connection: &str) -> Answer {
        self.get_token_as("demo", &[("userId", user_id), ("connectionName", connection), ("channelId", channel)]).await
    }

    pub async fn get_token_as(&self, bot: &str, query: &[(&str, &str)]) -> Answer {
        let query: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        self.token_service(bot, &format!("/api/usertoken/GetToken?{query}")).await
    }

    pub async fn token_service(&self, bot: &str, path: &str) -> Answer {
        let authorization = format!("Bearer {}", self.bot_token(bot).await);
        self.send("GET", path, &[("authorization", &authorization)], Vec::new()).await
    }

    /// `SignOut` of the Token Service, as `demo`.
    pub async fn sign_out(&self, query: &[(&str, &str)]) -> Answer {
        let query: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        let authorization = format!("Bearer {}", self.bot_token("demo").await);
        let headers = [("authorization", authorization.as_str())];
        self.send("DELETE", &format!("/api/usertoken/SignOut?{query}"), &headers, Vec::new()).await
    }

    /// Signs a user out everywhere, as the operator does.
    pub async fn sign_out_everywhere(&self, user_key: &str) -> Answer {
        let authorization = format!("Bearer {ADMIN_TOKEN}");
        let url = format!("{}/admin/users/{user_key}/sign-out", self.operations);
        self.send("POST", &url, &[("authorization", &authorization)], Vec::new()).await
    }

    /// Asks for a card as `demo` does; returns the whole sign-in resource.
    pub async fn sign_in_resource(&self, activity: &Value, connection: &str) -> Value {
        let state = activities::state_of(activity, connection);
        let query: String = url::form_urlencoded::Serializer::new(String::new()).append_pair("state", &state).finish();
        let answer = self.token_service("demo", &format!("/api/botsignin/GetSignInResource?{query}")).await;
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        answer.json()
    }

    /// The exchange id of a card issued for the user and conversation of `activity`.
    pub async fn card(&self, activity: &Value, connection: &str) -> String {
        self.sign_in_resource(activity, connection).await["tokenExchangeResource"]["id"].as_str().unwrap().to_owned()
    }

    /// Waits until the bot has received `count` requests, and returns them.
    pub async fn bot_received(&self, count: usize) -> Vec<Received> {
        self.bot.wait_for(count, Duration::from_secs(10)).await
    }
}

/// An application that runs, and where it is reached.
struct Booted {
    base: String,
    operations: String,
    for_bots: String,
    handle: actix_web::dev::ServerHandle,
}

async fn boot(text: &str, options: &Options, clock: Arc<OffsetClock>, tag: &str) -> Booted {
    let environment = Environment::of(options.environment.clone());
    let config = config::parse(text, &environment).unwrap_or_else(|problems| panic!("{problems}\n{text}"));
    let ambient = Ambient { clock, entropy: Arc::new(TaggedEntropy::new(tag)) };
    let application = build(config, ambient, options.anonymous).await;
    let base = format!("http://{}", application.addresses()[0]);
    let for_bots = format!("http://{}", application.token_service_addresses()[0]);
    let operations = application.operations_address().map(|address| format!("http://{address}"));
    let handle = application.handle();
    tokio::spawn(application.run());
    Booted { base, operations: operations.unwrap_or_default(), for_bots, handle }
}

/// An application that was stopped lets go of its store a moment after it said so.
async fn build(config: config::Configuration, ambient: Ambient, anonymous: bool) -> app::Application {
    let routes: app::RouteFunction = Arc::new(|_: &mut actix_web::web::ServiceConfig| {});
    let development = || anonymous.then(|| DevelopmentMode { routes: routes.clone(), anonymous });
    for _ in 0..100 {
        match app::build(config.clone(), ambient.clone(), app::BoundListeners::default(), development()).await {
            Ok(application) => return application,
            Err(app::BuildError::Store(_)) => tokio::time::sleep(Duration::from_millis(20)).await,
            Err(error) => panic!("{error}"),
        }
    }
    panic!("the store stays in use")
}

pub fn write_private(path: &std::path::Path, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}
