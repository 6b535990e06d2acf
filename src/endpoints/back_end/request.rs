use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::web::Payload;
use bytes::Bytes;
use tokio::time::Instant;

use super::replies::OAuthError;
use super::{BUDGET, BackEndDoor};
use crate::domain::{BackEnd, Connection, HolderName};
use crate::exchange::Refusal;
use crate::inbound::{Form, FormError, RequestId, announces_form, read_body};

/// A call of an authenticated back end.
pub(super) struct BackEndCall<'a> {
    pub(super) door: &'a BackEndDoor,
    pub(super) back_end: Arc<BackEnd>,
    pub(super) connection: Arc<Connection>,
    pub(super) form: Form<'a>,
    pub(super) correlation_id: String,
    /// The call is answered by this time.
    pub(super) deadline: Instant,
}

impl BackEndDoor {
    /// Reads the body of a request, which must be a form.
    pub(super) async fn read(&self, http: &HttpRequest, payload: Payload) -> Result<Bytes, OAuthError> {
        if !announces_form(http.headers()) {
            return Err(OAuthError::InvalidRequest("The content type must be application/x-www-form-urlencoded."));
        }
        read_body(http, payload, self.callers.limits).await.map_err(OAuthError::Body)
    }

    /// Authenticates the back end of a request with this body. Parameters in `repeatable` may be stated more than once.
    pub(super) async fn authenticate<'a>(
        &'a self,
        http: &HttpRequest,
        body: &'a [u8],
        repeatable: &[&str],
    ) -> Result<BackEndCall<'a>, OAuthError> {
        let deadline = Instant::now() + BUDGET;
        let form = Form::parse(body).map_err(|error| {
            OAuthError::InvalidRequest(match error {
                FormError::NotText => "A parameter is no text in UTF-8.",
                FormError::TooManyParameters => "The request has too many parameters.",
            })
        })?;
        let client_id = self.callers.authenticator.authenticate(http, &form).await.map_err(OAuthError::Client)?;
        if form.find_repeated(repeatable).is_some() {
            return Err(OAuthError::InvalidRequest("A parameter is stated more than once."));
        }
        let registrations = &self.callers.registrations;
        let registered = registrations.find_back_end(&client_id).and_then(|back_end| {
            let connection = registrations.find_only_connection(&HolderName::from(&back_end.name))?;
            Some((Arc::clone(back_end), Arc::clone(connection)))
        });
        let Some((back_end, connection)) = registered else {
            tracing::error!(
                client_id,
                "a back end that authenticates is not registered: restart to apply the configuration"
            );
            return Err(OAuthError::Unavailable);
        };
        let correlation_id = RequestId::get_or_draw(http, &self.ambient.entropy);
        Ok(BackEndCall { door: self, back_end, connection, form, correlation_id, deadline })
    }
}

impl BackEndCall<'_> {
    /// The value of a required parameter.
    pub(super) fn get(&self, name: &str, absent: &'static str) -> Result<&str, OAuthError> {
        self.form.find(name).ok_or(OAuthError::InvalidRequest(absent))
    }

    /// Logs a refusal and counts it.
    pub(super) fn report(&self, refusal: &Refusal) {
        let (holder, connection) = (self.connection.holder.as_str(), self.connection.name.as_str());
        refusal.report(&self.door.counters, holder, Some(connection), &self.correlation_id);
    }
}
