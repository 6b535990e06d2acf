//! Building and running the application inside the test.

use std::net::TcpListener;
use std::sync::Arc;

use bot_sso::app::{self, BoundListeners, DevelopmentMode};
use bot_sso::bot_connector::ContinuationDelivery;
use bot_sso::config::{self, Configuration, Environment};
use bot_sso::domain::{ClockAndEntropy, OffsetClock};

use super::Options;
use super::entropy::TaggedEntropy;
use super::waiting::wait_for;

/// What an application is started with.
pub(super) struct Start<'a> {
    pub(super) configuration: Configuration,
    /// The application listens on a clone of it.
    pub(super) listener: &'a TcpListener,
    pub(super) clock: Arc<OffsetClock>,
    /// What the ids of its requests begin with.
    pub(super) tag: &'a str,
}

/// An application that runs.
pub(super) struct Running {
    /// The operator's listener; empty if there is none.
    pub(super) operations: String,
    /// Where bots reach the Token Service.
    pub(super) for_bots: String,
    pub(super) handle: actix_web::dev::ServerHandle,
    pub(super) delivery: ContinuationDelivery,
}

pub(super) fn configuration_of(text: &str, options: &Options) -> Configuration {
    let environment = Environment::of(options.environment.clone());
    config::parse(text, &environment).unwrap_or_else(|problems| panic!("{problems}\n{text}"))
}

impl Start<'_> {
    /// Builds the application and lets it run in a task of its own; in development mode if callers may be anonymous.
    pub(super) async fn run(self, anonymous: bool) -> Running {
        // An application that was stopped lets go of its store a moment after it said so.
        let application = wait_for("the store", async || match self.build(anonymous).await {
            Ok(application) => Some(application),
            Err(app::BuildError::Store(_)) => None,
            Err(error) => panic!("{error}"),
        })
        .await;
        let for_bots = format!("http://{}", application.token_service_addresses()[0]);
        let operations = application.operations_address().map(|address| format!("http://{address}"));
        let (handle, delivery) = (application.handle(), application.delivery());
        tokio::spawn(application.run());
        Running { operations: operations.unwrap_or_default(), for_bots, handle, delivery }
    }

    async fn build(&self, anonymous: bool) -> Result<app::Application, app::BuildError> {
        let ambient = ClockAndEntropy { clock: self.clock.clone(), entropy: Arc::new(TaggedEntropy::new(self.tag)) };
        let public = vec![self.listener.try_clone().unwrap()];
        let listeners = BoundListeners { public, ..BoundListeners::default() };
        let routes: app::RouteFunction = Arc::new(|_: &mut actix_web::web::ServiceConfig| {});
        let development = anonymous.then_some(DevelopmentMode { routes, anonymous });
        app::build(self.configuration.clone(), ambient, listeners, development).await
    }
}
