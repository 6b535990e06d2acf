//! Starts the real application on a listener that is bound first, against the stage, and sends it the requests of
//! channels, bots and browsers.

pub mod activities;
mod answer;
pub mod api_documents;
mod application;
pub mod beside;
mod browser;
pub mod chromium;
mod codes;
mod configuration;
pub mod development;
mod entropy;
pub mod logs;
mod options;
pub mod peers;
pub mod raw;
mod recorder;
pub mod redis;
pub mod refusals;
pub mod relay;
pub mod replicas;
mod requests;
mod sdks;
pub mod tokens;
pub mod waiting;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bot_sso::bot_connector::ContinuationDelivery;
use bot_sso::dev::{Stage, StageOptions, User};
use bot_sso::domain::{OffsetClock, SystemClock, SystemEntropy};
use bot_sso::sealing::KeyRing;
use bot_sso::store::{Durability, EmbeddedStore};

pub use answer::Answer;
pub use application::serve_stage;
use application::{ApplicationStart, RunningApplication, configuration_of};
pub use browser::Browser;
use configuration::ConfigurationText;
pub use options::Options;
pub use recorder::{Behaviour, Gate, Received, RecorderBot};
use waiting::{PATIENCE, wait_for};

/// The bearer token of the operator's requests.
pub const ADMIN_TOKEN: &str = "the-operators-secret-of-the-local-stage";
/// An address that refuses connections: no program that binds any free port gets port 1.
pub const NOWHERE: &str = "127.77.83.29:9";

/// The stage, the bot and the bound listener of an application that is not built yet. Programs that must know the
/// application's address can start before it.
pub struct Surroundings {
    pub stage: Stage,
    /// The application's address.
    pub base: String,
    listener: TcpListener,
    bot: RecorderBot,
    clock: Arc<OffsetClock>,
    directory: tempfile::TempDir,
}

impl Surroundings {
    /// Starts the stage and the recorded bot, and binds the application's listener.
    pub async fn start() -> Self {
        logs::start();
        let directory = tempfile::tempdir().unwrap();
        let clock = Arc::new(OffsetClock::default());
        let options = StageOptions {
            http_port: 0,
            https_port: 0,
            directory: directory.path().to_owned(),
            clock: clock.clone(),
            entropy: Arc::new(SystemEntropy),
        };
        let stage = Stage::start(options, serve_stage).await.unwrap();
        for app in &stage.directory().apps {
            stage.allow_redirect(app.client_id, "http://127.0.0.1:1/.auth/web/redirect");
        }
        KeyRing::generate(&SystemClock, &SystemEntropy).create_file(&directory.path().join("bot-sso.keys")).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        Self { stage, base, listener, bot: RecorderBot::start().await, clock, directory }
    }

    /// The directory of the application's files.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Builds and runs the application.
    pub async fn run(self, options: &Options) -> Harness {
        let Self { stage, base, listener, bot, clock, directory } = self;
        if options.reachable {
            stage.attach_gateway(&base);
        }
        let tag = entropy::next_tag();
        let text = ConfigurationText {
            stage: &stage,
            bot: &bot,
            base: &base,
            public: None,
            directory: directory.path(),
            options,
        };
        let configuration = configuration_of(&text.write(), options);
        let start = ApplicationStart { configuration, listener: &listener, clock: clock.clone(), tag: &tag };
        let RunningApplication { operations, for_bots, handle, delivery } = start.run(options.anonymous).await;
        let http = new_client();
        let delivery = Some(delivery);
        Harness { stage, bot, base, operations, for_bots, clock, directory, tag, listener, http, handle, delivery }
    }
}

/// The running application, its stage and its bot.
pub struct Harness {
    pub stage: Stage,
    pub bot: RecorderBot,
    pub base: String,
    /// The address of the operator's listener, empty if there is none.
    pub operations: String,
    /// The address at which bots reach the Token Service.
    pub for_bots: String,
    pub clock: Arc<OffsetClock>,
    pub directory: tempfile::TempDir,
    /// The prefix of this application's request ids.
    pub tag: String,
    /// Stays bound across restarts, so that no other program takes the port.
    listener: TcpListener,
    http: reqwest::Client,
    handle: actix_web::dev::ServerHandle,
    /// `None` while the application is stopped, because it would keep the store open.
    delivery: Option<ContinuationDelivery>,
}

impl Harness {
    pub async fn start() -> Self {
        Self::with(Options::default()).await
    }

    pub async fn with(options: Options) -> Self {
        Surroundings::start().await.run(&options).await
    }

    /// Restarts the application with the same store and stage.
    pub async fn restart(&mut self, options: &Options) {
        drop(self.stop().await);
        self.run_again(options).await;
    }

    /// Stops the application and opens its store as soon as the application has closed it.
    async fn stop(&mut self) -> EmbeddedStore {
        self.delivery = None;
        self.handle.stop(true).await;
        let (path, clock) = (self.store_path(), self.clock.clone());
        wait_for("the store", async || EmbeddedStore::open(&path, Durability::Full, clock.clone()).ok()).await
    }

    async fn run_again(&mut self, options: &Options) {
        let configuration = configuration_of(&self.configuration_text(options), options);
        let start =
            ApplicationStart { configuration, listener: &self.listener, clock: self.clock.clone(), tag: &self.tag };
        let RunningApplication { operations, for_bots, handle, delivery } = start.run(options.anonymous).await;
        (self.operations, self.for_bots) = (operations, for_bots);
        (self.handle, self.delivery) = (handle, Some(delivery));
        // The new client has no pooled connection to the stopped application.
        self.http = new_client();
    }

    fn configuration_text(&self, options: &Options) -> String {
        let (stage, bot, base, directory) = (&self.stage, &self.bot, &self.base, self.directory.path());
        ConfigurationText { stage, bot, base, public: None, directory, options }.write()
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

    /// Waits until the bot has received `count` requests, and returns them.
    pub async fn bot_received(&self, count: usize) -> Vec<Received> {
        self.bot.wait_for(count).await
    }

    /// All requests that the bot has received, after every event delivery has ended. A delivery begins before the
    /// request that causes it is answered.
    pub async fn received_once_settled(&self) -> Vec<Received> {
        let delivery = self.delivery.as_ref().unwrap();
        assert!(delivery.finish(PATIENCE).await, "the bot is still being told of a token");
        self.bot.received()
    }
}

fn new_client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

pub fn write_private(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}
