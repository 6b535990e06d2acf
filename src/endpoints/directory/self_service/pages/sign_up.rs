use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};

use super::SelfServiceDoor;
use super::act::{Act, ActOutcome, SentForm};
use super::faults::PageFault;
use super::fields::{Entries, Field, FieldKind, new_password_field};
use super::mailbox::mailbox_address;
use super::own_page::PageContent;
use super::refusals::ActFailure;
use super::replies::{FormPage, Responder};
use crate::accounts::{DirectoryView, UserProfile};
use crate::domain::{AddressConfirmation, IdentityField, SelfServiceSettings, UserEmail, UserNames};
use crate::endpoints::directory::authorization::{SIGN_UP_PATH, SignInRequest};
use crate::endpoints::directory::self_service::service::NewSignUp;
use crate::inbound::redirect_browser;

/// What App ID's SDK calls a sign-up.
const FLOW: &str = "sign_up";

/// `GET …/cloud_directory/sign_up`: the page on which strangers become users.
pub(super) async fn show(http: HttpRequest, tenant: Path<String>, door: Data<SelfServiceDoor>) -> HttpResponse {
    let mut responder = Responder::new(&door, &http);
    match door.read_request(&tenant, &mut responder, is_on) {
        Ok(request) => responder.show_form(&request.view, &build_page(&request, &Entries::default(), &responder), None),
        Err(refusal) => responder.refuse(&tenant, &refusal, StatusCode::FOUND),
    }
}

/// `POST …/cloud_directory/sign_up`: creates the user. Where users need not confirm an address first, the new user is signed in.
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
    let new = match responder.check_form(view, &page.action, &entries).and_then(|()| read_new(view, &entries)) {
        Ok(new) => new,
        Err(fault) => return responder.show_form(view, &page, Some(&fault)),
    };
    let act = Act::new(&door, view, Some(&request), &responder);
    match act.complete(body.clone(), |act| sign_up(act, new)).await {
        Ok(ActOutcome::SignedIn(user)) => SelfServiceDoor::lead_back(&door, &request, user, FLOW, &responder).await,
        Ok(_) => redirect_browser(StatusCode::SEE_OTHER, &mailbox_address(&request, FLOW)),
        Err(failure) => responder.fail(view, &page, &failure, &responder.texts().links.ended),
    }
}

const fn is_on(settings: &SelfServiceSettings) -> bool {
    settings.sign_up
}

/// The page, with what the user has typed.
fn build_page(request: &SignInRequest, entries: &Entries<'_>, responder: &Responder<'_>) -> FormPage {
    let (texts, pages, settings) = (responder.texts(), responder.language.texts(), &request.view.settings);
    let email = Field::new("email", FieldKind::Email, pages.email).filled(entries.text("email"));
    let mut fields = match settings.identity_field {
        IdentityField::Email => vec![email],
        IdentityField::UserName => {
            let name = Field::new("username", FieldKind::Name, pages.user_name).filled(entries.text("username"));
            vec![name, email]
        }
    };
    fields.push(Field::new("name", FieldKind::Prose, texts.sign_up.name).filled(entries.text("name")).optional());
    fields.push(new_password_field("password", pages.password, &settings.passwords, texts));
    let [before, after] = [pages.before_application, pages.after_application];
    let path = SIGN_UP_PATH.replace("{tenant}", request.view.directory.tenant.as_str());
    FormPage {
        content: PageContent {
            title: texts.sign_up.title,
            lines: vec![format!("{before}{}{after}", request.application.name)],
            links: responder.list_ways_out(request, FLOW),
        },
        action: format!("{path}?{}", request.query),
        fields,
        submit: texts.sign_up.submit,
        leads_to: request.destination.form_source(),
    }
}

fn read_new(view: &DirectoryView, entries: &Entries<'_>) -> Result<NewSignUp, PageFault> {
    let find = |name| Some(entries.text(name)).filter(|text| !text.is_empty()).map(str::to_owned);
    let user_name = find("username").filter(|_| view.settings.identity_field == IdentityField::UserName);
    let is_complete = user_name.is_some() || view.settings.identity_field == IdentityField::Email;
    let (email, password) = (find("email"), entries.password("password"));
    let (Some(email), Some(password), true) = (email, password, is_complete) else {
        return Err(PageFault::Incomplete);
    };
    let profile = UserProfile {
        user_name,
        emails: vec![UserEmail { value: email, primary: true }],
        names: UserNames { display: find("name"), ..UserNames::default() },
        active: None,
        status: None,
    };
    Ok(NewSignUp { profile, password })
}

async fn sign_up(act: Act, new: NewSignUp) -> Result<ActOutcome, ActFailure> {
    let user = act.door.parts.service.sign_up(&act.view, new, &act.service_request()).await?;
    let must_confirm = act.view.settings.self_service.confirmation == AddressConfirmation::Required;
    Ok(match user {
        Some(user) if !must_confirm => ActOutcome::SignedIn(Box::new(user)),
        _ => ActOutcome::Mailed,
    })
}
