use std::net::IpAddr;
use std::sync::Arc;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};

use super::ManagementDoor;
use super::administrators::AuthenticatedAdministrator;
use super::refusal::Refused;
use crate::accounts::DirectoryView;
use crate::domain::{AdministratorRole, DirectorySettings, TenantId, UserKey};
use crate::endpoints::directory::EndCause;
use crate::inbound::{RequestId, TrustedProxies, perform_change, read_segment};
use crate::observability::{AuditEntry, AuditEvent, conceal};

/// A call of an authenticated administrator.
#[derive(Clone)]
pub(super) struct ManagementCall {
    pub(super) door: web::Data<ManagementDoor>,
    /// The directory as it was when the call came.
    pub(super) view: Arc<DirectoryView>,
    pub(super) administrator: String,
    pub(super) correlation_id: String,
    pub(super) client: Option<IpAddr>,
}

/// What the audit stream says of a change of settings.
pub(super) struct SettingsNote {
    pub(super) event: AuditEvent,
    /// The settings, as the path names them.
    pub(super) detail: Option<&'static str>,
    /// The client id of the application.
    pub(super) application: Option<String>,
}

impl ManagementCall {
    /// Authenticates the caller for the directory in the path of `http`.
    pub(super) async fn begin(
        http: &HttpRequest,
        door: &web::Data<ManagementDoor>,
        needed: AdministratorRole,
    ) -> Result<Self, Refused> {
        let tenant = read_segment(http, TENANT).unwrap_or_default();
        let AuthenticatedAdministrator { view, name } = door.checks.authenticate(http, &tenant, needed).await?;
        Ok(Self {
            door: door.clone(),
            view,
            administrator: name,
            correlation_id: RequestId::get_or_draw(http, &door.ambient.entropy),
            client: TrustedProxies::client_address(http),
        })
    }

    pub(super) fn tenant(&self) -> &TenantId {
        &self.view.directory.tenant
    }

    /// The settings at this moment.
    pub(super) fn settings(&self) -> &DirectorySettings {
        &self.view.settings
    }

    /// A line of the audit stream about this call.
    pub(super) fn audit(&self, event: AuditEvent) -> AuditEntry<'_> {
        let entry = AuditEntry::new(event).tenant(self.tenant()).administrator(&self.administrator);
        entry.correlation_id(&self.correlation_id).client(self.client)
    }

    /// Why the sessions of a user end by this call.
    pub(super) fn end_cause(&self, detail: &'static str) -> EndCause<'_> {
        EndCause {
            detail: Some(detail),
            application: None,
            administrator: Some(&self.administrator),
            correlation_id: &self.correlation_id,
            client: self.client,
        }
    }

    /// Tells the applications that a change has ended all sessions of a user.
    pub(super) fn tell_applications(&self, user_id: &str) {
        self.door.parts.endings.tell_all(&self.view, user_id, &self.correlation_id);
    }

    /// Notes in log and audit stream what was done to a user.
    pub(super) fn audit_user(&self, event: AuditEvent, id: &str) {
        let user = self.view.directory.user_key(id);
        self.audit(event).user(&user).write();
        self.log_user(event, &user);
    }

    /// As [`ManagementCall::audit_user`], with a word that says more.
    pub(super) fn audit_user_detail(&self, event: AuditEvent, id: &str, detail: &str) {
        let user = self.view.directory.user_key(id);
        self.audit(event).user(&user).detail(detail).write();
        self.log_user(event, &user);
    }

    /// Logs what was done to a user.
    pub(super) fn log_user(&self, event: AuditEvent, user: &UserKey) {
        let (correlation_id, tenant, administrator) =
            (&self.correlation_id, self.tenant().as_str(), &self.administrator);
        let event = event.name();
        tracing::info!(correlation_id, tenant, administrator, user = %conceal(user), event, "an administrator changed a user of a directory");
    }

    /// Changes the settings of the directory by `change`, and notes it in the audit stream.
    pub(super) async fn change_settings<T: Send + 'static>(
        self,
        note: SettingsNote,
        change: impl FnOnce(&mut DirectorySettings) -> Result<T, Refused> + Send + 'static,
    ) -> Result<T, Refused> {
        perform_change(async move {
            let changed = self.door.parts.directories.change(self.tenant(), change).await.map_err(Refused::from)?;
            let mut entry = self.audit(note.event);
            if let Some(detail) = note.detail {
                entry = entry.detail(detail);
            }
            if let Some(client_id) = &note.application {
                entry = entry.application(client_id);
            }
            entry.write();
            let (correlation_id, tenant) = (&self.correlation_id, self.tenant().as_str());
            tracing::info!(correlation_id, tenant, settings = note.detail, "the settings of a directory were changed");
            Ok(changed)
        })
        .await
    }
}

impl SettingsNote {
    pub(super) const fn of(event: AuditEvent, detail: &'static str) -> Self {
        Self { event, detail: Some(detail), application: None }
    }

    pub(super) const fn of_application(event: AuditEvent, client_id: String) -> Self {
        Self { event, detail: None, application: Some(client_id) }
    }
}

/// The places of parameters among the segments of a path.
pub(super) const TENANT: usize = 3;
pub(super) const APPLICATION: usize = 5;
pub(super) const USER: usize = 6;
pub(super) const PROFILE: usize = 5;
pub(super) const ACTION: usize = 7;
pub(super) const TEMPLATE: usize = 6;

/// An answer that no cache may keep.
pub(super) fn ok() -> HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CACHE_CONTROL, "no-store"));
    response
}

/// An answer 201 that no cache may keep.
pub(super) fn created() -> HttpResponseBuilder {
    let mut response = HttpResponse::Created();
    response.insert_header((header::CACHE_CONTROL, "no-store"));
    response
}

/// An answer without a body.
pub(super) fn done() -> HttpResponse {
    HttpResponse::NoContent().insert_header((header::CACHE_CONTROL, "no-store")).finish()
}
