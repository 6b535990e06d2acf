use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};

use super::SelfServiceDoor;
use super::act::{Act, ActOutcome, SentForm};
use super::faults::PageFault;
use super::fields::{Entries, Field, FieldKind};
use super::mailbox::mailbox_address;
use super::own_page::PageContent;
use super::refusals::ActFailure;
use super::replies::{FormPage, Responder};
use crate::domain::{IdentityField, SelfServiceSettings};
use crate::endpoints::directory::authorization::{FORGOT_PASSWORD_PATH, SignInRequest};
use crate::inbound::redirect_browser;

/// What App ID's SDK calls it.
const FLOW: &str = "forgot_password";

/// `GET …/cloud_directory/forgot_password`: the page on which a user asks for a link.
pub(super) async fn show(http: HttpRequest, tenant: Path<String>, door: Data<SelfServiceDoor>) -> HttpResponse {
    let mut responder = Responder::new(&door, &http);
    match door.read_request(&tenant, &mut responder, is_on) {
        Ok(request) => responder.show_form(&request.view, &build_page(&request, &Entries::default(), &responder), None),
        Err(refusal) => responder.refuse(&tenant, &refusal, StatusCode::FOUND),
    }
}

/// `POST …/cloud_directory/forgot_password`: sends the link, if there is such a user. The answer is the same if there is none.
pub(super) async fn take(
    http: HttpRequest,
    tenant: Path<String>,
    payload: Payload,
    door: Data<SelfServiceDoor>,
) -> HttpResponse {
    let mut responder = Responder::new(&door, &http);
    let SentForm { request, body } = match door.read_sent_form(&tenant, payload, &mut responder, is_on).await {
        Ok(sent) => sent,
        Err(answer) => return answer,
    };
    let (view, entries) = (&request.view, Entries::read(&body));
    let page = build_page(&request, &entries, &responder);
    let login = entries.text("username").to_owned();
    let checked = responder.check_form(view, &page.action, &entries);
    if let Err(fault) = checked.and(if login.is_empty() { Err(PageFault::Incomplete) } else { Ok(()) }) {
        return responder.show_form(view, &page, Some(&fault));
    }
    let act = Act::new(&door, view, Some(&request), &responder);
    match act.complete(body.clone(), |act| send_link(act, login)).await {
        Ok(_) => redirect_browser(StatusCode::SEE_OTHER, &mailbox_address(&request, FLOW)),
        Err(failure) => responder.fail(view, &page, &failure, &responder.texts().links.ended),
    }
}

const fn is_on(settings: &SelfServiceSettings) -> bool {
    settings.reset_password
}

/// The page, with what the user has typed.
fn build_page(request: &SignInRequest, entries: &Entries<'_>, responder: &Responder<'_>) -> FormPage {
    let (texts, pages) = (responder.texts(), responder.language.texts());
    let (kind, label) = match request.view.settings.identity_field {
        IdentityField::Email => (FieldKind::Email, pages.email),
        IdentityField::UserName => (FieldKind::Name, pages.user_name),
    };
    let known = Some(entries.text("username")).filter(|text| !text.is_empty());
    let name = known.or(request.login_hint.as_deref()).unwrap_or_default();
    let path = FORGOT_PASSWORD_PATH.replace("{tenant}", request.view.directory.tenant.as_str());
    FormPage {
        content: PageContent {
            title: texts.forgot.title,
            lines: vec![texts.forgot.lead.to_owned()],
            links: responder.list_ways_out(request, FLOW),
        },
        action: format!("{path}?{}", request.query),
        fields: vec![Field { autocomplete: "username", ..Field::new("username", kind, label).filled(name) }],
        submit: texts.forgot.submit,
        leads_to: "",
    }
}

async fn send_link(act: Act, login: String) -> Result<ActOutcome, ActFailure> {
    act.door.parts.service.forgot_password(&act.view, &login, &act.service_request()).await?;
    Ok(ActOutcome::Mailed)
}
