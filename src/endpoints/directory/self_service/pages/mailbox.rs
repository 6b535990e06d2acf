use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};

use super::own_page::PageContent;
use super::replies::Responder;
use super::{MAILBOX_PATH, SelfServiceDoor};
use crate::endpoints::directory::authorization::SignInRequest;
use crate::inbound::find_parameter;

/// `GET …/cloud_directory/mail_sent`: tells the user to look into the mailbox. It says the same whether or not a message was sent.
pub(super) async fn show(http: HttpRequest, tenant: Path<String>, door: Data<SelfServiceDoor>) -> HttpResponse {
    let mut responder = Responder::new(&door, &http);
    let request = match door.read_request(&tenant, &mut responder, |_| true) {
        Ok(request) => request,
        Err(refusal) => return responder.refuse(&tenant, &refusal, StatusCode::FOUND),
    };
    let texts = &responder.texts().mailbox;
    let is_forgotten = find_parameter(http.query_string(), "flow").is_none_or(|flow| flow != "sign_up");
    let (flow, line) = if is_forgotten { ("forgot_password", texts.forgot) } else { ("sign_up", texts.signed_up) };
    responder.show_page(&PageContent {
        title: texts.title,
        lines: vec![line.to_owned(), texts.advice.to_owned()],
        links: responder.list_ways_out(&request, flow),
    })
}

/// The address of this page after `flow`.
pub(super) fn mailbox_address(request: &SignInRequest, flow: &str) -> String {
    let path = MAILBOX_PATH.replace("{tenant}", request.view.directory.tenant.as_str());
    format!("{path}?flow={flow}&{}", request.query)
}
