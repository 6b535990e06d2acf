use actix_web::{HttpRequest, HttpResponse, web};

use super::replies::{PageResponder, redirect};
use super::{COMPLETE_PATH, SignInPages};
use crate::inbound::{RequestId, find_parameter};
use crate::sign_in::{NextStep, ProviderParameters, SignInFailure};

/// `GET /.auth/web/redirect`: the browser returns from the identity provider. It is redirected at once, so that the
/// code in this address does not stay in its history.
pub(super) async fn answer(http: HttpRequest, door: web::Data<SignInPages>) -> HttpResponse {
    let correlation_id = RequestId::get_or_draw(&http, &door.entropy);
    let responder = PageResponder { door: &door, correlation_id: &correlation_id };
    let (parameters, browser) = (read_parameters(&http), door.read_browser_cookie(&http));
    let next = door.steps.back.callback(parameters.as_answer(), browser.as_ref(), &correlation_id).await;
    lead_on(&responder, next, parameters.state())
}

/// `HEAD` of the same: what [`answer`] would send, without its body. The code stays unused.
pub(super) async fn head(http: HttpRequest, door: web::Data<SignInPages>) -> HttpResponse {
    let correlation_id = RequestId::get_or_draw(&http, &door.entropy);
    let responder = PageResponder { door: &door, correlation_id: &correlation_id };
    let (parameters, browser) = (read_parameters(&http), door.read_browser_cookie(&http));
    let next = door.steps.back.preview(parameters.as_answer(), browser.as_ref()).await;
    lead_on(&responder, next, parameters.state())
}

fn lead_on(responder: &PageResponder<'_>, next: Result<NextStep, SignInFailure>, state: Option<&str>) -> HttpResponse {
    match next {
        Ok(NextStep::Review(handle)) => redirect(&format!("{COMPLETE_PATH}?signin={}", handle.expose())),
        Ok(NextStep::Provider(url)) => redirect(url.as_str()),
        Err(failure) => responder.failed_at(&failure, state.filter(|_| failure.may_begin_again())),
    }
}

fn read_parameters(http: &HttpRequest) -> ProviderParameters<'_> {
    ProviderParameters::read(|name| find_parameter(http.query_string(), name))
}
