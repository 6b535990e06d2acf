use std::error::Error;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};

use crate::accounts::{DirectoryUsers, DirectoryView};
use crate::domain::{DirectoryUser, Secret, SignInMethod};
use crate::inbound::{Problem, SsoCookie};
use crate::observability::{DirectoryCount, DirectoryCounts};
use crate::sessions::{FoundSession, NewSession, Session, SsoSessions};

/// The sign-on sessions of the browsers that call, with their users.
#[derive(Clone)]
pub struct BrowserSessions {
    sessions: SsoSessions,
    users: DirectoryUsers,
    cookie: SsoCookie,
    counts: DirectoryCounts,
}

/// The live session of a browser.
#[derive(Clone, Debug)]
pub struct BrowserSession {
    /// The session.
    pub session: Session,
    /// Its user, who may sign in.
    pub user: DirectoryUser,
}

/// A session that began just now. The answer must set its cookie.
#[derive(Debug)]
pub struct BegunSession {
    /// The session.
    pub session: Session,
    cookie: Secret,
}

impl BrowserSessions {
    /// Finds sessions by `cookie`, and counts what becomes of them.
    #[must_use]
    pub fn new(sessions: SsoSessions, users: DirectoryUsers, cookie: SsoCookie, counts: DirectoryCounts) -> Self {
        Self { sessions, users, cookie, counts }
    }

    /// Finds the live session of the browser at the directory. Its user exists, is active, and has not ended all sessions since.
    ///
    /// # Errors
    /// [`Problem::ServiceUnavailable`] if the store fails, which is logged here.
    pub async fn find(&self, http: &HttpRequest, view: &DirectoryView) -> Result<Option<BrowserSession>, Problem> {
        let (directory, cookies) = (&view.directory, self.cookie.list(http, view.directory.tenant.as_str()));
        let browser_secret = self.cookie.find_browser_secret(http);
        let found =
            self.sessions.find(directory, &view.settings.sso, &cookies, browser_secret).await.map_err(store_failed)?;
        let FoundSession::Live(session) = found else { return Ok(None) };
        let user = self.users.find(&directory.tenant, &session.user_id).await.map_err(store_failed)?;
        let user = user.filter(|user| user.active && user.ended_sessions == session.ended_sessions);
        Ok(user.map(|user| BrowserSession { session: *session, user }))
    }

    /// Whether the session of `user` with the public id `session_id` lives.
    ///
    /// # Errors
    /// [`Problem::ServiceUnavailable`] if the store fails, which is logged here.
    pub async fn is_live(&self, view: &DirectoryView, user: &DirectoryUser, session_id: &str) -> Result<bool, Problem> {
        let (directory, sso) = (&view.directory, &view.settings.sso);
        let listed = self.sessions.list(directory, sso, &user.id, user.ended_sessions).await.map_err(store_failed)?;
        Ok(listed.iter().any(|session| session.id == session_id))
    }

    /// Notes that an application has signed the user in silently by `session`.
    ///
    /// # Errors
    /// [`Problem::ServiceUnavailable`] if the store fails, which is logged here.
    pub async fn note_use(&self, view: &DirectoryView, session: &Session) -> Result<(), Problem> {
        self.sessions.touch(&view.directory, &view.settings.sso, session).await.map_err(store_failed)?;
        self.counts.add(&view.directory.name, DirectoryCount::SessionUsed);
        Ok(())
    }

    /// Begins a session of `user`, who has signed in by `method`; `user` was read before that was checked, so that
    /// an end of all sessions meanwhile ends this one, too. The session that the browser had ends.
    ///
    /// # Errors
    /// [`Problem::ServiceUnavailable`] if the store fails, which is logged here.
    pub async fn begin(
        &self,
        http: &HttpRequest,
        view: &DirectoryView,
        user: &DirectoryUser,
        method: &SignInMethod,
    ) -> Result<BegunSession, Problem> {
        let directory = &view.directory;
        let browser = http.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let new = NewSession {
            user_id: &user.id,
            ended_sessions: user.ended_sessions,
            method,
            browser,
            browser_secret: self.cookie.find_browser_secret(http),
        };
        let replaced = self.cookie.list(http, directory.tenant.as_str());
        let begun = self.sessions.begin(directory, &view.settings.sso, new, &replaced).await.map_err(store_failed)?;
        // Every directory of the configuration has keys.
        let (session, cookie) = begun.ok_or(Problem::ServiceUnavailable)?;
        self.counts.add(&directory.name, DirectoryCount::SessionBegun);
        Ok(BegunSession { session, cookie })
    }

    /// Gives the browser the cookie of a session that has begun.
    pub fn set_cookie(&self, response: &mut HttpResponse, view: &DirectoryView, begun: &BegunSession) {
        self.cookie.set(response, view.directory.tenant.as_str(), begun.cookie.expose());
    }

    /// Takes the cookie of the directory away from the browser.
    pub fn remove_cookie(&self, response: &mut HttpResponse, view: &DirectoryView) {
        self.cookie.remove(response, view.directory.tenant.as_str());
    }
}

fn store_failed(error: impl Error + 'static) -> Problem {
    tracing::error!(error = &error as &dyn Error, "a sign-on session cannot be read or written");
    Problem::ServiceUnavailable
}
