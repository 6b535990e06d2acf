use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};

use super::replies::{PageResponder, redirect};
use super::{SignInPages, find_parameter};
use crate::inbound::{RequestId, read_body};
use crate::sign_in::{Completion, SignInError, SignInReview};

/// `GET /api/oauth/PostSignInCallback?signin=…`: asks the user to confirm the sign-in, or completes it where the
/// channel has authenticated the user already.
pub(super) async fn review(http: HttpRequest, door: web::Data<SignInPages>) -> HttpResponse {
    let correlation_id = RequestId::get_or_draw(&http, &door.entropy);
    let responder = PageResponder { door: &door, correlation_id: &correlation_id };
    let handle = find_parameter(http.query_string(), "signin").unwrap_or_default();
    match door.steps.completion.review(&handle, door.read_browser_cookie(&http).as_ref(), &correlation_id).await {
        Ok(SignInReview::Confirm(names)) => responder.confirm(&names),
        Ok(SignInReview::Completed(completion)) => show_completion(&responder, &completion),
        Err(failure) => responder.failed(&failure),
    }
}

/// `POST /api/oauth/PostSignInCallback?signin=…`: the user's decision.
pub(super) async fn decide(http: HttpRequest, payload: web::Payload, door: web::Data<SignInPages>) -> HttpResponse {
    let correlation_id = RequestId::get_or_draw(&http, &door.entropy);
    let responder = PageResponder { door: &door, correlation_id: &correlation_id };
    if !is_same_origin(&http, &door) {
        return responder.failed(&SignInError::OtherBrowser.into());
    }
    let Ok(body) = read_body(&http, payload, door.limits).await else {
        return responder.failed(&SignInError::FormUnreadable.into());
    };
    let (completion, browser) = (&door.steps.completion, door.read_browser_cookie(&http));
    let handle = find_parameter(http.query_string(), "signin").unwrap_or_default();
    let decision = std::str::from_utf8(&body).ok().and_then(|body| find_parameter(body, "decision"));
    match decision.as_deref() {
        Some("continue") => match completion.confirm(&handle, browser.as_ref(), &correlation_id).await {
            Ok(completion) => show_completion(&responder, &completion),
            Err(failure) => responder.failed(&failure),
        },
        Some("cancel") => match completion.cancel(&handle, browser.as_ref()).await {
            Ok(names) => responder.cancelled(&names),
            Err(failure) => responder.failed(&failure),
        },
        _ => responder.failed(&SignInError::FormUnreadable.into()),
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
