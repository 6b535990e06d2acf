use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::plan::{Extent, Plan};
use super::refusal::LogoutRefusal;
use super::replies::Responder;
use super::request::{LogoutParameters, LogoutRequest};
use super::{END_SESSION_PATH, LogoutDoor, is_of_session};
use crate::endpoints::directory::BrowserSession;
use crate::inbound::{BodyLimits, read_body, redirect_browser};
use crate::token_issuer::IdTokenHint;

/// The largest body that is read: the longest request is a query of 8 KiB.
const MAX_BODY_BYTES: usize = 16 * 1024;

/// A logout by OpenID Connect.
struct EndSession {
    request: LogoutRequest,
    hint: Option<IdTokenHint>,
}

/// `GET …/logout`: OpenID Connect RP-Initiated Logout 1.0 §2. With an ID token of the browser's user the session ends at once;
/// without one the user is asked.
pub(super) async fn answer(http: HttpRequest, tenant: web::Path<String>, door: web::Data<LogoutDoor>) -> HttpResponse {
    let mut responder = Responder::new(&door, &http);
    match door.read_end_session(&tenant, &mut responder) {
        Ok(logout) => {
            let choose = |session: &BrowserSession| logout.plan(session);
            responder.carry_out(&door, &logout.request, choose, StatusCode::FOUND).await
        }
        Err(refusal) => responder.refuse(&tenant, refusal),
    }
}

/// `POST …/logout`: the same with a form. It is sent from the application's site, and browsers send the cookie of the session with
/// no such `POST`; so the browser is sent on to the same request as a `GET`.
pub(super) async fn answer_form(
    http: HttpRequest,
    tenant: web::Path<String>,
    payload: web::Payload,
    door: web::Data<LogoutDoor>,
) -> HttpResponse {
    let responder = Responder::new(&door, &http);
    let limits = BodyLimits { bytes: door.limits.bytes.min(MAX_BODY_BYTES), ..door.limits };
    let body = match read_body(&http, payload, limits).await {
        Ok(body) => body,
        Err(problem) => return problem.respond(),
    };
    if door.parts.directories.find(&tenant).is_none() {
        return responder.refuse(&tenant, LogoutRefusal::UnknownDirectory);
    }
    match LogoutParameters::read(&body) {
        Ok(parameters) => {
            let address = format!("{}?{}", END_SESSION_PATH.replace("{tenant}", &tenant), parameters.to_query());
            redirect_browser(StatusCode::SEE_OTHER, &address)
        }
        Err(refusal) => responder.refuse(&tenant, refusal),
    }
}

impl LogoutDoor {
    fn read_end_session(&self, tenant: &str, responder: &mut Responder<'_>) -> Result<EndSession, LogoutRefusal> {
        let view = self.parts.directories.find(tenant).ok_or(LogoutRefusal::UnknownDirectory)?;
        let parameters = LogoutParameters::read(responder.http.query_string().as_bytes())?;
        responder.choose_language(&parameters);
        let client_id = parameters.find_client_id(&view)?;
        let return_to = parameters.find_return("post_logout_redirect_uri", &view)?;
        let return_to = return_to.map(|to| to.with_state(parameters.find("state")));
        let hint = self.check_hint(&view, parameters.find("id_token_hint"), responder);
        let audience = hint.as_ref().map(|hint| hint.client_id.clone());
        if client_id.is_some() && audience.is_some() && client_id != audience {
            return Err(LogoutRefusal::OtherApplication);
        }
        let (client_id, is_everything) = (client_id.or(audience), parameters.asks_for_everything());
        let request = LogoutRequest { view, client_id, return_to, is_everything };
        Ok(EndSession { request, hint })
    }
}

impl EndSession {
    /// An ID token of an earlier session of the same user is good as well: applications keep the one of their own sign-in. To end
    /// everything, it must be one of this session.
    fn plan(&self, browser: &BrowserSession) -> Plan {
        if self.request.is_everything {
            let is_of_session = self.hint.as_ref().is_some_and(|hint| is_of_session(hint, browser));
            return if is_of_session { Plan::End(Extent::Everything) } else { Plan::Ask };
        }
        let is_of_user = self.hint.as_ref().is_some_and(|hint| hint.user_id == browser.user.id);
        if is_of_user { Plan::End(Extent::ThisBrowser) } else { Plan::Ask }
    }
}
