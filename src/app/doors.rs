use std::sync::Arc;
use std::time::Duration;

use actix_web::web;

use super::back_end_keys::issuer;
use super::operator_tokens::OperatorTokens;
use super::services::Services;
use crate::config::{BackEndProof, Configuration};
use crate::domain::{SharedClock, SharedEntropy};
use crate::endpoints::add_in::{self, AddInAccess, AddInDoor, AddInDownstream};
use crate::endpoints::back_end::{BackEndCallers, BackEndDoor, BackEndExchange, ServerMetadata};
use crate::endpoints::bot_gateway::{
    BotGateway, GatewayAnswers, GatewayBots, GatewayCallers, GatewayExchange, GatewaySignIns, GatewaySkills,
};
use crate::endpoints::metrics::MetricsPage;
use crate::endpoints::operations::{OperatedApps, Operations};
use crate::endpoints::page_sign_in::PageDoor;
use crate::endpoints::page_sign_in::add_in_dialog::AddInDialog;
use crate::endpoints::page_sign_in::app_sign_in::{AppSignIn, LinkedUsers};
use crate::endpoints::service_role::{ServiceRole, ServiceRoleCallers, ServiceRoleUsers};
use crate::endpoints::sign_in_pages::{self, PageSite, SignInPages, SignInSteps, TeamsLibrary};
use crate::endpoints::skill_host::{SkillHost, SkillHostBots, SkillHostCallers, SkillHostExchange};
use crate::endpoints::token_service::{ServiceCallers, ServiceExchange, ServiceTokens, SignInOffers, TokenService};
use crate::exchange::{ExchangeEngine, Settlement};
use crate::inbound::{AppAuthenticator, BodyLimits, ClientAuthenticator, ClientSecrets, Door, TrustedProxies};
use crate::observability::Readiness;
use crate::sign_in::{PageBrowsers, PageSignIn, ProviderAccess, SignInCompletion, SignInReturn, SignInStart};

/// The time limit for the arrival of a request's body.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// The state of each door; all workers share it.
#[derive(Clone)]
pub(super) struct Doors {
    pub(super) gateway: web::Data<BotGateway>,
    pub(super) token_service: web::Data<TokenService>,
    pub(super) sign_in_pages: web::Data<SignInPages>,
    pub(super) skill_host: web::Data<SkillHost>,
    /// `None` if no add-in is configured.
    pub(super) add_ins: Option<AddInDoors>,
    /// `None` if there are no back ends.
    pub(super) back_ends: Option<web::Data<BackEndDoor>>,
    /// `None` if no add-in is configured.
    pub(super) add_in_dialog: Option<web::Data<AddInDialog>>,
    /// `None` if no app is configured.
    pub(super) app_sign_in: Option<web::Data<AppSignIn>>,
    /// `None` if no app is configured.
    pub(super) service_role: Option<web::Data<ServiceRole>>,
    /// Served on its own listener; `None` if no such listener is configured.
    pub(super) operations: Option<web::Data<Operations>>,
    pub(super) health: web::Data<Readiness>,
    pub(super) metrics: web::Data<MetricsPage>,
    pub(super) proxies: web::Data<TrustedProxies>,
    pub(super) operator_tokens: OperatorTokens,
    pub(super) entropy: web::Data<SharedEntropy>,
    pub(super) clock: web::Data<SharedClock>,
}

/// The door of add-ins, and its paths of user data.
#[derive(Clone)]
pub(super) struct AddInDoors {
    pub(super) door: web::Data<AddInDoor>,
    pub(super) user_data: Option<Arc<Door>>,
}

/// Builds each door from the services that it uses.
pub(super) fn open_doors(config: &Configuration, services: &Services, readiness: Readiness) -> Doors {
    let limits = BodyLimits { bytes: config.server.body_limit_bytes, time: BODY_TIMEOUT };
    let operations = services.operator_tokens.admin.clone().map(|token| {
        let apps = OperatedApps {
            registrations: services.registrations.clone(),
            users: services.app_users.clone(),
            tokens: services.tokens.clone(),
        };
        Operations::new(token, services.sign_out.clone(), apps, limits)
    });
    Doors {
        gateway: web::Data::new(build_bot_gateway(config, services, limits)),
        token_service: web::Data::new(build_token_service(config, services, limits)),
        sign_in_pages: web::Data::new(build_sign_in_pages(config, services, limits)),
        skill_host: web::Data::new(build_skill_host(config, services, limits)),
        add_ins: (!config.add_ins.is_empty()).then(|| build_add_ins(config, services, limits)),
        back_ends: (!config.back_ends.is_empty()).then(|| web::Data::new(build_back_ends(config, services, limits))),
        add_in_dialog: build_add_in_dialog(config, services).map(web::Data::new),
        app_sign_in: build_app_sign_in(config, services).map(web::Data::new),
        service_role: build_service_role(config, services, limits).map(web::Data::new),
        operations: operations.map(web::Data::new),
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
    }
}

