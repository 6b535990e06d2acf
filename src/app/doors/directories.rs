use actix_web::web;

use super::person_records::build_person_tokens;
use super::{build_provider_access, shared_limits};
use crate::app::services::{DirectoryServices, Services};
use crate::config::Configuration;
use crate::endpoints::directory::account::{self, AccountDoor, AccountParts};
use crate::endpoints::directory::authorization::{self, AppSignIns, AuthorizationDoor, SignInParts};
use crate::endpoints::directory::logout::{self, LogoutDoor, LogoutParts};
use crate::endpoints::directory::management::{self, ManagementDoor, ManagementParts};
use crate::endpoints::directory::oauth::{self, OAuthDoor, OAuthParts};
use crate::endpoints::directory::providers::{self, ProvidersDoor};
use crate::endpoints::directory::self_service::pages::{self as self_service, SelfServiceDoor, SelfServiceParts};
use crate::endpoints::directory::self_service::service::{SelfService, SelfServiceSources};
use crate::endpoints::directory::{BrowserSessions, SessionEndings};
use crate::endpoints::operations::{DirectoryPages, OperatedDirectories, PageAccess};
use crate::exchange::TokenRevocation;
use crate::inbound::{BodyLimits, Door, SsoCookie};
use crate::sign_in::{DirectorySignIn, PageBrowsers};

/// The doors of directories.
#[derive(Clone)]
pub(in crate::app) struct DirectoryDoors {
    authorization: web::Data<AuthorizationDoor>,
    oauth: web::Data<OAuthDoor>,
    logout: web::Data<LogoutDoor>,
    management: web::Data<ManagementDoor>,
    providers: web::Data<ProvidersDoor>,
    account: web::Data<AccountDoor>,
    self_service: web::Data<SelfServiceDoor>,
}

impl DirectoryDoors {
    /// Builds the doors; `None` if the configuration has no directory.
    pub(super) fn open(config: &Configuration, services: &Services, limits: BodyLimits) -> Option<Self> {
        let directory = services.directories.as_ref()?;
        let cookie = SsoCookie::new(&config.server.public_url);
        let counts = services.metrics.directories().clone();
        let browsers = BrowserSessions::new(directory.sessions.clone(), directory.users.clone(), cookie, counts);
        let authorization = web::Data::new(build_authorization(services, directory, browsers.clone(), limits));
        let steps = build_directory_sign_in(config, services);
        let providers = ProvidersDoor::new(authorization.clone(), steps, &config.server.public_url);
        // Pages and management share the limits of the acts.
        let acts = build_self_service(services, directory);
        Some(Self {
            authorization,
            providers: web::Data::new(providers),
            oauth: web::Data::new(build_oauth(services, directory, limits)),
            account: web::Data::new(build_account(services, directory, browsers.clone(), limits)),
            self_service: web::Data::new(build_own_pages(services, directory, acts.clone(), browsers.clone(), limits)),
            logout: web::Data::new(build_logout(services, directory, browsers, limits)),
            management: web::Data::new(build_management(config, services, directory, acts, limits)),
        })
    }

    /// The tables of the doors, for the `OpenAPI` document.
    pub(in crate::app) fn tables() -> Vec<&'static Door> {
        vec![
            &authorization::DOOR,
            &oauth::DOOR,
            &logout::DOOR,
            &management::DOOR,
            &account::DOOR,
            &providers::DOOR,
            &self_service::DOOR,
        ]
    }

    /// Adds the paths of the doors.
    pub(in crate::app) fn configure(self, routes: &mut web::ServiceConfig) {
        authorization::configure(routes, self.authorization);
        oauth::configure(routes, self.oauth);
        logout::configure(routes, self.logout);
        management::configure(routes, self.management);
        providers::configure(routes, self.providers);
        account::configure(routes, self.account);
        self_service::configure(routes, self.self_service);
    }
}

/// Builds the sign-ins of directories' users at other identity providers.
fn build_directory_sign_in(config: &Configuration, services: &Services) -> DirectorySignIn {
    let browsers = PageBrowsers { sign_ins: services.browser_flow.sign_ins().clone(), rates: services.rates.clone() };
    let entropy = services.ambient.entropy.clone();
    DirectorySignIn::new(
        browsers,
        build_provider_access(config, services),
        services.vault.clone(),
        TokenRevocation::new(services.redemption.clone(), services.registrations.clone(), entropy),
        services.ambient.clone(),
    )
}

/// What the operator sees and changes of the directories.
pub(super) fn list_operated(directory: &DirectoryServices) -> OperatedDirectories {
    OperatedDirectories {
        directories: directory.directories.clone(),
        users: directory.users.clone(),
        sessions: directory.sessions.clone(),
        back_channel: directory.back_channel.clone(),
    }
}

