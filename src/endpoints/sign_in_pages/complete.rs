use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};

use super::pages::ChatOwner;
use super::replies::{PageResponder, redirect, see_other};
use super::{COMPLETE_PATH, SignInPages};
use crate::inbound::{RequestId, find_parameter, read_body};
use crate::sign_in::{Completion, SignInError, SignInFailure, SignInReview, UserDecision};

/// `GET /api/oauth/PostSignInCallback?signin=…`: asks the user to confirm the sign-in, or completes it where the
/// channel has authenticated the user already. Afterwards it shows the result, as often as the browser asks.
pub(super) async fn review(http: HttpRequest, door: web::Data<SignInPages>) -> HttpResponse {
    let correlation_id = RequestId::get_or_draw(&http, &door.entropy);
    let responder = PageResponder { door: &door, correlation_id: &correlation_id };
    let handle = find_parameter(http.query_string(), "signin").unwrap_or_default();
    let browser = door.read_browser_cookie(&http);
    let review = door.steps.completion.review(&handle, browser.as_ref(), &correlation_id).await;
    show_review(&responder, &handle, review)
}

/// `HEAD` of the same: what [`review`] would send, without its body. Completes nothing.
pub(super) async fn head(http: HttpRequest, door: web::Data<SignInPages>) -> HttpResponse {
    let correlation_id = RequestId::get_or_draw(&http, &door.entropy);
    let responder = PageResponder { door: &door, correlation_id: &correlation_id };
    let handle = find_parameter(http.query_string(), "signin").unwrap_or_default();
    let browser = door.read_browser_cookie(&http);
    show_review(&responder, &handle, door.steps.completion.preview(&handle, browser.as_ref()).await)
}

/// `POST /api/oauth/PostSignInCallback?signin=…`: the user's decision. The browser is sent to [`review`] for the result,
/// so that neither a reload nor the back button sends the form again (RFC 9110 §15.4.4).
pub(super) async fn decide(http: HttpRequest, payload: web::Payload, door: web::Data<SignInPages>) -> HttpResponse {
    let correlation_id = RequestId::get_or_draw(&http, &door.entropy);
    let responder = PageResponder { door: &door, correlation_id: &correlation_id };
    if !is_same_origin(&http, &door) {
        return responder.failed(&SignInError::OtherBrowser.into());
    }
    let Ok(body) = read_body(&http, payload, door.limits).await else {
        return responder.failed(&SignInError::FormUnreadable.into());
    };
    let handle = find_parameter(http.query_string(), "signin").unwrap_or_default();
    let decision = std::str::from_utf8(&body).ok().and_then(|body| find_parameter(body, "decision"));
    let decision = match decision.as_deref() {
        Some("continue") => UserDecision::Continue,
        Some("cancel") => UserDecision::Cancel,
        _ => return responder.failed(&SignInError::FormUnreadable.into()),
    };
    let browser = door.read_browser_cookie(&http);
    match door.steps.completion.decide(&handle, browser.as_ref(), decision, &correlation_id).await {
        Ok(()) => see_other(&format!("{COMPLETE_PATH}?signin={handle}")),
        // The page says whose chat it is, and leads to a sign-in with another account.
        Err(failure) if failure.error == SignInError::OtherAccount => {
            see_other(&format!("{COMPLETE_PATH}?signin={handle}"))
        }
        Err(failure) => responder.failed(&failure),
    }
}

fn show_review(
    responder: &PageResponder<'_>,
    handle: &str,
    review: Result<SignInReview, SignInFailure>,
) -> HttpResponse {
    match review {
        Ok(SignInReview::Confirm { names, is_another_person }) => {
            responder.confirm(&names, is_another_person.then_some(handle))
        }
        Ok(SignInReview::OtherAccount { names, owner }) => {
            responder.other_account(&names, &ChatOwner { name: owner.as_deref(), again: handle })
        }
        Ok(SignInReview::Completed(completion)) => show_completion(responder, &completion),
        Ok(SignInReview::SignedIn(names)) => responder.signed_in(&names),
        Ok(SignInReview::Cancelled(names)) => responder.cancelled(&names, handle),
        Err(failure) => responder.failed(&failure),
    }
}

/// A user who has to type the code must see it; any other is redirected to the address that the bot has named.
fn show_completion(responder: &PageResponder<'_>, completion: &Completion) -> HttpResponse {
    match &completion.final_redirect {
        Some(address) if completion.verified => redirect(address),
        _ => responder.code(completion),
    }
}

/// Whether our own page sent the form, by the `Origin` header that browsers add. A form of another site is no decision
/// of the user.
fn is_same_origin(http: &HttpRequest, door: &SignInPages) -> bool {
    let ours = door.public_url.origin().ascii_serialization();
    let mut origins = http.headers().get_all(header::ORIGIN);
    origins.all(|origin| origin.as_bytes() == ours.as_bytes())
}
