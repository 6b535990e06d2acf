//! The doors of an application, each built from the services that it uses.
//!
//! Owns which services each door gets, and which doors a configuration has. It deliberately knows neither how a service is
//! built nor which listener serves a door.

mod back_channel_logout;
mod back_ends;
mod directories;
mod operations;
mod person_records;

#[cfg(test)]
mod mail_replicas_tests;
#[cfg(test)]
mod management_tests;
#[cfg(test)]
mod self_service_tests;

use std::sync::Arc;
use std::time::Duration;

use actix_web::web;

use self::back_ends::BackEndDoors;
pub(in crate::app) use self::directories::DirectoryDoors;
use super::operator_tokens::OperatorTokens;
use super::services::Services;
use crate::bot_connector::ReportedFailures;
use crate::config::Configuration;
use crate::domain::{ReloadCalls, SharedClock, SharedEntropy};
use crate::endpoints::back_channel_logout::BackChannelLogout;
use crate::endpoints::bot_gateway::{
    BotGateway, GatewayAnswers, GatewayBots, GatewayCallers, GatewayExchange, GatewaySignIns, GatewaySkills,
    InvokeReply,
};
use crate::endpoints::metrics::MetricsPage;
use crate::endpoints::operations::{DirectoryPages, Operations, ReloadDoor};
use crate::endpoints::sign_in_pages::{self, PageSite, SignInPages, SignInSteps, TeamsLibrary};
use crate::endpoints::skill_host::{SkillHost, SkillHostBots, SkillHostCallers, SkillHostExchange};
use crate::endpoints::token_service::{ServiceCallers, ServiceExchange, ServiceTokens, SignInOffers, TokenService};
use crate::exchange::{ExchangeEngine, ExchangeReply, Settlement};
use crate::inbound::{BodyLimits, SharedLimits, TrustedProxies};
use crate::observability::Readiness;
use crate::sign_in::{ProviderAccess, SignInCompletion, SignInReturn, SignInStart};

/// The time limit for the arrival of a request's body.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// The state of each door; all workers share it.
#[derive(Clone)]
pub(in crate::app) struct Doors {
    pub(in crate::app) gateway: web::Data<BotGateway>,
    pub(in crate::app) token_service: web::Data<TokenService>,
    pub(in crate::app) sign_in_pages: web::Data<SignInPages>,
    pub(in crate::app) skill_host: web::Data<SkillHost>,
    pub(in crate::app) back_ends: BackEndDoors,
    /// `None` if the configuration has no identity provider of kind `oidc`.
    pub(in crate::app) back_channel_logout: Option<web::Data<BackChannelLogout>>,
    /// `None` if the configuration has no directory.
    pub(in crate::app) directories: Option<DirectoryDoors>,
    /// Served on its own listener; `None` if no such listener is configured.
    pub(in crate::app) operations: Option<web::Data<Operations>>,
    /// The operator's reload; `None` without that listener.
    pub(in crate::app) reload: Option<web::Data<ReloadDoor>>,
    /// The operator's pages about directories; `None` if there is no directory, or no listener for them.
    pub(in crate::app) directory_pages: Option<web::Data<DirectoryPages>>,
    pub(in crate::app) health: web::Data<Readiness>,
    pub(in crate::app) metrics: web::Data<MetricsPage>,
    pub(in crate::app) proxies: web::Data<TrustedProxies>,
    pub(in crate::app) operator_tokens: OperatorTokens,
    pub(in crate::app) entropy: web::Data<SharedEntropy>,
    pub(in crate::app) clock: web::Data<SharedClock>,
    /// What the limits of wrong bearers are made from.
    pub(in crate::app) shared_limits: SharedLimits,
    /// What the doors of the next configuration share with these.
    under_way: UnderWay,
}

/// What doors know of requests that are under way or were answered a short while ago.
#[derive(Clone)]
struct UnderWay {
    /// An engine of its own for each kind of reply: the duplicates of an exchange share the reply.
    exchanges: Arc<ExchangeEngine<InvokeReply>>,
    actions: Arc<ExchangeEngine<ExchangeReply>>,
    exchanges_of_bots: Arc<ExchangeEngine<ExchangeReply>>,
    reported_failures: ReportedFailures,
}

