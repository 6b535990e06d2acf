//! Whether a function may read the token of a user; an `impl` of [`ServiceRole`].

use actix_web::HttpRequest;
use actix_web::http::header::HeaderName;

use super::ServiceRole;
use super::called_app::{AppPath, CalledApp};
use super::refusal::Refused;
use crate::domain::UserKey;
use crate::inbound::{CallerRefusal, Problem, read_bearer_in};
use crate::token_issuer::AppTokenOwner;

/// The header with the app's user token, in the spelling of Base44's SDK.
const ON_BEHALF_OF: HeaderName = HeaderName::from_static("on-behalf-of");

/// A user whose token a function may read.
pub(super) struct ReadableUser<'a> {
    pub(super) called: CalledApp<'a>,
    pub(super) user: UserKey,
    /// Whether the function acts on behalf of a user.
    pub(super) on_behalf_of: bool,
}

impl ServiceRole {
    /// The app of the request's path, for a caller with the service token of that app.
    pub(super) async fn authenticate(&self, http: &HttpRequest, path: &AppPath<'_>) -> Result<CalledApp<'_>, Refused> {
        self.authenticator.authenticate(http, &path.app).await?;
        // An app that was added before the last SIGHUP is served after a restart.
        CalledApp::find(self, &path.app).ok_or(Refused::WrongApp)
    }

    /// The user behind `beginning` in the request's path, if the caller may read that user's token.
    pub(super) async fn find_readable(&self, http: &HttpRequest, beginning: &str) -> Result<ReadableUser<'_>, Refused> {
        let path = AppPath::read(http)?;
        let called = self.authenticate(http, &path).await?;
        let acting = self.find_acting_user(http, called).await?;
        let user_id = path.read_user_id(beginning)?;
        let user = self.users.find(&called.app.id, &user_id).await;
        let user = user.map_err(|error| Refused::failed("a user of an app cannot be read", &error))?;
        let on_behalf_of = acting.is_some();
        // A stranger's id and an unknown id have the same answer.
        let is_foreign = acting.is_some_and(|acting| user.as_ref() != Some(&acting.user));
        if is_foreign && !called.app.allows_cross_user {
            return Err(refuse(http, called, "cross_user", Refused::CrossUser));
        }
        let user = user.ok_or(Refused::UserNotFound)?;
        Ok(ReadableUser { called, user, on_behalf_of })
    }

    /// The user on whose behalf the function acts; `None` if the function does not say so, and need not.
    async fn find_acting_user(
        &self,
        http: &HttpRequest,
        called: CalledApp<'_>,
    ) -> Result<Option<AppTokenOwner>, Refused> {
        match read_bearer_in(http.headers(), &ON_BEHALF_OF) {
            Ok(token) => match self.find_token_owner(called, token).await? {
                Some(owner) => Ok(Some(owner)),
                None => Err(refuse(http, called, "on_behalf_of", Refused::InvalidUserToken)),
            },
            Err(Problem::MissingAuthorization) if called.app.allows_service_only => Ok(None),
            Err(Problem::MissingAuthorization) => {
                Err(refuse(http, called, "on_behalf_of_required", Refused::OnBehalfOfRequired))
            }
            Err(_) => Err(refuse(http, called, "on_behalf_of_form", Refused::InvalidUserToken)),
        }
    }

    /// The user of the app's user token `token`; `None` once the user is signed out of the app or unlinked. This is checked for
    /// each token, because a browser that reloads the end of an earlier sign-in is given a token even then.
    pub(super) async fn find_token_owner(
        &self,
        called: CalledApp<'_>,
        token: &str,
    ) -> Result<Option<AppTokenOwner>, Refused> {
        let found = self.app_tokens.find(&called.app.id, token).await;
        let found = found.map_err(|error| Refused::failed("an app's user token cannot be read", &error))?;
        match found {
            Some(owner) if self.is_signed_in(called, &owner).await? => Ok(Some(owner)),
            _ => Ok(None),
        }
    }

    /// Whether the user of a token or a code is still signed in to the app.
    pub(super) async fn is_signed_in(&self, called: CalledApp<'_>, owner: &AppTokenOwner) -> Result<bool, Refused> {
        let signed_in = self.users.is_signed_in(&called.app.id, &owner.user_id, &owner.user).await;
        signed_in.map_err(|error| Refused::failed("a user of an app cannot be read", &error))
    }
}

/// Logs and counts the refusal of a caller of `called`.
pub(super) fn refuse(http: &HttpRequest, called: CalledApp<'_>, check: &'static str, refused: Refused) -> Refused {
    let problem = match refused {
        Refused::InvalidUserToken => Problem::InvalidToken,
        _ => Problem::CallerNotAllowed,
    };
    let _ = CallerRefusal::new(problem, check).at_bot(called.connection.holder.as_str()).logged(http);
    refused
}
