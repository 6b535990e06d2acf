use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::plan::Extent;
use super::refusal::LogoutRefusal;
use super::replies::{Question, Responder};
use super::request::{LogoutParameters, LogoutRequest};
use super::{LogoutDoor, name_form_action};
use crate::inbound::{BodyLimits, Form, Problem, read_body};

/// The largest body of the form, in bytes.
const MAX_BODY_BYTES: usize = 4 * 1024;

/// What the user has chosen on our page.
#[derive(Clone, Copy)]
enum Decision {
    End(Extent),
    Stay,
}

/// The form of our page.
#[derive(Default)]
struct DecisionForm {
    form_token: String,
    decision: Option<Decision>,
}

/// `POST …/sso/logout/decision`: takes the form of our page, on which the user has chosen which sessions end. The request of the
/// application is in the query, and is checked again.
pub(super) async fn answer(
    http: HttpRequest,
    tenant: web::Path<String>,
    payload: web::Payload,
    door: web::Data<LogoutDoor>,
) -> HttpResponse {
    let mut responder = Responder::new(&door, &http);
    let limits = BodyLimits { bytes: door.limits.bytes.min(MAX_BODY_BYTES), ..door.limits };
    let form = match read_body(&http, payload, limits).await {
        Ok(body) => DecisionForm::read(&body),
        Err(problem) => return problem.respond(),
    };
    match door.read_decision(&tenant, &mut responder) {
        Ok(request) => match door.decide(&responder, &door, &request, &form).await {
            Ok(response) => response,
            Err(_) => responder.unavailable(),
        },
        Err(refusal) => responder.refuse(&tenant, refusal),
    }
}

impl DecisionForm {
    fn read(body: &[u8]) -> Self {
        let Ok(form) = Form::parse(body) else { return Self::default() };
        let find = |name| form.find(name).filter(|_| !form.is_repeated(name)).unwrap_or_default();
        let decision = match find("decision") {
            "browser" => Some(Decision::End(Extent::ThisBrowser)),
            "everywhere" => Some(Decision::End(Extent::Everywhere)),
            "everything" => Some(Decision::End(Extent::Everything)),
            "stay" => Some(Decision::Stay),
            _ => None,
        };
        Self { form_token: find("form_token").to_owned(), decision }
    }
}

impl LogoutDoor {
    fn read_decision(&self, tenant: &str, responder: &mut Responder<'_>) -> Result<LogoutRequest, LogoutRefusal> {
        let view = self.parts.directories.find(tenant).ok_or(LogoutRefusal::UnknownDirectory)?;
        let parameters = LogoutParameters::read(responder.http.query_string().as_bytes())?;
        responder.choose_language(&parameters);
        let client_id = parameters.find_client_id(&view)?;
        let return_to = parameters.find_return("redirect_uri", &view)?;
        let return_to = return_to.map(|to| to.with_state(parameters.find("state")));
        Ok(LogoutRequest { view, client_id, return_to, is_everything: parameters.asks_for_everything() })
    }

    async fn decide(
        &self,
        responder: &Responder<'_>,
        door: &web::Data<Self>,
        request: &LogoutRequest,
        form: &DecisionForm,
    ) -> Result<HttpResponse, Problem> {
        let Some(browser) = self.parts.browsers.find(responder.http, &request.view).await? else {
            return Ok(responder.finish(request, StatusCode::SEE_OTHER));
        };
        let guard = self.form_guard(&request.view).ok_or(Problem::ServiceUnavailable)?;
        let is_ours = guard.check(responder.http, &name_form_action(request, &browser.session.id), &form.form_token);
        match form.decision.filter(|_| is_ours) {
            Some(Decision::End(extent)) => {
                Self::end(door, responder, request, &browser, extent).await?;
                Ok(responder.finish(request, StatusCode::SEE_OTHER))
            }
            Some(Decision::Stay) => Ok(responder.stay(request)),
            None => {
                let question = Question { status: StatusCode::FORBIDDEN, is_repeated: true };
                Ok(responder.ask(request, &browser, &guard, question))
            }
        }
    }
}
