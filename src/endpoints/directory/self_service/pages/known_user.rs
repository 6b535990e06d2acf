use actix_web::HttpRequest;

use super::SelfServiceDoor;
use super::refusals::{ActFailure, log_outage};
use crate::accounts::{DirectoryView, FormSignIn, LinkPurpose, SelfServiceLink};
use crate::domain::{Application, DirectoryUser, SignInMethod, Timestamp};
use crate::endpoints::directory::BrowserSession;
use crate::endpoints::directory::authorization::{SignInRequest, SignedInUser};
use crate::token_issuer::UserGrant;

/// A user whom a page knows without a password.
#[derive(Clone, Debug)]
pub(super) struct KnownUser {
    pub(super) user: DirectoryUser,
    /// The sign-in at the application that has drawn the code of the page; `None` if the browser's session says who the user is.
    pub(super) sign_in: Option<KnownSignIn>,
}

/// The sign-in at the application that has drawn a code.
#[derive(Clone, Debug)]
pub(super) struct KnownSignIn {
    session_id: Option<String>,
    method: SignInMethod,
    auth_time: Timestamp,
}

impl KnownUser {
    /// The same sign-in of the user, who was changed meanwhile.
    pub(super) fn with_user(self, user: DirectoryUser) -> Self {
        Self { user, ..self }
    }

    /// The sign-in, as it is kept for a form that is sent to another replica.
    pub(super) fn describe_sign_in(&self) -> Option<FormSignIn> {
        self.sign_in.clone().map(|KnownSignIn { session_id, method, auth_time }| {
            let auth_time = auth_time.unix_millis();
            FormSignIn { session_id, method, auth_time }
        })
    }

    /// `user` with the sign-in that [`KnownUser::describe_sign_in`] has described.
    pub(super) fn recall(user: DirectoryUser, sign_in: Option<FormSignIn>) -> Self {
        let sign_in = sign_in.map(|FormSignIn { session_id, method, auth_time }| {
            let auth_time = Timestamp::from_unix_millis(auth_time);
            KnownSignIn { session_id, method, auth_time }
        });
        Self { user, sign_in }
    }
}

impl KnownSignIn {
    /// The sign-in of `user` that a code for the application stands for.
    pub(super) fn of<'a>(&'a self, user: &'a DirectoryUser) -> SignedInUser<'a> {
        let Self { session_id, method, auth_time } = self;
        SignedInUser { user, session_id: session_id.as_deref(), method, auth_time: *auth_time }
    }
}

impl SelfServiceDoor {
    /// The user for whom the application of `request` drew `code`, if that is still good; without a code the user who is signed in here.
    pub(super) async fn find_known_user(
        &self,
        http: &HttpRequest,
        request: &SignInRequest,
        code: Option<&str>,
    ) -> Result<KnownUser, ActFailure> {
        let view = &request.view;
        let known = if let Some(code) = code {
            self.find_user_of_code(view, &request.application, code).await?
        } else {
            let found = self.parts.browsers.find(http, view).await.map_err(|_| ActFailure::Unavailable)?;
            found.map(|BrowserSession { user, .. }| KnownUser { user, sign_in: None })
        };
        known.ok_or(ActFailure::Ended)
    }

    /// A code is good as long as the application's grant by which it was drawn is, so that a sign-out everywhere ends it as well. It is
    /// good for that application alone: the browser comes back with a code for a sign-in, which no other application may get by it.
    async fn find_user_of_code(
        &self,
        view: &DirectoryView,
        application: &Application,
        code: &str,
    ) -> Result<Option<KnownUser>, ActFailure> {
        let tenant = &view.directory.tenant;
        let link = self.parts.links.find(tenant, LinkPurpose::ChangeDetails, code).await.map_err(log_outage)?;
        let link = link.filter(|link| is_drawn_by(link, application));
        let Some(SelfServiceLink { user_id, grant_id: Some(grant_id), .. }) = link else { return Ok(None) };
        let grant = self.parts.grants.find(tenant, &grant_id).await.map_err(log_outage)?;
        let user = self.parts.users.find(tenant, &user_id).await.map_err(log_outage)?;
        let (Some(grant), Some(user)) = (grant, user) else { return Ok(None) };
        let is_live = user.active && grant.user_id == user.id && grant.revoked_grants == user.revoked_grants;
        let UserGrant { session_id, method, auth_time, .. } = grant;
        Ok(is_live.then_some(KnownUser { user, sign_in: Some(KnownSignIn { session_id, method, auth_time }) }))
    }
}

/// Whether `application` has drawn the code. None is good for our own applications, which ask for none.
fn is_drawn_by(code: &SelfServiceLink, application: &Application) -> bool {
    let client_id = &application.client_id;
    code.client_id.as_ref() == Some(client_id) && !Application::is_own_id(client_id)
}
