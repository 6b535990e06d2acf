use std::rc::Rc;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::app_sign_ins::CompletedSignIn;
use super::login_notice::LoginNotice;
use super::replies::Responder;
use super::request::SignInRequest;
use super::untrusted_request::UntrustedRequest;
use super::{AUTHORIZATION_PATH, AuthorizationDoor, name_form_action};
use crate::accounts::PasswordCheck;
use crate::domain::{AddressConfirmation, Secret, SignInMethod};
use crate::endpoints::directory::password_audit::PasswordAudit;
use crate::inbound::{
    BodyLimits, ClientNetwork, Form, FormGuard, Problem, TrustedProxies, read_body, redirect_browser, run_to_end,
};

/// The largest body of the form, in bytes: name, password and token, each byte of which may be escaped.
const MAX_BODY_BYTES: usize = 16 * 1024;
/// The longest name, in bytes: an e-mail address has at most 254.
const MAX_NAME_BYTES: usize = 320;
/// The longest password that is checked, in bytes.
const MAX_PASSWORD_BYTES: usize = 1024;

/// What the user has typed. An unreadable form has nothing.
#[derive(Default)]
struct EnteredForm {
    form_token: String,
    name: String,
    password: Option<Secret>,
}

/// A form of this browser whose password is to be checked.
struct ReadyForm {
    name: String,
    password: Secret,
}

/// The check of a password. It owns its parts, because it outlives a browser that hangs up.
struct Attempt {
    door: web::Data<AuthorizationDoor>,
    request: Rc<SignInRequest>,
    http: HttpRequest,
    entered: ReadyForm,
    correlation_id: String,
}

/// What becomes of the form.
enum AttemptOutcome {
    /// The user is signed in.
    SignedIn(CompletedSignIn),
    /// The page is shown again.
    Again(LoginNotice),
}

/// `GET …/cloud_directory/login`: the address of the page after a try that was not accepted. The request begins anew.
pub(super) async fn begin_again(
    http: HttpRequest,
    tenant: web::Path<String>,
    door: web::Data<AuthorizationDoor>,
) -> HttpResponse {
    let Some(view) = door.parts.directories.find(&tenant) else {
        return Responder::new(&door, &http).refuse_untrusted(&tenant, UntrustedRequest::UnknownDirectory);
    };
    let path = AUTHORIZATION_PATH.replace("{tenant}", view.directory.tenant.as_str());
    redirect_browser(StatusCode::FOUND, &format!("{path}?{}", http.query_string()))
}

/// `POST …/cloud_directory/login`: checks name and password of the sign-in page. The request of the application is in the query,
/// and is checked as at first.
pub(super) async fn sign_in(
    http: HttpRequest,
    tenant: web::Path<String>,
    payload: web::Payload,
    door: web::Data<AuthorizationDoor>,
) -> HttpResponse {
    let mut responder = Responder::new(&door, &http);
    let limits = BodyLimits { bytes: door.limits.bytes.min(MAX_BODY_BYTES), ..door.limits };
    let entered = match read_body(&http, payload, limits).await {
        Ok(body) => EnteredForm::read(&body),
        Err(problem) => return problem.respond(),
    };
    let request = match door.read_request(&tenant, &mut responder) {
        Ok(request) => request,
        Err(refusal) => return responder.refuse(&tenant, &refusal, StatusCode::SEE_OTHER),
    };
    let Some(guard) = door.form_guard(&request) else { return responder.unavailable() };
    let name = entered.name.clone();
    let ready = match check_form(&request, entered, &guard, &http) {
        Ok(ready) => ready,
        Err(notice) => return responder.show_login(&request, &name, Some(&notice), &guard),
    };
    let (request, correlation_id) = (Rc::new(request), responder.correlation_id.clone());
    let attempt = Attempt {
        door: door.clone(),
        request: Rc::clone(&request),
        http: http.clone(),
        entered: ready,
        correlation_id,
    };
    // A refused password counts, and a session has its code and its lines, also if the browser hangs up meanwhile.
    match run_to_end(async move { attempt.sign_in().await }).await {
        Some(Ok(AttemptOutcome::SignedIn(completed))) => {
            door.parts.app_sign_ins.lead_back(&request, &completed, StatusCode::SEE_OTHER, responder.setting())
        }
        Some(Ok(AttemptOutcome::Again(notice))) => responder.show_login(&request, &name, Some(&notice), &guard),
        Some(Err(_)) | None => responder.unavailable(),
    }
}

