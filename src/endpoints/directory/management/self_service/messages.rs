use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{read_language, with_language};
use crate::domain::{AdministratorRole, DirectoryUser, UserStatus};
use crate::endpoints::directory::MailTemplate;
use crate::endpoints::directory::management::body::read_json;
use crate::endpoints::directory::management::call::{ManagementCall, TEMPLATE};
use crate::endpoints::directory::management::description::{changing, error, with_body_errors};
use crate::endpoints::directory::management::{ManagementDoor, Refused};
use crate::inbound::{Answer, Method, Operation, perform_change, read_segment};
use crate::observability::AuditEvent;

/// `POST …/cloud_directory/resend/{template}`.
pub(in super::super) const RESEND: Operation = Operation {
    method: Method::Post,
    path: "/management/v4/{tenant}/cloud_directory/resend/{template}",
    route: |route| route.to(resend),
    description: || {
        let described = changing("ResendNotification", "Sends a user one of the messages of self-service.")
            .note("A message over the limits is not sent, and the call succeeds all the same.")
            .path_parameter("template", "`USER_VERIFICATION`, `WELCOME`, `PASSWORD_CHANGED` or `RESET_PASSWORD`.")
            .json_body::<Recipient>(true, "The user.")
            .answer(202, Answer::json::<Queued>("The message waits to be sent."))
            .answer(404, error("The directory has no such user, or there is no such message."))
            .answer(409, error("The message would tell the user nothing, or cannot be sent."));
        with_body_errors(with_language(described))
    },
};

#[derive(Deserialize, ToSchema)]
struct Recipient {
    /// The user's id.
    uuid: String,
}

#[derive(Serialize, ToSchema)]
struct Queued {
    /// A sentence for people.
    message: &'static str,
}

async fn resend(http: HttpRequest, payload: web::Payload, door: web::Data<ManagementDoor>) -> HttpResponse {
    resend_and_reply(&http, payload, &door).await.unwrap_or_else(Refused::respond)
}

async fn resend_and_reply(
    http: &HttpRequest,
    payload: web::Payload,
    door: &web::Data<ManagementDoor>,
) -> Result<HttpResponse, Refused> {
    let call = ManagementCall::begin(http, door, AdministratorRole::Writer).await?;
    let template = read_template(http)?;
    let Recipient { uuid } = read_json(http, payload, door.limits).await?;
    let found = door.parts.users.find(call.tenant(), &uuid).await;
    let found = found.map_err(|error| Refused::failed("a user of a directory cannot be read", &error))?;
    let user = found.ok_or(Refused::NoUser)?;
    call.require_address(&user)?;
    call.require_purpose(template, &user)?;
    let language = read_language(http);
    perform_change(async move {
        let service = &call.door.parts.self_service;
        service.resend(&call.view, template, &user.id, &call.as_self_service(language)).await?;
        call.audit_user_detail(AuditEvent::DirectoryMessageSent, &user.id, template.name());
        Ok::<_, Refused>(())
    })
    .await?;
    let queued = Queued { message: "The message is queued to be delivered." };
    Ok(HttpResponse::Accepted().insert_header((header::CACHE_CONTROL, "no-store")).json(queued))
}

/// The template in the path of `http`.
fn read_template(http: &HttpRequest) -> Result<MailTemplate, Refused> {
    let name = read_segment(http, TEMPLATE).unwrap_or_default();
    MailTemplate::parse(&name)
        .ok_or(Refused::NotFound("The messages are USER_VERIFICATION, WELCOME, PASSWORD_CHANGED and RESET_PASSWORD."))
}

impl ManagementCall {
    /// Refuses a message that would tell `user` nothing.
    fn require_purpose(&self, template: MailTemplate, user: &DirectoryUser) -> Result<(), Refused> {
        match template {
            MailTemplate::UserVerification if user.status == UserStatus::Confirmed => {
                Err(Refused::Conflict("The user's address is confirmed already.".into()))
            }
            MailTemplate::ResetPassword => self.require_reset_password(),
            _ => Ok(()),
        }
    }
}
