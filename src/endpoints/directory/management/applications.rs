use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::read_json;
use super::call::{APPLICATION, ManagementCall, SettingsNote, created, done, ok};
use super::description::{changing_settings, error, reading, with_body_errors};
use super::{ManagementDoor, Refused};
use crate::domain::{
    AdministratorRole, Application, ApplicationKind, Secret, SecretHash, check_browser_addresses, draw_256_bits,
};
use crate::inbound::{Answer, Description, Method, Operation, read_segment};
use crate::observability::AuditEvent;

const LIST_PATH: &str = "/management/v4/{tenant}/applications";
const PATH: &str = "/management/v4/{tenant}/applications/{clientId}";
/// The longest name, in characters.
const MAX_NAME: usize = 100;

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
            .json_body::<ChangedApplication>(true, "The name, and the redirect URIs if they are to change.")
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

/// What an application can do for its own security, by App ID's names.
#[derive(Clone, Copy, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum ApplicationType {
    /// A server with a secret.
    RegularWebApp,
    /// A page in a browser, which proves itself by PKCE.
    SinglePageApp,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct NewApplication {
    /// The name for people, 1 to 100 characters.
    name: String,
    /// `regularwebapp` if it is absent.
    r#type: Option<ApplicationType>,
    /// Where users may be sent with a code, beside the directory's own list. An addition to App ID.
    redirect_uris: Option<Vec<String>>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ChangedApplication {
    /// The name for people, 1 to 100 characters.
    name: String,
    /// Cannot change.
    r#type: Option<ApplicationType>,
    /// Replaces the application's redirect URIs, if it is there. An addition to App ID.
    redirect_uris: Option<Vec<String>>,
}

/// An application as App ID writes it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ApplicationBody<'a> {
    client_id: &'a str,
    tenant_id: &'a str,
    /// In the answer to its creation only; a single-page application has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<&'a str>,
    name: &'a str,
    /// The issuer of tokens, and the address below which the OAuth endpoints are.
    #[serde(rename = "oAuthServerUrl")]
    oauth_server_url: &'a str,
    /// The address of this service.
    profiles_url: &'a str,
    /// The address of the metadata of `OpenID` Connect.
    discovery_endpoint: String,
    r#type: ApplicationType,
    /// Where users may be sent with a code, beside the directory's own list.
    redirect_uris: &'a [String],
}

/// The applications of a directory.
#[derive(Serialize, ToSchema)]
struct ApplicationList<'a> {
    applications: Vec<ApplicationBody<'a>>,
}

impl From<ApplicationType> for ApplicationKind {
    fn from(kind: ApplicationType) -> Self {
        match kind {
            ApplicationType::RegularWebApp => Self::RegularWebApp,
            ApplicationType::SinglePageApp => Self::SinglePageApp,
        }
    }
}

impl From<ApplicationKind> for ApplicationType {
    fn from(kind: ApplicationKind) -> Self {
        match kind {
            ApplicationKind::RegularWebApp => Self::RegularWebApp,
            ApplicationKind::SinglePageApp => Self::SinglePageApp,
        }
    }
}

impl NewApplication {
    /// The application with these ids.
    fn build(self, client_id: String, secret: Option<&Secret>) -> Result<Application, Refused> {
        let redirect_uris = self.redirect_uris.unwrap_or_default();
        check_addresses(&redirect_uris)?;
        Ok(Application {
            client_id,
            name: read_name(&self.name)?,
            kind: self.r#type.unwrap_or(ApplicationType::RegularWebApp).into(),
            secrets: secret.map(|secret| SecretHash::of(secret.expose())).into_iter().collect(),
            redirect_uris,
            assertion_key: None,
        })
    }
}

impl ChangedApplication {
    fn apply(self, application: &mut Application) -> Result<Application, Refused> {
        if self.r#type.is_some_and(|kind| ApplicationKind::from(kind) != application.kind) {
            return Err(Refused::Value("The type of an application cannot change: create another one.".into()));
        }
        application.name = read_name(&self.name)?;
        if let Some(redirect_uris) = self.redirect_uris {
            check_addresses(&redirect_uris)?;
            application.redirect_uris = redirect_uris;
        }
        Ok(application.clone())
    }
}

fn read_name(name: &str) -> Result<String, Refused> {
    let name = name.trim();
    let fits = (1..=MAX_NAME).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    if fits { Ok(name.to_owned()) } else { Err(Refused::Value("name must have 1 to 100 characters.".into())) }
}

fn check_addresses(redirect_uris: &[String]) -> Result<(), Refused> {
    check_browser_addresses(redirect_uris).map_err(|fault| Refused::Value(format!("redirectUris: {fault}.").into()))
}

async fn list(http: HttpRequest, door: web::Data<ManagementDoor>) -> HttpResponse {
    match ManagementCall::begin(&http, &door, AdministratorRole::Reader).await {
        Ok(call) => {
            let described = |application| describe(&call, application, None);
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
    let has_secret = !matches!(new.r#type, Some(ApplicationType::SinglePageApp));
    let secret = has_secret.then(|| draw_256_bits(&*door.ambient.entropy));
    let application = new.build(door.ambient.entropy.uuid(), secret.as_ref())?;
    let note = SettingsNote::of_application(AuditEvent::DirectoryApplicationCreated, application.client_id.clone());
    let added = application.clone();
    let changed = call.clone().change_settings(note, move |settings| {
        settings.applications.push(added);
        Ok(())
    });
    changed.await?;
    Ok(ok().json(describe(&call, &application, secret.as_ref())))
}

async fn read_and_reply(http: &HttpRequest, door: &web::Data<ManagementDoor>) -> Result<HttpResponse, Refused> {
    let call = ManagementCall::begin(http, door, AdministratorRole::Reader).await?;
    let client_id = read_segment(http, APPLICATION).ok_or(Refused::NoApplication)?;
    let application = call.settings().find_application(&client_id).ok_or(Refused::NoApplication)?;
    Ok(ok().json(describe(&call, application, None)))
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
    let changed = call.clone().change_settings(note, move |settings| {
        let mut all = settings.applications.iter_mut();
        let application = all.find(|application| application.client_id == client_id);
        wanted.apply(application.ok_or(Refused::NoApplication)?)
    });
    let application = changed.await?;
    Ok(created().json(describe(&call, &application, None)))
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

fn describe<'a>(
    call: &'a ManagementCall,
    application: &'a Application,
    secret: Option<&'a Secret>,
) -> ApplicationBody<'a> {
    let issuer = call.view.directory.issuer.as_str();
    ApplicationBody {
        client_id: &application.client_id,
        tenant_id: call.tenant().as_str(),
        secret: secret.map(Secret::expose),
        name: &application.name,
        oauth_server_url: issuer,
        profiles_url: &call.door.public_url,
        discovery_endpoint: format!("{issuer}/.well-known/openid-configuration"),
        r#type: application.kind.into(),
        redirect_uris: &application.redirect_uris,
    }
}