impl UnderWay {
    fn new(services: &Services) -> Self {
        Self {
            exchanges: build_engine(services),
            actions: build_engine(services),
            exchanges_of_bots: build_engine(services),
            reported_failures: ReportedFailures::new(&services.records),
        }
    }

    /// The same for the doors over `services`. Duplicates of a request that came before a reload join it.
    fn succeed(&self, services: &Services) -> Self {
        Self {
            exchanges: succeed_engine(&self.exchanges, services),
            actions: succeed_engine(&self.actions, services),
            exchanges_of_bots: succeed_engine(&self.exchanges_of_bots, services),
            reported_failures: self.reported_failures.clone(),
        }
    }
}

/// What doors are built from.
pub(in crate::app) struct DoorSources<'a> {
    pub(in crate::app) config: &'a Configuration,
    pub(in crate::app) services: &'a Services,
    /// Asks for a reload.
    pub(in crate::app) reloads: &'a ReloadCalls,
    /// The doors of the configuration that was served before; `None` at the start.
    pub(in crate::app) earlier: Option<&'a Doors>,
}

/// Builds each door from the services that it uses.
pub(in crate::app) fn open_doors(sources: &DoorSources<'_>, readiness: Readiness) -> Doors {
    let DoorSources { config, services, reloads, earlier } = *sources;
    let under_way = earlier.map_or_else(|| UnderWay::new(services), |earlier| earlier.under_way.succeed(services));
    let limits = BodyLimits { bytes: config.server.body_limit_bytes, time: BODY_TIMEOUT };
    let bearers = services.operator_tokens.admin.clone();
    let reload = bearers.clone().map(|bearers| ReloadDoor::new(bearers, reloads.clone()));
    let operations = bearers.map(|bearers| Operations::new(bearers, operations::list_parts(services), limits));
    // What the pages are built from needs a restart to change, so operators stay signed in through a reload.
    let directory_pages = match earlier {
        Some(earlier) => earlier.directory_pages.clone(),
        None => directories::open_pages(config, services, limits).map(web::Data::new),
    };
    Doors {
        gateway: web::Data::new(build_bot_gateway(config, services, &under_way, limits)),
        token_service: web::Data::new(build_token_service(config, services, &under_way, limits)),
        sign_in_pages: web::Data::new(build_sign_in_pages(config, services, limits)),
        skill_host: web::Data::new(build_skill_host(config, services, limits)),
        back_ends: BackEndDoors::open(config, services, limits),
        back_channel_logout: back_channel_logout::open(config, services, limits),
        directories: DirectoryDoors::open(config, services, limits),
        operations: operations.map(web::Data::new),
        reload: reload.map(web::Data::new),
        directory_pages,
        health: web::Data::new(readiness),
        metrics: web::Data::new(MetricsPage::new(services.metrics.clone(), services.operator_tokens.metrics.clone())),
        proxies: web::Data::new(TrustedProxies::new(
            config.server.trusted_proxies.clone(),
            services.ambient.clock.clone(),
            services.counters().clone(),
        )),
        operator_tokens: services.operator_tokens.clone(),
        entropy: web::Data::new(services.ambient.entropy.clone()),
        clock: web::Data::new(services.ambient.clock.clone()),
        shared_limits: shared_limits(services),
        under_way,
    }
}

fn build_bot_gateway(
    config: &Configuration,
    services: &Services,
    under_way: &UnderWay,
    limits: BodyLimits,
) -> BotGateway {
    let callers = GatewayCallers {
        callers: services.callers.clone(),
        registrations: services.registrations.clone(),
        limits,
        entropy: services.ambient.entropy.clone(),
    };
    let exchange = GatewayExchange {
        validators: services.validators.clone(),
        engine: under_way.exchanges.clone(),
        action_engine: under_way.actions.clone(),
        tokens: services.tokens.clone(),
        speakers: services.speakers.clone(),
        agents: services.agents.clone(),
        statements: services.statements.clone(),
    };
    let sign_ins =
        GatewaySignIns { cards: services.cards.clone(), codes: services.codes.clone(), rates: services.rates.clone() };
    let bots = GatewayBots {
        client: services.bots.clone(),
        delivery: services.delivery.clone(),
        reported_failures: under_way.reported_failures.clone(),
        exchange_names: services.exchange_names.clone(),
        timeout: config.outbound.bot_timeout,
        skills: GatewaySkills {
            conversations: services.skills.conversations.clone(),
            client: services.skills.client.clone(),
            parent_tokens: services.skills.tokens.clone(),
            public_url: config.server.public_url.clone(),
        },
    };
    let answers = GatewayAnswers { counters: services.counters().clone(), statuses: config.statuses.clone() };
    BotGateway::new(callers, exchange, sign_ins, bots, answers)
}

