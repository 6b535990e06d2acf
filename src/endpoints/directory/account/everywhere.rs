//! `AccountDoor`: the end of everything. `mod.rs` has the type.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::acts::{failed, read_form};
use super::replies::{AccountNotice, Responder};
use super::{AccountDoor, PageUser, UserAct};
use crate::inbound::{Form, Problem, run_to_end};
use crate::sign_out::{SignOutCause, SignOutOrigin};

/// `GET …/account/sign-out`: asks whether everything is to end.
pub(super) async fn ask(http: HttpRequest, tenant: web::Path<String>, door: web::Data<AccountDoor>) -> HttpResponse {
    let mut responder = Responder::new(&door, &http);
    let asked = match door.find_asking(&tenant, &mut responder).await {
        Ok(Ok(user)) => door.ask(&user, &responder, StatusCode::OK),
        Ok(Err(response)) => Ok(response),
        Err(problem) => Err(problem),
    };
    asked.unwrap_or_else(|_| responder.notice(AccountNotice::Unavailable))
}

/// `POST …/account/sign-out`: ends everything: sessions of all browsers, grants of all applications, tokens of all bots and back
/// ends. It can be repeated: a store that fails half way has then ended what is left.
pub(super) async fn end(
    http: HttpRequest,
    tenant: web::Path<String>,
    payload: web::Payload,
    door: web::Data<AccountDoor>,
) -> HttpResponse {
    let mut responder = Responder::new(&door, &http);
    let body = match read_form(&http, payload, &door).await {
        Ok(body) => body,
        Err(problem) => return problem.respond(),
    };
    let ended = match door.find_asking(&tenant, &mut responder).await {
        Ok(Ok(user)) => end_everything(&user, &door, &responder, &body).await,
        Ok(Err(response)) => Ok(response),
        Err(problem) => Err(problem),
    };
    ended.unwrap_or_else(|_| responder.notice(AccountNotice::Unavailable))
}

async fn end_everything(
    user: &PageUser,
    door: &web::Data<AccountDoor>,
    responder: &Responder<'_>,
    body: &[u8],
) -> Result<HttpResponse, Problem> {
    let form = Form::parse(body).ok();
    let token = form.as_ref().and_then(|form| form.find("form_token")).unwrap_or_default();
    let guard = door.form_guard(&user.view).ok_or(Problem::ServiceUnavailable)?;
    if !guard.check(responder.http, &user.name_sign_out(), token) {
        return door.ask(user, responder, StatusCode::FORBIDDEN);
    }
    let (owner, act) = (door.clone(), UserAct::new(user.clone(), responder));
    let ended = run_to_end(async move { owner.end_everything(&act).await }).await;
    ended.unwrap_or(Err(Problem::ServiceUnavailable))?;
    Ok(responder.lead_to_signed_out(user, true))
}

impl AccountDoor {
    /// Finds the user who is to be asked; else the answer.
    async fn find_asking(
        &self,
        tenant: &str,
        responder: &mut Responder<'_>,
    ) -> Result<Result<PageUser, HttpResponse>, Problem> {
        let view = match self.open(tenant, responder) {
            Ok(view) => view,
            Err(notice) => return Ok(Err(responder.notice(notice))),
        };
        let found = self.find_user(responder, Arc::clone(&view)).await?;
        Ok(found.ok_or_else(|| responder.lead_to_sign_in(&view)))
    }

    fn ask(&self, user: &PageUser, responder: &Responder<'_>, status: StatusCode) -> Result<HttpResponse, Problem> {
        let guard = self.form_guard(&user.view).ok_or(Problem::ServiceUnavailable)?;
        Ok(responder.show_question(user, &guard, status))
    }

    /// The sign-out ends what is kept under the linked keys of the user as well, and writes the line of the audit stream.
    async fn end_everything(&self, act: &UserAct) -> Result<(), Problem> {
        let (correlation_id, client) = (act.correlation_id.clone(), act.client);
        let cause = SignOutCause { correlation_id, client, origin: SignOutOrigin::User };
        let ended = self.parts.sign_out.everywhere(&act.user.key(), cause).await;
        ended.map_err(|error| failed("a user cannot be signed out everywhere", &error))?;
        act.log("everything");
        Ok(())
    }
}

impl PageUser {
    /// The text that binds the token of the form that ends everything to this session.
    pub(super) fn name_sign_out(&self) -> String {
        format!("account sign-out {} {}", self.tenant(), self.browser.session.id)
    }
}
