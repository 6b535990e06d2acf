//! The methods of [`LoginState`] for the sessions of browsers, and their cookie.

use actix_web::HttpRequest;
use actix_web::cookie::{Cookie, SameSite};

use super::login_state::{BrowserSession, LoginState};
use crate::dev::tenant::directory::{Directory, User, UserScenario};

/// The name of the cookie. Browsers do not tell ports apart, so two stages on one machine share it.
const COOKIE: &str = "stage-tenant-session";

impl LoginState {
    /// Opens a session of `user` at the tenant. Returns the cookie for the user's browser: with it, an application gets
    /// tokens of the user without a page (`prompt=none`). `passed_mfa` tells whether the user has used a second factor.
    pub(in crate::dev) fn open_session(&self, user: &User, passed_mfa: bool) -> Cookie<'static> {
        let id = self.put_session(BrowserSession { oid: user.oid.to_owned(), passed_mfa });
        cookie_of(id)
    }

    /// The session of the browser that sent `request`.
    pub(super) fn session_of(&self, request: &HttpRequest) -> Option<BrowserSession> {
        self.find_session(request.cookie(COOKIE)?.value())
    }
}

/// The cookie that ends a browser's session.
pub(in crate::dev) fn ended_session() -> Cookie<'static> {
    let mut cookie = cookie_of(String::new());
    cookie.make_removal();
    cookie
}

/// A user that the stage can sign in at the tenant: one with a password.
pub(in crate::dev) fn find_session_user<'d>(directory: &'d Directory, name: &str) -> Option<&'d User> {
    directory.find_user(name).filter(|user| user.scenario != UserScenario::AgentUser)
}

/// A cookie for all pages of this host. It is sent from frames of pages on other ports, which are the same site.
fn cookie_of(id: String) -> Cookie<'static> {
    Cookie::build(COOKIE, id).path("/").http_only(true).same_site(SameSite::Lax).finish()
}
