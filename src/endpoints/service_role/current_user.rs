use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};

use super::ServiceRole;
use super::access::refuse;
use super::answers::{AppUserAnswer, ok};
use super::called_app::{AppPath, CalledApp};
use super::refusal::Refused;
use crate::exchange::TokenPlace;
use crate::inbound::{CallerRefusal, Problem, read_bearer};

/// The headers that a page of the app may send: those of Base44's SDK, and others but `Authorization` by the asterisk.
const PAGE_HEADERS: &str = "authorization, accept, content-type, x-app-id, x-origin-url, base44-state, x-data-env, *";
/// How long a browser may remember the answer to its question, in seconds.
const PREFLIGHT_SECONDS: &str = "600";

/// `GET /api/apps/{app}/entities/User/me`: the user of the app's user token that the page presents.
pub(super) async fn answer(http: HttpRequest, door: web::Data<ServiceRole>) -> HttpResponse {
    let answer = find_and_reply(&http, &door).await.unwrap_or_else(Refused::respond);
    share_with_page(&http, &door, answer)
}

/// `OPTIONS /api/apps/{app}/entities/User/me`: the question of a browser before a page's request.
pub(super) async fn answer_preflight(http: HttpRequest, door: web::Data<ServiceRole>) -> HttpResponse {
    let mut answer = share_with_page(&http, &door, HttpResponse::NoContent().finish());
    if answer.headers().contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN) {
        for (name, value) in [
            (header::ACCESS_CONTROL_ALLOW_METHODS, "GET"),
            (header::ACCESS_CONTROL_ALLOW_HEADERS, PAGE_HEADERS),
            (header::ACCESS_CONTROL_MAX_AGE, PREFLIGHT_SECONDS),
        ] {
            answer.headers_mut().insert(name, HeaderValue::from_static(value));
        }
    }
    answer
}

async fn find_and_reply(http: &HttpRequest, door: &ServiceRole) -> Result<HttpResponse, Refused> {
    let path = AppPath::read(http)?;
    let called = CalledApp::find(door, &path.app);
    let (Some(called), Ok(token)) = (called, read_bearer(http.headers())) else {
        // An app that does not exist has no tokens.
        let _ = CallerRefusal::new(Problem::InvalidToken, "app_user_token").logged(http);
        return Err(Refused::InvalidUserToken);
    };
    let Some(owner) = door.find_token_owner(called, token).await? else {
        return Err(refuse(http, called, "app_user_token", Refused::InvalidUserToken));
    };
    door.authenticator.check_app_header(http, &path.app)?;
    let slot = called.slot_of(&owner.user);
    let names = door.tokens.find_names(TokenPlace { slot: &slot, connection: called.connection }).await;
    let names = names.map_err(|error| Refused::failed("the names of a user cannot be read", &error))?;
    Ok(ok().json(AppUserAnswer { id: &owner.user_id, email: names.email, full_name: names.full_name }))
}

/// Lets a page of the app's own origins read `answer` (CORS of the Fetch standard). Credentials of the browser are never sent.
fn share_with_page(http: &HttpRequest, door: &ServiceRole, mut answer: HttpResponse) -> HttpResponse {
    answer.headers_mut().insert(header::VARY, HeaderValue::from_static("Origin"));
    let path = AppPath::read(http).ok();
    let called = path.as_ref().and_then(|path| CalledApp::find(door, &path.app));
    let origin = http.headers().get(header::ORIGIN);
    let (Some(called), Some(origin)) = (called, origin) else { return answer };
    if called.app.login_origins.iter().any(|listed| listed.as_bytes() == origin.as_bytes()) {
        answer.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    }
    answer
}
