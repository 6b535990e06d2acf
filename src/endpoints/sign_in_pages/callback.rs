use std::borrow::Cow;

use actix_web::{HttpRequest, HttpResponse, web};

use super::replies::{PageResponder, redirect};
use super::{COMPLETE_PATH, SignInPages, find_parameter};
use crate::inbound::RequestId;
use crate::sign_in::{NextStep, ProviderAnswer, SignInFailure};

/// `GET /.auth/web/redirect`: the browser returns from the identity provider. It is redirected at once, so that the
/// code in this address does not stay in its history.
pub(super) async fn answer(http: HttpRequest, door: web::Data<SignInPages>) -> HttpResponse {
    let correlation_id = RequestId::get_or_draw(&http, &door.entropy);
    let responder = PageResponder { door: &door, correlation_id: &correlation_id };
    let (parameters, browser) = (AnswerParameters::read(http.query_string()), door.read_browser_cookie(&http));
    let next = door.steps.back.callback(parameters.as_answer(), browser.as_ref(), &correlation_id).await;
    lead_on(&responder, next, parameters.state.as_deref())
}

/// `HEAD` of the same: what [`answer`] would send, without its body. The code stays unused.
pub(super) async fn head(http: HttpRequest, door: web::Data<SignInPages>) -> HttpResponse {
    let correlation_id = RequestId::get_or_draw(&http, &door.entropy);
    let responder = PageResponder { door: &door, correlation_id: &correlation_id };
    let (parameters, browser) = (AnswerParameters::read(http.query_string()), door.read_browser_cookie(&http));
    let next = door.steps.back.preview(parameters.as_answer(), browser.as_ref()).await;
    lead_on(&responder, next, parameters.state.as_deref())
}

fn lead_on(responder: &PageResponder<'_>, next: Result<NextStep, SignInFailure>, state: Option<&str>) -> HttpResponse {
    match next {
        Ok(NextStep::Review(handle)) => redirect(&format!("{COMPLETE_PATH}?signin={}", handle.expose())),
        Ok(NextStep::Provider(url)) => redirect(url.as_str()),
        Err(failure) => responder.failed_at(&failure, state.filter(|_| failure.may_begin_again())),
    }
}

/// The parameters of the provider's answer, decoded.
struct AnswerParameters<'q> {
    state: Option<Cow<'q, str>>,
    code: Option<Cow<'q, str>>,
    error: Option<Cow<'q, str>>,
    error_description: Option<Cow<'q, str>>,
    error_subcode: Option<Cow<'q, str>>,
    has_claims: bool,
    iss: Option<Cow<'q, str>>,
}

impl<'q> AnswerParameters<'q> {
    fn read(query: &'q str) -> Self {
        let [state, code, error, error_description, iss] =
            ["state", "code", "error", "error_description", "iss"].map(|name| find_parameter(query, name));
        // Entra uses the first name at its authorization endpoint and the second at its token endpoint.
        let error_subcode = find_parameter(query, "error_subcode").or_else(|| find_parameter(query, "suberror"));
        let has_claims = find_parameter(query, "claims").is_some();
        Self { state, code, error, error_description, error_subcode, has_claims, iss }
    }

    fn as_answer(&self) -> ProviderAnswer<'_> {
        ProviderAnswer {
            state: self.state.as_deref(),
            code: self.code.as_deref(),
            error: self.error.as_deref(),
            error_description: self.error_description.as_deref(),
            error_subcode: self.error_subcode.as_deref(),
            has_claims: self.has_claims,
            iss: self.iss.as_deref(),
        }
    }
}
