use std::sync::{Arc, Mutex, PoisonError};

use actix_service::{IntoServiceFactory as _, ServiceFactory as _};
use actix_web::dev::AppConfig;
use actix_web::{App, web};
use futures_util::FutureExt as _;

use super::RouteFunction;
use super::doors::{DirectoryDoors, Doors};
use super::listener_settings::SharedRoutes;
use super::listeners::Generation;
use super::middleware::OperatorGuesses;
use crate::config::Configuration;
use crate::endpoints::{
    back_channel_logout, bot_gateway, health, metrics, operations, sign_in_pages, skill_host, token_service, web_chat,
};
use crate::inbound::Door;
use crate::observability::Metrics;

/// The routes of one listener, which a reload replaces.
pub(super) struct ReplaceableRoutes {
    current: Mutex<RouteFunction>,
    generation: Arc<Generation>,
}

impl ReplaceableRoutes {
    pub(super) fn new(routes: RouteFunction) -> Self {
        Self { current: Mutex::new(routes), generation: Arc::default() }
    }

    /// Adds the present routes.
    pub(super) fn configure(&self, config: &mut web::ServiceConfig) {
        let routes = self.current.lock().unwrap_or_else(PoisonError::into_inner).clone();
        routes(config);
    }

    /// Replaces the routes: every worker uses the new ones from its next request on.
    pub(super) fn replace(&self, routes: RouteFunction) {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = routes;
        self.generation.advance();
    }

    /// Advances with each replacement.
    pub(super) const fn generation(&self) -> &Arc<Generation> {
        &self.generation
    }
}

/// What the routes of every configuration have in common.
#[derive(Clone)]
pub(super) struct LastingRoutes {
    /// Routes that are served beside the application's own.
    pub(super) extra: Option<RouteFunction>,
    /// The counts of wrong bearers at the operator's listener.
    guesses: web::Data<OperatorGuesses>,
    /// Those at the listener for health checks.
    health_guesses: web::Data<OperatorGuesses>,
}

impl LastingRoutes {
    pub(super) fn new(doors: &Doors, extra: Option<RouteFunction>) -> Self {
        let guesses = || web::Data::new(OperatorGuesses::new(&doors.shared_limits, &doors.operator_tokens));
        Self { extra, guesses: guesses(), health_guesses: guesses() }
    }
}

/// What the routes of a configuration are made from.
pub(super) struct RouteSources<'a> {
    pub(super) config: &'a Configuration,
    pub(super) doors: &'a Doors,
    pub(super) metrics: &'a Metrics,
    pub(super) lasting: &'a LastingRoutes,
}

/// The routes of all listeners for one configuration.
#[derive(Clone)]
pub(super) struct ListenerRoutes {
    pub(super) public: RouteFunction,
    /// `None` without such a listener, as for the following.
    pub(super) token_service: Option<RouteFunction>,
    pub(super) operations: Option<RouteFunction>,
    pub(super) health: Option<RouteFunction>,
}

impl ListenerRoutes {
    pub(super) fn build(sources: &RouteSources<'_>) -> Self {
        Self {
            public: build_public(sources),
            token_service: build_for_bots(sources),
            operations: build_for_operations(sources),
            health: build_for_health(sources),
        }
    }

    /// Whether applications can be built from the routes. May panic if not: a route with a wrong pattern does.
    pub(super) fn can_be_built(&self) -> bool {
        let others = [&self.token_service, &self.operations, &self.health];
        [&self.public].into_iter().chain(others.into_iter().flatten()).all(|routes| {
            let application = App::new().configure(|config| routes(config)).into_factory();
            matches!(application.new_service(AppConfig::default()).now_or_never(), Some(Ok(_)))
        })
    }
}

