use std::sync::Arc;

use actix_web::web::Data;

use super::LogoutDoor;
use super::plan::Extent;
use super::replies::Responder;
use crate::accounts::DirectoryView;
use crate::endpoints::directory::{BrowserSession, EndCause};
use crate::inbound::{Problem, TrustedProxies, run_to_end};
use crate::observability::conceal;
use crate::sign_out::{SignOutCause, SignOutOrigin};

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
        let endings = &self.parts.endings;
        match extent {
            Extent::ThisBrowser => {
                endings.end_one(view, &browser.session, &ending.cause(None)).await?;
            }
            Extent::Everything => {
                let key = view.directory.user_key(&browser.user.id);
                let cause = SignOutCause {
                    correlation_id: ending.correlation_id.clone(),
                    client: ending.client,
                    origin: SignOutOrigin::User,
                };
                self.parts.sign_out.everywhere(&key, cause).await.map_err(|error| {
                    tracing::error!(error = &error as &dyn std::error::Error, "a user cannot be signed out everywhere");
                    Problem::ServiceUnavailable
                })?;
            }
            Extent::Everywhere => {
                endings.end_all(view, &browser.user.id, &ending.cause(Some("logout"))).await.map_err(|error| {
                    tracing::error!(error = &error as &dyn std::error::Error, "the sessions of a user cannot be ended");
                    Problem::ServiceUnavailable
                })?;
            }
        }
        ending.log();
        Ok(())
    }
}

impl EndingSession {
    fn cause(&self, detail: Option<&'static str>) -> EndCause<'_> {
        EndCause {
            detail,
            application: self.client_id.as_deref(),
            administrator: None,
            correlation_id: &self.correlation_id,
            client: self.client,
        }
    }

    fn log(&self) {
        tracing::info!(
            correlation_id = self.correlation_id,
            tenant = self.view.directory.tenant.as_str(),
            application = self.client_id,
            user = %conceal(&self.view.directory.user_key(&self.browser.user.id)),
            extent = ?self.extent,
            "a user of a directory signed out"
        );
    }
}
