use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use serde_json::{Value, json};

use super::command_body::{NumberOrText, bad_argument, parse_body};
use crate::dev::calls::CallLog;
use crate::dev::tenant::{Consents, Directory, LoginState, SessionSwitches, TokenIssuer};

/// Answers `GET /dev/calls`.
pub(super) async fn show_calls(calls: Data<CallLog>) -> HttpResponse {
    HttpResponse::Ok().json(calls.snapshot())
}

/// Answers `POST /dev/calls/reset`.
pub(super) async fn reset_calls(calls: Data<CallLog>) -> HttpResponse {
    calls.reset();
    HttpResponse::NoContent().finish()
}

/// Answers `POST /dev/keys/rotate`.
pub(super) async fn rotate_keys(tokens: Data<TokenIssuer>) -> HttpResponse {
    match tokens.keys.rotate().await {
        Ok(kid) => HttpResponse::Ok().json(json!({ "kid": kid })),
        Err(_) => HttpResponse::InternalServerError().finish(),
    }
}

/// The body of `POST /dev/consent`.
#[derive(Deserialize)]
struct ConsentCommand {
    user: String,
    /// Client id of the app to which the user consents; all apps if absent.
    client: Option<String>,
}

/// Answers `POST /dev/consent`: records a user's consent.
pub(super) async fn give_consent(
    request: HttpRequest,
    body: Bytes,
    directory: Data<Directory>,
    consents: Data<Consents>,
) -> HttpResponse {
    let Some(command) = parse_body::<ConsentCommand>(&request, &body) else { return bad_argument("user is missing") };
    let Some(user) = directory.find_user(&command.user) else { return bad_argument("there is no such user") };
    match command.client {
        Some(client_id) => consents.give(user, &client_id),
        None => directory.apps.iter().for_each(|app| consents.give(user, app.client_id)),
    }
    HttpResponse::NoContent().finish()
}

/// The body of `POST /dev/sessions`. Every member is optional. `refresh_in` is in seconds; 0 removes it.
#[derive(Deserialize)]
struct SessionCommand {
    refresh_in: Option<NumberOrText>,
    /// Whether a refresh token can be used only once: `true` or `"true"`.
    single_use: Option<Value>,
    /// A user whose refreshes require MFA from now on.
    demand_mfa: Option<String>,
    /// A user whose refreshes no longer require MFA.
    relent: Option<String>,
    /// A user whose refresh tokens are revoked.
    revoke: Option<String>,
}

/// Answers `POST /dev/sessions`: changes what refreshes do.
pub(super) async fn change_sessions(
    request: HttpRequest,
    body: Bytes,
    directory: Data<Directory>,
    sessions: Data<SessionSwitches>,
    logins: Data<LoginState>,
) -> HttpResponse {
    let Some(command) = parse_body::<SessionCommand>(&request, &body) else {
        return bad_argument("the body is not a valid command");
    };
    let named = [&command.demand_mfa, &command.relent, &command.revoke];
    if named.into_iter().flatten().any(|name| directory.find_user(name).is_none()) {
        return bad_argument("there is no such user");
    }
    let find_oid = |name: &Option<String>| Some(directory.find_user(name.as_deref()?)?.oid);
    if let Some(seconds) = NumberOrText::parse::<i64>(command.refresh_in) {
        sessions.set_refresh_in((seconds > 0).then_some(seconds));
    }
    if let Some(single_use) = command.single_use {
        sessions.set_single_use_refresh_tokens(single_use == true || single_use == "true");
    }
    if let Some(oid) = find_oid(&command.demand_mfa) {
        sessions.set_demands_mfa(oid, true);
    }
    if let Some(oid) = find_oid(&command.relent) {
        sessions.set_demands_mfa(oid, false);
    }
    if let Some(oid) = find_oid(&command.revoke) {
        logins.revoke_refresh_tokens(oid);
    }
    HttpResponse::NoContent().finish()
}