fn build_bot_gateway(config: &Configuration, services: &Services, limits: BodyLimits) -> BotGateway {
    let callers = GatewayCallers {
        callers: services.callers.clone(),
        registrations: services.registrations.clone(),
        limits,
        entropy: services.ambient.entropy.clone(),
    };
    let exchange = GatewayExchange {
        validators: services.validators.clone(),
        engine: build_engine(services),
        action_engine: build_engine(services),
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

/// An engine of its own for each kind of reply: the duplicates of an exchange share the reply.
fn build_engine<R: Settlement>(services: &Services) -> Arc<ExchangeEngine<R>> {
    Arc::new(ExchangeEngine::new(
        services.admission.clone(),
        services.acquisition.clone(),
        services.exchange_names.clone(),
        services.writer,
    ))
}

fn build_token_service(config: &Configuration, services: &Services, limits: BodyLimits) -> TokenService {
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
        engine: build_engine(services),
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
    let callers =
        SkillHostCallers { callers: services.callers.clone(), limits, public_url: config.server.public_url.clone() };
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

fn build_add_ins(config: &Configuration, services: &Services, limits: BodyLimits) -> AddInDoors {
    let access = AddInAccess {
        registrations: services.registrations.clone(),
        validators: services.validators.clone(),
        exchange: services.assertions.clone(),
        callers: services.add_in_callers.clone(),
    };
    let downstream = AddInDownstream {
        outbound: services.outbound.clone(),
        public_url: config.server.public_url.clone(),
        limits,
        timeout: config.outbound.bot_timeout,
    };
    let door = AddInDoor::new(access, downstream, services.counters().clone(), services.ambient.clone());
    let user_data = add_in::user_data_door(&services.registrations).map(Arc::new);
    AddInDoors { door: web::Data::new(door), user_data }
}

fn build_back_ends(config: &Configuration, services: &Services, limits: BodyLimits) -> BackEndDoor {
    let (back_ends, secrets) = (&services.back_ends, &services.caller_secrets);
    let authenticator = ClientAuthenticator::new(
        secrets.back_ends.clone(),
        secrets.assertions.clone(),
        back_ends.assertion_uses.clone(),
        services.ambient.clock.clone(),
    );
    let callers = BackEndCallers { authenticator, registrations: services.registrations.clone(), limits };
    let exchange = BackEndExchange {
        validators: services.validators.clone(),
        assertions: services.assertions.clone(),
        given: back_ends.given.clone(),
        app_tokens: back_ends.app_tokens.clone(),
        sign_out: services.sign_out.clone(),
    };
    let metadata = ServerMetadata {
        issuer: issuer(config),
        accepts_secrets: config.back_ends.iter().any(|section| matches!(section.proof, BackEndProof::Secrets(_))),
        assertion_algorithms: secrets.assertions.list_algorithms(),
        gives_app_tokens: config.back_ends.iter().any(|section| !section.back_end.app_scopes.is_empty()),
    };
    BackEndDoor::new(callers, exchange, &metadata, services.counters().clone(), services.ambient.clone())
}

fn build_service_role(config: &Configuration, services: &Services, limits: BodyLimits) -> Option<ServiceRole> {
    if config.apps.is_empty() {
        return None;
    }
    let tokens = config.apps.iter().map(|app| (app.app.id.as_str().to_owned(), app.service_tokens.clone()));
    let clock = &services.ambient.clock;
    let authenticator = AppAuthenticator::new(ClientSecrets::new(tokens.collect()), clock.clone());
    let users = ServiceRoleUsers {
        registrations: services.registrations.clone(),
        users: services.app_users.clone(),
        app_tokens: services.app_tokens.clone(),
    };
    let callers = ServiceRoleCallers { authenticator, limits };
    Some(ServiceRole::new(callers, users, services.tokens.clone(), clock.clone()))
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
    let mut redirect_uri = config.server.public_url.clone();
    redirect_uri.set_path(sign_in_pages::REDIRECT_PATH);
    ProviderAccess::new(services.redemption.clone(), services.id_tokens.clone(), redirect_uri)
}

fn build_page_sign_in(config: &Configuration, services: &Services) -> PageSignIn {
    let browsers = PageBrowsers { sign_ins: services.browser_flow.sign_ins().clone(), rates: services.rates.clone() };
    PageSignIn::new(
        browsers,
        build_provider_access(config, services),
        services.signed_in_tokens.clone(),
        services.authorization_codes.clone(),
        services.ambient.clone(),
    )
}

fn build_page_door(config: &Configuration, services: &Services, steps: PageSignIn) -> PageDoor {
    let public_url = config.server.public_url.clone();
    PageDoor::new(steps, services.registrations.clone(), public_url, services.ambient.entropy.clone())
}

fn build_add_in_dialog(config: &Configuration, services: &Services) -> Option<AddInDialog> {
    services.registrations.add_ins().next()?;
    let door = build_page_door(config, services, build_page_sign_in(config, services));
    Some(AddInDialog::new(door, config.sign_in.office_library_url.clone()))
}

fn build_app_sign_in(config: &Configuration, services: &Services) -> Option<AppSignIn> {
    services.registrations.apps().next()?;
    let users = LinkedUsers::new(services.app_users.clone(), services.registrations.clone());
    let steps = build_page_sign_in(config, services).followed_by(Arc::new(users));
    Some(AppSignIn::new(build_page_door(config, services, steps), services.app_tokens.clone()))
}