/// The routes of the public listener. It serves the Token Service too, unless that has its own listener.
fn build_public(sources: &RouteSources<'_>) -> RouteFunction {
    let RouteSources { config, doors, metrics, lasting } = *sources;
    let serves_bots = config.token_service.listen.is_empty();
    let mut described = vec![&bot_gateway::DOOR, &skill_host::DOOR, &sign_in_pages::DOOR, &web_chat::DOOR];
    if serves_bots {
        described.push(&token_service::DOOR);
    }
    described.extend(doors.back_ends.tables());
    if doors.back_channel_logout.is_some() {
        described.push(&back_channel_logout::DOOR);
    }
    if doors.directories.is_some() {
        described.extend(DirectoryDoors::tables());
    }
    let shared = SharedRoutes::new("What channels, bots and browsers call.", &described, metrics);
    let (doors, extra) = (doors.clone(), lasting.extra.clone());
    Arc::new(move |routes| {
        let doors = doors.clone();
        routes.app_data(doors.proxies).app_data(doors.entropy).app_data(doors.clock);
        shared.configure(routes);
        bot_gateway::configure(routes, doors.gateway);
        skill_host::configure(routes, doors.skill_host);
        if serves_bots {
            token_service::configure(routes, doors.token_service);
        }
        sign_in_pages::configure(routes, doors.sign_in_pages);
        web_chat::configure(routes);
        doors.back_ends.configure(routes);
        if let Some(door) = doors.back_channel_logout {
            back_channel_logout::configure(routes, door);
        }
        if let Some(directories) = doors.directories {
            directories.configure(routes);
        }
        if let Some(add) = &extra {
            add(routes);
        }
    })
}

/// The routes of the Token Service's own listener.
fn build_for_bots(sources: &RouteSources<'_>) -> Option<RouteFunction> {
    if sources.config.token_service.listen.is_empty() {
        return None;
    }
    let shared = SharedRoutes::new("What bots call.", &[&token_service::DOOR], sources.metrics);
    let doors = sources.doors.clone();
    Some(Arc::new(move |routes| {
        let doors = doors.clone();
        routes.app_data(doors.proxies).app_data(doors.entropy).app_data(doors.clock);
        token_service::configure(routes, doors.token_service);
        shared.configure(routes);
    }))
}

/// The routes of the operator's listener.
fn build_for_operations(sources: &RouteSources<'_>) -> Option<RouteFunction> {
    let (doors, lasting) = (sources.doors.clone(), sources.lasting);
    let (door, reload) = (doors.operations.clone()?, doors.reload.clone()?);
    let mut described = vec![&operations::DOOR, &operations::RELOAD_DOOR, &health::DOOR, &metrics::DOOR];
    if doors.directory_pages.is_some() {
        described.push(&operations::DIRECTORIES_DOOR);
    }
    let shared = SharedRoutes::new("What the operator calls.", &described, sources.metrics);
    let guesses = lasting.guesses.clone();
    Some(Arc::new(move |routes| {
        routes.app_data(guesses.clone()).app_data(doors.proxies.clone()).app_data(doors.entropy.clone());
        operations::configure(routes, door.clone());
        operations::configure_reload(routes, reload.clone());
        if let Some(pages) = &doors.directory_pages {
            operations::configure_directories(routes, pages.clone());
        }
        health::configure(routes, doors.health.clone());
        metrics::configure(routes, doors.metrics.clone());
        shared.configure(routes);
    }))
}

/// The routes of the listener for health checks. It has no admin API, and the metrics by setting.
fn build_for_health(sources: &RouteSources<'_>) -> Option<RouteFunction> {
    let section = sources.config.operations.as_ref()?;
    section.health_listen?;
    let serves_metrics = section.health_metrics;
    let described: &[&Door] = if serves_metrics { &[&health::DOOR, &metrics::DOOR] } else { &[&health::DOOR] };
    let shared = SharedRoutes::new("Health checks.", described, sources.metrics);
    let (doors, guesses) = (sources.doors.clone(), sources.lasting.health_guesses.clone());
    Some(Arc::new(move |routes| {
        routes.app_data(guesses.clone()).app_data(doors.proxies.clone()).app_data(doors.entropy.clone());
        health::configure(routes, doors.health.clone());
        if serves_metrics {
            metrics::configure(routes, doors.metrics.clone());
        }
        shared.configure(routes);
    }))
}
