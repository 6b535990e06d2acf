use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::{AdministratorRole, SsoSettings};
use crate::endpoints::directory::management::body::read_json;
use crate::endpoints::directory::management::call::{ManagementCall, SettingsNote, created, ok};
use crate::endpoints::directory::management::description::{changing_settings, reading, with_body_errors};
use crate::endpoints::directory::management::{ManagementDoor, Refused};
use crate::inbound::{Answer, Method, Operation};
use crate::observability::AuditEvent;

const PATH: &str = "/management/v4/{tenant}/config/cloud_directory/sso";

/// `GET …/config/cloud_directory/sso`.
pub(in super::super) const GET: Operation = Operation {
    method: Method::Get,
    path: PATH,
    route: |route| route.to(read),
    description: || {
        let answer = Answer::json::<SsoConfiguration>("The settings.");
        reading("GetSsoConfig", "The single sign-on settings of a directory.").answer(200, answer)
    },
};

/// `PUT …/config/cloud_directory/sso`.
pub(in super::super) const PUT: Operation = Operation {
    method: Method::Put,
    path: PATH,
    route: |route| route.to(replace),
    description: || {
        let described = changing_settings("SetSsoConfig", "Replaces the single sign-on settings of a directory.")
            .note("Switching single sign-on off ends all sessions of the directory.")
            .json_body::<SsoConfiguration>(true, "All three members are required.")
            .answer(201, Answer::json::<SsoConfiguration>("The settings as they are now."));
        with_body_errors(described)
    },
};

/// Single sign-on, as App ID writes it.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SsoConfiguration {
    /// Whether a user who has signed in to one application is signed in to the others silently.
    is_active: bool,
    /// Seconds without a use after which a session ends, 1 to 604800.
    inactivity_timeout_seconds: u32,
    /// Where a logout may lead; compared exactly.
    logout_redirect_uris: Vec<String>,
}

impl From<&SsoSettings> for SsoConfiguration {
    fn from(settings: &SsoSettings) -> Self {
        Self {
            is_active: settings.is_active,
            inactivity_timeout_seconds: settings.inactivity_timeout_seconds,
            logout_redirect_uris: settings.logout_redirect_uris.clone(),
        }
    }
}

impl SsoConfiguration {
    /// Writes these settings over `settings`.
    fn apply(self, settings: &mut SsoSettings) -> Result<Self, Refused> {
        settings.is_active = self.is_active;
        settings.inactivity_timeout_seconds = self.inactivity_timeout_seconds;
        settings.logout_redirect_uris = self.logout_redirect_uris;
        settings.check().map_err(|fault| Refused::Value(fault.to_string().into()))?;
        Ok(Self::from(&*settings))
    }
}

async fn read(http: HttpRequest, door: web::Data<ManagementDoor>) -> HttpResponse {
    match ManagementCall::begin(&http, &door, AdministratorRole::Reader).await {
        Ok(call) => {
            call.audit(AuditEvent::DirectorySsoRead).write();
            ok().json(SsoConfiguration::from(&call.settings().sso))
        }
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
    let wanted: SsoConfiguration = read_json(http, payload, door.limits).await?;
    let note = SettingsNote::of(AuditEvent::DirectorySsoUpdated, "cloud_directory_sso");
    let present = call.change_settings(note, |settings| wanted.apply(&mut settings.sso)).await?;
    Ok(created().json(present))
}
