//! A second application beside that of a [`Harness`]: with the same stage and clock, and with a store and keys of its own.

use std::net::TcpListener;

use bot_sso::domain::{SystemClock, SystemEntropy};
use bot_sso::sealing::KeyRing;

use super::application::{ApplicationStart, configuration_of};
use super::configuration::ConfigurationText;
use super::entropy::next_tag;
use super::{Harness, Options};

/// The bound listener of an application that is not built yet, and afterwards the running application.
pub struct Beside {
    /// The application's address.
    pub base: String,
    listener: TcpListener,
    directory: tempfile::TempDir,
    handle: Option<actix_web::dev::ServerHandle>,
}

impl Beside {
    /// Binds the listener, so that other programs can learn the address.
    pub fn bind() -> Self {
        let directory = tempfile::tempdir().unwrap();
        KeyRing::generate(&SystemClock, &SystemEntropy).create_file(&directory.path().join("bot-sso.keys")).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        Self { base, listener, directory, handle: None }
    }

    /// Builds and runs the application on the stage of `harness`. It runs until this value is dropped.
    pub async fn run(&mut self, harness: &Harness, options: &Options) {
        let (stage, bot) = (&harness.stage, &harness.bot);
        for app in &stage.directory().apps {
            stage.allow_redirect(app.client_id, &format!("{}/.auth/web/redirect", self.base));
        }
        let text =
            ConfigurationText { stage, bot, base: &self.base, public: None, directory: self.directory.path(), options };
        let configuration = configuration_of(&text.write(), options);
        let tag = next_tag();
        let start =
            ApplicationStart { configuration, listener: &self.listener, clock: harness.clock.clone(), tag: &tag };
        self.handle = Some(start.run(options.anonymous).await.handle);
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        if let Some(handle) = self.handle.take() {
            tokio::spawn(handle.stop(false));
        }
    }
}
