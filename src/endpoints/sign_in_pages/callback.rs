use actix_web::{HttpRequest, HttpResponse, web};

use super::replies::{Answering, redirect};
use super::{COMPLETE_PATH, SignInPages, value_of};
use crate::inbound::RequestId;
use crate::sign_in::ProviderAnswer;

/// `GET /.auth/web/redirect`: the browser comes back from the identity provider. It is sent on at once, so that the code
/// in this address stands neither in its history nor behind its reload button.
pub(super) async fn answer(http: HttpRequest, door: web::Data<SignInPages>) -> HttpResponse {
    let correlation_id = RequestId::of(&http, &door.entropy);
    let answering = Answering { door: &door, correlation_id: &correlation_id };
    let query = http.query_string();
    let [state, code, error, error_description, iss] =
        ["state", "code", "error", "error_description", "iss"].map(|name| value_of(query, name));
    let answer = ProviderAnswer {
        state: state.as_deref(),
        code: code.as_deref(),
        error: error.as_deref(),
        error_description: error_description.as_deref(),
        iss: iss.as_deref(),
    };
    match door.steps.back.callback(answer, door.browser_of(&http).as_ref(), &correlation_id).await {
        Ok(handle) => redirect(&format!("{COMPLETE_PATH}?signin={}", handle.expose())),
        Err(failure) => answering.failed(&failure),
    }
}
