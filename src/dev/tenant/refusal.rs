use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::macros::format_description;

use crate::dev::addresses::Addresses;
use crate::dev::error::StageError;
use crate::domain::{SharedClock, SharedEntropy, Timestamp};

/// A refusal of the token endpoint or the authorization endpoint, with Entra's error codes.
#[derive(Debug)]
pub(in crate::dev) struct EntraRefusal {
    status: StatusCode,
    pub(in crate::dev) error: &'static str,
    pub(in crate::dev) code: u32,
    text: String,
    suberror: Option<&'static str>,
    claims: Option<String>,
}

impl EntraRefusal {
    fn new(status: StatusCode, error: &'static str, code: u32, text: impl Into<String>) -> Self {
        Self { status, error, code, text: text.into(), suberror: None, claims: None }
    }

    /// `invalid_grant`: the user's assertion, password, code or refresh token is not valid.
    pub(in crate::dev) fn invalid_grant(code: u32, text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_grant", code, text)
    }

    /// `invalid_client`: the app could not authenticate. Entra answers 401.
    pub(in crate::dev) fn invalid_client(code: u32, text: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "invalid_client", code, text)
    }

    /// A refusal with another `error` and status 400.
    pub(in crate::dev) fn bad_request(error: &'static str, code: u32, text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error, code, text)
    }

    /// 900144: a required form parameter is absent.
    pub(in crate::dev) fn missing_parameter(parameter: &str) -> Self {
        let text = format!("The request body must contain the following parameter: '{parameter}'.");
        Self::bad_request("invalid_request", 900_144, text)
    }

    /// 50000: the stage itself failed.
    pub(in crate::dev) fn server_error() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "server_error", 50_000, "There was an error issuing a token.")
    }

    pub(in crate::dev) fn with_suberror(mut self, suberror: &'static str) -> Self {
        self.suberror = Some(suberror);
        self
    }

    pub(in crate::dev) fn with_claims(mut self, claims: &Value) -> Self {
        self.claims = Some(claims.to_string());
        self
    }

    /// The text `AADSTSnnnn: …`, without trace ids.
    pub(in crate::dev) fn message(&self) -> String {
        format!("AADSTS{}: {}", self.code, self.text)
    }
}

impl From<StageError> for EntraRefusal {
    /// A failure of the stage itself is not the client's fault, so it becomes a server error.
    fn from(_: StageError) -> Self {
        Self::server_error()
    }
}

/// Turns refusals into HTTP answers in Entra's format: adds the time, a trace id and a link.
pub(in crate::dev) struct EntraRefusalReplies {
    pub(in crate::dev) addresses: Arc<Addresses>,
    pub(in crate::dev) clock: SharedClock,
    pub(in crate::dev) entropy: SharedEntropy,
}

impl EntraRefusalReplies {
    /// The JSON answer to a request without a `client-request-id`.
    pub(in crate::dev) fn reply(&self, refusal: &EntraRefusal) -> HttpResponse {
        self.reply_with_correlation_id(refusal, &self.new_correlation_id())
    }

    /// The JSON answer with `correlation_id`, which is the caller's `client-request-id` if there is one.
    pub(in crate::dev) fn reply_with_correlation_id(
        &self,
        refusal: &EntraRefusal,
        correlation_id: &str,
    ) -> HttpResponse {
        let trace_id = self.entropy.uuid();
        let timestamp = format_entra_time(self.clock.now());
        let message = refusal.message();
        let mut body = json!({
            "error": refusal.error,
            "error_description":
                format!("{message} Trace ID: {trace_id} Correlation ID: {correlation_id} Timestamp: {timestamp}"),
            "error_codes": [refusal.code],
            "timestamp": timestamp,
            "trace_id": trace_id,
            "correlation_id": correlation_id,
            "error_uri": format!("{}/error?code={}", self.addresses.https_base, refusal.code),
        });
        if let Value::Object(members) = &mut body {
            if let Some(suberror) = refusal.suberror {
                members.insert("suberror".to_owned(), Value::from(suberror));
            }
            if let Some(claims) = &refusal.claims {
                members.insert("claims".to_owned(), Value::from(claims.as_str()));
            }
        }
        HttpResponse::build(refusal.status).insert_header(("Cache-Control", "no-store")).json(body)
    }

    /// A new id for a request without a `client-request-id`.
    pub(in crate::dev) fn new_correlation_id(&self) -> String {
        self.entropy.uuid()
    }
}

fn format_entra_time(at: Timestamp) -> String {
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]Z");
    OffsetDateTime::from_unix_timestamp(at.unix_seconds())
        .ok()
        .and_then(|moment| moment.format(format).ok())
        .unwrap_or_else(|| at.unix_seconds().to_string())
}
