//! The authorization endpoint of directories, and the page on which users sign in.
//!
//! Owns which requests of applications are answered, where, and how; and what a user sees who has to sign in. It deliberately
//! keeps nothing of a sign-in that is under way: the request travels in the address of the page's form.

mod app_sign_ins;
mod authorize;
mod description;
mod destination;
mod login_notice;
mod own_page_links;
mod pages;
mod parameters;
mod provider_links;
mod replies;
mod request;
mod request_fault;
mod sign_in;
mod silent_rates;
mod untrusted_request;
mod web_message_page;

use actix_web::web;

use self::silent_rates::SilentRates;
use crate::accounts::{Directories, DirectoryUsers};
use crate::domain::{ClockAndEntropy, DirectoryUser, SignInMethod, Timestamp};
use crate::endpoints::directory::languages::Language;
use crate::endpoints::directory::{BrowserSessions, form_guard};
use crate::inbound::{BodyLimits, Door, FormGuard, LetterCase, Method, Operation, SampledLines, SharedLimits};
use crate::observability::DirectoryCounts;
use crate::token_issuer::{DirectoryKeyRing, DirectoryTokens};

pub use self::app_sign_ins::AppSignIns;
pub(in crate::endpoints::directory) use self::app_sign_ins::CompletedSignIn;
pub(in crate::endpoints::directory) use self::destination::{AppAnswer, PageSetting};
pub(in crate::endpoints::directory) use self::login_notice::LoginNotice;
pub(in crate::endpoints::directory) use self::parameters::RequestParameters;
pub(in crate::endpoints::directory) use self::replies::Responder;
pub(in crate::endpoints::directory) use self::request::{
    Prompt, RefusedRequest, RequestPurpose, SignInRequest, TrustedRequest,
};
pub(in crate::endpoints::directory) use self::request_fault::RequestFault;
pub(in crate::endpoints::directory) use self::untrusted_request::UntrustedRequest;
#[cfg(test)]
pub use self::untrusted_request::list_hints;

/// The path of the authorization endpoint.
pub(in crate::endpoints::directory) const AUTHORIZATION_PATH: &str = "/oauth/v4/{tenant}/authorization";
/// The path to which the form of the page goes.
const LOGIN_PATH: &str = "/oauth/v4/{tenant}/cloud_directory/login";

/// The pages of users' own, to which the sign-in page has links. The door beside this one answers there.
pub(in crate::endpoints::directory) const SIGN_UP_PATH: &str = "/oauth/v4/{tenant}/cloud_directory/sign_up";
pub(in crate::endpoints::directory) const FORGOT_PASSWORD_PATH: &str =
    "/oauth/v4/{tenant}/cloud_directory/forgot_password";
pub(in crate::endpoints::directory) const CHANGE_PASSWORD_PATH: &str =
    "/oauth/v4/{tenant}/cloud_directory/change_password";

/// Where a sign-in at another identity provider begins. The door of these providers answers there.
pub(in crate::endpoints::directory) const PROVIDER_LOGIN_PATH: &str = "/oauth/v4/{tenant}/providers/{provider}/login";

/// What this door works with.
pub struct SignInParts {
    /// The directories and their settings.
    pub directories: Directories,
    /// Their users.
    pub users: DirectoryUsers,
    /// The sessions of browsers.
    pub browsers: BrowserSessions,
    /// The keys of the directories.
    pub keys: DirectoryKeyRing,
    /// Begins sessions and issues codes.
    pub app_sign_ins: AppSignIns,
    /// The tokens of the directories.
    pub tokens: DirectoryTokens,
    /// What is counted at directories.
    pub counts: DirectoryCounts,
    /// What the limits of this door are made from.
    pub shared_limits: SharedLimits,
}

/// The state of this door; built once.
pub struct AuthorizationDoor {
    pub(in crate::endpoints::directory) parts: SignInParts,
    /// The lines about refusals that strangers can cause without end.
    lines: SampledLines,
    pub(in crate::endpoints::directory) rates: SilentRates,
    pub(in crate::endpoints::directory) ambient: ClockAndEntropy,
    pub(in crate::endpoints::directory) limits: BodyLimits,
}

