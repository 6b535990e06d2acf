use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use url::form_urlencoded;

use super::act::{Act, ActOutcome};
use super::faults::PageFault;
use super::fields::{Entries, new_password_field};
use super::own_page::{PageContent, PageLink};
use super::page_request::read_own_parameter;
use super::refusals::{ActFailure, PageRefusal, log_outage};
use super::replies::{FormPage, Responder};
use super::{LINK_PATH, SelfServiceDoor};
use crate::accounts::{DirectoryView, LinkPurpose, SelfServiceLink};
use crate::domain::Secret;
use crate::endpoints::directory::authorization::{RequestParameters, RequestRefusal, TrustedRequest, UntrustedRequest};
use crate::endpoints::directory::languages::Language;
use crate::inbound::{find_parameter, redirect_browser};

/// The path of a link of a message.
#[derive(Deserialize)]
pub(super) struct LinkPath {
    tenant: String,
    purpose: String,
}

/// A link of a message that a browser has opened.
struct OpenedLink {
    view: Arc<DirectoryView>,
    purpose: LinkPurpose,
    secret: String,
}

/// What has become of a link.
enum LinkState {
    /// It can be used.
    Good(SelfServiceLink),
    /// It was used, and has done its work.
    Used(SelfServiceLink),
    /// It was never drawn, or has ended.
    Unknown,
}

/// `GET …/cloud_directory/link/{purpose}`: asks the user to press a button. Nothing is used up, since programs that look for
/// dangerous messages open links as well.
pub(super) async fn show(http: HttpRequest, path: Path<LinkPath>, door: Data<SelfServiceDoor>) -> HttpResponse {
    let mut responder = Responder::new(&door, &http);
    let opened = match door.open_link(&path, &mut responder) {
        Ok(opened) => opened,
        Err(refusal) => return responder.refuse(&path.tenant, &refusal, StatusCode::FOUND),
    };
    match door.find_state(&opened).await {
        Ok(LinkState::Good(link)) => {
            responder.show_form(&opened.view, &build_page(&opened, Some(&link), &responder), None)
        }
        Ok(LinkState::Used(link)) => responder.show_page(&describe_used(&opened, &link, &responder)),
        Ok(LinkState::Unknown) => responder.notice(StatusCode::GONE, &responder.texts().links.ended),
        Err(_) => responder.unavailable(),
    }
}

/// `POST …/cloud_directory/link/{purpose}`: does what the link is for, and uses it up.
pub(super) async fn take(
    http: HttpRequest,
    path: Path<LinkPath>,
    payload: Payload,
    door: Data<SelfServiceDoor>,
) -> HttpResponse {
    let mut responder = Responder::new(&door, &http);
    let body = match door.read_form(&http, payload).await {
        Ok(body) => body,
        Err(problem) => return problem.respond(),
    };
    let opened = match door.open_link(&path, &mut responder) {
        Ok(opened) => opened,
        Err(refusal) => return responder.refuse(&path.tenant, &refusal, StatusCode::SEE_OTHER),
    };
    let (entries, page) = (Entries::read(&body), build_page(&opened, None, &responder));
    let checked = responder.check_form(&opened.view, &page.action, &entries);
    let password = match checked.and_then(|()| read_password(&opened, &entries)) {
        Ok(password) => password,
        Err(fault) => return responder.show_form(&opened.view, &page, Some(&fault)),
    };
    let act = Act::new(&door, &opened.view, None, &responder);
    let (purpose, secret) = (opened.purpose, opened.secret.clone());
    match act.complete(body.clone(), move |act| use_link(act, purpose, secret, password)).await {
        // The page of the link says that it has done its work, also after a reload.
        Ok(ActOutcome::LinkUsed(next)) => redirect_browser(StatusCode::SEE_OTHER, &next.unwrap_or(page.action)),
        Ok(_) => responder.unavailable(),
        Err(failure) => responder.fail(&opened.view, &page, &failure, &responder.texts().links.ended),
    }
}

impl SelfServiceDoor {
    /// Reads the address of a link, and chooses the language.
    fn open_link(&self, path: &LinkPath, responder: &mut Responder<'_>) -> Result<OpenedLink, PageRefusal> {
        let unknown = || PageRefusal::Request(RequestRefusal::Untrusted(UntrustedRequest::UnknownDirectory));
        let view = self.parts.directories.find(&path.tenant).ok_or_else(unknown)?;
        let language = find_parameter(responder.http.query_string(), "language");
        responder.language = Language::choose(responder.http, None, language.as_deref());
        let purpose = match LinkPurpose::parse(&path.purpose) {
            Some(LinkPurpose::ResetPassword) if view.settings.self_service.reset_password => LinkPurpose::ResetPassword,
            Some(LinkPurpose::ConfirmAddress) => LinkPurpose::ConfirmAddress,
            _ => return Err(PageRefusal::SwitchedOff),
        };
        let secret = read_own_parameter(responder.http, "token").unwrap_or_default();
        Ok(OpenedLink { view, purpose, secret })
    }