/// What the limits of the doors are made from.
fn shared_limits(services: &Services) -> SharedLimits {
    services.shared_limits.clone()
}

fn build_engine<R: Settlement>(services: &Services) -> Arc<ExchangeEngine<R>> {
    Arc::new(ExchangeEngine::new(
        services.admission.clone(),
        services.acquisition.clone(),
        services.exchange_names.clone(),
        &services.records,
    ))
}

fn succeed_engine<R: Settlement>(earlier: &ExchangeEngine<R>, services: &Services) -> Arc<ExchangeEngine<R>> {
    Arc::new(earlier.succeed(services.admission.clone(), services.acquisition.clone()))
}

fn build_token_service(
    config: &Configuration,
    services: &Services,
    under_way: &UnderWay,
    limits: BodyLimits,
) -> TokenService {
    let callers = ServiceCallers {
        callers: services.callers.clone(),
        registrations: services.registrations.clone(),
        limits,
        entropy: services.ambient.entropy.clone(),
    };
    let tokens = ServiceTokens {
        current: services.tokens.clone(),
        speakers: services.speakers.clone(),
        resources: services.resources.clone(),
        sign_out: services.sign_out.clone(),
        codes: services.codes.clone(),
        rates: services.rates.clone(),
    };
    let exchange = ServiceExchange {
        engine: under_way.exchanges_of_bots.clone(),
        validators: services.validators.clone(),
        statements: services.statements.clone(),
        counters: services.counters().clone(),
    };
    let offers = SignInOffers {
        cards: services.cards.clone(),
        running_actions: services.bots.running_actions().clone(),
        public_url: config.server.public_url.clone(),
        final_redirects: config.sign_in.final_redirects.clone(),
    };
    TokenService::new(callers, tokens, exchange, offers)
}

fn build_skill_host(config: &Configuration, services: &Services, limits: BodyLimits) -> SkillHost {
    let callers = SkillHostCallers {
        callers: services.callers.clone(),
        limits,
        shared_limits: shared_limits(services),
        public_url: config.server.public_url.clone(),
    };
    let skills = services.skills.clone();
    let bots = SkillHostBots {
        conversations: skills.conversations,
        client: skills.client,
        parent_tokens: skills.tokens,
        timeout: config.outbound.bot_timeout,
    };
    let exchange = SkillHostExchange {
        registrations: services.registrations.clone(),
        resources: services.resources.clone(),
        speakers: services.speakers.clone(),
    };
    SkillHost::new(callers, bots, exchange, services.counters().clone(), services.ambient.clone())
}

fn build_sign_in_pages(config: &Configuration, services: &Services, limits: BodyLimits) -> SignInPages {
    let site = PageSite {
        public_url: config.server.public_url.clone(),
        teams_library: TeamsLibrary {
            address: config.sign_in.teams_library_url.clone(),
            integrity: config.sign_in.teams_library_integrity,
        },
        frame_ancestors: config.sign_in.frame_ancestors.clone(),
    };
    let provider = build_provider_access(config, services);
    let (flow, tokens, ambient) = (&services.browser_flow, &services.signed_in_tokens, &services.ambient);
    let steps = SignInSteps {
        start: SignInStart::new(
            flow.clone(),
            provider.clone(),
            tokens.clone(),
            services.rates.clone(),
            ambient.entropy.clone(),
        ),
        back: SignInReturn::new(
            flow.clone(),
            provider,
            tokens.clone(),
            services.authorization_codes.clone(),
            ambient.clone(),
        ),
        completion: SignInCompletion::new(flow.clone(), tokens.clone(), services.magic_codes.clone()),
    };
    SignInPages::new(steps, site, limits, ambient.entropy.clone())
}

fn build_provider_access(config: &Configuration, services: &Services) -> ProviderAccess {
    let redirect_uri = sign_in_pages::redirect_address(&config.server.public_url);
    ProviderAccess::new(
        services.redemption.clone(),
        services.id_tokens.clone(),
        services.provider_sessions.clone(),
        redirect_uri,
    )
}
