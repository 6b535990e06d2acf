use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;

use super::command_body::{bad_argument, parse_body};
use crate::dev::tenant::{Directory, LoginState, ended_session, find_session_user};

/// The body of `POST /dev/tenant-session`.
#[derive(Deserialize)]
struct TenantSessionCommand {
    /// The user who is signed in from now on. If it is absent or empty, the browser is signed out.
    user: Option<String>,
}

/// Answers `POST /dev/tenant-session`: signs a user in at the tenant, in the browser that sends the request, as if the
/// user had done so a while ago.
pub(super) async fn change_tenant_session(
    request: HttpRequest,
    body: Bytes,
    directory: Data<Directory>,
    logins: Data<LoginState>,
) -> HttpResponse {
    let Some(command) = parse_body::<TenantSessionCommand>(&request, &body) else {
        return bad_argument("the body is not a valid command");
    };
    let cookie = match command.user.as_deref().filter(|name| !name.is_empty()) {
        None => ended_session(),
        Some(name) => match find_session_user(&directory, name) {
            Some(user) => logins.open_session(user, false),
            None => return bad_argument("there is no such user with a password"),
        },
    };
    HttpResponse::NoContent().cookie(cookie).insert_header(("Cache-Control", "no-store")).finish()
}
