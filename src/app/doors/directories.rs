use actix_web::web;

use crate::app::services::{DirectoryServices, Services};
use crate::config::Configuration;
use crate::endpoints::directory::BrowserSessions;
use crate::endpoints::directory::authorization::{self, AuthorizationDoor, SignInParts};
use crate::endpoints::directory::logout::{self, LogoutDoor, LogoutParts};
use crate::endpoints::directory::management::{self, ManagementDoor, ManagementParts};
use crate::endpoints::directory::oauth::{self, OAuthDoor, OAuthParts};
use crate::endpoints::operations::{DirectoryPages, OperatedDirectories, PageAccess};
use crate::inbound::{BodyLimits, Door, SsoCookie};

/// The doors of directories.
#[derive(Clone)]
pub(in crate::app) struct DirectoryDoors {
    authorization: web::Data<AuthorizationDoor>,
    oauth: web::Data<OAuthDoor>,
    logout: web::Data<LogoutDoor>,
    management: web::Data<ManagementDoor>,
}

impl DirectoryDoors {
    /// Builds the doors; `None` if the configuration has no directory.
    pub(super) fn open(config: &Configuration, services: &Services, limits: BodyLimits) -> Option<Self> {
        let directory = services.directories.as_ref()?;
        let cookie = SsoCookie::new(&config.server.public_url);
        let counts = services.metrics.directories().clone();
        let browsers = BrowserSessions::new(directory.sessions.clone(), directory.users.clone(), cookie, counts);
        Some(Self {
            authorization: web::Data::new(build_authorization(services, directory, browsers.clone(), limits)),
            oauth: web::Data::new(build_oauth(services, directory, limits)),
            logout: web::Data::new(build_logout(services, directory, browsers, limits)),
            management: web::Data::new(build_management(config, services, directory, limits)),
        })
    }

    /// The tables of the doors, for the `OpenAPI` document.
    pub(in crate::app) fn tables() -> [&'static Door; 4] {
        [&authorization::DOOR, &oauth::DOOR, &logout::DOOR, &management::DOOR]
    }

    /// Adds the paths of the doors.
    pub(in crate::app) fn configure(self, routes: &mut web::ServiceConfig) {
        authorization::configure(routes, self.authorization);
        oauth::configure(routes, self.oauth);
        logout::configure(routes, self.logout);
        management::configure(routes, self.management);
    }
}

/// The operator's pages; `None` if there is no directory, or no listener for them.
pub(super) fn open_pages(config: &Configuration, services: &Services, limits: BodyLimits) -> Option<DirectoryPages> {
    let (directory, section) = (services.directories.as_ref()?, config.operations.as_ref()?);
    let operated = OperatedDirectories {
        directories: directory.directories.clone(),
        users: directory.users.clone(),
        sessions: directory.sessions.clone(),
    };
    let admin_token = services.operator_tokens.admin.clone()?;
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
        browsers,
        keys: directory.keys.clone(),
        codes: directory.codes.clone(),
        grants: directory.grants.clone(),
        tokens: directory.tokens.clone(),
        counts: services.metrics.directories().clone(),
    };
    AuthorizationDoor::new(parts, services.ambient.clone(), limits)
}

fn build_oauth(services: &Services, directory: &DirectoryServices, limits: BodyLimits) -> OAuthDoor {
    let parts = OAuthParts {
        directories: directory.directories.clone(),
        users: directory.users.clone(),
        keys: directory.keys.clone(),
        codes: directory.codes.clone(),
        grants: directory.grants.clone(),
        tokens: directory.tokens.clone(),
        assertion_uses: directory.assertion_uses.clone(),
        counts: services.metrics.directories().clone(),
    };
    OAuthDoor::new(parts, services.ambient.clone(), limits)
}

fn build_logout(
    services: &Services,
    directory: &DirectoryServices,
    browsers: BrowserSessions,
    limits: BodyLimits,
) -> LogoutDoor {
    let parts = LogoutParts {
        directories: directory.directories.clone(),
        users: directory.users.clone(),
        browsers,
        keys: directory.keys.clone(),
        tokens: directory.tokens.clone(),
    };
    LogoutDoor::new(parts, services.ambient.clone(), limits)
}

fn build_management(
    config: &Configuration,
    services: &Services,
    directory: &DirectoryServices,
    limits: BodyLimits,
) -> ManagementDoor {
    let parts = ManagementParts {
        directories: directory.directories.clone(),
        users: directory.users.clone(),
        administrator_tokens: directory.administrator_tokens.clone(),
    };
    ManagementDoor::new(parts, &config.server.public_url, services.ambient.clone(), limits)
}
