use std::fmt::Display;
use std::sync::Arc;

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};

use super::OAuthDoor;
use super::cors::permit_page;
use super::replies::OAuthRefusal;
use crate::accounts::DirectoryView;
use crate::domain::{Application, DirectoryUser};
use crate::inbound::{Form, ParameterBodyError, Problem, RequestId, read_parameters};

/// A request to a directory.
pub(super) struct DirectoryCall<'a> {
    pub(super) http: &'a HttpRequest,
    pub(super) door: Data<OAuthDoor>,
    pub(super) view: Arc<DirectoryView>,
}

impl<'a> DirectoryCall<'a> {
    /// The call of the directory whose tenant id is in the path; `None` if there is none.
    pub(super) fn of_path(http: &'a HttpRequest, door: Data<OAuthDoor>) -> Option<Self> {
        let view = door.parts.directories.find(http.match_info().get("tenant")?)?;
        Some(Self { http, door, view })
    }

    /// Reads the parameters of the body, each of which may be there once.
    pub(super) async fn read(&self, payload: Payload) -> Result<Form<'static>, OAuthRefusal> {
        let form = read_parameters(self.http, payload, self.door.limits).await.map_err(|error| match error {
            ParameterBodyError::NotRead(problem) => OAuthRefusal::Body(problem),
            ParameterBodyError::UnknownType => OAuthRefusal::InvalidRequest(
                "The content type must be application/x-www-form-urlencoded, multipart/form-data or application/json.",
            ),
            ParameterBodyError::Malformed => {
                OAuthRefusal::InvalidRequest("The body must have text parameters, as its content type says.")
            }
        })?;
        if form.find_repeated(&[]).is_some() {
            return Err(OAuthRefusal::InvalidRequest("A parameter is stated more than once."));
        }
        Ok(form)
    }

    /// Authenticates the application that calls; a public one is named only.
    pub(super) async fn authenticate(&self, form: &Form<'_>) -> Result<&Application, OAuthRefusal> {
        let authenticated = self.door.applications.authenticate(self.http, form, &self.view.settings).await;
        authenticated.map_err(OAuthRefusal::Client)
    }

    /// The id of the request.
    pub(super) fn correlation_id(&self) -> String {
        RequestId::get_or_draw(self.http, &self.door.ambient.entropy)
    }

    /// The answer to `outcome`, which pages of the directory's applications may read.
    pub(super) fn finish(&self, outcome: Result<HttpResponse, OAuthRefusal>) -> HttpResponse {
        let mut response = outcome.unwrap_or_else(|refusal| refusal.respond());
        permit_page(&self.view.settings, self.http.headers(), &mut response);
        response
    }
}

impl OAuthDoor {
    /// The user with this id, if the user exists and may sign in.
    pub(super) async fn find_active_user(
        &self,
        view: &DirectoryView,
        user_id: &str,
    ) -> Result<Option<DirectoryUser>, OAuthRefusal> {
        let user = self.parts.users.find(&view.directory.tenant, user_id).await.map_err(log_outage)?;
        Ok(user.filter(|user| user.active))
    }
}

/// The answer to a tenant id that no directory has.
pub(super) fn unknown_tenant() -> HttpResponse {
    Problem::NotFound.respond()
}

/// Logs that the store failed.
pub(super) fn log_outage(error: impl Display) -> OAuthRefusal {
    tracing::error!(%error, "the records of a directory cannot be read or written");
    OAuthRefusal::Unavailable
}
