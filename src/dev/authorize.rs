use std::collections::BTreeMap;
use std::fmt::Write as _;

use actix_web::http::StatusCode;
use actix_web::web::{Form, Path, Query, ServiceConfig};
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use url::Url;

use super::directory::{App, Story};
use super::grants::sign_in;
use super::login_state::{IssuedCode, LoginRequest};
use super::refusal::Refusal;
use super::scopes::{Resource, ScopeRequest};
use super::state::{SharedState, State};
use super::token_endpoint::TenantSegment;

/// Query of an authorization request.
type Parameters = BTreeMap<String, String>;

/// The login page's form.
#[derive(Deserialize)]
struct LoginForm {
    ticket: String,
    username: String,
    password: String,
    consent: Option<String>,
    cancel: Option<String>,
}

pub(super) fn routes(config: &mut ServiceConfig) {
    config.service(
        web::resource("/{tenant}/oauth2/v2.0/authorize").route(web::get().to(page)).route(web::post().to(signed_in)),
    );
}

/// GET: checks the request and shows the login page.
async fn page(tenant: Path<String>, query: Query<Parameters>, state: SharedState) -> HttpResponse {
    let trusted = match trusted_target(&state, &tenant, &query) {
        Ok(trusted) => trusted,
        // RFC 6749 §4.1.2.1: no redirect to an address that is not the client's.
        Err(refusal) => return problem_page(&refusal),
    };
    match login_request(&state, &tenant, &query, trusted) {
        Ok(login) => {
            let hint = query.get("login_hint").and_then(|hint| state.directory.find_user(hint)).map(|user| user.name);
            let ticket = state.login.begin(login, state.entropy.as_ref(), state.clock.now());
            login_page(&state, &tenant, &ticket, hint, None)
        }
        Err(refusal) => redirect_refusal(trusted.1, query.get("state").map(String::as_str), &refusal),
    }
}

/// POST: the page's form.
async fn signed_in(tenant: Path<String>, form: Form<LoginForm>, state: SharedState) -> HttpResponse {
    let now = state.clock.now();
    let Some(login) = state.login.find_login(&form.ticket, now).filter(|login| login.tenant == *tenant) else {
        return problem_page(&Refusal::bad_request("invalid_request", 90_014, "This login page is no longer open."));
    };
    if form.cancel.is_some() {
        let refusal = Refusal::bad_request("access_denied", 65_004, "User declined to consent to access the app.");
        return redirect_refusal(&login.redirect_uri, login.state.as_deref(), &refusal);
    }
    let user = TenantSegment::parse(&state, &tenant)
        .and_then(|segment| sign_in(&state, segment, &form.username, &form.password));
    let user = match user {
        Ok(user) if user.story == Story::Disabled => {
            let refusal = Refusal::grant(50_057, "The user account is disabled.");
            return login_page(&state, &tenant, &form.ticket, Some(user.name), Some(&refusal));
        }
        Ok(user) => user,
        Err(refusal) => return login_page(&state, &tenant, &form.ticket, None, Some(&refusal)),
    };
    let Some(client) = state.directory.find_app(&login.client_id) else {
        return problem_page(&Refusal::server_error());
    };
    if form.consent.is_some() {
        state.consent(user, client.client_id);
        // Combined consent (`knownClientApplications`): the API's own downstream permissions are agreed to as well.
        if let Ok(ScopeRequest { resource: Resource::App(api), .. }) =
            ScopeRequest::parse(&state.directory, &login.scope)
        {
            state.consent(user, api.client_id);
        }
    }
    if !state.has_consent(user, client) {
        let refusal = Refusal::grant(65_001, "Tick the box to consent, or cancel.");
        return login_page(&state, &tenant, &form.ticket, Some(user.name), Some(&refusal));
    }
    let (redirect_uri, client_state) = (login.redirect_uri.clone(), login.state.clone());
    let issued = IssuedCode { request: login, oid: user.oid.to_owned() };
    let code = state.login.issue_code(&form.ticket, issued, state.entropy.as_ref(), now);
    redirect(&redirect_uri, client_state.as_deref(), &[("code", &code)])
}

/// The client and its registered redirect URI.
fn trusted_target<'a>(state: &'a State, tenant: &str, query: &'a Parameters) -> Result<(&'a App, &'a str), Refusal> {
    TenantSegment::parse(state, tenant)?;
    let client_id = query.get("client_id").ok_or_else(|| Refusal::missing("client_id"))?;
    let client = state.directory.find_app(client_id).ok_or_else(|| {
        Refusal::bad_request("unauthorized_client", 700_016, "The application was not found in the directory.")
    })?;
    let redirect_uri = query.get("redirect_uri").ok_or_else(|| Refusal::missing("redirect_uri"))?;
    if state.redirect_allowed(client.client_id, redirect_uri) {
        Ok((client, redirect_uri))
    } else {
        Err(Refusal::bad_request(
            "invalid_request",
            50_011,
            "The redirect URI specified in the request does not match the redirect URIs configured for the application.",
        ))
    }
}

