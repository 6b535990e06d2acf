use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, HttpResponseBuilder};
use serde::Serialize;
use utoipa::ToSchema;

use crate::inbound::{ClientRefusal, Problem, choose_retry_after};

/// The challenge to an application that has used the `Authorization` header (RFC 6749 §5.2).
const CHALLENGE: &str = "Basic realm=\"bot-sso\"";

/// Why a request to this door fails; each variant has one answer.
#[derive(Debug)]
pub(super) enum OAuthRefusal {
    /// The application is not authenticated.
    Client(ClientRefusal),
    /// The body is too large or too slow.
    Body(Problem),
    /// `invalid_request`, with the sentence that says what is wrong.
    InvalidRequest(&'static str),
    /// `invalid_grant`: code, refresh token, password or assertion are not good here. The log says why.
    InvalidGrant(&'static str),
    /// `invalid_grant` with the user's id: the password is right, but has expired.
    PasswordExpired {
        /// The user's id.
        user_id: String,
    },
    /// `invalid_scope`: a refresh asks for more than was granted.
    InvalidScope,
    /// `unauthorized_client`: the application may not use this grant.
    UnauthorizedClient,
    /// `unsupported_grant_type`
    UnsupportedGrantType,
    /// `unsupported_token_type`: the token has no grant that could be ended (RFC 7009 §2.2.1).
    UnsupportedTokenType,
    /// The bearer is missing: a challenge without an error (RFC 6750 §3.1).
    NoBearer,
    /// The bearer is no access token of the directory that is good at the moment.
    InvalidToken,
    /// The bearer lacks the scope `openid`.
    InsufficientScope,
    /// The directory offers its users no pages of their own.
    SelfServiceOff,
    /// Too many sign-ins were refused, or too many passwords are being hashed.
    TooManyRequests {
        /// Seconds until the next try, if they are known.
        retry_after: Option<u64>,
    },
    /// The store fails.
    Unavailable,
}

/// The body of an error of a directory's OAuth endpoints.
// RFC 6749 §5.2.
#[derive(Serialize, ToSchema)]
pub(super) struct DirectoryOAuthError<'a> {
    /// The code for programs.
    error: &'static str,
    /// A fixed sentence for people.
    error_description: &'static str,
    /// Where the password has expired: the id of the user, who has to change it.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<&'a str>,
}

/// A row of the table of errors.
struct Row {
    status: StatusCode,
    error: &'static str,
    description: &'static str,
}

impl OAuthRefusal {
    /// The table from refusals to answers.
    pub(super) fn respond(&self) -> HttpResponse {
        let Row { status, error, description } = self.row();
        let mut response = HttpResponse::build(status);
        let known_wait = match self {
            Self::Client(ClientRefusal::TooManyRequests { retry_after }) => Some(*retry_after),
            Self::TooManyRequests { retry_after } => *retry_after,
            _ => None,
        };
        if let Some(retry_after) = choose_retry_after(status, known_wait) {
            response.insert_header((header::RETRY_AFTER, retry_after));
        }
        if let Some(challenge) = self.find_challenge() {
            response.insert_header((header::WWW_AUTHENTICATE, challenge));
        }
        let user_id = if let Self::PasswordExpired { user_id } = self { Some(user_id.as_str()) } else { None };
        without_cache(&mut response).json(DirectoryOAuthError { error, error_description: description, user_id })
    }

    #[rustfmt::skip]
    fn row(&self) -> Row {
        match self {
            Self::Client(ClientRefusal::InvalidRequest) => bad("invalid_request", "The application's credentials must be stated once, in one place."),
            Self::Client(ClientRefusal::InvalidClient { .. }) => row(StatusCode::UNAUTHORIZED, "invalid_client", "The application's client id or secret is wrong."),
            Self::Client(ClientRefusal::TooManyRequests { .. }) | Self::TooManyRequests { .. } => row(StatusCode::TOO_MANY_REQUESTS, "temporarily_unavailable", "Too many requests; try again later."),
            Self::Client(ClientRefusal::Unavailable) | Self::Unavailable => row(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", "The service is temporarily unavailable."),
            Self::Body(Problem::PayloadTooLarge) => row(StatusCode::PAYLOAD_TOO_LARGE, "invalid_request", "The request body is too large."),
            Self::Body(Problem::RequestTimeout) => row(StatusCode::REQUEST_TIMEOUT, "invalid_request", "The request body did not arrive in time."),
            Self::Body(_) => bad("invalid_request", "The request body cannot be read."),
            Self::InvalidRequest(sentence) => bad("invalid_request", sentence),
            Self::InvalidGrant(sentence) => bad("invalid_grant", sentence),
            Self::PasswordExpired { .. } => bad("invalid_grant", "Password expired"),
            Self::InvalidScope => bad("invalid_scope", "The scope is more than the user has granted."),
            Self::UnauthorizedClient => bad("unauthorized_client", "This application may not use this grant."),
            Self::UnsupportedGrantType => bad("unsupported_grant_type", "The grant_type is none of grant_types_supported in the metadata."),
            Self::UnsupportedTokenType => bad("unsupported_token_type", "This token ends at its expiry only."),
            Self::NoBearer => row(StatusCode::UNAUTHORIZED, "invalid_request", "An Authorization header with one access token is required."),
            Self::InvalidToken => row(StatusCode::UNAUTHORIZED, "invalid_token", "The access token is not valid here."),
            Self::SelfServiceOff => row(StatusCode::FORBIDDEN, "access_denied", "Self-service is off in this directory."),
            Self::InsufficientScope => row(StatusCode::FORBIDDEN, "insufficient_scope", "The access token lacks the scope openid."),
        }
    }

    /// The value of `WWW-Authenticate` (RFC 6749 §5.2, RFC 6750 §3).
    const fn find_challenge(&self) -> Option<&'static str> {
        match self {
            Self::Client(ClientRefusal::InvalidClient { used_header: true }) => Some(CHALLENGE),
            Self::NoBearer => Some("Bearer"),
            Self::InvalidToken => Some("Bearer error=\"invalid_token\""),
            Self::InsufficientScope => Some("Bearer error=\"insufficient_scope\", scope=\"openid\""),
            _ => None,
        }
    }
}

const fn row(status: StatusCode, error: &'static str, description: &'static str) -> Row {
    Row { status, error, description }
}

const fn bad(error: &'static str, description: &'static str) -> Row {
    row(StatusCode::BAD_REQUEST, error, description)
}

/// An answer with status 200 that no cache may store (RFC 6749 §5.1).
pub(super) fn ok() -> HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    without_cache(&mut response);
    response
}

fn without_cache(response: &mut HttpResponseBuilder) -> &mut HttpResponseBuilder {
    response.insert_header((header::CACHE_CONTROL, "no-store")).insert_header((header::PRAGMA, "no-cache"))
}
