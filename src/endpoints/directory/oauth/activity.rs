use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use utoipa::ToSchema;

use super::OAuthDoor;
use super::call::{DirectoryCall, unknown_tenant};
use super::replies::OAuthRefusal;
use crate::inbound::{TrustedProxies, read_body};
use crate::observability::{AuditEntry, AuditEvent};

/// What an application says that its user did.
#[derive(Deserialize, ToSchema)]
pub(super) struct DirectoryActivity {
    /// `logout`, or another name, which is ignored.
    #[serde(rename = "eventName")]
    event_name: String,
}

/// `POST /oauth/v4/{tenant}/activity_logging`.
pub(super) async fn note(http: HttpRequest, payload: Payload, door: Data<OAuthDoor>) -> HttpResponse {
    let Some(call) = DirectoryCall::of_path(&http, door) else { return unknown_tenant() };
    call.finish(call.note_activity(payload).await)
}

impl DirectoryCall<'_> {
    /// Writes into the audit stream that the application has signed its user out; nothing ends by that. A grant has one line a
    /// minute, or the holder of an access token could fill the stream.
    async fn note_activity(&self, payload: Payload) -> Result<HttpResponse, OAuthRefusal> {
        let live = self.find_bearer().await?;
        let body = read_body(self.http, payload, self.door.limits).await.map_err(OAuthRefusal::Body)?;
        let activity: DirectoryActivity = serde_json::from_slice(&body)
            .map_err(|_| OAuthRefusal::InvalidRequest("The body must be a JSON object with the text eventName."))?;
        let grant = live.claims.grant_id.as_deref().unwrap_or_default();
        let is_new = activity.event_name == "logout" && self.door.activities.charge(&[grant.as_bytes()]).await.is_ok();
        if let Some(user) = live.user.filter(|_| is_new) {
            let (directory, correlation_id) = (&self.view.directory, self.correlation_id());
            let entry = AuditEntry::new(AuditEvent::DirectorySignedOut).tenant(&directory.tenant);
            let entry = entry.application(&live.claims.client_id).user(&directory.user_key(&user.id));
            let client = TrustedProxies::client_address(self.http);
            entry.correlation_id(&correlation_id).client(client).detail("application").write();
        }
        Ok(HttpResponse::NoContent().finish())
    }
}
