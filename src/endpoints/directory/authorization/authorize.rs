//! `AuthorizationDoor`: the answer to an authorization request. `mod.rs` has the type.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::destination::AppAnswer;
use super::parameters::RequestParameters;
use super::provider_links::login_address;
use super::replies::Responder;
use super::request::{Prompt, RefusedRequest, RequestPurpose, SignInRequest};
use super::request_fault::RequestFault;
use super::untrusted_request::UntrustedRequest;
use super::{AUTHORIZATION_PATH, AuthorizationDoor, SIGN_UP_PATH, SignedInUser};
use crate::domain::{DirectoryUser, IdentityField, Timestamp};
use crate::endpoints::directory::BrowserSession;
use crate::inbound::RateExceeded;
use crate::inbound::{Problem, read_body, redirect_browser};

/// The longest `login_hint` that is put into the field, in bytes.
const MAX_HINT_BYTES: usize = 320;

/// `GET …/authorization`: sends a browser with a session back with a code, and shows the sign-in page to others.
pub(super) async fn answer(
    http: HttpRequest,
    tenant: web::Path<String>,
    door: web::Data<AuthorizationDoor>,
) -> HttpResponse {
    let mut responder = Responder::new(&door, &http);
    match door.read_request(&tenant, &mut responder) {
        Ok(request) => door.answer(request, &responder).await,
        Err(refusal) => responder.refuse(&tenant, &refusal, StatusCode::FOUND),
    }
}

/// `POST …/authorization` with the same parameters as a form (OpenID Connect Core §3.1.2.1). The browser is sent to the `GET`,
/// since it keeps the session's cookie back in a form of another site.
pub(super) async fn take_form(
    http: HttpRequest,
    tenant: web::Path<String>,
    payload: web::Payload,
    door: web::Data<AuthorizationDoor>,
) -> HttpResponse {
    let responder = Responder::new(&door, &http);
    let body = match read_body(&http, payload, door.limits).await {
        Ok(body) => body,
        Err(problem) => return problem.respond(),
    };
    if door.parts.directories.find(&tenant).is_none() {
        return responder.refuse_untrusted(&tenant, UntrustedRequest::UnknownDirectory);
    }
    match RequestParameters::read(&body) {
        Ok(parameters) if !parameters.has_repetition() => {
            let path = AUTHORIZATION_PATH.replace("{tenant}", &tenant);
            redirect_browser(StatusCode::SEE_OTHER, &format!("{path}?{}", parameters.to_query()))
        }
        _ => responder.refuse_untrusted(&tenant, UntrustedRequest::Unreadable),
    }
}

impl AuthorizationDoor {
    /// Answers a request that is in order.
    async fn answer(&self, request: SignInRequest, responder: &Responder<'_>) -> HttpResponse {
        if request.purpose == RequestPurpose::SignUp && request.prompt != Prompt::Never {
            let path = SIGN_UP_PATH.replace("{tenant}", request.view.directory.tenant.as_str());
            return redirect_browser(StatusCode::FOUND, &format!("{path}?{}", request.query));
        }
        let Ok(found) = self.parts.browsers.find(responder.http, &request.view).await else {
            return give_up(request, responder);
        };
        let Some(usable) = found.as_ref().filter(|found| self.may_use(found, &request)) else {
            return self.ask(request, found.as_ref(), responder);
        };
        let user = request.view.directory.user_key(&usable.user.id);
        if let Err(limited) = self.rates.charge(&user, &responder.correlation_id).await {
            return refuse_rate(request, limited, responder);
        }
        match self.use_session(&request, usable).await {
            Ok(answer) => request.destination.respond(&answer, StatusCode::FOUND, responder.setting()),
            Err(_) => give_up(request, responder),
        }
    }

    async fn use_session(&self, request: &SignInRequest, found: &BrowserSession) -> Result<AppAnswer, Problem> {
        let BrowserSession { session, user } = found;
        self.parts.browsers.note_use(&request.view, session).await?;
        let signed_in =
            SignedInUser { user, session_id: Some(&session.id), method: &session.method, auth_time: session.auth_time };
        self.parts.app_sign_ins.issue_code(request, &signed_in).await
    }

    /// Whether the session answers the request without a page.
    fn may_use(&self, found: &BrowserSession, request: &SignInRequest) -> bool {
        let directory = &request.view.directory;
        if directory.prompts_with_login_providers && !directory.login_providers.is_empty() {
            return false;
        }
        let is_asked_for = request.id_token_hint.as_deref().is_none_or(|hint| {
            // A hint that is not ours names another user for all we know.
            let hint = self.parts.tokens.check_id_token_hint(directory, hint);
            hint.is_ok_and(|hint| hint.user_id == found.user.id)
        });
        is_asked_for
            && request.prompt != Prompt::Always
            && is_recent(found.session.auth_time, request.max_age, self.ambient.now())
    }

    /// Shows the sign-in page, or says that it may not be shown.
    fn ask(&self, request: SignInRequest, known: Option<&BrowserSession>, responder: &Responder<'_>) -> HttpResponse {
        if request.prompt == Prompt::Never {
            let refused = RefusedRequest { destination: request.destination, fault: RequestFault::LoginRequired };
            return responder.tell_fault(&refused, StatusCode::FOUND);
        }
        if let Some(provider) = &request.provider {
            return redirect_browser(StatusCode::FOUND, &login_address(&request, provider));
        }
        let Some(guard) = self.form_guard(&request) else { return responder.unavailable() };
        let hint = request.login_hint.as_deref().filter(|hint| hint.len() <= MAX_HINT_BYTES);
        let known = known.and_then(|known| name_of(&known.user, request.view.settings.identity_field));
        responder.show_login(&request, hint.or(known).unwrap_or_default(), None, &guard)
    }
}

/// Answers a request that cannot be answered now.
fn give_up(request: SignInRequest, responder: &Responder<'_>) -> HttpResponse {
    if request.prompt == Prompt::Never {
        let refused = RefusedRequest { destination: request.destination, fault: RequestFault::Unavailable };
        return responder.tell_fault(&refused, StatusCode::FOUND);
    }
    responder.unavailable()
}

/// Answers a user who is signed in silently too often.
fn refuse_rate(request: SignInRequest, limited: RateExceeded, responder: &Responder<'_>) -> HttpResponse {
    if request.prompt == Prompt::Never {
        let refused = RefusedRequest { destination: request.destination, fault: RequestFault::TooMany };
        return responder.tell_fault(&refused, StatusCode::FOUND);
    }
    responder.too_many(limited)
}

/// By what `user` signs in.
fn name_of(user: &DirectoryUser, field: IdentityField) -> Option<&str> {
    match field {
        IdentityField::Email => user.email(),
        IdentityField::UserName => user.user_name.as_deref(),
    }
}

/// Whether the user has entered the password within `max_age` seconds (OpenID Connect Core §3.1.2.1); 0 is never.
fn is_recent(auth_time: Timestamp, max_age: Option<u64>, now: Timestamp) -> bool {
    max_age.is_none_or(|max_age| max_age > 0 && auth_time.until(now).as_secs() <= max_age)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_of_max_age_is_as_old_as_the_application_allows() {
        let at = Timestamp::from_unix_seconds;
        for (age, max_age, is_expected) in [
            (1_000_000, None, true),
            (0, Some(0), false),
            (60, Some(60), true),
            (61, Some(60), false),
            (-5, Some(1), true),
        ] {
            assert_eq!(is_recent(at(1000), max_age, at(1000 + age)), is_expected, "{age} {max_age:?}");
        }
    }
}
