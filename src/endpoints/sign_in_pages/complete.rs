use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};

use super::replies::{Answering, redirect};
use super::{SignInPages, value_of};
use crate::inbound::{RequestId, read_body};
use crate::sign_in::{Completion, SignInError, SignInReview};

/// `GET /api/oauth/PostSignInCallback?signin=…`: asks the user, or is done where the channel has said who they are.
pub(super) async fn review(http: HttpRequest, door: web::Data<SignInPages>) -> HttpResponse {
    let correlation_id = RequestId::of(&http, &door.entropy);
    let answering = Answering { door: &door, correlation_id: &correlation_id };
    let handle = value_of(http.query_string(), "signin").unwrap_or_default();
    match door.steps.completion.review(&handle, door.browser_of(&http).as_ref(), &correlation_id).await {
        Ok(SignInReview::Confirm(names)) => answering.confirm(&names),
        Ok(SignInReview::Completed(completion)) => completed(&answering, &completion),
        Err(failure) => answering.failed(&failure),
    }
}

/// `POST` of the same: what the user says to it.
pub(super) async fn decide(http: HttpRequest, payload: web::Payload, door: web::Data<SignInPages>) -> HttpResponse {
    let correlation_id = RequestId::of(&http, &door.entropy);
    let answering = Answering { door: &door, correlation_id: &correlation_id };
    if !is_ours(&http, &door) {
        return answering.failed(&SignInError::OtherBrowser.into());
    }
    let Ok(body) = read_body(payload, door.limits).await else {
        return answering.failed(&SignInError::FormUnreadable.into());
    };
    let (completion, browser) = (&door.steps.completion, door.browser_of(&http));
    let handle = value_of(http.query_string(), "signin").unwrap_or_default();
    let decision = std::str::from_utf8(&body).ok().and_then(|body| value_of(body, "decision"));
    match decision.as_deref() {
        Some("continue") => match completion.confirm(&handle, browser.as_ref(), &correlation_id).await {
            Ok(completion) => completed(&answering, &completion),
            Err(failure) => answering.failed(&failure),
        },
        Some("cancel") => match completion.cancel(&handle, browser.as_ref()).await {
            Ok(names) => answering.cancelled(&names),
            Err(failure) => answering.failed(&failure),
        },
        _ => answering.failed(&SignInError::FormUnreadable.into()),
    }
}

/// Who is to type the code in must see it; everybody else is sent where the bot wants.
fn completed(answering: &Answering<'_>, completion: &Completion) -> HttpResponse {
    match &completion.final_redirect {
        Some(address) if completion.verified => redirect(address),
        _ => answering.code(completion),
    }
}

/// Browsers say where a form comes from; one of another site's is nobody's decision.
fn is_ours(http: &HttpRequest, door: &SignInPages) -> bool {
    let ours = door.public_url.origin().ascii_serialization();
    let mut origins = http.headers().get_all(header::ORIGIN);
    origins.all(|origin| origin.as_bytes() == ours.as_bytes())
}
