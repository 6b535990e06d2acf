use std::error::Error;
use std::net::IpAddr;

use crate::accounts::{DirectoryUsers, DirectoryView};
use crate::inbound::Problem;
use crate::observability::{AuditEntry, AuditEvent, DirectoryCount, DirectoryCounts};
use crate::sessions::{Session, SsoSessions};
use crate::sign_out::{BackChannel, LogoutNotice};

/// Ends sessions for the doors of directories: each end of a session is counted, is in the audit stream, and is told to the
/// applications (docs/directory.md §Back-channel logout). The caller runs it to its end
/// ([`perform_change`](crate::inbound::perform_change)).
#[derive(Clone)]
pub struct SessionEndings {
    users: DirectoryUsers,
    sessions: SsoSessions,
    back_channel: BackChannel,
    counts: DirectoryCounts,
}

/// Why sessions end, as the audit stream says it.
#[derive(Clone, Copy, Debug)]
pub struct EndCause<'a> {
    /// `detail`: `logout`, `administrator`, `password`; `None` for the user's sign-out in one browser.
    pub detail: Option<&'static str>,
    /// The client id of the application that asks.
    pub application: Option<&'a str>,
    /// The name of the administrator who asks.
    pub administrator: Option<&'a str>,
    /// The id of the request.
    pub correlation_id: &'a str,
    /// The address that the request came from.
    pub client: Option<IpAddr>,
}

/// Sessions have not ended, because the store failed. The text is for the log.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct SessionsNotEnded(Box<dyn Error + Send + Sync>);

impl SessionEndings {
    /// Ends sessions in `sessions`, and all of a user by the user's number in `users`. Applications are told by `back_channel`.
    #[must_use]
    pub fn new(
        users: DirectoryUsers,
        sessions: SsoSessions,
        back_channel: BackChannel,
        counts: DirectoryCounts,
    ) -> Self {
        Self { users, sessions, back_channel, counts }
    }

    /// Ends one session, and tells the applications that have a grant of it. Returns whether it lived.
    ///
    /// # Errors
    /// [`Problem::ServiceUnavailable`] if the store fails, which is logged here.
    pub async fn end_one(
        &self,
        view: &DirectoryView,
        session: &Session,
        cause: &EndCause<'_>,
    ) -> Result<bool, Problem> {
        let directory = &view.directory;
        let ended = self.sessions.end(&directory.tenant, &session.id).await.map_err(|error| {
            tracing::error!(error = &error as &dyn Error, "a sign-on session cannot be ended");
            Problem::ServiceUnavailable
        })?;
        if ended {
            self.counts.add(&directory.name, DirectoryCount::SessionEnded);
            cause.audit(AuditEvent::DirectorySignedOut, view, &session.user_id);
            self.back_channel.tell(LogoutNotice {
                session_id: Some(session.id.clone()),
                ..all_of(view, &session.user_id, cause.correlation_id)
            });
        }
        Ok(ended)
    }

    /// Ends all sessions of a user with one write, and tells the applications that have a grant of the user. Returns whether there
    /// is such a user.
    ///
    /// # Errors
    /// [`SessionsNotEnded`] if the store fails.
    pub async fn end_all(
        &self,
        view: &DirectoryView,
        user_id: &str,
        cause: &EndCause<'_>,
    ) -> Result<bool, SessionsNotEnded> {
        let ended = self.users.end_sessions(&view.directory.tenant, user_id).await;
        let exists = ended.map_err(|error| SessionsNotEnded(error.into()))?;
        if exists {
            self.note_all(view, user_id, cause);
        }
        Ok(exists)
    }

    /// For a change that has ended all sessions of a user itself: writes the line of the audit stream, and tells the applications.
    pub fn note_all(&self, view: &DirectoryView, user_id: &str, cause: &EndCause<'_>) {
        cause.audit(AuditEvent::DirectorySessionsEnded, view, user_id);
        self.tell_all(view, user_id, cause.correlation_id);
    }

    /// For a change with a line of its own in the audit stream (the user was disabled or deleted): tells the applications.
    pub fn tell_all(&self, view: &DirectoryView, user_id: &str, correlation_id: &str) {
        self.back_channel.tell(all_of(view, user_id, correlation_id));
    }
}

impl EndCause<'_> {
    fn audit(&self, event: AuditEvent, view: &DirectoryView, user_id: &str) {
        let directory = &view.directory;
        let mut entry = AuditEntry::new(event).tenant(&directory.tenant).user(&directory.user_key(user_id));
        entry = entry.correlation_id(self.correlation_id).client(self.client);
        if let Some(application) = self.application {
            entry = entry.application(application);
        }
        if let Some(administrator) = self.administrator {
            entry = entry.administrator(administrator);
        }
        if let Some(detail) = self.detail {
            entry = entry.detail(detail);
        }
        entry.write();
    }
}

/// A notice that all sessions of a user have ended.
fn all_of(view: &DirectoryView, user_id: &str, correlation_id: &str) -> LogoutNotice {
    LogoutNotice {
        tenant: view.directory.tenant.clone(),
        user_id: user_id.to_owned(),
        session_id: None,
        correlation_id: correlation_id.to_owned(),
    }
}
