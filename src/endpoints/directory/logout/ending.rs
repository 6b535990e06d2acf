use std::sync::Arc;

use actix_web::web::Data;

use super::LogoutDoor;
use super::plan::Extent;
use super::replies::Responder;
use crate::accounts::DirectoryView;
use crate::endpoints::directory::BrowserSession;
use crate::inbound::{Problem, TrustedProxies, run_to_end};
use crate::observability::{AuditEntry, AuditEvent, conceal};

/// A session to end, with what the log and the audit stream say of it.
struct EndingSession {
    view: Arc<DirectoryView>,
    browser: BrowserSession,
    extent: Extent,
    client_id: Option<String>,
    correlation_id: String,
    client: Option<std::net::IpAddr>,
}

impl LogoutDoor {
    /// Ends what `extent` says, also if the browser hangs up meanwhile.
    pub(super) async fn end(
        door: &Data<Self>,
        responder: &Responder<'_>,
        request: &super::LogoutRequest,
        browser: &BrowserSession,
        extent: Extent,
    ) -> Result<(), Problem> {
        let ending = EndingSession {
            view: Arc::clone(&request.view),
            browser: browser.clone(),
            extent,
            client_id: request.client_id.clone(),
            correlation_id: responder.correlation_id.clone(),
            client: TrustedProxies::client_address(responder.http),
        };
        let door = Data::clone(door);
        run_to_end(async move { door.end_session(&ending).await }).await.unwrap_or(Err(Problem::ServiceUnavailable))
    }

    async fn end_session(&self, ending: &EndingSession) -> Result<(), Problem> {
        let EndingSession { view, browser, extent, .. } = ending;
        let BrowserSession { session, user } = browser;
        if *extent == Extent::Everywhere {
            // All sessions are over with this one write.
            self.parts.users.end_sessions(&view.directory.tenant, &user.id).await.map_err(|error| {
                tracing::error!(error = &error as &dyn std::error::Error, "the sessions of a user cannot be ended");
                Problem::ServiceUnavailable
            })?;
            ending.report();
        }
        self.parts.browsers.end(view, session).await?;
        if *extent == Extent::ThisBrowser {
            ending.report();
        }
        Ok(())
    }
}

impl EndingSession {
    /// Tells the log and the audit stream.
    fn report(&self) {
        let directory = &self.view.directory;
        let user = directory.user_key(&self.browser.user.id);
        let (event, detail) = match self.extent {
            Extent::ThisBrowser => (AuditEvent::DirectorySignedOut, None),
            Extent::Everywhere => (AuditEvent::DirectorySessionsEnded, Some("logout")),
        };
        tracing::info!(
            correlation_id = self.correlation_id,
            tenant = directory.tenant.as_str(),
            application = self.client_id,
            user = %conceal(&user),
            extent = ?self.extent,
            "a user of a directory signed out"
        );
        let mut entry = AuditEntry::new(event).tenant(&directory.tenant).user(&user);
        entry = entry.correlation_id(&self.correlation_id).client(self.client);
        if let Some(client_id) = &self.client_id {
            entry = entry.application(client_id);
        }
        if let Some(detail) = detail {
            entry = entry.detail(detail);
        }
        entry.write();
    }
}
