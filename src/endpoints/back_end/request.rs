use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use actix_web::web::Payload;
use bytes::Bytes;
use tokio::time::Instant;

use super::replies::OAuthError;
use super::{BUDGET, BackEndDoor};
use crate::domain::{BackEnd, Connection, HolderName};
use crate::exchange::Refusal;
use crate::inbound::{Form, FormError, RequestId, read_body};

const FORM_TYPE: &str = "application/x-www-form-urlencoded";

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
        if !is_form(http.headers()) {
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

/// Whether the body is a form, which has no other encoding (RFC 6749 §4, appendix B).
fn is_form(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(CONTENT_TYPE);
    let (Some(content_type), None) = (types.next(), types.next()) else { return false };
    let Ok(text) = content_type.to_str() else { return false };
    let mut parts = text.split(';').map(str::trim);
    let is_form = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(FORM_TYPE));
    let is_utf_8 = parts.filter_map(|part| part.split_once('=')).all(|(name, value)| {
        !name.trim().eq_ignore_ascii_case("charset") || value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
    });
    is_form
        && is_utf_8
        && headers.get_all(CONTENT_ENCODING).all(|value| value.as_bytes().eq_ignore_ascii_case(b"identity"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use actix_web::http::header::HeaderValue;

    use super::*;

    #[test]
    fn a_form_is_known_by_its_content_type() {
        let check = |types: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for content_type in types {
                headers.append(CONTENT_TYPE, HeaderValue::from_static(content_type));
            }
            is_form(&headers)
        };
        for content_type in [
            "application/x-www-form-urlencoded",
            "Application/X-WWW-Form-Urlencoded; charset=UTF-8",
            "application/x-www-form-urlencoded;charset=\"utf-8\"",
        ] {
            assert!(check(&[content_type]), "{content_type}");
        }
        for content_type in ["application/json", "application/x-www-form-urlencoded; charset=utf-16", "", "text/plain"]
        {
            assert!(!check(&[content_type]), "{content_type}");
        }
        assert!(!check(&[]) && !check(&[FORM_TYPE, FORM_TYPE]));
    }
}
