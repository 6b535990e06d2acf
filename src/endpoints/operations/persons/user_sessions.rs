use std::error::Error;
use std::sync::Arc;

use crate::accounts::DirectoryView;
use crate::domain::UserKey;
use crate::endpoints::operations::directories::{OperatedDirectories, OperatorAct};
use crate::sessions::Session;

/// The result of a call of the store. The text of the error is for the log.
type Stored<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// A session of a directory's user.
pub(super) struct UserSession {
    /// The directory.
    pub(super) view: Arc<DirectoryView>,
    /// The session.
    pub(super) session: Session,
}

/// Lists the live sessions of `user`; none of a person who is no user of a directory, or who may not sign in.
pub(super) async fn list_sessions(operated: Option<&OperatedDirectories>, user: &UserKey) -> Stored<Vec<UserSession>> {
    let Some((operated, (tenant, id))) = operated.zip(user.directory_user()) else { return Ok(Vec::new()) };
    let Some(view) = operated.directories.find(tenant) else { return Ok(Vec::new()) };
    let found = operated.users.find(&view.directory.tenant, id).await?;
    let Some(person) = found.filter(|person| person.active) else { return Ok(Vec::new()) };
    let (directory, sso) = (&view.directory, &view.settings.sso);
    let sessions = operated.sessions.list(directory, sso, &person.id, person.ended_sessions).await?;
    Ok(sessions.into_iter().map(|session| UserSession { view: Arc::clone(&view), session }).collect())
}

/// Ends the session `id` of `user`, as the page about the user does. `None` if the user has no such session.
pub(super) async fn end_session(
    operated: Option<Arc<OperatedDirectories>>,
    user: UserKey,
    id: String,
    act: SessionAct,
) -> Stored<Option<UserSession>> {
    let Some(operated) = operated else { return Ok(None) };
    let listed = list_sessions(Some(&operated), &user).await?;
    let Some(found) = listed.into_iter().find(|listed| listed.session.id == id) else { return Ok(None) };
    let act = OperatorAct {
        tenant: found.view.directory.tenant.clone(),
        correlation_id: act.correlation_id,
        client: act.client,
    };
    let ended = operated.end_session(&act, &id, &user).await?;
    Ok(ended.then_some(found))
}

/// The request that ends a session.
pub(super) struct SessionAct {
    pub(super) correlation_id: String,
    pub(super) client: Option<std::net::IpAddr>,
}