    async fn find_state(&self, opened: &OpenedLink) -> Result<LinkState, ActFailure> {
        let OpenedLink { view, purpose, secret } = opened;
        let (links, tenant) = (&self.parts.links, &view.directory.tenant);
        if let Some(link) = links.find(tenant, *purpose, secret).await.map_err(log_outage)? {
            return Ok(LinkState::Good(link));
        }
        let used = links.find_used(tenant, *purpose, secret).await.map_err(log_outage)?;
        Ok(used.map_or(LinkState::Unknown, LinkState::Used))
    }
}

/// The page of a link that can be used. `link`: what it is good for, if that is shown.
fn build_page(opened: &OpenedLink, link: Option<&SelfServiceLink>, responder: &Responder<'_>) -> FormPage {
    let (texts, settings) = (responder.texts(), &opened.view.settings);
    let [before, after] = texts.links.confirm_lead;
    let address = link.and_then(|link| link.address.as_deref());
    let leads_to =
        find_action(opened).map_or("", |action| if action.starts_with("https:") { "https:" } else { "https: http:" });
    let mut page = FormPage {
        content: PageContent { title: texts.links.confirm, lines: Vec::new(), links: Vec::new() },
        action: address_of(opened, responder),
        fields: Vec::new(),
        submit: texts.links.confirm_submit,
        leads_to,
    };
    match opened.purpose {
        LinkPurpose::ConfirmAddress | LinkPurpose::ChangeDetails => {
            page.content.lines.extend(address.map(|address| format!("{before}{address}{after}")));
        }
        LinkPurpose::ResetPassword => {
            page.content.title = texts.password.choose;
            page.submit = texts.password.submit;
            page.fields.push(new_password_field("password", texts.password.new, &settings.passwords, texts));
        }
    }
    if opened.purpose == LinkPurpose::ResetPassword && find_action(opened).is_some() {
        page.submit = texts.links.go_on;
        page.fields.clear();
    }
    page
}

/// The operator's own page to which the link leads on.
fn find_action(opened: &OpenedLink) -> Option<&str> {
    let actions = &opened.view.settings.self_service.actions;
    match opened.purpose {
        LinkPurpose::ConfirmAddress => actions.user_verified.as_deref(),
        LinkPurpose::ResetPassword => actions.reset_password.as_deref(),
        LinkPurpose::ChangeDetails => None,
    }
}

/// The path and query of the link, in the language of the page.
fn address_of(opened: &OpenedLink, responder: &Responder<'_>) -> String {
    let path = LINK_PATH.replace("{tenant}", opened.view.directory.tenant.as_str());
    let path = path.replace("{purpose}", opened.purpose.name());
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("token", &opened.secret).append_pair("language", responder.language.texts().tag);
    format!("{path}?{}", query.finish())
}

/// The page of a link that has done its work.
fn describe_used(opened: &OpenedLink, link: &SelfServiceLink, responder: &Responder<'_>) -> PageContent {
    let texts = responder.texts();
    let done = match opened.purpose {
        LinkPurpose::ConfirmAddress | LinkPurpose::ChangeDetails => &texts.links.confirmed,
        LinkPurpose::ResetPassword => &texts.password.changed,
    };
    PageContent {
        title: done.title,
        lines: vec![done.happened.to_owned(), done.advice.to_owned()],
        links: list_ways_on(opened, link, responder),
    }
}

/// The links to the application by which the user had come, if it and its address are still registered.
fn list_ways_on(opened: &OpenedLink, link: &SelfServiceLink, responder: &Responder<'_>) -> Vec<PageLink> {
    let flow = if opened.purpose == LinkPurpose::ResetPassword { "forgot_password" } else { "sign_up" };
    let parameters = link.return_to.as_deref().and_then(|query| RequestParameters::read(query.as_bytes()).ok());
    let trusted = parameters.and_then(|parameters| TrustedRequest::find(opened.view.clone(), parameters).ok());
    let request = trusted.and_then(|trusted| trusted.check_for_page().ok());
    request.map(|request| responder.list_ways_out(&request, flow)).unwrap_or_default()
}

/// The new password, if the form has to have one.
fn read_password(opened: &OpenedLink, entries: &Entries<'_>) -> Result<Option<Secret>, PageFault> {
    if opened.purpose != LinkPurpose::ResetPassword || find_action(opened).is_some() {
        return Ok(None);
    }
    entries.password("password").map(Some).ok_or(PageFault::Incomplete)
}

/// Does what the link is for. Without a new password a link for one leads to the operator's page.
async fn use_link(
    act: Act,
    purpose: LinkPurpose,
    secret: String,
    password: Option<Secret>,
) -> Result<ActOutcome, ActFailure> {
    let (service, request) = (&act.door.parts.service, act.service_request());
    match (purpose, password) {
        (LinkPurpose::ResetPassword, Some(password)) => {
            service.reset_password(&act.view, &secret, &password, &request).await?;
            Ok(ActOutcome::LinkUsed(None))
        }
        (LinkPurpose::ResetPassword, None) => {
            let used = service.permit_reset(&act.view, &secret, &request).await?;
            Ok(ActOutcome::LinkUsed(used.next))
        }
        (LinkPurpose::ConfirmAddress | LinkPurpose::ChangeDetails, _) => {
            let used = service.confirm(&act.view, &secret, &request).await?;
            Ok(ActOutcome::LinkUsed(used.next))
        }
    }
}
