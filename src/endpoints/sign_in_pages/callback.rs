use actix_web::{HttpRequest, HttpResponse, web};

use super::replies::{PageResponder, redirect};
use super::{COMPLETE_PATH, SignInPages, find_parameter};
use crate::inbound::RequestId;
use crate::sign_in::{NextStep, ProviderAnswer};

/// `GET /.auth/web/redirect`: the browser returns from the identity provider. It is redirected at once, so that the
/// code in this address does not stay in its history and is not sent again by a reload.
pub(super) async fn answer(http: HttpRequest, door: web::Data<SignInPages>) -> HttpResponse {
    let correlation_id = RequestId::get_or_draw(&http, &door.entropy);
    let responder = PageResponder { door: &door, correlation_id: &correlation_id };
    let query = http.query_string();
    let [state, code, error, error_description, iss] =
        ["state", "code", "error", "error_description", "iss"].map(|name| find_parameter(query, name));
    // Entra uses the first name at its authorization endpoint and the second at its token endpoint.
    let error_subcode = find_parameter(query, "error_subcode").or_else(|| find_parameter(query, "suberror"));
    let answer = ProviderAnswer {
        state: state.as_deref(),
        code: code.as_deref(),
        error: error.as_deref(),
        error_description: error_description.as_deref(),
        error_subcode: error_subcode.as_deref(),
        has_claims: find_parameter(query, "claims").is_some(),
        iss: iss.as_deref(),
    };
    match door.steps.back.callback(answer, door.read_browser_cookie(&http).as_ref(), &correlation_id).await {
        Ok(NextStep::Review(handle)) => redirect(&format!("{COMPLETE_PATH}?signin={}", handle.expose())),
        Ok(NextStep::Provider(url)) => redirect(url.as_str()),
        Err(failure) => responder.failed(&failure),
    }
}