impl EnteredForm {
    fn read(body: &[u8]) -> Self {
        let Ok(form) = Form::parse(body) else { return Self::default() };
        let find = |name| form.find(name).filter(|_| !form.is_repeated(name)).unwrap_or_default();
        Self {
            form_token: find("form_token").to_owned(),
            // Keyboards of telephones add a space to what they complete.
            name: find("username").trim().to_owned(),
            password: Some(find("password")).filter(|password| !password.is_empty()).map(Secret::from),
        }
    }
}

/// Checks all of the form but the password itself.
fn check_form(
    request: &SignInRequest,
    entered: EnteredForm,
    guard: &FormGuard,
    http: &HttpRequest,
) -> Result<ReadyForm, LoginNotice> {
    if !guard.check(http, &name_form_action(request), &entered.form_token) {
        return Err(LoginNotice::TryAgain);
    }
    let EnteredForm { name, password, .. } = entered;
    let password = password.filter(|_| !name.is_empty()).ok_or(LoginNotice::Incomplete)?;
    if name.len() > MAX_NAME_BYTES || password.expose().len() > MAX_PASSWORD_BYTES {
        // No user has such a name, and no password is as long.
        return Err(refuse(request));
    }
    Ok(ReadyForm { name, password })
}

/// What is said of a refused sign-in, and of one of a user who has to confirm the address first. It is one sentence for both: a
/// stranger who has signed up with an address would learn by another one that it was free.
fn refuse(request: &SignInRequest) -> LoginNotice {
    match request.view.settings.self_service.confirmation {
        AddressConfirmation::Required => LoginNotice::RefusedOrUnconfirmed,
        AddressConfirmation::Off | AddressConfirmation::Asked => LoginNotice::Refused,
    }
}

impl Attempt {
    async fn sign_in(&self) -> Result<AttemptOutcome, Problem> {
        let notice = match self.check_password().await? {
            PasswordCheck::Accepted(user) => {
                let (sign_ins, method) = (&self.door.parts.app_sign_ins, SignInMethod::Password);
                let completed = sign_ins.complete(&self.http, &self.request, &user, &method).await?;
                return Ok(AttemptOutcome::SignedIn(completed));
            }
            PasswordCheck::Refused(_) | PasswordCheck::Unconfirmed { .. } => refuse(&self.request),
            PasswordCheck::Expired { user_id } => {
                let is_changeable = self.request.view.settings.self_service.enabled;
                LoginNotice::Expired { user_id, is_changeable }
            }
            PasswordCheck::TooMany { retry_after, .. } => LoginNotice::TooMany { retry_after },
            PasswordCheck::Busy => LoginNotice::Busy,
        };
        Ok(AttemptOutcome::Again(notice))
    }

    /// Checks the password, and tells the log, the audit stream and the metrics what has come of it.
    async fn check_password(&self) -> Result<PasswordCheck, Problem> {
        let (parts, view) = (&self.door.parts, &self.request.view);
        let client = TrustedProxies::client_address(&self.http);
        // A client with an IPv6 address may use another address of its network for each try.
        let network = client.map(|client| ClientNetwork::from_address(client).first_address().to_string());
        let ReadyForm { name, password } = &self.entered;
        let checked =
            parts.users.check_password(&view.directory.tenant, &view.settings, name, password, network.as_deref());
        let checked = checked.await.map_err(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "a password cannot be checked");
            Problem::ServiceUnavailable
        })?;
        let audit = PasswordAudit {
            counts: &parts.counts,
            lines: &self.door.lines,
            view,
            application: Some(&self.request.application.client_id),
            correlation_id: &self.correlation_id,
            client,
            detail: None,
        };
        audit.write(&checked);
        Ok(checked)
    }
}
