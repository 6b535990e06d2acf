use std::collections::VecDeque;
use std::sync::Mutex;

use actix_web::HttpRequest;
use actix_web::cookie::{Cookie, SameSite};
use serde_json::Value;

use super::directory_addresses::APPS_PATH;
use super::entries::{DirectoryAppEntry, DirectoryEntry};
use crate::dev::lock::lock_ignoring_poison;
use crate::domain::{Secret, SharedEntropy};

/// The maximum number of sessions; a further one replaces the oldest.
const MAX_SESSIONS: usize = 256;

/// The sessions of browsers at the apps: each app has its own, as apps on different machines would.
pub(in crate::dev) struct AppSessions {
    entropy: SharedEntropy,
    sessions: Mutex<VecDeque<(String, AppSession)>>,
}

/// The session of a browser at one app.
#[derive(Clone)]
pub(super) enum AppSession {
    /// The browser has been sent to the gateway, and is to come back with these values.
    SigningIn {
        /// `state` of the authorization request.
        state: String,
        /// `nonce` of the authorization request.
        nonce: String,
    },
    /// A user has signed in.
    SignedIn(Box<SignedIn>),
}

/// What an app knows of its user.
#[derive(Clone)]
pub(super) struct SignedIn {
    /// The claims of the ID token.
    pub(super) claims: Value,
    pub(super) access_token: Secret,
    /// `None` if the directory issues none.
    pub(super) refresh_token: Option<Secret>,
    /// How often the tokens have been refreshed.
    pub(super) refreshes: u32,
}

/// An app, with its directory.
#[derive(Clone, Copy)]
pub(super) struct AppOfDirectory {
    pub(super) directory: &'static DirectoryEntry,
    pub(super) app: &'static DirectoryAppEntry,
}

impl AppSessions {
    pub(in crate::dev) fn new(entropy: SharedEntropy) -> Self {
        Self { entropy, sessions: Mutex::default() }
    }

    /// Draws a value that cannot be guessed.
    pub(super) fn draw(&self) -> String {
        self.entropy.hex_id()
    }

    /// Keeps `session` under a new id, in the place of the browser's earlier one. Returns the cookie.
    pub(super) fn begin(&self, app: AppOfDirectory, http: &HttpRequest, session: AppSession) -> Cookie<'static> {
        let id = self.entropy.hex_id();
        let replaced = http.cookie(&app.cookie_name());
        let mut sessions = lock_ignoring_poison(&self.sessions);
        sessions.retain(|(known, _)| replaced.as_ref().is_none_or(|cookie| cookie.value() != known));
        if sessions.len() >= MAX_SESSIONS {
            sessions.pop_front();
        }
        sessions.push_back((id.clone(), session));
        app.cookie(id)
    }

    /// The session of the browser at `app`.
    pub(super) fn find(&self, app: AppOfDirectory, http: &HttpRequest) -> Option<AppSession> {
        let cookie = http.cookie(&app.cookie_name())?;
        let sessions = lock_ignoring_poison(&self.sessions);
        sessions.iter().find(|(id, _)| id == cookie.value()).map(|(_, session)| session.clone())
    }

    /// Ends the session of the browser at `app`. Returns the cookie that takes the session's cookie away.
    pub(super) fn end(&self, app: AppOfDirectory, http: &HttpRequest) -> Cookie<'static> {
        if let Some(cookie) = http.cookie(&app.cookie_name()) {
            lock_ignoring_poison(&self.sessions).retain(|(id, _)| id != cookie.value());
        }
        let mut cookie = app.cookie(String::new());
        cookie.make_removal();
        cookie
    }
}

impl AppOfDirectory {
    /// The path of the app's page.
    pub(super) fn path(self) -> String {
        format!("{APPS_PATH}/{}/{}", self.directory.name, self.app.name)
    }

    /// The other app of the directory.
    pub(super) fn other(self) -> Option<&'static DirectoryAppEntry> {
        self.directory.apps.iter().find(|app| app.name != self.app.name)
    }

    fn cookie_name(self) -> String {
        format!("stage-app-{}-{}", self.directory.name, self.app.name)
    }

    /// The browser comes back from the gateway by a link of another site, so the cookie is not `Strict`.
    fn cookie(self, id: String) -> Cookie<'static> {
        Cookie::build(self.cookie_name(), id).path(self.path()).http_only(true).same_site(SameSite::Lax).finish()
    }
}