/// The sign-in that a code stands for.
pub(in crate::endpoints::directory) struct SignedInUser<'a> {
    pub(in crate::endpoints::directory) user: &'a DirectoryUser,
    /// The public id of the browser's session, if there is one.
    pub(in crate::endpoints::directory) session_id: Option<&'a str>,
    pub(in crate::endpoints::directory) method: &'a SignInMethod,
    /// When the user signed in.
    pub(in crate::endpoints::directory) auth_time: Timestamp,
}

/// Why a request is not answered with a sign-in.
pub(in crate::endpoints::directory) enum RequestRefusal {
    /// No address can be trusted with an answer.
    Untrusted(UntrustedRequest),
    /// The application is told.
    Told(RefusedRequest),
}

/// This door's operations. None of them answers `HEAD`: each uses a session or makes a form.
pub const DOOR: Door = Door {
    name: "Directory: sign-in",
    description: "The authorization endpoint of directories, and the page on which users sign in.",
    bearer: "",
    operations: OPERATIONS,
    letter_case: LetterCase::Exact,
    answers_head: false,
};

const OPERATIONS: &[Operation] = &[
    Operation {
        method: Method::Get,
        path: AUTHORIZATION_PATH,
        route: |route| route.to(authorize::answer),
        description: description::authorize,
    },
    Operation {
        method: Method::Post,
        path: AUTHORIZATION_PATH,
        route: |route| route.to(authorize::take_form),
        description: description::authorize_by_form,
    },
    Operation {
        method: Method::Get,
        path: LOGIN_PATH,
        route: |route| route.to(sign_in::begin_again),
        description: description::begin_again,
    },
    Operation {
        method: Method::Post,
        path: LOGIN_PATH,
        route: |route| route.to(sign_in::sign_in),
        description: description::sign_in,
    },
];

/// Adds this door's paths.
pub fn configure(config: &mut web::ServiceConfig, state: web::Data<AuthorizationDoor>) {
    config.app_data(state);
    DOOR.add_routes(config);
}

impl AuthorizationDoor {
    /// The door over `parts`.
    #[must_use]
    pub fn new(parts: SignInParts, ambient: ClockAndEntropy, limits: BodyLimits) -> Self {
        let (rates, lines) = (SilentRates::new(&parts.shared_limits), SampledLines::new(ambient.clock.clone()));
        Self { parts, lines, rates, ambient, limits }
    }

    /// Reads the request in the address of a page at the directory `tenant`, and chooses the language of its pages.
    fn read_request(&self, tenant: &str, responder: &mut Responder<'_>) -> Result<SignInRequest, RequestRefusal> {
        self.read_request_in(responder.http.query_string(), tenant, responder)
    }

    /// The same for the request in `query`.
    pub(in crate::endpoints::directory) fn read_request_in(
        &self,
        query: &str,
        tenant: &str,
        responder: &mut Responder<'_>,
    ) -> Result<SignInRequest, RequestRefusal> {
        let untrusted = RequestRefusal::Untrusted;
        let view = self.parts.directories.find(tenant).ok_or(untrusted(UntrustedRequest::UnknownDirectory))?;
        let parameters =
            RequestParameters::read(query.as_bytes()).map_err(|_| untrusted(UntrustedRequest::Unreadable))?;
        let (ui_locales, language) = (parameters.find("ui_locales"), parameters.find("language"));
        responder.language = Language::choose(responder.http, ui_locales, language);
        TrustedRequest::find(view, parameters).map_err(untrusted)?.check().map_err(RequestRefusal::Told)
    }

    /// What guards the sign-in form of the directory; `None` for a directory without keys, which does not exist.
    pub(in crate::endpoints::directory) fn form_guard(&self, request: &SignInRequest) -> Option<FormGuard> {
        form_guard(&self.parts.keys, &request.view.directory)
    }
}

/// The text that binds a form's token to what the form does.
fn name_form_action(request: &SignInRequest) -> String {
    format!("sign-in {} {}", request.view.directory.tenant, request.query)
}
