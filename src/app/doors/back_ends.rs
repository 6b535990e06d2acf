use std::sync::Arc;

use actix_web::web;

use super::{build_provider_access, shared_limits};
use crate::app::back_end_keys::issuer;
use crate::app::services::Services;
use crate::config::{BackEndProof, Configuration};
use crate::endpoints::add_in::{self, AddInAccess, AddInDoor, AddInDownstream};
use crate::endpoints::back_end::{self, BackEndCallers, BackEndDoor, BackEndExchange, ServerMetadata};
use crate::endpoints::office_pane;
use crate::endpoints::page_sign_in::PageDoor;
use crate::endpoints::page_sign_in::add_in_dialog::{self, AddInDialog};
use crate::endpoints::page_sign_in::app_sign_in::{self, AppSignIn, LinkedUsers};
use crate::endpoints::service_role::{self, ServiceRole, ServiceRoleCallers, ServiceRoleUsers};
use crate::inbound::{AppAuthenticator, BodyLimits, ClientAuthenticator, ClientGuesses, Door};
use crate::sign_in::{PageBrowsers, PageSignIn};

/// The doors for callers that are no bots. Those of a kind that the configuration does not have are not there.
#[derive(Clone)]
pub(in crate::app) struct BackEndDoors {
    add_ins: Option<AddInDoors>,
    back_ends: Option<web::Data<BackEndDoor>>,
    apps: Option<AppDoors>,
}

/// The doors of add-ins.
#[derive(Clone)]
struct AddInDoors {
    door: web::Data<AddInDoor>,
    /// The configured paths of user data.
    user_data: Option<Arc<Door>>,
    dialog: web::Data<AddInDialog>,
}

/// The doors of apps.
#[derive(Clone)]
struct AppDoors {
    service_role: web::Data<ServiceRole>,
    sign_in: web::Data<AppSignIn>,
}

impl BackEndDoors {
    /// Builds the doors that the configuration needs.
    pub(super) fn open(config: &Configuration, services: &Services, limits: BodyLimits) -> Self {
        Self {
            add_ins: (!config.add_ins.is_empty()).then(|| build_add_ins(config, services, limits)),
            back_ends: (!config.back_ends.is_empty())
                .then(|| web::Data::new(build_back_ends(config, services, limits))),
            apps: (!config.apps.is_empty()).then(|| AppDoors {
                service_role: web::Data::new(build_service_role(services, limits)),
                sign_in: web::Data::new(build_app_sign_in(config, services)),
            }),
        }
    }

    /// The tables of the doors that are there, for the `OpenAPI` document.
    pub(in crate::app) fn tables(&self) -> Vec<&Door> {
        let mut tables: Vec<&Door> = Vec::new();
        if let Some(add_ins) = &self.add_ins {
            tables.extend([&add_in::DOOR, &add_in_dialog::DOOR, &office_pane::DOOR]);
            tables.extend(add_ins.user_data.as_deref());
        }
        if self.back_ends.is_some() {
            tables.push(&back_end::DOOR);
        }
        if self.apps.is_some() {
            tables.extend([&service_role::DOOR, &app_sign_in::DOOR]);
        }
        tables
    }

    /// Adds the paths of the doors that are there.
    pub(in crate::app) fn configure(self, routes: &mut web::ServiceConfig) {
        if let Some(AddInDoors { door, user_data, dialog }) = self.add_ins {
            add_in_dialog::configure(routes, dialog);
            add_in::configure(routes, door, user_data.as_deref());
            office_pane::configure(routes);
        }
        if let Some(back_ends) = self.back_ends {
            back_end::configure(routes, back_ends);
        }
        if let Some(AppDoors { service_role, sign_in }) = self.apps {
            app_sign_in::configure(routes, sign_in);
            service_role::configure(routes, service_role);
        }
    }
}

fn build_add_ins(config: &Configuration, services: &Services, limits: BodyLimits) -> AddInDoors {
    let access = AddInAccess {
        registrations: services.registrations.clone(),
        validators: services.validators.clone(),
        exchange: services.assertions.clone(),
        callers: services.caller_secrets.add_ins.clone(),
        guesses: ClientGuesses::new(&shared_limits(services), "add_ins"),
    };
    let downstream = AddInDownstream {
        outbound: services.outbound.clone(),
        public_url: config.server.public_url.clone(),
        limits,
        timeout: config.outbound.bot_timeout,
    };
    let door = AddInDoor::new(access, downstream, services.counters().clone(), services.ambient.clone());
    let user_data = add_in::user_data_door(&services.registrations).map(Arc::new);
    let dialog = web::Data::new(build_add_in_dialog(config, services));
    AddInDoors { door: web::Data::new(door), user_data, dialog }
}

fn build_back_ends(config: &Configuration, services: &Services, limits: BodyLimits) -> BackEndDoor {
    let (back_ends, secrets) = (&services.back_ends, &services.caller_secrets);
    let authenticator = ClientAuthenticator::new(
        secrets.back_ends.clone(),
        secrets.assertions.clone(),
        back_ends.assertion_uses.clone(),
        ClientGuesses::new(&shared_limits(services), "back_ends"),
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

fn build_service_role(services: &Services, limits: BodyLimits) -> ServiceRole {
    let clock = &services.ambient.clock;
    let guesses = ClientGuesses::new(&shared_limits(services), "apps");
    let authenticator = AppAuthenticator::new(services.caller_secrets.apps.clone(), guesses);
    let users = ServiceRoleUsers {
        registrations: services.registrations.clone(),
        users: services.apps.users.clone(),
        app_tokens: services.apps.user_tokens.clone(),
    };
    let callers = ServiceRoleCallers { authenticator, limits };
    ServiceRole::new(callers, users, services.tokens.clone(), clock.clone())
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

fn build_add_in_dialog(config: &Configuration, services: &Services) -> AddInDialog {
    let door = build_page_door(config, services, build_page_sign_in(config, services));
    AddInDialog::new(door, config.sign_in.office_library_url.clone())
}

fn build_app_sign_in(config: &Configuration, services: &Services) -> AppSignIn {
    let (users, tokens) = (services.apps.users.clone(), services.apps.user_tokens.clone());
    let users = LinkedUsers::new(users, tokens.clone(), services.registrations.clone());
    let steps = build_page_sign_in(config, services).followed_by(Arc::new(users));
    AppSignIn::new(build_page_door(config, services, steps), tokens)
}
