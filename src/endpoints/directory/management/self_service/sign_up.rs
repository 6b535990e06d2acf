use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::{read_language, with_language};
use crate::domain::AdministratorRole;
use crate::endpoints::directory::management::body::read_json;
use crate::endpoints::directory::management::call::{ManagementCall, created};
use crate::endpoints::directory::management::description::{changing, error, with_body_errors};
use crate::endpoints::directory::management::users::{UserBody, UserToWrite};
use crate::endpoints::directory::management::{ManagementDoor, Refused};
use crate::endpoints::directory::self_service::service::NewSignUp;
use crate::inbound::{Answer, Method, Operation, perform_change};

/// `POST …/cloud_directory/sign_up`.
pub(in super::super) const SIGN_UP: Operation = Operation {
    method: Method::Post,
    path: "/management/v4/{tenant}/cloud_directory/sign_up",
    route: |route| route.to(sign_up),
    description: || {
        let described = changing("StartSignUp", "Signs a user up, who gets the messages that the settings say.")
            .note("The user is `PENDING` until the address is confirmed, whatever the body says.")
            .optional_query("shouldCreateProfile", "Has no effect: a user is its own profile.")
            .json_body::<UserToWrite>(true, "The user, with a password.")
            .answer(201, Answer::json::<SignedUpUser>("The user."))
            .answer(409, error("Another user has the user name or an e-mail address."));
        with_body_errors(with_language(described))
    },
};

/// A user who has signed up.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SignedUpUser {
    #[serde(flatten)]
    user: UserBody,
    /// The user's id once more: `sub` of the user's tokens.
    profile_id: String,
}

async fn sign_up(http: HttpRequest, payload: web::Payload, door: web::Data<ManagementDoor>) -> HttpResponse {
    sign_up_and_reply(&http, payload, &door).await.unwrap_or_else(Refused::respond)
}

async fn sign_up_and_reply(
    http: &HttpRequest,
    payload: web::Payload,
    door: &web::Data<ManagementDoor>,
) -> Result<HttpResponse, Refused> {
    let call = ManagementCall::begin(http, door, AdministratorRole::Writer).await?;
    let mut body: UserToWrite = read_json(http, payload, door.limits).await?;
    let password = body.take_password().ok_or(Refused::Syntax("The member password is missing.".into()))?;
    let new = NewSignUp { profile: body.into_profile()?, password };
    let language = read_language(http);
    let user = perform_change(async move {
        let service = &call.door.parts.self_service;
        let signed_up = service.sign_up(&call.view, new, &call.as_self_service(language)).await?;
        signed_up.ok_or(Refused::Taken)
    });
    let user = user.await?;
    let profile_id = user.id.clone();
    Ok(created().json(SignedUpUser { user: UserBody::new(user, door.ambient.now()), profile_id }))
}
