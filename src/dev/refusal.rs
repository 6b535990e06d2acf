use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::macros::format_description;

use super::state::State;
use crate::domain::Timestamp;

/// An answer of the token endpoint (or of the authorize endpoint) that is not a token, in Entra's shape.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    pub(super) error: &'static str,
    pub(super) code: u32,
    text: String,
    suberror: Option<&'static str>,
    claims: Option<String>,
}

impl Refusal {
    fn new(status: StatusCode, error: &'static str, code: u32, text: impl Into<String>) -> Self {
        Self { status, error, code, text: text.into(), suberror: None, claims: None }
    }

    /// `invalid_grant`: the user's assertion, password, code or refresh token is no good.
    pub(super) fn grant(code: u32, text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_grant", code, text)
    }

    /// `invalid_client`: the app could not prove who it is. Entra answers 401 here.
    pub(super) fn client(code: u32, text: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "invalid_client", code, text)
    }

    /// Any other `error` at status 400.
    pub(super) fn bad_request(error: &'static str, code: u32, text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error, code, text)
    }

    /// 900144: a required form parameter is absent.
    pub(super) fn missing(parameter: &str) -> Self {
        let text = format!("The request body must contain the following parameter: '{parameter}'.");
        Self::bad_request("invalid_request", 900_144, text)
    }

    /// 50000: the stage itself failed.
    pub(super) fn server_error() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "server_error", 50_000, "There was an error issuing a token.")
    }

    pub(super) fn with_suberror(mut self, suberror: &'static str) -> Self {
        self.suberror = Some(suberror);
        self
    }

    pub(super) fn with_claims(mut self, claims: &Value) -> Self {
        self.claims = Some(claims.to_string());
        self
    }

    /// `AADSTSnnnn: text`, without trace ids.
    pub(super) fn message(&self) -> String {
        format!("AADSTS{}: {}", self.code, self.text)
    }

    /// The JSON answer; `correlation_id` echoes the caller's `client-request-id`.
    pub(super) fn to_response(&self, state: &State, correlation_id: &str) -> HttpResponse {
        let trace_id = state.entropy.uuid();
        let timestamp = entra_time(state.clock.now());
        let message = self.message();
        let mut body = json!({
            "error": self.error,
            "error_description":
                format!("{message} Trace ID: {trace_id} Correlation ID: {correlation_id} Timestamp: {timestamp}"),
            "error_codes": [self.code],
            "timestamp": timestamp,
            "trace_id": trace_id,
            "correlation_id": correlation_id,
            "error_uri": format!("{}/error?code={}", state.https_base, self.code),
        });
        if let Value::Object(members) = &mut body {
            if let Some(suberror) = self.suberror {
                members.insert("suberror".to_owned(), Value::from(suberror));
            }
            if let Some(claims) = &self.claims {
                members.insert("claims".to_owned(), Value::from(claims.as_str()));
            }
        }
        HttpResponse::build(self.status).insert_header(("Cache-Control", "no-store")).json(body)
    }
}

fn entra_time(at: Timestamp) -> String {
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]Z");
    OffsetDateTime::from_unix_timestamp(at.unix_seconds())
        .ok()
        .and_then(|moment| moment.format(format).ok())
        .unwrap_or_else(|| at.unix_seconds().to_string())
}
