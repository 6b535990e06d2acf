use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};

use super::SignedInUser;
use super::destination::{AppAnswer, PageSetting};
use super::request::SignInRequest;
use crate::domain::{ClockAndEntropy, DirectoryUser, SignInMethod};
use crate::endpoints::directory::{BegunSession, BrowserSessions};
use crate::inbound::Problem;
use crate::token_issuer::{AuthorizationCodeStore, CodeContent, Grants};

/// Completes the sign-ins of all pages of directories: begins the browser's session, and issues the application's code.
#[derive(Clone)]
pub struct AppSignIns {
    browsers: BrowserSessions,
    codes: AuthorizationCodeStore,
    grants: Grants,
    ambient: ClockAndEntropy,
}

/// The code for the application, and the browser's new session if single sign-on is on.
pub(in crate::endpoints::directory) struct CompletedSignIn {
    answer: AppAnswer,
    session: Option<BegunSession>,
}

impl CompletedSignIn {
    /// The public id of the browser's new session, if single sign-on is on.
    pub(in crate::endpoints::directory) fn session_id(&self) -> Option<&str> {
        self.session.as_ref().map(|begun| begun.session.id.as_str())
    }
}

impl AppSignIns {
    /// Begins sessions in `browsers`, and issues codes in `codes`, each of which begins one of `grants`.
    #[must_use]
    pub fn new(
        browsers: BrowserSessions,
        codes: AuthorizationCodeStore,
        grants: Grants,
        ambient: ClockAndEntropy,
    ) -> Self {
        Self { browsers, codes, grants, ambient }
    }

    /// Begins the session of a user who has signed in by `method` just now, and issues the code. `user` was read before that
    /// was checked, so that an end of all sessions meanwhile ends this one, too.
    pub(in crate::endpoints::directory) async fn complete(
        &self,
        http: &HttpRequest,
        request: &SignInRequest,
        user: &DirectoryUser,
        method: &SignInMethod,
    ) -> Result<CompletedSignIn, Problem> {
        let session = if request.view.settings.sso.is_active {
            Some(self.browsers.begin(http, &request.view, user, method).await?)
        } else {
            None
        };
        let begun = session.as_ref().map(|begun| &begun.session);
        let signed_in = SignedInUser {
            user,
            session_id: begun.map(|session| session.id.as_str()),
            method,
            auth_time: begun.map_or_else(|| self.ambient.now(), |session| session.auth_time),
        };
        let answer = self.issue_code(request, &signed_in).await?;
        Ok(CompletedSignIn { answer, session })
    }

    /// Issues a code for a user who is signed in.
    pub(in crate::endpoints::directory) async fn issue_code(
        &self,
        request: &SignInRequest,
        signed_in: &SignedInUser<'_>,
    ) -> Result<AppAnswer, Problem> {
        let SignedInUser { user, session_id, method, auth_time } = *signed_in;
        let content = CodeContent {
            client_id: request.application.client_id.clone(),
            redirect_uri: request.destination.redirect_uri.clone(),
            user_id: user.id.clone(),
            scope: request.scope.clone(),
            nonce: request.nonce.clone(),
            challenge: request.challenge.clone(),
            session_id: session_id.map(str::to_owned),
            method: method.clone(),
            auth_time,
            ended_sessions: user.ended_sessions,
            revoked_grants: user.revoked_grants,
            grant_id: self.grants.draw_id(),
        };
        let issued = self.codes.issue(&request.view.directory.tenant, content).await;
        issued.map(AppAnswer::Code).map_err(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "an authorization code cannot be stored");
            Problem::ServiceUnavailable
        })
    }

    /// Sends the browser back to the application, with the cookie of its session. After a form, `status` is 303, which makes a
    /// `GET` of the form's `POST`, so neither a reload nor the back button sends the form again (RFC 9110 §15.4.4).
    pub(in crate::endpoints::directory) fn lead_back(
        &self,
        request: &SignInRequest,
        completed: &CompletedSignIn,
        status: StatusCode,
        setting: PageSetting,
    ) -> HttpResponse {
        let CompletedSignIn { answer, session } = completed;
        let mut response = request.destination.respond(answer, status, setting);
        if let Some(begun) = session {
            self.browsers.set_cookie(&mut response, &request.view, begun);
        }
        response
    }
}
