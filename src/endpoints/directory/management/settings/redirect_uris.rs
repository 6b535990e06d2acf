use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::{AdministratorRole, check_browser_addresses};
use crate::endpoints::directory::management::body::read_json;
use crate::endpoints::directory::management::call::{ManagementCall, SettingsNote, done, ok};
use crate::endpoints::directory::management::description::{changing_settings, reading, with_body_errors};
use crate::endpoints::directory::management::{ManagementDoor, Refused};
use crate::inbound::{Answer, Method, Operation};
use crate::observability::AuditEvent;

const PATH: &str = "/management/v4/{tenant}/config/redirect_uris";

/// `GET …/config/redirect_uris`.
pub(in super::super) const GET: Operation = Operation {
    method: Method::Get,
    path: PATH,
    route: |route| route.to(read),
    description: || {
        let answer = Answer::json::<RedirectUris<'_>>("The list.");
        reading("GetRedirectUris", "Where users may be sent with a code, by any application.").answer(200, answer)
    },
};

/// `PUT …/config/redirect_uris`.
pub(in super::super) const PUT: Operation = Operation {
    method: Method::Put,
    path: PATH,
    route: |route| route.to(replace),
    description: || {
        let described = changing_settings("UpdateRedirectUris", "Replaces the list of redirect URIs.")
            .note("Addresses are compared exactly. Wildcards are refused. The host of an application's `backchannelLogoutUri` stays in its list or in this one.")
            .json_body::<NewRedirectUris>(true, "The whole list.")
            .answer(204, Answer::empty("The list is replaced."));
        with_body_errors(described)
    },
};

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct RedirectUris<'a> {
    /// Where users may be sent with a code.
    redirect_uris: &'a [String],
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct NewRedirectUris {
    /// Where users may be sent with a code.
    redirect_uris: Vec<String>,
    /// Cannot be `true`: there is no IBM Cloud IAM here.
    #[serde(rename = "trustCloudIAMRedirectUris")]
    trust_cloud_iam: Option<bool>,
}

async fn read(http: HttpRequest, door: web::Data<ManagementDoor>) -> HttpResponse {
    match ManagementCall::begin(&http, &door, AdministratorRole::Reader).await {
        Ok(call) => ok().json(RedirectUris { redirect_uris: &call.settings().redirect_uris }),
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
    let NewRedirectUris { redirect_uris, trust_cloud_iam } = read_json(http, payload, door.limits).await?;
    if trust_cloud_iam == Some(true) {
        return Err(Refused::Value("trustCloudIAMRedirectUris cannot be true: list each address.".into()));
    }
    check_browser_addresses(&redirect_uris)
        .map_err(|fault| Refused::Value(format!("redirectUris: {fault}.").into()))?;
    let note = SettingsNote::of(AuditEvent::DirectorySettingsUpdated, "redirect_uris");
    let directory = call.view.directory.clone();
    let changed = call.change_settings(note, move |settings| {
        settings.redirect_uris = redirect_uris;
        match settings.find_bad_logout_address(&directory) {
            None => Ok(()),
            Some((application, _)) => Err(refuse_lost_host(&application.client_id)),
        }
    });
    changed.await?;
    Ok(done())
}

fn refuse_lost_host(client_id: &str) -> Refused {
    let detail = format!(
        "The application {client_id} would have no redirect URI on the host of its backchannelLogoutUri: change that first."
    );
    Refused::Conflict(detail.into())
}
