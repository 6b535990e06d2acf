//! The other identity providers of directories: sign-ins that begin on the sign-in page, and links of accounts, which users make.
//!
//! Owns the way of a browser to a provider and back, and which user of the directory comes of it: the one who has this identity,
//! found by issuer and id alone, or a new one. It deliberately knows no token of a provider, and completes sign-ins as the
//! sign-in page does.

mod act;
mod begin;
mod callback;
mod confirm_link;
mod description;
mod find_user;
mod link;
mod link_form;
mod notices;
mod pages;
mod purpose;
mod unlink;

use std::sync::Arc;

use actix_web::{HttpRequest, web};
use url::Url;

use self::act::ProviderAct;
use crate::accounts::DirectoryView;
use crate::domain::LoginProvider;
use crate::endpoints::directory::authorization::{AuthorizationDoor, PROVIDER_LOGIN_PATH};
use crate::inbound::{BrowserCookie, Door, LetterCase, Method, Operation, read_segment};
use crate::sign_in::{BrowserSecret, DirectorySignIn};

/// Where a provider sends browsers back to.
const CALLBACK_PATH: &str = "/oauth/v4/{tenant}/providers/{provider}/callback";
/// The page on which a user links the account at a provider, or removes that link.
const LINK_PATH: &str = "/oauth/v4/{tenant}/providers/{provider}/link";
/// Where the form goes that makes the link.
const CONFIRM_PATH: &str = "/oauth/v4/{tenant}/providers/{provider}/link/confirm";
/// Where the form goes that removes the link.
const UNLINK_PATH: &str = "/oauth/v4/{tenant}/providers/{provider}/unlink";
/// The page of the user's account. The door of that page answers there.
const ACCOUNT_PATH: &str = "/oauth/v4/{tenant}/account";

/// The places of the segments `{tenant}` and `{provider}` in the paths.
const TENANT: usize = 3;
const PROVIDER: usize = 5;

/// The state of this door; built once.
pub struct ProvidersDoor {
    /// The sign-in page, to which refused sign-ins lead back, and what it works with.
    authorization: web::Data<AuthorizationDoor>,
    steps: DirectorySignIn,
    cookie: BrowserCookie,
}

/// A provider of a directory.
#[derive(Clone)]
struct ProviderPlace {
    view: Arc<DirectoryView>,
    provider: LoginProvider,
}

/// This door's operations. None of them answers `HEAD`: each begins or continues a sign-in.
pub const DOOR: Door = Door {
    name: "Directory: other identity providers",
    description: "Sign-ins of a directory's users at other identity providers, and the links of accounts.",
    bearer: "",
    operations: OPERATIONS,
    letter_case: LetterCase::Exact,
    answers_head: false,
};

const OPERATIONS: &[Operation] = &[
    Operation {
        method: Method::Get,
        path: PROVIDER_LOGIN_PATH,
        route: |route| route.to(begin::begin),
        description: description::begin,
    },
    Operation {
        method: Method::Get,
        path: CALLBACK_PATH,
        route: |route| route.to(callback::take),
        description: description::callback,
    },
    Operation {
        method: Method::Get,
        path: LINK_PATH,
        route: |route| route.to(link::show),
        description: description::show_link,
    },
    Operation {
        method: Method::Post,
        path: LINK_PATH,
        route: |route| route.to(link::begin),
        description: description::begin_link,
    },
    Operation {
        method: Method::Post,
        path: CONFIRM_PATH,
        route: |route| route.to(confirm_link::confirm),
        description: description::confirm_link,
    },
    Operation {
        method: Method::Post,
        path: UNLINK_PATH,
        route: |route| route.to(unlink::unlink),
        description: description::unlink,
    },
];

/// Adds this door's paths.
pub fn configure(config: &mut web::ServiceConfig, state: web::Data<ProvidersDoor>) {
    config.app_data(state);
    DOOR.add_routes(config);
}

impl ProvidersDoor {
    /// Signs users in by `steps`, for the sign-in page of `authorization`. Browsers reach both below `public_url`.
    #[must_use]
    pub fn new(authorization: web::Data<AuthorizationDoor>, steps: DirectorySignIn, public_url: &Url) -> Self {
        Self { authorization, steps, cookie: BrowserCookie::new(public_url) }
    }

    /// The provider that the path of `http` names.
    fn find_place(&self, http: &HttpRequest) -> Option<ProviderPlace> {
        let view = self.authorization.parts.directories.find(&read_segment(http, TENANT)?)?;
        let name = read_segment(http, PROVIDER)?;
        let provider = view.directory.login_providers.iter().find(|provider| provider.name == name)?.clone();
        Some(ProviderPlace { view, provider })
    }

    fn read_browser(&self, http: &HttpRequest) -> Option<BrowserSecret> {
        BrowserSecret::parse(self.cookie.read(http)?)
    }
}

impl ProviderPlace {
    /// `template` with the tenant and the provider.
    fn path(&self, template: &str) -> String {
        let path = template.replace("{tenant}", self.view.directory.tenant.as_str());
        path.replace("{provider}", &self.provider.name)
    }

    /// The redirect URI that is registered at the provider. `None` cannot be: the issuer is a URL.
    fn redirect_uri(&self) -> Option<Url> {
        Url::parse(&format!("{}/providers/{}/callback", self.view.directory.issuer, self.provider.name)).ok()
    }

    /// The text that binds a form's token to what the form does: `act`, in the session `session_id`.
    fn name_form(&self, act: &str, session_id: &str) -> String {
        format!("{act} {} {} {session_id}", self.view.directory.tenant, self.provider.name)
    }
}
