use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::plan::{Extent, Plan};
use super::refusal::LogoutRefusal;
use super::replies::Responder;
use super::request::{LogoutParameters, LogoutRequest};
use super::{LogoutDoor, is_of_session};
use crate::accounts::DirectoryView;
use crate::endpoints::directory::BrowserSession;
use crate::token_issuer::IdTokenHint;

/// A logout of App ID's SDK.
struct SsoLogout {
    request: LogoutRequest,
    /// `all_sessions=true`.
    is_everywhere: bool,
    hint: Option<IdTokenHint>,
}

/// `GET …/cloud_directory/sso/logout`: ends the session of this browser, or with `all_sessions=true` all of the user, and sends
/// the browser to a registered address (docs/directory.md §Logout).
///
/// The SDK redirects the browser here from the application's site, so it is a `GET` that another site can cause as well: a page
/// elsewhere can sign a user out of this browser. That is inherent in the protocol. To end all sessions, or with `everywhere=true`
/// everything, needs more: an ID token of the session, or the user's word on our page.
pub(super) async fn answer(http: HttpRequest, tenant: web::Path<String>, door: web::Data<LogoutDoor>) -> HttpResponse {
    let mut responder = Responder::new(&door, &http);
    match door.read_sso_logout(&tenant, &mut responder) {
        Ok(logout) => {
            let choose = |session: &BrowserSession| logout.plan(&logout.request.view, session);
            responder.carry_out(&door, &logout.request, choose, StatusCode::FOUND).await
        }
        Err(refusal) => responder.refuse(&tenant, refusal),
    }
}

impl LogoutDoor {
    fn read_sso_logout(&self, tenant: &str, responder: &mut Responder<'_>) -> Result<SsoLogout, LogoutRefusal> {
        let view = self.parts.directories.find(tenant).ok_or(LogoutRefusal::UnknownDirectory)?;
        let parameters = LogoutParameters::read(responder.http.query_string().as_bytes())?;
        responder.choose_language(&parameters);
        let client_id = parameters.find_client_id(&view)?.ok_or(LogoutRefusal::UnknownApplication)?;
        let return_to = parameters.find_return("redirect_uri", &view)?.ok_or(LogoutRefusal::ReturnNotRegistered)?;
        let hint = self.check_hint(&view, parameters.find("id_token_hint"), responder);
        let is_everywhere = parameters.find("all_sessions") == Some("true");
        let is_everything = parameters.asks_for_everything();
        let request = LogoutRequest { view, client_id: Some(client_id), return_to: Some(return_to), is_everything };
        Ok(SsoLogout { request, is_everywhere, hint })
    }
}

impl SsoLogout {
    fn plan(&self, view: &DirectoryView, browser: &BrowserSession) -> Plan {
        let is_of_session = self.hint.as_ref().is_some_and(|hint| is_of_session(hint, browser));
        if self.request.is_everything {
            return if is_of_session { Plan::End(Extent::Everything) } else { Plan::Ask };
        }
        if !self.is_everywhere {
            return Plan::End(Extent::ThisBrowser);
        }
        if is_of_session || view.directory.sdk_all_sessions { Plan::End(Extent::Everywhere) } else { Plan::Ask }
    }
}
