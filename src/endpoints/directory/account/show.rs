//! `AccountDoor`: the page. `mod.rs` has the type.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::replies::{AccountNotice, Responder};
use super::{AccountDoor, PageUser};
use crate::accounts::DirectoryView;
use crate::domain::Application;
use crate::inbound::{Problem, find_parameter, redirect_browser};

/// `GET …/account`: shows where the user is signed in. A browser without a session is sent to sign in, and comes back with a
/// code, which nothing is got for: the session counts.
pub(super) async fn show(http: HttpRequest, tenant: web::Path<String>, door: web::Data<AccountDoor>) -> HttpResponse {
    let mut responder = Responder::new(&door, &http);
    match door.show(&tenant, &mut responder).await {
        Ok(response) => response,
        Err(_) => responder.notice(AccountNotice::Unavailable),
    }
}

/// `GET …/account/signed-out`: says that the user is signed out, to a browser that is.
pub(super) async fn show_signed_out(
    http: HttpRequest,
    tenant: web::Path<String>,
    door: web::Data<AccountDoor>,
) -> HttpResponse {
    let mut responder = Responder::new(&door, &http);
    match door.show_signed_out(&tenant, &mut responder).await {
        Ok(response) => response,
        Err(_) => responder.notice(AccountNotice::Unavailable),
    }
}

impl AccountDoor {
    /// Finds the directory, and chooses the language. Without single sign-on there are no sessions, and the page says so.
    pub(super) fn open(
        &self,
        tenant: &str,
        responder: &mut Responder<'_>,
    ) -> Result<Arc<DirectoryView>, AccountNotice> {
        responder.choose_language();
        let view = self.parts.directories.find(tenant).ok_or(AccountNotice::UnknownDirectory)?;
        if view.settings.sso.is_active { Ok(view) } else { Err(AccountNotice::NoSingleSignOn) }
    }

    async fn show(&self, tenant: &str, responder: &mut Responder<'_>) -> Result<HttpResponse, Problem> {
        let view = match self.open(tenant, responder) {
            Ok(view) => view,
            Err(notice) => return Ok(responder.notice(notice)),
        };
        let query = responder.http.query_string();
        let code = find_parameter(query, "code");
        if let Some(code) = &code {
            self.use_up(&view, code).await?;
        }
        let has_returned = code.is_some() || find_parameter(query, "error").is_some();
        match self.find_user(responder, Arc::clone(&view)).await? {
            Some(user) if has_returned => Ok(responder.lead_to_page(&user, "")),
            Some(user) => self.show_to(&user, responder, StatusCode::OK).await,
            // A browser that came back without a session would be sent in a circle.
            None if has_returned => Ok(responder.notice(AccountNotice::NoSession)),
            None => Ok(redirect_browser(StatusCode::FOUND, &responder.sign_in_address(&view))),
        }
    }

    async fn show_signed_out(&self, tenant: &str, responder: &mut Responder<'_>) -> Result<HttpResponse, Problem> {
        let view = match self.open(tenant, responder) {
            Ok(view) => view,
            Err(notice) => return Ok(responder.notice(notice)),
        };
        // A link on any page can lead here, and must not make a user believe what is not so.
        if let Some(user) = self.find_user(responder, view).await? {
            return Ok(responder.lead_to_page(&user, ""));
        }
        let is_everywhere = find_parameter(responder.http.query_string(), "everywhere").is_some();
        let notice = if is_everywhere { AccountNotice::SignedOutEverywhere } else { AccountNotice::SignedOut };
        Ok(responder.notice(notice))
    }

    /// Shows the page with `status`: one other than 200 says that a form was not this browser's.
    pub(super) async fn show_to(
        &self,
        user: &PageUser,
        responder: &Responder<'_>,
        status: StatusCode,
    ) -> Result<HttpResponse, Problem> {
        let overview = self.read_overview(user).await?;
        let guard = self.form_guard(&user.view).ok_or(Problem::ServiceUnavailable)?;
        Ok(responder.show_page(user, &overview, &guard, status))
    }

    /// Uses the code up with which the browser came back from the sign-in, so that it lies in no address that is still good.
    async fn use_up(&self, view: &DirectoryView, code: &str) -> Result<(), Problem> {
        let taken = self.parts.codes.take(&view.directory.tenant, Application::ACCOUNT_PAGE_ID, code).await;
        taken.map(drop).map_err(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "an authorization code cannot be used up");
            Problem::ServiceUnavailable
        })
    }
}
