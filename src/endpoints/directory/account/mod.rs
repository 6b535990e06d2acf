//! The page on which a user of a directory sees where she or he is signed in, and ends that: browsers, applications, bots and
//! back ends, one by one or all.
//!
//! Owns what the page shows and which acts its forms do. Each act is checked against the user of the browser's session, so no form
//! can name what is another user's. It deliberately knows neither how sessions, grants and tokens are kept nor how they end.

mod acts;
mod browser_names;
mod description;
mod everywhere;
mod overview;
mod pages;
mod replies;
mod rows;
mod show;
mod texts;

use std::net::IpAddr;
use std::sync::Arc;

use actix_web::web;

use self::replies::Responder;
use crate::accounts::{Directories, DirectoryView};
use crate::domain::{ClockAndEntropy, DirectoryUser, TenantId, UserKey};
use crate::endpoints::directory::{BrowserSession, BrowserSessions, SessionEndings, form_guard};
use crate::exchange::PersonTokens;
use crate::inbound::{BodyLimits, Door, FormGuard, LetterCase, Problem, TrustedProxies};
use crate::observability::{AuditEntry, AuditEvent};
use crate::sessions::SsoSessions;
use crate::sign_out::SignOut;
use crate::token_issuer::{AuthorizationCodeStore, DirectoryKeyRing, Grants};

/// The path of the page.
const ACCOUNT_PATH: &str = "/oauth/v4/{tenant}/account";
/// The path of the page that asks whether everything is to end.
const SIGN_OUT_PATH: &str = "/oauth/v4/{tenant}/account/sign-out";
/// The path of the page that says that it has ended.
const SIGNED_OUT_PATH: &str = "/oauth/v4/{tenant}/account/signed-out";

/// What this door works with.
pub struct AccountParts {
    /// The directories and their settings.
    pub directories: Directories,
    /// The session of the browser that calls.
    pub browsers: BrowserSessions,
    /// All sessions of its user.
    pub sessions: SsoSessions,
    /// What ends a session.
    pub endings: SessionEndings,
    /// The keys of the directories.
    pub keys: DirectoryKeyRing,
    /// Authorization codes: this page uses those up that a sign-in for it brings.
    pub codes: AuthorizationCodeStore,
    /// The grants of applications.
    pub grants: Grants,
    /// The tokens that bots and back ends have.
    pub tokens: PersonTokens,
    /// What ends everything.
    pub sign_out: SignOut,
}

/// The state of this door; built once.
pub struct AccountDoor {
    parts: AccountParts,
    ambient: ClockAndEntropy,
    limits: BodyLimits,
}

/// The user of the page, whose browser has a session.
#[derive(Clone)]
struct PageUser {
    view: Arc<DirectoryView>,
    browser: BrowserSession,
}

/// The request of a user, as the log and the audit stream name it.
#[derive(Clone)]
struct UserAct {
    user: PageUser,
    correlation_id: String,
    client: Option<IpAddr>,
}

impl AccountDoor {
    /// The door over `parts`.
    #[must_use]
    pub fn new(parts: AccountParts, ambient: ClockAndEntropy, limits: BodyLimits) -> Self {
        Self { parts, ambient, limits }
    }

    /// What guards the forms of the page; `None` for a directory without keys, which does not exist.
    fn form_guard(&self, view: &DirectoryView) -> Option<FormGuard> {
        form_guard(&self.parts.keys, &view.directory)
    }

    /// Finds the user whose browser calls.
    async fn find_user(
        &self,
        responder: &Responder<'_>,
        view: Arc<DirectoryView>,
    ) -> Result<Option<PageUser>, Problem> {
        let browser = self.parts.browsers.find(responder.http, &view).await?;
        Ok(browser.map(|browser| PageUser { view, browser }))
    }
}

impl PageUser {
    fn tenant(&self) -> &TenantId {
        &self.view.directory.tenant
    }

    fn user(&self) -> &DirectoryUser {
        &self.browser.user
    }

    fn key(&self) -> UserKey {
        self.view.directory.user_key(&self.browser.user.id)
    }

    /// The key of the user and those that the user has shown at other identity providers: the same person may use a bot by each of
    /// them. What an administrator alone has written of a user opens nothing that is kept of another person.
    fn keys(&self) -> Vec<UserKey> {
        let proven = self.user().identities.iter().filter(|identity| identity.is_proven);
        std::iter::once(self.key()).chain(proven.map(|identity| identity.key.clone())).collect()
    }

    /// The text that binds the tokens of the page's forms to this session.
    fn name_forms(&self) -> String {
        format!("account {} {}", self.tenant(), self.browser.session.id)
    }
}

impl UserAct {
    fn new(user: PageUser, responder: &Responder<'_>) -> Self {
        let client = TrustedProxies::client_address(responder.http);
        Self { user, correlation_id: responder.correlation_id.clone(), client }
    }

    /// Begins an entry of the audit stream about this act.
    fn audit<'a>(&'a self, event: AuditEvent, key: &'a UserKey) -> AuditEntry<'a> {
        let entry = AuditEntry::new(event).tenant(self.user.tenant()).user(key);
        entry.correlation_id(&self.correlation_id).client(self.client)
    }
}

/// The path of `template` at the directory `tenant`.
fn path_at(template: &str, tenant: &TenantId) -> String {
    template.replace("{tenant}", tenant.as_str())
}

/// This door's operations. None of them answers `HEAD`: each uses a session or makes a form.
pub const DOOR: Door = Door {
    name: "Directory: account",
    description: "The page on which a user of a directory sees where she or he is signed in.",
    bearer: "",
    operations: description::OPERATIONS,
    letter_case: LetterCase::Exact,
    answers_head: false,
};

/// Adds this door's paths.
pub fn configure(config: &mut web::ServiceConfig, state: web::Data<AccountDoor>) {
    config.app_data(state);
    DOOR.add_routes(config);
}
