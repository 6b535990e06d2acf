//! The applications of a directory, as its administrators see and change them.

mod bodies;

use actix_web::{HttpRequest, HttpResponse, web};

use self::bodies::{ApplicationBody, ApplicationList, ChangedApplication, NewApplication};
use super::body::read_json;
use super::call::{APPLICATION, ManagementCall, SettingsNote, created, done, ok};
use super::description::{changing_settings, error, reading, with_body_errors};
use super::{ManagementDoor, Refused};
use crate::domain::{
    AdministratorRole, Application, Directory, DirectorySettings, check_logout_address, draw_256_bits,
};
use crate::inbound::{Answer, Description, Method, Operation, read_segment};
use crate::observability::AuditEvent;

const LIST_PATH: &str = "/management/v4/{tenant}/applications";
const PATH: &str = "/management/v4/{tenant}/applications/{clientId}";

/// `GET …/applications`.
pub(super) const LIST: Operation = Operation {
    method: Method::Get,
    path: LIST_PATH,
    route: |route| route.to(list),
    description: || {
        let answer = Answer::json::<ApplicationList<'_>>("The applications, without their secrets.");
        reading("GetAllApplications", "The applications of a directory.").answer(200, answer)
    },
};

/// `POST …/applications`.
pub(super) const CREATE: Operation = Operation {
    method: Method::Post,
    path: LIST_PATH,
    route: |route| route.to(create),
    description: || {
        let described = changing_settings("RegisterApplication", "Creates an application with a client id of its own.")
            .json_body::<NewApplication>(true, "The application.")
            .answer(200, Answer::json::<ApplicationBody<'_>>("The application. Its secret is in this answer only."));
        with_body_errors(described)
    },
};

/// `GET …/applications/{clientId}`.
pub(super) const GET: Operation = Operation {
    method: Method::Get,
    path: PATH,
    route: |route| route.to(read),
    description: || {
        let answer = Answer::json::<ApplicationBody<'_>>("The application, without its secret.");
        of_one(reading("GetApplication", "An application of a directory.")).answer(200, answer)
    },
};

/// `PUT …/applications/{clientId}`.
pub(super) const PUT: Operation = Operation {
    method: Method::Put,
    path: PATH,
    route: |route| route.to(update),
    description: || {
        let described = of_one(changing_settings("UpdateApplication", "Changes an application."))
            .json_body::<ChangedApplication>(true, "The name, and what of the addresses is to change.")
            .answer(201, Answer::json::<ApplicationBody<'_>>("The application as it is now."));
        with_body_errors(described)
    },
};

/// `DELETE …/applications/{clientId}`.
pub(super) const DELETE: Operation = Operation {
    method: Method::Delete,
    path: PATH,
    route: |route| route.to(delete),
    description: || {
        let gone = Answer::empty("The application is deleted. Its tokens are worth nothing now.");
        of_one(changing_settings("DeleteApplication", "Deletes an application.")).answer(204, gone)
    },
};

fn of_one(description: Description) -> Description {
    description
        .path_parameter("clientId", "The client id of the application.")
        .answer(404, error("The directory has no such application."))
}

/// Checks where `application` is told of ended sessions, if it is.
fn check_address(
    directory: &Directory,
    settings: &DirectorySettings,
    application: &Application,
) -> Result<(), Refused> {
    let Some(uri) = &application.backchannel_logout_uri else { return Ok(()) };
    let checked = check_logout_address(directory, settings, application, uri);
    checked.map_err(|fault| Refused::Value(format!("backchannelLogoutUri: {fault}.").into()))
}

async fn list(http: HttpRequest, door: web::Data<ManagementDoor>) -> HttpResponse {
    match ManagementCall::begin(&http, &door, AdministratorRole::Reader).await {
        Ok(call) => {
            let described = |application| ApplicationBody::new(&call, application, None);
            let applications = call.settings().applications.iter().map(described).collect();
            ok().json(ApplicationList { applications })
        }
        Err(refused) => refused.respond(),
    }
}

async fn create(http: HttpRequest, payload: web::Payload, door: web::Data<ManagementDoor>) -> HttpResponse {
    create_and_reply(&http, payload, &door).await.unwrap_or_else(Refused::respond)
}

async fn read(http: HttpRequest, door: web::Data<ManagementDoor>) -> HttpResponse {
    read_and_reply(&http, &door).await.unwrap_or_else(Refused::respond)
}

async fn update(http: HttpRequest, payload: web::Payload, door: web::Data<ManagementDoor>) -> HttpResponse {
    update_and_reply(&http, payload, &door).await.unwrap_or_else(Refused::respond)
}

async fn delete(http: HttpRequest, door: web::Data<ManagementDoor>) -> HttpResponse {
    delete_and_reply(&http, &door).await.unwrap_or_else(Refused::respond)
}

async fn create_and_reply(
    http: &HttpRequest,
    payload: web::Payload,
    door: &web::Data<ManagementDoor>,
) -> Result<HttpResponse, Refused> {
    let call = ManagementCall::begin(http, door, AdministratorRole::Writer).await?;
    let new: NewApplication = read_json(http, payload, door.limits).await?;
    let secret = new.has_secret().then(|| draw_256_bits(&*door.ambient.entropy));
    let application = new.build(door.ambient.entropy.uuid(), secret.as_ref())?;
    let note = SettingsNote::of_application(AuditEvent::DirectoryApplicationCreated, application.client_id.clone());
    let added = application.clone();
    let directory = call.view.directory.clone();
    let changed = call.clone().change_settings(note, move |settings| {
        check_address(&directory, settings, &added)?;
        settings.applications.push(added);
        Ok(())
    });
    changed.await?;
    Ok(ok().json(ApplicationBody::new(&call, &application, secret.as_ref())))
}

async fn read_and_reply(http: &HttpRequest, door: &web::Data<ManagementDoor>) -> Result<HttpResponse, Refused> {
    let call = ManagementCall::begin(http, door, AdministratorRole::Reader).await?;
    let client_id = read_segment(http, APPLICATION).ok_or(Refused::NoApplication)?;
    let application = call.settings().find_application(&client_id).ok_or(Refused::NoApplication)?;
    Ok(ok().json(ApplicationBody::new(&call, application, None)))
}

async fn update_and_reply(
    http: &HttpRequest,
    payload: web::Payload,
    door: &web::Data<ManagementDoor>,
) -> Result<HttpResponse, Refused> {
    let call = ManagementCall::begin(http, door, AdministratorRole::Writer).await?;
    let client_id = read_segment(http, APPLICATION).ok_or(Refused::NoApplication)?;
    let wanted: ChangedApplication = read_json(http, payload, door.limits).await?;
    let note = SettingsNote::of_application(AuditEvent::DirectoryApplicationUpdated, client_id.clone());
    let directory = call.view.directory.clone();
    let changed = call.clone().change_settings(note, move |settings| {
        let mut all = settings.applications.iter_mut();
        let application = all.find(|application| application.client_id == client_id);
        let application = wanted.apply(application.ok_or(Refused::NoApplication)?)?;
        check_address(&directory, settings, &application)?;
        Ok(application)
    });
    let application = changed.await?;
    Ok(created().json(ApplicationBody::new(&call, &application, None)))
}

async fn delete_and_reply(http: &HttpRequest, door: &web::Data<ManagementDoor>) -> Result<HttpResponse, Refused> {
    let call = ManagementCall::begin(http, door, AdministratorRole::Writer).await?;
    let client_id = read_segment(http, APPLICATION).ok_or(Refused::NoApplication)?;
    let note = SettingsNote::of_application(AuditEvent::DirectoryApplicationDeleted, client_id.clone());
    let changed = call.change_settings(note, move |settings| {
        let before = settings.applications.len();
        settings.applications.retain(|application| application.client_id != client_id);
        if settings.applications.len() < before { Ok(()) } else { Err(Refused::NoApplication) }
    });
    changed.await?;
    Ok(done())
}
