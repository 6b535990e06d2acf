use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, HttpResponseBuilder};
use serde::Serialize;
use utoipa::ToSchema;

use crate::bot_connector::BackEndAppTokenError;
use crate::exchange::{Outage, Reason, Refusal};
use crate::inbound::{ClientRefusal, Problem, choose_retry_after};

/// The challenge to a client that has used the `Authorization` header (RFC 6749 §5.2).
const CHALLENGE: &str = "Basic realm=\"bot-sso\"";

/// The reasons why a request gets no token; each variant has one answer.
#[derive(Debug)]
pub(super) enum OAuthError {
    /// The client is not authenticated.
    Client(ClientRefusal),
    /// The body is too large or too slow.
    Body(Problem),
    /// `invalid_request`, with the sentence that says what is wrong.
    InvalidRequest(&'static str),
    /// `invalid_grant`: the assertion of the grant jwt-bearer is not one that is exchanged (RFC 7523 §3.1).
    InvalidAssertion(&'static str),
    /// `unsupported_grant_type`
    UnsupportedGrantType,
    /// `unauthorized_client`: the back end may not use this grant.
    UnauthorizedClient,
    /// `invalid_scope`
    InvalidScope(&'static str),
    /// `invalid_target`: `audience` or `resource` names something else than the connection's resources (RFC 8693 §2.2.2).
    InvalidTarget,
    /// The exchange was refused for a reason that is not the token's form.
    Refused(Box<Refusal>),
    /// No app token can be given.
    AppToken(BackEndAppTokenError),
    /// The store fails.
    Unavailable,
}

/// The body of an error, with the members that Entra adds.
// RFC 6749 §5.2.
#[derive(Serialize, ToSchema)]
pub(super) struct OAuthErrorBody<'a> {
    /// The code for programs.
    error: &'static str,
    /// A fixed sentence for people.
    error_description: &'static str,
    /// What the user has to do: the provider's word, or `consent_required`, `interaction_required`, `sign_in_required`.
    #[serde(skip_serializing_if = "Option::is_none")]
    suberror: Option<&'a str>,
    /// The claims challenge, as the provider wrote it. The client requests the next token of the user with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    claims: Option<&'a str>,
}

/// A row of the table of errors.
struct Row {
    status: StatusCode,
    error: &'static str,
    description: &'static str,
}

impl OAuthError {
    /// The table from refusals to answers (docs/back-ends.md §Errors).
    pub(super) fn respond(self) -> HttpResponse {
        let Row { status, error, description } = self.row();
        let mut response = HttpResponse::build(status);
        if let Some(retry_after) = choose_retry_after(status, self.known_wait()) {
            response.insert_header((header::RETRY_AFTER, retry_after));
        }
        if matches!(self, Self::Client(ClientRefusal::InvalidClient { used_header: true })) {
            response.insert_header((header::WWW_AUTHENTICATE, CHALLENGE));
        }
        let refusal = if let Self::Refused(refusal) = &self { Some(refusal) } else { None };
        let body = OAuthErrorBody {
            error,
            error_description: description,
            suberror: refusal.and_then(|refusal| find_suberror(refusal)),
            claims: refusal.and_then(|refusal| refusal.claims.as_deref()),
        };
        without_cache(&mut response).json(body)
    }

    #[rustfmt::skip]
    fn row(&self) -> Row {
        match self {
            Self::Client(ClientRefusal::InvalidRequest) => bad("invalid_request", "The client's credentials must be stated once, in one place."),
            Self::Client(ClientRefusal::InvalidClient { .. }) => Row { status: StatusCode::UNAUTHORIZED, error: "invalid_client", description: "Client authentication failed." },
            Self::Client(ClientRefusal::TooManyRequests { .. }) => row(StatusCode::TOO_MANY_REQUESTS, "temporarily_unavailable", "Too many requests; try again later."),
            Self::Client(ClientRefusal::Unavailable) | Self::Unavailable | Self::AppToken(BackEndAppTokenError::Unavailable { .. }) => unavailable(),
            Self::Body(Problem::PayloadTooLarge) => row(StatusCode::PAYLOAD_TOO_LARGE, "invalid_request", "The request body is too large."),
            Self::Body(Problem::RequestTimeout) => row(StatusCode::REQUEST_TIMEOUT, "invalid_request", "The request body did not arrive in time."),
            Self::Body(_) => bad("invalid_request", "The request body cannot be read."),
            Self::InvalidRequest(sentence) => bad("invalid_request", sentence),
            Self::InvalidAssertion(sentence) => bad("invalid_grant", sentence),
            Self::UnsupportedGrantType => bad("unsupported_grant_type", "The grant_type is none of grant_types_supported in the metadata."),
            Self::UnauthorizedClient | Self::AppToken(BackEndAppTokenError::NoClient) => bad("unauthorized_client", "This client may not use this grant."),
            Self::InvalidScope(sentence) => bad("invalid_scope", sentence),
            Self::InvalidTarget => bad("invalid_target", "The audience or resource is not one that this client may get tokens for."),
            Self::Refused(refusal) => refused(refusal),
            Self::AppToken(BackEndAppTokenError::Misconfigured) => server_error(),
        }
    }

    /// The seconds after which the next request makes sense, if they are known.
    fn known_wait(&self) -> Option<u64> {
        match self {
            Self::Client(ClientRefusal::TooManyRequests { retry_after }) => Some(*retry_after),
            Self::Refused(refusal) => match refusal.reason {
                Reason::TooManyRequests { retry_after } => Some(retry_after),
                Reason::TemporarilyUnavailable(outage) => Outage::retry_after(outage),
                _ => None,
            },
            Self::AppToken(BackEndAppTokenError::Unavailable { retry_after }) => {
                retry_after.map(|wait| wait.as_secs().saturating_add(1))
            }
            _ => None,
        }
    }
}

/// The answer to a refusal of the identity provider, or of the user's token. A token of the wrong form, user or time has become
/// [`OAuthError::InvalidRequest`] or [`OAuthError::InvalidAssertion`] before.
#[rustfmt::skip]
fn refused(refusal: &Refusal) -> Row {
    match refusal.reason {
        Reason::ConsentRequired if refusal.needs_administrator() => bad("invalid_grant", "An administrator has to consent first."),
        Reason::ConsentRequired => bad("invalid_grant", "The user or an administrator has to consent first."),
        Reason::InteractionRequired => bad("invalid_grant", "The user has to sign in interactively; a token that satisfies the claims is exchanged."),
        Reason::SignInRequired => bad("invalid_grant", "The user has signed out; a token of a new sign-in is exchanged."),
        Reason::Denied => bad("invalid_grant", "The identity provider refuses this user."),
        Reason::BadRequest | Reason::AssertionExpired | Reason::AssertionRejected(_) | Reason::IdentityMismatch(_) => bad("invalid_grant", "The token is not one that is exchanged for this client."),
        Reason::Misconfigured => server_error(),
        Reason::TemporarilyUnavailable(_) => unavailable(),
        Reason::TooManyRequests { .. } => row(StatusCode::TOO_MANY_REQUESTS, "temporarily_unavailable", "Too many requests; try again later."),
    }
}

/// What the user has to do, for a refusal that the user can cure.
fn find_suberror(refusal: &Refusal) -> Option<&str> {
    let word = match refusal.reason {
        Reason::ConsentRequired => "consent_required",
        Reason::InteractionRequired => "interaction_required",
        Reason::SignInRequired => "sign_in_required",
        _ => return None,
    };
    Some(refusal.diagnostics.suberror.as_deref().unwrap_or(word))
}

const fn row(status: StatusCode, error: &'static str, description: &'static str) -> Row {
    Row { status, error, description }
}

const fn bad(error: &'static str, description: &'static str) -> Row {
    row(StatusCode::BAD_REQUEST, error, description)
}

const fn unavailable() -> Row {
    let description = "The service is temporarily unavailable.";
    row(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", description)
}

/// A mistake of the operator's; the log says which.
const fn server_error() -> Row {
    row(StatusCode::INTERNAL_SERVER_ERROR, "server_error", "The service cannot get tokens at the moment.")
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
