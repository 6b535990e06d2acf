//! Where users of a directory sign out of its session: App ID's logout of its SDK (docs/protocols/app-id.md §Logout), and that
//! of OpenID Connect RP-Initiated Logout 1.0.
//!
//! Owns which requests end a session at once, which ones ask the user first, and where the browser goes afterwards. It
//! deliberately ends no token: tokens that applications have stay valid as long as they say, but the applications are told.

mod decision;
mod description;
mod end_session;
mod ending;
mod pages;
mod plan;
mod refusal;
mod replies;
mod request;
mod sso_logout;
mod texts;

use actix_web::web;

use self::replies::Responder;
use self::request::LogoutRequest;
use crate::accounts::{Directories, DirectoryView};
use crate::domain::ClockAndEntropy;
use crate::endpoints::directory::{BrowserSession, BrowserSessions, SessionEndings, form_guard};
use crate::inbound::{BodyLimits, Door, FormGuard, LetterCase};
use crate::sign_out::SignOut;
use crate::token_issuer::{DirectoryKeyRing, DirectoryTokens, IdTokenHint};

#[cfg(test)]
pub use self::refusal::list_hints;

/// The path of App ID's logout.
const SSO_LOGOUT_PATH: &str = "/oauth/v4/{tenant}/cloud_directory/sso/logout";
/// The path to which the form of our page goes.
const DECISION_PATH: &str = "/oauth/v4/{tenant}/cloud_directory/sso/logout/decision";
/// The end session endpoint of OpenID Connect.
const END_SESSION_PATH: &str = "/oauth/v4/{tenant}/logout";

/// What this door works with.
pub struct LogoutParts {
    /// The directories and their settings.
    pub directories: Directories,
    /// The sessions of browsers.
    pub browsers: BrowserSessions,
    /// Ends them.
    pub endings: SessionEndings,
    /// The keys of the directories.
    pub keys: DirectoryKeyRing,
    /// The tokens of the directories.
    pub tokens: DirectoryTokens,
    /// What ends everything of a user.
    pub sign_out: SignOut,
}

/// The state of this door; built once.
pub struct LogoutDoor {
    parts: LogoutParts,
    ambient: ClockAndEntropy,
    limits: BodyLimits,
}

impl LogoutDoor {
    /// The door over `parts`.
    #[must_use]
    pub fn new(parts: LogoutParts, ambient: ClockAndEntropy, limits: BodyLimits) -> Self {
        Self { parts, ambient, limits }
    }

    /// The ID token that a request brings as a hint, if it is one of the directory for an application that it still has. Its end
    /// is not checked (OpenID Connect RP-Initiated Logout 1.0 §2).
    fn check_hint(&self, view: &DirectoryView, hint: Option<&str>, responder: &Responder<'_>) -> Option<IdTokenHint> {
        match self.parts.tokens.check_id_token_hint(&view.directory, hint?) {
            Ok(hint) => Some(hint).filter(|hint| view.find_application(&hint.client_id).is_some()),
            Err(refusal) => {
                responder.log_bad_hint(view, refusal);
                None
            }
        }
    }

    /// What guards the form of our page; `None` for a directory without keys, which does not exist.
    fn form_guard(&self, view: &DirectoryView) -> Option<FormGuard> {
        form_guard(&self.parts.keys, &view.directory)
    }
}

/// Whether an ID token is of the browser's session and its user.
fn is_of_session(hint: &IdTokenHint, browser: &BrowserSession) -> bool {
    hint.session_id.as_ref() == Some(&browser.session.id) && hint.user_id == browser.user.id
}

/// The text that binds the token of our form to what the form does, and to the session that it ends.
fn name_form_action(request: &LogoutRequest, session_id: &str) -> String {
    format!("sign-out {} {session_id} {}", request.view.directory.tenant, request.to_query())
}

/// This door's operations.
pub const DOOR: Door = Door {
    name: "Directory: sign-out",
    description: "Where users of a directory sign out of its session.",
    bearer: "",
    operations: description::OPERATIONS,
    letter_case: LetterCase::Exact,
    // A GET of this door ends a session.
    answers_head: false,
};

/// Adds this door's paths.
pub fn configure(config: &mut web::ServiceConfig, state: web::Data<LogoutDoor>) {
    config.app_data(state);
    DOOR.add_routes(config);
}
