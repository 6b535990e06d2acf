use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};

use super::SelfServiceDoor;
use super::act::{Act, ActOutcome, SentForm};
use super::faults::PageFault;
use super::fields::{Entries, Field, FieldKind, new_password_field};
use super::own_page::PageContent;
use super::page_request::read_own_parameter;
use super::refusals::{ActFailure, PageRefusal};
use super::replies::{FormPage, Responder};
use crate::accounts::{NamedUser, OwnPasswordChange};
use crate::domain::SelfServiceSettings;
use crate::endpoints::directory::authorization::{
    CHANGE_PASSWORD_PATH, RequestRefusal, SignInRequest, UntrustedRequest,
};

/// What App ID's SDK calls it.
const FLOW: &str = "change_password";

/// `GET …/cloud_directory/change_password`: the page on which the user `user_id` changes the password.
pub(super) async fn show(http: HttpRequest, tenant: Path<String>, door: Data<SelfServiceDoor>) -> HttpResponse {
    let mut responder = Responder::new(&door, &http);
    let request = match door.read_request(&tenant, &mut responder, is_on) {
        Ok(request) => request,
        Err(refusal) => return responder.refuse(&tenant, &refusal, StatusCode::FOUND),
    };
    match read_own_parameter(&http, "user_id") {
        Some(user_id) => responder.show_form(&request.view, &build_page(&request, &user_id, &responder), None),
        None => refuse_unnamed(&tenant, &responder),
    }
}

/// `POST …/cloud_directory/change_password`: changes the password of the user who knows the present one, and signs the user in with
/// the new one.
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
    let Some(user_id) = read_own_parameter(&http, "user_id") else { return refuse_unnamed(&tenant, &responder) };
    let (view, entries) = (&request.view, Entries::read(&body));
    let page = build_page(&request, &user_id, &responder);
    let checked = responder.check_form(view, &page.action, &entries);
    let change = match checked.and_then(|()| read_change(&user_id, &entries)) {
        Ok(change) => change,
        Err(fault) => return responder.show_form(view, &page, Some(&fault)),
    };
    let act = Act::new(&door, view, Some(&request), &responder);
    match act.complete(body.clone(), |act| change_password(act, change)).await {
        Ok(ActOutcome::SignedIn(user)) => SelfServiceDoor::lead_back(&door, &request, user, FLOW, &responder).await,
        Ok(_) => responder.unavailable(),
        Err(failure) => responder.fail(view, &page, &failure, &responder.texts().links.ended),
    }
}

const fn is_on(settings: &SelfServiceSettings) -> bool {
    settings.enabled
}

/// Refuses a request that does not say whose password is to change.
fn refuse_unnamed(tenant: &str, responder: &Responder<'_>) -> HttpResponse {
    let refusal = PageRefusal::Request(RequestRefusal::Untrusted(UntrustedRequest::Unreadable));
    responder.refuse(tenant, &refusal, StatusCode::BAD_REQUEST)
}

/// The page. It says nothing of the user, since a stranger may have the id.
fn build_page(request: &SignInRequest, user_id: &str, responder: &Responder<'_>) -> FormPage {
    let (texts, settings) = (responder.texts(), &request.view.settings);
    let old = Field::new("old_password", FieldKind::Password, texts.password.old);
    let path = CHANGE_PASSWORD_PATH.replace("{tenant}", request.view.directory.tenant.as_str());
    let user_id: String = url::form_urlencoded::byte_serialize(user_id.as_bytes()).collect();
    FormPage {
        content: PageContent {
            title: texts.password.change,
            lines: Vec::new(),
            links: responder.list_ways_out(request, FLOW),
        },
        action: format!("{path}?{}&user_id={user_id}", request.query),
        fields: vec![
            Field { autocomplete: "current-password", ..old },
            new_password_field("password", texts.password.new, &settings.passwords, texts),
        ],
        submit: texts.password.submit,
        leads_to: request.destination.form_source(),
    }
}

fn read_change(user_id: &str, entries: &Entries<'_>) -> Result<OwnPasswordChange, PageFault> {
    let (old, new) = entries.password("old_password").zip(entries.password("password")).ok_or(PageFault::Incomplete)?;
    Ok(OwnPasswordChange { user: NamedUser::Id(user_id.to_owned()), old, new })
}

async fn change_password(act: Act, change: OwnPasswordChange) -> Result<ActOutcome, ActFailure> {
    let user = act.door.parts.service.change_password(&act.view, &change, &act.service_request()).await?;
    Ok(ActOutcome::SignedIn(Box::new(user)))
}
