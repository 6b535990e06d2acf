//! How users sign in and what they do by themselves.

mod bodies;

use actix_web::{HttpRequest, HttpResponse, web};

use self::bodies::{CloudDirectoryConfiguration, NewCloudDirectoryConfiguration};
use crate::domain::AdministratorRole;
use crate::endpoints::directory::management::body::read_json;
use crate::endpoints::directory::management::call::{ManagementCall, SettingsNote, ok};
use crate::endpoints::directory::management::description::{changing_settings, reading, with_body_errors};
use crate::endpoints::directory::management::{ManagementDoor, Refused};
use crate::inbound::{Answer, Method, Operation};
use crate::observability::AuditEvent;

const PATH: &str = "/management/v4/{tenant}/config/idps/cloud_directory";

/// `GET …/config/idps/cloud_directory`.
pub(in super::super) const GET: Operation = Operation {
    method: Method::Get,
    path: PATH,
    route: |route| route.to(read),
    description: || {
        let answer = Answer::json::<CloudDirectoryConfiguration>("How users sign in, and what they do by themselves.");
        reading("GetCloudDirectoryIdp", "How users of a directory sign in, and what they do by themselves.")
            .answer(200, answer)
    },
};

/// `PUT …/config/idps/cloud_directory`.
pub(in super::super) const PUT: Operation = Operation {
    method: Method::Put,
    path: PATH,
    route: |route| route.to(replace),
    description: || {
        let described = changing_settings("SetCloudDirectoryIdp", "Sets by what users of a directory sign in, and what they do by themselves.")
            .note("`identityField` can change while the directory has no user. Flags of messages need a section `[mail]` in the configuration.")
            .json_body::<NewCloudDirectoryConfiguration>(true, "What is absent stays as it is.")
            .answer(200, Answer::json::<CloudDirectoryConfiguration>("What holds now."));
        with_body_errors(described)
    },
};

async fn read(http: HttpRequest, door: web::Data<ManagementDoor>) -> HttpResponse {
    match ManagementCall::begin(&http, &door, AdministratorRole::Reader).await {
        Ok(call) => ok().json(CloudDirectoryConfiguration::from(call.settings())),
        Err(refused) => refused.respond(),
    }
}

async fn replace(http: HttpRequest, payload: web::Payload, door: web::Data<ManagementDoor>) -> HttpResponse {
    replace_and_reply(&http, payload, &door).await.unwrap_or_else(Refused::respond)
}

async fn replace_and_reply(
    http: &HttpRequest,
    payload: web::Payload,
    door: &web::Data<ManagementDoor>,
) -> Result<HttpResponse, Refused> {
    let call = ManagementCall::begin(http, door, AdministratorRole::Writer).await?;
    let wanted: NewCloudDirectoryConfiguration = read_json(http, payload, door.limits).await?;
    let sends_mail = door.parts.sends_mail;
    // Users without a user name could not sign in by it. No user is created until the change is complete.
    let held = door.parts.users.hold(call.tenant()).await;
    let held = held.map_err(|error| Refused::failed("the users of a directory cannot be counted", &error))?;
    let note = SettingsNote::of(AuditEvent::DirectorySettingsUpdated, "idps_cloud_directory");
    let changed = call.change_settings(note, move |settings| {
        let before = settings.identity_field;
        wanted.apply(settings, sends_mail)?;
        if settings.identity_field != before && !held.is_empty {
            return Err(Refused::Conflict("identityField can change only while the directory has no user.".into()));
        }
        Ok((CloudDirectoryConfiguration::from(&*settings), held))
    });
    let (configuration, _held) = changed.await?;
    Ok(ok().json(configuration))
}
