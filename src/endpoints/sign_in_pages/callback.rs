use std::borrow::Cow;

use actix_web::{HttpRequest, HttpResponse, web};

use super::replies::{PageResponder, redirect};
use super::{COMPLETE_PATH, SignInPages, find_parameter};
use crate::domain::Secret;
use crate::inbound::RequestId;
use crate::sign_in::{ProviderAnswer, SignInFailure};

/// `GET /.auth/web/redirect`: the browser returns from the identity provider. It is redirected at once, so that the
/// code in this address does not stay in its history.
pub(super) async fn answer(http: HttpRequest, door: web::Data<SignInPages>) -> HttpResponse {
    let correlation_id = RequestId::get_or_draw(&http, &door.entropy);
    let responder = PageResponder { door: &door, correlation_id: &correlation_id };
    let (parameters, browser) = (AnswerParameters::read(http.query_string()), door.read_browser_cookie(&http));
    let next = door.steps.back.callback(parameters.as_answer(), browser.as_ref(), &correlation_id).await;
    lead_on(&responder, next)
}

/// `HEAD` of the same: what [`answer`] would send, without its body. The code stays unused.
pub(super) async fn head(http: HttpRequest, door: web::Data<SignInPages>) -> HttpResponse {
    let correlation_id = RequestId::get_or_draw(&http, &door.entropy);
    let responder = PageResponder { door: &door, correlation_id: &correlation_id };
    let (parameters, browser) = (AnswerParameters::read(http.query_string()), door.read_browser_cookie(&http));
    let next = door.steps.back.preview(parameters.as_answer(), browser.as_ref()).await;
    lead_on(&responder, next)
}

fn lead_on(responder: &PageResponder<'_>, next: Result<Secret, SignInFailure>) -> HttpResponse {
    match next {
        Ok(handle) => redirect(&format!("{COMPLETE_PATH}?signin={}", handle.expose())),
        Err(failure) => responder.failed(&failure),
    }
}

/// The parameters of the provider's answer, decoded.
struct AnswerParameters<'q> {
    state: Option<Cow<'q, str>>,
    code: Option<Cow<'q, str>>,
    error: Option<Cow<'q, str>>,
    error_description: Option<Cow<'q, str>>,
    iss: Option<Cow<'q, str>>,
}

impl<'q> AnswerParameters<'q> {
    fn read(query: &'q str) -> Self {
        let [state, code, error, error_description, iss] =
            ["state", "code", "error", "error_description", "iss"].map(|name| find_parameter(query, name));
        Self { state, code, error, error_description, iss }
    }

    fn as_answer(&self) -> ProviderAnswer<'_> {
        ProviderAnswer {
            state: self.state.as_deref(),
            code: self.code.as_deref(),
            error: self.error.as_deref(),
            error_description: self.error_description.as_deref(),
            iss: self.iss.as_deref(),
        }
    }
}
