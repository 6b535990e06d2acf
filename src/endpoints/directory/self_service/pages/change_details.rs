use std::rc::Rc;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use url::form_urlencoded;

use super::act::{Act, ActOutcome, SentForm, lead_without_code};
use super::faults::PageFault;
use super::fields::{Entries, Field, FieldKind};
use super::known_user::KnownUser;
use super::own_page::PageContent;
use super::page_request::read_own_parameter;
use super::refusals::{ActFailure, log_outage};
use super::replies::{FormPage, Responder};
use super::{CHANGE_DETAILS_PATH, SelfServiceDoor};
use crate::accounts::LinkPurpose;
use crate::domain::{SelfServiceSettings, UserNames};
use crate::endpoints::directory::authorization::SignInRequest;
use crate::inbound::{Problem, run_to_end};

/// What App ID's SDK calls it.
const FLOW: &str = "change_details";
/// The longest name, in bytes.
const MAX_NAME_BYTES: usize = 254;

/// `GET …/cloud_directory/change_details`: the page on which a user changes names. The user is the one for whom the application drew
/// `code`, or who is signed in here.
pub(super) async fn show(http: HttpRequest, tenant: Path<String>, door: Data<SelfServiceDoor>) -> HttpResponse {
    let mut responder = Responder::new(&door, &http);
    let request = match door.read_request(&tenant, &mut responder, is_on) {
        Ok(request) => request,
        Err(refusal) => return responder.refuse(&tenant, &refusal, StatusCode::FOUND),
    };
    let code = read_own_parameter(&http, "code");
    match door.find_known_user(&http, &request, code.as_deref()).await {
        Ok(known) => {
            let page = build_page(&request, code.as_deref(), &known.user.names, &responder);
            let account = name_account(&known, &responder);
            let page = FormPage { content: PageContent { lines: vec![account], ..page.content }, ..page };
            responder.show_form(&request.view, &page, None)
        }
        Err(ActFailure::Unavailable) => responder.unavailable(),
        Err(_) => responder.notice(StatusCode::GONE, &responder.texts().details.ended),
    }
}

/// `POST …/cloud_directory/change_details`: stores the names. The code of the page is used up by that.
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
    let (view, entries, code) = (&request.view, Entries::read(&body), read_own_parameter(&http, "code"));
    let names = read_names(&entries);
    let page = build_page(&request, code.as_deref(), &names, &responder);
    let checked = responder.check_form(view, &page.action, &entries);
    if let Err(fault) = checked.and_then(|()| check_names(&names)) {
        return responder.show_form(view, &page, Some(&fault));
    }
    let act = Act::new(&door, view, Some(&request), &responder);
    match act.complete(body.clone(), |act| change_names(act, code, names)).await {
        Ok(ActOutcome::Changed(known)) => lead_back(&door, &request, *known, &responder).await,
        Ok(_) => responder.unavailable(),
        Err(failure) => responder.fail(view, &page, &failure, &responder.texts().details.ended),
    }
}

const fn is_on(settings: &SelfServiceSettings) -> bool {
    settings.enabled
}

/// Says whose names these are.
fn name_account(known: &KnownUser, responder: &Responder<'_>) -> String {
    let user = &known.user;
    let name = user.email().or(user.user_name.as_deref()).map_or_else(|| user.shown_name(), str::to_owned);
    let [before, after] = responder.texts().details.account;
    format!("{before}{name}{after}")
}

fn build_page(request: &SignInRequest, code: Option<&str>, names: &UserNames, responder: &Responder<'_>) -> FormPage {
    let texts = &responder.texts().details;
    let path = CHANGE_DETAILS_PATH.replace("{tenant}", request.view.directory.tenant.as_str());
    let code = code.map(|code| form_urlencoded::Serializer::new(String::new()).append_pair("code", code).finish());
    let field = |name, label, autocomplete, value: &Option<String>| {
        let field = Field { autocomplete, ..Field::new(name, FieldKind::Prose, label) };
        field.filled(value.as_deref().unwrap_or_default()).optional()
    };
    FormPage {
        content: PageContent {
            title: texts.title,
            lines: Vec::new(),
            links: responder.link_to_application(request, FLOW).into_iter().collect(),
        },
        action: [path + "?" + &request.query].into_iter().chain(code).collect::<Vec<_>>().join("&"),
        fields: vec![
            field("display_name", texts.display, "name", &names.display),
            field("given_name", texts.given, "given-name", &names.given),
            field("family_name", texts.family, "family-name", &names.family),
        ],
        submit: texts.submit,
        leads_to: request.destination.form_source(),
    }
}

fn read_names(entries: &Entries<'_>) -> UserNames {
    let find = |name| Some(entries.text(name)).filter(|text| !text.is_empty()).map(str::to_owned);
    UserNames { display: find("display_name"), given: find("given_name"), family: find("family_name") }
}

/// Checks what is checked again where the names are stored: a code is used up before that.
fn check_names(names: &UserNames) -> Result<(), PageFault> {
    let mut all = [&names.display, &names.given, &names.family].into_iter().flatten();
    let is_name = |name: &String| name.len() <= MAX_NAME_BYTES && !name.contains(char::is_control);
    if all.all(is_name) { Ok(()) } else { Err(PageFault::BadValue) }
}

async fn change_names(act: Act, code: Option<String>, names: UserNames) -> Result<ActOutcome, ActFailure> {
    let (parts, view) = (&act.door.parts, &act.view);
    let request = act.request().ok_or(ActFailure::Ended)?;
    let known = act.door.find_known_user(act.http(), request, code.as_deref()).await?;
    if let Some(code) = &code {
        let taken = parts.links.take(&view.directory.tenant, LinkPurpose::ChangeDetails, code).await;
        taken.map_err(log_outage)?.ok_or(ActFailure::Ended)?;
    }
    let user = parts.service.change_names(view, &known.user.id, names, &act.service_request()).await?;
    Ok(ActOutcome::Changed(Box::new(known.with_user(user))))
}

/// Sends the browser back. Only the application that has drawn the code of the page gets a code, for the sign-in that it has already. For
/// the browser's session alone there is none: `/authorization` would first look at `prompt`, `max_age` and the directory's providers.
async fn lead_back(
    door: &Data<SelfServiceDoor>,
    request: &Rc<SignInRequest>,
    known: KnownUser,
    responder: &Responder<'_>,
) -> HttpResponse {
    let KnownUser { user, sign_in } = known;
    let Some(sign_in) = sign_in.filter(|_| request.permits_code()) else { return lead_without_code(request, FLOW) };
    let key = request.view.directory.user_key(&user.id).to_string();
    if let Err(limited) = door.sign_ins.charge(&[key.as_bytes()]).await {
        return responder.too_often(limited);
    }
    let (sign_ins, issued_for) = (door.parts.app_sign_ins.clone(), request.clone());
    let issued = run_to_end(async move { sign_ins.issue_code(&issued_for, &sign_in.of(&user)).await }).await;
    let answer = issued.unwrap_or(Err(Problem::ServiceUnavailable));
    answer.map_or_else(
        |_| responder.unavailable(),
        |answer| request.destination.respond(&answer, StatusCode::SEE_OTHER, responder.setting()),
    )
}
