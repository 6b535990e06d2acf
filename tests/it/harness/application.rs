//! Builds and runs the application inside the test process.

use std::net::TcpListener;
use std::sync::Arc;

use actix_web::dev::ServerHandle;
use bot_sso::app::{self, BoundListeners, DevelopmentMode, LocalSocket, ServedWithTls};
use bot_sso::bot_connector::ContinuationDelivery;
use bot_sso::config::{self, Configuration, Environment};
use bot_sso::dev::{StageListeners, Transport};
use bot_sso::domain::{ClockAndEntropy, OffsetClock};

use super::Options;
use super::entropy::TaggedEntropy;
use super::waiting::wait_for;

/// The parts from which the harness builds an application.
pub(super) struct ApplicationStart<'a> {
    pub(super) configuration: Configuration,
    /// The listener, of which the application gets a clone.
    pub(super) listener: &'a TcpListener,
    pub(super) clock: Arc<OffsetClock>,
    /// The prefix of the application's request ids.
    pub(super) tag: &'a str,
}

/// A running application.
pub(super) struct RunningApplication {
    /// The address of the operator's listener, empty if there is none.
    pub(super) operations: String,
    /// The address at which bots reach the Token Service.
    pub(super) for_bots: String,
    pub(super) handle: actix_web::dev::ServerHandle,
    pub(super) delivery: ContinuationDelivery,
}

pub(super) fn configuration_of(text: &str, options: &Options) -> Configuration {
    let environment = Environment::of(options.environment.clone());
    config::parse(text, &environment).unwrap_or_else(|problems| panic!("{problems}\n{text}"))
}

/// Serves a stage as `bot-sso dev` does.
pub fn serve_stage(listeners: StageListeners) -> std::io::Result<ServerHandle> {
    let StageListeners { http, https, tls, application } = listeners;
    let sockets = vec![LocalSocket { listener: http, tls: None }, LocalSocket { listener: https, tls: Some(tls) }];
    app::serve_locally(sockets, move |ServedWithTls(is_tls)| {
        application.clone().build(if is_tls { Transport::Tls } else { Transport::Plain })
    })
}

impl ApplicationStart<'_> {
    /// Builds the application and runs it in a task of its own. `anonymous` selects development mode, in which callers
    /// may be anonymous.
    pub(super) async fn run(self, anonymous: bool) -> RunningApplication {
        // A stopped application closes its store a moment after it has reported its end.
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
        RunningApplication { operations: operations.unwrap_or_default(), for_bots, handle, delivery }
    }

    async fn build(&self, anonymous: bool) -> Result<app::Application, app::BuildError> {
        let ambient = ClockAndEntropy { clock: self.clock.clone(), entropy: Arc::new(TaggedEntropy::new(self.tag)) };
        let public = vec![self.listener.try_clone().unwrap()];
        let listeners = BoundListeners { public, ..BoundListeners::default() };
        let routes: app::RouteFunction = Arc::new(|_: &mut actix_web::web::ServiceConfig| {});
        let development = anonymous.then_some(DevelopmentMode { routes, anonymous, observer: None });
        app::build(self.configuration.clone(), ambient, listeners, development).await
    }
}
