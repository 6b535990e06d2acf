use std::rc::Rc;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::begin::begin_again;
use super::find_user::{ProviderSignIn, SignInOutcome};
use super::link_form::LinkedSession;
use super::notices::{choose_notice, report, say_lost};
use super::purpose::Purpose;
use super::{ProviderAct, ProviderPlace, ProvidersDoor, TENANT};
use crate::endpoints::directory::authorization::{LoginNotice, Responder, UntrustedRequest};
use crate::inbound::{find_parameter, read_segment, run_to_end};
use crate::sign_in::{IdentifiedAtProvider, PageSignInFailure, ProviderParameters, SignInError};

/// `GET …/providers/{provider}/callback`: takes the browser back from the provider.
pub(super) async fn take(http: HttpRequest, door: web::Data<ProvidersDoor>) -> HttpResponse {
    let mut responder = Responder::new(&door.authorization, &http);
    let Some(place) = door.find_place(&http) else {
        let tenant = read_segment(&http, TENANT).unwrap_or_default();
        return responder.refuse_untrusted(&tenant, UntrustedRequest::UnknownDirectory);
    };
    let parameters = ProviderParameters::read(|name| find_parameter(http.query_string(), name));
    let (connection, browser) = (&place.provider.connection, door.read_browser(&http));
    let answer = parameters.as_answer();
    let returned = door.steps.callback(connection, answer, browser.as_ref(), &responder.correlation_id).await;
    match returned {
        Ok(identified) => match Purpose::read(&identified.return_to) {
            Some(Purpose::SignIn { query }) => complete(&door, place, identified, &query, &mut responder).await,
            Some(Purpose::Link { user_id, session_id }) => {
                door.ask_for_link(
                    &place,
                    &identified,
                    LinkedSession { user_id: &user_id, session_id: &session_id },
                    &responder,
                )
                .await
            }
            None => say_lost(&responder),
        },
        Err(failed) => refuse(&door, &place, &failed, &mut responder),
    }
}

/// Completes the sign-in that the application has requested by `query`.
async fn complete(
    door: &web::Data<ProvidersDoor>,
    place: ProviderPlace,
    identified: IdentifiedAtProvider,
    query: &str,
    responder: &mut Responder<'_>,
) -> HttpResponse {
    let tenant = place.view.directory.tenant.to_string();
    let request = match door.authorization.read_request_in(query, &tenant, responder) {
        Ok(request) => Rc::new(request),
        Err(refusal) => return responder.refuse(&tenant, &refusal, StatusCode::FOUND),
    };
    let Some(browser) = door.read_browser(responder.http) else { return say_lost(responder) };
    let attempt = ProviderSignIn {
        door: door.clone(),
        request: Rc::clone(&request),
        http: responder.http.clone(),
        act: ProviderAct::new(place, responder.http, &responder.correlation_id),
        identified,
        browser,
    };
    // A user who is created, and a session, have their lines also if the browser hangs up meanwhile.
    match run_to_end(async move { attempt.complete().await }).await {
        Some(Ok(SignInOutcome::SignedIn(completed))) => door.authorization.parts.app_sign_ins.lead_back(
            &request,
            &completed,
            StatusCode::FOUND,
            responder.setting(),
        ),
        Some(Ok(SignInOutcome::Again)) => begin_again(&tenant, &request),
        Some(Ok(SignInOutcome::Refused(notice))) => door.show_login_again(&request, &notice, responder),
        Some(Err(_)) | None => {
            let notice = LoginNotice::ProviderUnavailable { retry_after: None };
            door.show_login_again(&request, &notice, responder)
        }
    }
}

/// Leads a browser whose sign-in has failed back to where it began.
fn refuse(
    door: &ProvidersDoor,
    place: &ProviderPlace,
    failed: &PageSignInFailure,
    responder: &mut Responder<'_>,
) -> HttpResponse {
    let PageSignInFailure { failure, return_to } = failed;
    report(failure, place, responder);
    let tenant = place.view.directory.tenant.as_str();
    match return_to.as_deref().and_then(Purpose::read) {
        Some(Purpose::SignIn { query }) => match door.authorization.read_request_in(&query, tenant, responder) {
            Ok(request) => door.show_login_again(&request, &choose_notice(failure), responder),
            Err(refusal) => responder.refuse(tenant, &refusal, StatusCode::FOUND),
        },
        Some(Purpose::Link { .. }) => {
            let texts = &responder.language.texts().providers;
            let notice = choose_notice(failure);
            responder.notice(notice.status(), &texts.link_failed)
        }
        // A store that fails may know the step.
        None if failure.error == SignInError::Storage => responder.unavailable(),
        None => say_lost(responder),
    }
}
