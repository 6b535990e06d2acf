use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::{ActionUrls, AdministratorRole, check_browser_address};
use crate::endpoints::directory::management::body::read_json;
use crate::endpoints::directory::management::call::{ACTION, ManagementCall, SettingsNote, done, ok};
use crate::endpoints::directory::management::description::{changing_settings, error, reading, with_body_errors};
use crate::endpoints::directory::management::{ManagementDoor, Refused};
use crate::inbound::{Answer, Description, Method, Operation, read_segment};
use crate::observability::AuditEvent;

const PATH: &str = "/management/v4/{tenant}/config/cloud_directory/action_url/{action}";

/// `GET …/config/cloud_directory/action_url/{action}`.
pub(in super::super) const GET: Operation = Operation {
    method: Method::Get,
    path: PATH,
    route: |route| route.to(read),
    description: || {
        let answer = Answer::json::<ActionUrl>("The page, if there is one.");
        of_one(reading("GetCloudDirectoryActionUrl", "The application's page for a link of a message."))
            .answer(200, answer)
    },
};

/// `PUT …/config/cloud_directory/action_url/{action}`.
pub(in super::super) const PUT: Operation = Operation {
    method: Method::Put,
    path: PATH,
    route: |route| route.to(replace),
    description: || {
        let described = of_one(changing_settings("SetCloudDirectoryAction", "Sets the application's page for a link of a message."))
            .note("The browser comes with `context` in the query. An administrator learns by `…/confirmation_result`, once, which user has used the link.")
            .json_body::<NewActionUrl>(true, "The page.")
            .answer(200, Answer::json::<ActionUrl>("The page as it is now."));
        with_body_errors(described)
    },
};

/// `DELETE …/config/cloud_directory/action_url/{action}`.
pub(in super::super) const DELETE: Operation = Operation {
    method: Method::Delete,
    path: PATH,
    route: |route| route.to(remove),
    description: || {
        let gone = Answer::empty("The link leads to a page of the directory.");
        let described = changing_settings("DeleteActionUrl", "Removes the application's page for a link of a message.");
        of_one(described).answer(204, gone)
    },
};

fn of_one(description: Description) -> Description {
    description
        .path_parameter("action", "`on_user_verified` or `on_reset_password`.")
        .answer(404, error("There is no such action."))
}

/// A link of a message that can lead to a page of the application.
#[derive(Clone, Copy)]
enum LinkAction {
    UserVerified,
    ResetPassword,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ActionUrl {
    /// The address; absent if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    action_url: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct NewActionUrl {
    /// An http or https address without a fragment.
    action_url: String,
}

impl LinkAction {
    /// The action in the path of `http`.
    fn read(http: &HttpRequest) -> Result<Self, Refused> {
        match read_segment(http, ACTION).as_deref() {
            Some("on_user_verified") => Ok(Self::UserVerified),
            Some("on_reset_password") => Ok(Self::ResetPassword),
            _ => Err(Refused::NotFound("The actions are on_user_verified and on_reset_password.")),
        }
    }

    const fn address_in(self, urls: &mut ActionUrls) -> &mut Option<String> {
        match self {
            Self::UserVerified => &mut urls.user_verified,
            Self::ResetPassword => &mut urls.reset_password,
        }
    }
}

async fn read(http: HttpRequest, door: web::Data<ManagementDoor>) -> HttpResponse {
    read_and_reply(&http, &door).await.unwrap_or_else(Refused::respond)
}

async fn replace(http: HttpRequest, payload: web::Payload, door: web::Data<ManagementDoor>) -> HttpResponse {
    replace_and_reply(&http, payload, &door).await.unwrap_or_else(Refused::respond)
}

async fn remove(http: HttpRequest, door: web::Data<ManagementDoor>) -> HttpResponse {
    remove_and_reply(&http, &door).await.unwrap_or_else(Refused::respond)
}

async fn read_and_reply(http: &HttpRequest, door: &web::Data<ManagementDoor>) -> Result<HttpResponse, Refused> {
    let call = ManagementCall::begin(http, door, AdministratorRole::Reader).await?;
    let action = LinkAction::read(http)?;
    let mut urls = call.settings().self_service.actions.clone();
    Ok(ok().json(ActionUrl { action_url: action.address_in(&mut urls).take() }))
}

async fn replace_and_reply(
    http: &HttpRequest,
    payload: web::Payload,
    door: &web::Data<ManagementDoor>,
) -> Result<HttpResponse, Refused> {
    let call = ManagementCall::begin(http, door, AdministratorRole::Writer).await?;
    let action = LinkAction::read(http)?;
    let NewActionUrl { action_url } = read_json(http, payload, door.limits).await?;
    check_browser_address(&action_url).map_err(|fault| Refused::Value(format!("actionUrl: {fault}.").into()))?;
    set(call, action, Some(action_url.clone())).await?;
    Ok(ok().json(ActionUrl { action_url: Some(action_url) }))
}

async fn remove_and_reply(http: &HttpRequest, door: &web::Data<ManagementDoor>) -> Result<HttpResponse, Refused> {
    let call = ManagementCall::begin(http, door, AdministratorRole::Writer).await?;
    set(call, LinkAction::read(http)?, None).await?;
    Ok(done())
}

async fn set(call: ManagementCall, action: LinkAction, address: Option<String>) -> Result<(), Refused> {
    let note = SettingsNote::of(AuditEvent::DirectorySettingsUpdated, "action_url");
    let changed = call.change_settings(note, move |settings| {
        *action.address_in(&mut settings.self_service.actions) = address;
        Ok(())
    });
    changed.await
}
