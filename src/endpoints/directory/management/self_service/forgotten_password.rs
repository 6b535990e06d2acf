use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{read_language, with_language};
use crate::domain::AdministratorRole;
use crate::endpoints::directory::management::body::read_json;
use crate::endpoints::directory::management::call::{ManagementCall, ok};
use crate::endpoints::directory::management::description::{changing, error, with_body_errors};
use crate::endpoints::directory::management::users::UserBody;
use crate::endpoints::directory::management::{ManagementDoor, Refused};
use crate::inbound::{Answer, Method, Operation, perform_change};

/// `POST …/cloud_directory/forgot_password`.
pub(in super::super) const FORGOT_PASSWORD: Operation = Operation {
    method: Method::Post,
    path: "/management/v4/{tenant}/cloud_directory/forgot_password",
    route: |route| route.to(forget),
    description: || {
        let described = changing("StartForgotPassword", "Sends a user a link for another password.")
            .note("A message over the limits is not sent, and the call succeeds all the same.")
            .json_body::<ForgetfulUser>(true, "What the user signs in by.")
            .answer(200, Answer::json::<UserBody>("The user. The present password stays until the link is used."))
            .answer(404, error("The directory has no such user."))
            .answer(409, error("The user cannot be sent a link, or users do not reset their password."));
        with_body_errors(with_language(described))
    },
};

/// One of the two members.
#[derive(Deserialize, ToSchema)]
struct ForgetfulUser {
    /// What the user signs in by.
    user: Option<String>,
    /// The same, as `SelfServiceManager` of App ID's SDK 7.0 writes it.
    email: Option<String>,
}

async fn forget(http: HttpRequest, payload: web::Payload, door: web::Data<ManagementDoor>) -> HttpResponse {
    forget_and_reply(&http, payload, &door).await.unwrap_or_else(Refused::respond)
}

async fn forget_and_reply(
    http: &HttpRequest,
    payload: web::Payload,
    door: &web::Data<ManagementDoor>,
) -> Result<HttpResponse, Refused> {
    let call = ManagementCall::begin(http, door, AdministratorRole::Writer).await?;
    let (ForgetfulUser { user: Some(login), email: None } | ForgetfulUser { user: None, email: Some(login) }) =
        read_json(http, payload, door.limits).await?
    else {
        return Err(Refused::Syntax("The body must have the member user, and nothing beside it.".into()));
    };
    call.require_reset_password()?;
    let found = door.parts.users.find_by_login(call.tenant(), call.settings(), &login).await;
    let found = found.map_err(|error| Refused::failed("a user of a directory cannot be read", &error))?;
    let user = found.ok_or(Refused::NotFound("The directory has no user who signs in by this."))?;
    call.require_address(&user)?;
    let language = read_language(http);
    perform_change(async move {
        let service = &call.door.parts.self_service;
        Ok::<_, Refused>(service.forgot_password(&call.view, &login, &call.as_self_service(language)).await?)
    })
    .await?;
    Ok(ok().json(UserBody::new(user, door.ambient.now())))
}
