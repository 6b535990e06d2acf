//! Boots the real application on a listener that is bound first, against the stage, and speaks to it as channels, bots
//! and browsers do.

pub mod activities;
mod answer;
pub mod api_documents;
mod application;
mod browser;
pub mod chromium;
mod codes;
mod configuration;
mod entropy;
pub mod logs;
mod options;
pub mod peers;
pub mod raw;
mod recorder;
pub mod refusals;
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
use application::{Running, Start, configuration_of};
use configuration::ConfigurationText;
pub use options::Options;
pub use recorder::{Behaviour, Gate, Received, RecorderBot};
use waiting::{PATIENCE, wait_for};

/// The bearer of admin calls.
pub const ADMIN_TOKEN: &str = "the-operators-secret-of-the-local-stage";
/// An address that refuses connections: a program that binds any free port never gets port 1, on no address.
pub const NOWHERE: &str = "127.77.83.29:1";

/// What surrounds an application that is not built yet. Its listener is bound: programs that must know its address can
/// be started first.
pub struct Surroundings {
    pub stage: Stage,
    /// Where the application will be reached.
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
        KeyRing::generate(&SystemClock, &SystemEntropy).create_file(&directory.path().join("bot-sso.keys")).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        Self { stage, base, listener, bot: RecorderBot::start().await, clock, directory }
    }

    /// Builds and runs the application.
    pub async fn run(self, options: &Options) -> Harness {
        let Self { stage, base, listener, bot, clock, directory } = self;
        if options.reachable {
            stage.attach_gateway(&base);
        }
        let tag = entropy::next_tag();
        let text = ConfigurationText { stage: &stage, bot: &bot, base: &base, directory: directory.path(), options };
        let configuration = configuration_of(&text.write(), options);
        let start = Start { configuration, listener: &listener, clock: clock.clone(), tag: &tag };
        let Running { operations, for_bots, handle, delivery } = start.run(options.anonymous).await;
        let http = new_client();
        let delivery = Some(delivery);
        Harness { stage, bot, base, operations, for_bots, clock, directory, tag, listener, http, handle, delivery }
    }
}

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
    /// Kept over restarts, so that no other program gets the port in between.
    listener: TcpListener,
    http: reqwest::Client,
    handle: actix_web::dev::ServerHandle,
    /// Not while the application is stopped: its store would stay open.
    delivery: Option<ContinuationDelivery>,
}

impl Harness {
    pub async fn start() -> Self {
        Self::with(Options::default()).await
    }

    pub async fn with(options: Options) -> Self {
        Surroundings::start().await.run(&options).await
    }

    /// Stops the application, keeps store and stage, and starts it anew.
    pub async fn restart(&mut self, options: &Options) {
        drop(self.stop().await);
        self.run_again(options).await;
    }

    /// Stops the application and opens its store as soon as it lets go of it.
    async fn stop(&mut self) -> EmbeddedStore {
        self.delivery = None;
        self.handle.stop(true).await;
        let (path, clock) = (self.store_path(), self.clock.clone());
        wait_for("the store", async || EmbeddedStore::open(&path, Durability::Full, clock.clone()).ok()).await
    }

    async fn run_again(&mut self, options: &Options) {
        let configuration = configuration_of(&self.configuration_text(options), options);
        let start = Start { configuration, listener: &self.listener, clock: self.clock.clone(), tag: &self.tag };
        let Running { operations, for_bots, handle, delivery } = start.run(options.anonymous).await;
        (self.operations, self.for_bots) = (operations, for_bots);
        (self.handle, self.delivery) = (handle, Some(delivery));
        // A connection to the application that was stopped is of no use for the new one.
        self.http = new_client();
    }

    fn configuration_text(&self, options: &Options) -> String {
        let (stage, bot, base, directory) = (&self.stage, &self.bot, &self.base, self.directory.path());
        ConfigurationText { stage, bot, base, directory, options }.write()
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

    /// All that the bot has received, once it is being told of no token any more: a delivery begins before the request
    /// that it follows is answered.
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
