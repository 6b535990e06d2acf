use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

use crate::inbound::{Problem, choose_retry_after};

/// Why a logout token has no effect.
#[derive(Clone, Copy, Debug)]
pub(super) enum LogoutRefusal {
    /// The token, or the request around it, is not accepted. The log names the check.
    Token,
    /// The body is too large or too slow, or cannot be read.
    Body(Problem),
    /// The client has sent too many refused tokens.
    TooMany {
        /** Seconds until the next one is answered as such. */
        retry_after: u64,
    },
    /// The token cannot be checked now, or the sign-out is incomplete.
    Unavailable,
}

/// The body of an error (OpenID Connect Back-Channel Logout 1.0 §2.8).
#[derive(Serialize, ToSchema)]
pub(super) struct LogoutErrorBody {
    /// The code for programs.
    error: &'static str,
    /// A fixed sentence for people.
    error_description: &'static str,
}

/// The answer to a logout token that was accepted.
pub(super) fn done() -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).finish()
}

impl LogoutRefusal {
    /// The table from refusals to answers.
    #[rustfmt::skip]
    pub(super) fn respond(self) -> HttpResponse {
        let (status, error, error_description) = match self {
            Self::Token => (StatusCode::BAD_REQUEST, "invalid_request", "The logout token is not accepted."),
            Self::Body(Problem::PayloadTooLarge) => (StatusCode::PAYLOAD_TOO_LARGE, "invalid_request", "The request body is too large."),
            Self::Body(Problem::RequestTimeout) => (StatusCode::REQUEST_TIMEOUT, "invalid_request", "The request body did not arrive in time."),
            Self::Body(_) => (StatusCode::BAD_REQUEST, "invalid_request", "The request body cannot be read."),
            Self::TooMany { .. } => (StatusCode::TOO_MANY_REQUESTS, "temporarily_unavailable", "Too many requests; try again later."),
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", "The service is temporarily unavailable: send the logout token again."),
        };
        let known = if let Self::TooMany { retry_after } = self { Some(retry_after) } else { None };
        let mut response = HttpResponse::build(status);
        response.insert_header((header::CACHE_CONTROL, "no-store"));
        if let Some(seconds) = choose_retry_after(status, known) {
            response.insert_header((header::RETRY_AFTER, seconds));
        }
        response.json(LogoutErrorBody { error, error_description })
    }
}
