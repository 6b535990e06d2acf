//! The authorization endpoint of directories, and the page on which users sign in.
//!
//! Owns which requests of applications are answered, where, and how; and what a user sees who has to sign in. It deliberately
//! keeps nothing of a sign-in that is under way: the request travels in the address of the page's form.

mod authorize;
mod description;
mod destination;
mod login_notice;
mod pages;
mod parameters;
mod replies;
mod request;
mod request_fault;
mod sign_in;
mod silent_rates;
mod untrusted_request;

use actix_web::web;

use self::destination::AppAnswer;
use self::parameters::RequestParameters;
use self::replies::Responder;
use self::request::{RefusedRequest, SignInRequest, TrustedRequest};
use self::silent_rates::SilentRates;
use self::untrusted_request::UntrustedRequest;
use crate::accounts::{Directories, DirectoryUsers};
use crate::domain::{ClockAndEntropy, DirectoryUser, Timestamp};
use crate::endpoints::directory::languages::Language;
use crate::endpoints::directory::{BrowserSessions, form_guard};
use crate::inbound::{BodyLimits, Door, FormGuard, LetterCase, Method, Operation, Problem, SampledLines};
use crate::observability::DirectoryCounts;
use crate::token_issuer::{AuthorizationCodeStore, CodeContent, DirectoryKeyRing, DirectoryTokens, Grants};

#[cfg(test)]
pub use self::untrusted_request::list_hints;

/// The path of the authorization endpoint.
const AUTHORIZATION_PATH: &str = "/oauth/v4/{tenant}/authorization";
/// The path to which the form of the page goes.
const LOGIN_PATH: &str = "/oauth/v4/{tenant}/cloud_directory/login";

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
    /// Authorization codes.
    pub codes: AuthorizationCodeStore,
    /// The grants of applications.
    pub grants: Grants,
    /// The tokens of the directories.
    pub tokens: DirectoryTokens,
    /// What is counted at directories.
    pub counts: DirectoryCounts,
}

/// The state of this door; built once.
pub struct AuthorizationDoor {
    parts: SignInParts,
    /// The lines about refusals that strangers can cause without end.
    lines: SampledLines,
    rates: SilentRates,
    ambient: ClockAndEntropy,
    limits: BodyLimits,
}

/// The sign-in that a code stands for.
struct SignedInUser<'a> {
    user: &'a DirectoryUser,
    /// The public id of the browser's session, if there is one.
    session_id: Option<&'a str>,
    /// When the user entered the password.
    auth_time: Timestamp,
}

/// Why a request is not answered with a sign-in.
enum RequestRefusal {
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
        let (rates, lines) = (SilentRates::new(&ambient.clock), SampledLines::new(ambient.clock.clone()));
        Self { parts, lines, rates, ambient, limits }
    }

    /// Reads a request at the directory `tenant`, and chooses the language of its pages.
    fn read_request(&self, tenant: &str, responder: &mut Responder<'_>) -> Result<SignInRequest, RequestRefusal> {
        let untrusted = RequestRefusal::Untrusted;
        let view = self.parts.directories.find(tenant).ok_or(untrusted(UntrustedRequest::UnknownDirectory))?;
        let parameters = RequestParameters::read(responder.http.query_string().as_bytes())
            .map_err(|_| untrusted(UntrustedRequest::Unreadable))?;
        let (ui_locales, language) = (parameters.find("ui_locales"), parameters.find("language"));
        responder.language = Language::choose(responder.http, ui_locales, language);
        TrustedRequest::find(view, parameters).map_err(untrusted)?.check().map_err(RequestRefusal::Told)
    }

    /// What guards the sign-in form of the directory; `None` for a directory without keys, which does not exist.
    fn form_guard(&self, request: &SignInRequest) -> Option<FormGuard> {
        form_guard(&self.parts.keys, &request.view.directory)
    }

    /// Issues a code for a user who is signed in.
    async fn issue_code(&self, request: &SignInRequest, signed_in: &SignedInUser<'_>) -> Result<AppAnswer, Problem> {
        let SignedInUser { user, session_id, auth_time } = *signed_in;
        let content = CodeContent {
            client_id: request.application.client_id.clone(),
            redirect_uri: request.destination.redirect_uri.clone(),
            user_id: user.id.clone(),
            scope: request.scope.clone(),
            nonce: request.nonce.clone(),
            challenge: request.challenge.clone(),
            session_id: session_id.map(str::to_owned),
            auth_time,
            ended_sessions: user.ended_sessions,
            revoked_grants: user.revoked_grants,
            grant_id: self.parts.grants.draw_id(),
        };
        let issued = self.parts.codes.issue(&request.view.directory.tenant, content).await;
        issued.map(AppAnswer::Code).map_err(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "an authorization code cannot be stored");
            Problem::ServiceUnavailable
        })
    }
}

/// The text that binds a form's token to what the form does.
fn name_form_action(request: &SignInRequest) -> String {
    format!("sign-in {} {}", request.view.directory.tenant, request.query)
}
