use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::accounts::LinkPurpose;
use crate::domain::AdministratorRole;
use crate::endpoints::directory::management::body::read_json;
use crate::endpoints::directory::management::call::{ManagementCall, ok};
use crate::endpoints::directory::management::description::{changing, error, with_body_errors};
use crate::endpoints::directory::management::{ManagementDoor, Refused};
use crate::inbound::{Answer, Description, Method, Operation};

/// `POST …/cloud_directory/sign_up/confirmation_result`.
pub(in super::super) const SIGN_UP_RESULT: Operation = Operation {
    method: Method::Post,
    path: "/management/v4/{tenant}/cloud_directory/sign_up/confirmation_result",
    route: |route| route.to(read_sign_up),
    description: || describe("CloudDirectoryGetUserInfo", "Says who has confirmed an address by a link."),
};

/// `POST …/cloud_directory/forgot_password/confirmation_result`.
pub(in super::super) const FORGOT_PASSWORD_RESULT: Operation = Operation {
    method: Method::Post,
    path: "/management/v4/{tenant}/cloud_directory/forgot_password/confirmation_result",
    route: |route| route.to(read_forgotten_password),
    description: || describe("ForgotPasswordResult", "Says who has used the link for another password."),
};

fn describe(id: &str, summary: &str) -> Description {
    let described = changing(id, summary)
        .note("The link has led to the application's page with a context. It is good once, within an hour.")
        .json_body::<ContextToRead>(true, "The context.")
        .answer(200, Answer::json::<ConfirmationResult>("The user."))
        .answer(404, error("The context is unknown, used, too old, or that of another link."));
    with_body_errors(described)
}

#[derive(Deserialize, ToSchema)]
struct ContextToRead {
    /// `context` of the address to which the link has led.
    context: String,
}

#[derive(Serialize, ToSchema)]
struct ConfirmationResult {
    /// Always `true`.
    success: bool,
    /// The user's id.
    uuid: String,
}

async fn read_sign_up(http: HttpRequest, payload: web::Payload, door: web::Data<ManagementDoor>) -> HttpResponse {
    reply(&http, payload, &door, LinkPurpose::ConfirmAddress).await.unwrap_or_else(Refused::respond)
}

async fn read_forgotten_password(
    http: HttpRequest,
    payload: web::Payload,
    door: web::Data<ManagementDoor>,
) -> HttpResponse {
    reply(&http, payload, &door, LinkPurpose::ResetPassword).await.unwrap_or_else(Refused::respond)
}

async fn reply(
    http: &HttpRequest,
    payload: web::Payload,
    door: &web::Data<ManagementDoor>,
    purpose: LinkPurpose,
) -> Result<HttpResponse, Refused> {
    let call = ManagementCall::begin(http, door, AdministratorRole::Writer).await?;
    let ContextToRead { context } = read_json(http, payload, door.limits).await?;
    // A caller who hangs up has used the context up: it may have been read.
    let taken = door.parts.self_service.take_context(&call.view, purpose, &context).await?;
    let shown = taken.ok_or(Refused::NotFound("The context is unknown, or was used, or is too old."))?;
    Ok(ok().json(ConfirmationResult { success: true, uuid: shown.user_id }))
}