fn login_request(
    state: &State,
    tenant: &str,
    query: &Parameters,
    (client, redirect_uri): (&App, &str),
) -> Result<LoginRequest, Refusal> {
    let find = |name: &str| query.get(name).filter(|value| !value.is_empty()).cloned();
    if query.get("response_type").map(String::as_str) != Some("code") {
        let text = "The response_type is not supported: only 'code' is.";
        return Err(Refusal::bad_request("unsupported_response_type", 700_054, text));
    }
    if find("response_mode").is_some_and(|mode| mode != "query") {
        return Err(Refusal::bad_request("invalid_request", 90_014, "Only response_mode 'query' is supported."));
    }
    if query.get("prompt").map(String::as_str) == Some("none") {
        let text = "Session information is not sufficient for single-sign-on.";
        return Err(Refusal::bad_request("login_required", 50_058, text));
    }
    let code_challenge = find("code_challenge");
    let method = find("code_challenge_method");
    if code_challenge.is_some() && method.as_deref() != Some("S256") {
        return Err(Refusal::bad_request("invalid_request", 501_491, "The code_challenge_method must be 'S256'."));
    }
    if code_challenge.is_none() && client.secret.is_none() {
        let text = "Proof Key for Code Exchange is required for cross-origin and public-client code redemption.";
        return Err(Refusal::bad_request("invalid_request", 9_002_325, text));
    }
    let scope = find("scope").ok_or_else(|| Refusal::missing("scope"))?;
    ScopeRequest::parse(&state.directory, &scope)?;
    Ok(LoginRequest {
        tenant: tenant.to_owned(),
        client_id: client.client_id.to_owned(),
        redirect_uri: redirect_uri.to_owned(),
        scope,
        state: find("state"),
        nonce: find("nonce"),
        code_challenge,
    })
}

/// Shows nothing that came with a request: the request stays here, the form carries only its ticket.
fn login_page(
    state: &State,
    tenant: &str,
    ticket: &str,
    selected: Option<&str>,
    problem: Option<&Refusal>,
) -> HttpResponse {
    let mut options = String::new();
    let segment = TenantSegment::parse(state, tenant).unwrap_or(TenantSegment::Common);
    for user in state.directory.users.iter().filter(|user| segment.admits(user.tid)) {
        let mark = if selected == Some(user.name) { " selected" } else { "" };
        // Writing into a String cannot fail.
        let _ = write!(options, "<option value=\"{0}\"{mark}>{1} ({0})</option>", user.name, user.display_name);
    }
    let note = problem.map_or(String::new(), |problem| format!("<p role=\"alert\">AADSTS{}</p>", problem.code));
    let page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Sign in to the local stage</title></head><body>\
         <h1>Sign in to the local stage</h1><p>Every password is the user's name followed by <code>-password</code>.</p>{note}\
         <form method=\"post\"><input type=\"hidden\" name=\"ticket\" value=\"{ticket}\">\
         <p><label>User <select name=\"username\">{options}</select></label></p>\
         <p><label>Password <input type=\"password\" name=\"password\"></label></p>\
         <p><label><input type=\"checkbox\" name=\"consent\" value=\"yes\"> I consent to what the app asks for</label></p>\
         <p><button>Sign in</button> <button name=\"cancel\" value=\"yes\">Cancel</button></p></form></body></html>"
    );
    let status = if problem.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    html(status, page)
}

fn problem_page(refusal: &Refusal) -> HttpResponse {
    let page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Sign-in error</title></head><body>\
         <h1>Sorry, but we're having trouble signing you in</h1><p>AADSTS{} ({})</p></body></html>",
        refusal.code, refusal.error
    );
    html(StatusCode::BAD_REQUEST, page)
}

fn html(status: StatusCode, page: String) -> HttpResponse {
    HttpResponse::build(status)
        .content_type("text/html; charset=utf-8")
        .insert_header(("Cache-Control", "no-store"))
        .insert_header(("X-Frame-Options", "DENY"))
        .body(page)
}

fn redirect_refusal(redirect_uri: &str, state: Option<&str>, refusal: &Refusal) -> HttpResponse {
    redirect(redirect_uri, state, &[("error", refusal.error), ("error_description", &refusal.message())])
}

fn redirect(redirect_uri: &str, state: Option<&str>, parameters: &[(&str, &str)]) -> HttpResponse {
    let Ok(mut target) = Url::parse(redirect_uri) else {
        return problem_page(&Refusal::server_error());
    };
    target.query_pairs_mut().extend_pairs(parameters);
    if let Some(state) = state {
        target.query_pairs_mut().append_pair("state", state);
    }
    HttpResponse::Found()
        .insert_header(("Location", target.as_str()))
        .insert_header(("Cache-Control", "no-store"))
        .finish()
}