/// The operator's pages; `None` if there is no directory, or no listener for them.
pub(super) fn open_pages(config: &Configuration, services: &Services, limits: BodyLimits) -> Option<DirectoryPages> {
    let (directory, section) = (services.directories.as_ref()?, config.operations.as_ref()?);
    let operated = list_operated(directory);
    let admin_token = services.operator_tokens.admin.as_ref()?.full().clone();
    let is_secure = config.server.tls.is_some() && !section.listen.ip().is_loopback();
    let site = PageAccess { admin_token, is_secure, limits };
    Some(DirectoryPages::new(operated, site, services.ambient.clone()))
}

fn build_authorization(
    services: &Services,
    directory: &DirectoryServices,
    browsers: BrowserSessions,
    limits: BodyLimits,
) -> AuthorizationDoor {
    let parts = SignInParts {
        directories: directory.directories.clone(),
        users: directory.users.clone(),
        app_sign_ins: build_app_sign_ins(services, directory, &browsers),
        browsers,
        keys: directory.keys.clone(),
        tokens: directory.tokens.clone(),
        counts: services.metrics.directories().clone(),
        shared_limits: shared_limits(services),
    };
    AuthorizationDoor::new(parts, services.ambient.clone(), limits)
}

fn build_app_sign_ins(services: &Services, directory: &DirectoryServices, browsers: &BrowserSessions) -> AppSignIns {
    let (codes, grants) = (directory.codes.clone(), directory.grants.clone());
    AppSignIns::new(browsers.clone(), codes, grants, services.ambient.clone())
}

fn build_oauth(services: &Services, directory: &DirectoryServices, limits: BodyLimits) -> OAuthDoor {
    let parts = OAuthParts {
        directories: directory.directories.clone(),
        users: directory.users.clone(),
        keys: directory.keys.clone(),
        redemption: directory.build_redemption(&services.ambient),
        grants: directory.grants.clone(),
        tokens: directory.tokens.clone(),
        assertion_uses: directory.assertion_uses.clone(),
        links: directory.links.clone(),
        counts: services.metrics.directories().clone(),
        shared_limits: shared_limits(services),
    };
    OAuthDoor::new(parts, services.ambient.clone(), limits)
}

fn build_endings(services: &Services, directory: &DirectoryServices) -> SessionEndings {
    let (users, sessions) = (directory.users.clone(), directory.sessions.clone());
    SessionEndings::new(users, sessions, directory.back_channel.clone(), services.metrics.directories().clone())
}

fn build_self_service(services: &Services, directory: &DirectoryServices) -> SelfService {
    let sources = SelfServiceSources {
        directories: directory.directories.clone(),
        users: directory.users.clone(),
        links: directory.links.clone(),
        mails: directory.mails.clone(),
        endings: build_endings(services, directory),
        counts: services.metrics.directories().clone(),
        shared_limits: shared_limits(services),
    };
    SelfService::new(sources, services.ambient.clock.clone())
}

fn build_own_pages(
    services: &Services,
    directory: &DirectoryServices,
    service: SelfService,
    browsers: BrowserSessions,
    limits: BodyLimits,
) -> SelfServiceDoor {
    let parts = SelfServiceParts {
        directories: directory.directories.clone(),
        users: directory.users.clone(),
        service,
        links: directory.links.clone(),
        outcomes: directory.outcomes.clone(),
        grants: directory.grants.clone(),
        app_sign_ins: build_app_sign_ins(services, directory, &browsers),
        browsers,
        keys: directory.keys.clone(),
        shared_limits: shared_limits(services),
    };
    SelfServiceDoor::new(parts, services.ambient.clone(), limits)
}

fn build_logout(
    services: &Services,
    directory: &DirectoryServices,
    browsers: BrowserSessions,
    limits: BodyLimits,
) -> LogoutDoor {
    let parts = LogoutParts {
        directories: directory.directories.clone(),
        browsers,
        endings: build_endings(services, directory),
        keys: directory.keys.clone(),
        tokens: directory.tokens.clone(),
        sign_out: services.sign_out.clone(),
    };
    LogoutDoor::new(parts, services.ambient.clone(), limits)
}

fn build_account(
    services: &Services,
    directory: &DirectoryServices,
    browsers: BrowserSessions,
    limits: BodyLimits,
) -> AccountDoor {
    let parts = AccountParts {
        directories: directory.directories.clone(),
        browsers,
        sessions: directory.sessions.clone(),
        endings: build_endings(services, directory),
        keys: directory.keys.clone(),
        codes: directory.codes.clone(),
        grants: directory.grants.clone(),
        tokens: build_person_tokens(services),
        sign_out: services.sign_out.clone(),
    };
    AccountDoor::new(parts, services.ambient.clone(), limits)
}

fn build_management(
    config: &Configuration,
    services: &Services,
    directory: &DirectoryServices,
    self_service: SelfService,
    limits: BodyLimits,
) -> ManagementDoor {
    let parts = ManagementParts {
        directories: directory.directories.clone(),
        users: directory.users.clone(),
        endings: build_endings(services, directory),
        self_service,
        administrator_tokens: directory.administrator_tokens.clone(),
        sends_mail: directory.mails.is_configured(),
        shared_limits: shared_limits(services),
    };
    ManagementDoor::new(parts, &config.server.public_url, services.ambient.clone(), limits)
}
