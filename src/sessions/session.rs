use std::time::Duration;

use crate::domain::{Directory, SignInMethod, SsoSettings, Timestamp};

/// A session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The public id, `sid` of ID tokens. It opens nothing.
    pub id: String,
    /// The user.
    pub user_id: String,
    /// [`DirectoryUser::ended_sessions`](crate::domain::DirectoryUser::ended_sessions) at the sign-in.
    pub ended_sessions: u64,
    /// By what the user signed in.
    pub method: SignInMethod,
    /// When the user signed in.
    pub auth_time: Timestamp,
    /// When an application used the session last.
    pub last_used_at: Timestamp,
    /// The browser, as its `User-Agent` says: at most 200 characters, for the operator's list.
    pub browser: String,
}

impl Session {
    /// When the session ends unless it is used: by inactivity under `settings`, or at the absolute end that `directory` sets.
    #[must_use]
    pub fn ends_at(&self, directory: &Directory, settings: &SsoSettings) -> Timestamp {
        let inactive = self.last_used_at.plus(Duration::from_secs(settings.inactivity_timeout_seconds.into()));
        let absolute = directory.absolute_lifetime_seconds.map(Duration::from_secs);
        absolute.map_or(inactive, |lifetime| inactive.min(self.auth_time.plus(lifetime)))
    }
}

/// What becomes of a cookie value.
#[derive(Debug)]
pub enum FoundSession {
    /// The session lives.
    Live(Box<Session>),
    /// There is none, it has ended, or the value is not genuine.
    None,
}

/// A session to begin.
#[derive(Clone, Copy, Debug)]
pub struct NewSession<'a> {
    /// The user.
    pub user_id: &'a str,
    /// The user's number of ended sessions, read before the password was checked.
    pub ended_sessions: u64,
    /// By what the user has signed in.
    pub method: &'a SignInMethod,
    /// `User-Agent` of the browser.
    pub browser: &'a str,
    /// The browser's secret, to which the session is bound; `None` at a directory without https.
    pub browser_secret: Option<&'a str>,
}
