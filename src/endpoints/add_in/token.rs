use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, PRAGMA, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::AddInDoor;
use super::call::AddInCall;
use super::failure::Failure;
use super::replies::{ProviderFailure, ReplyContext, find_retry_after};
use crate::domain::{Secret, UserToken};
use crate::exchange::may_be_asked_for;
use crate::inbound::{CallerRefusal, Form, PresentedClient, Problem, announces_form, read_body, read_client};

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const ON_BEHALF_OF: &str = "on_behalf_of";

/// The form with which a server asks for the token of a user.
#[derive(ToSchema)]
#[allow(dead_code, reason = "the form is read parameter by parameter")]
pub(super) struct AddInTokenRequest {
    /// `urn:ietf:params:oauth:grant-type:jwt-bearer`
    grant_type: String,
    /// `on_behalf_of`
    requested_token_use: String,
    /// The token that Office gave the pane.
    assertion: String,
    /// Some of the add-in's scopes; all of them if absent.
    scope: Option<String>,
    /// The caller's id, unless the `Authorization` header has it.
    client_id: Option<String>,
    /// The caller's secret, unless the `Authorization` header has it.
    client_secret: Option<String>,
}

/// The token of a user for the add-in's scopes.
#[derive(Serialize, ToSchema)]
pub(super) struct AddInToken<'a> {
    token_type: &'a str,
    /// The scopes that the identity provider granted.
    scope: String,
    /// Seconds.
    expires_in: u64,
    access_token: &'a str,
}

/// Why a request for a token is refused.
enum TokenFailure {
    /// The request's form, or its caller.
    Request(RequestError),
    /// The user's token, or its exchange.
    Token(Failure),
}

/// What is wrong with a request for a token (RFC 6749 §5.2).
#[derive(Clone, Copy)]
struct RequestError {
    status: StatusCode,
    error: &'static str,
    description: &'static str,
}

const fn invalid_request(description: &'static str) -> RequestError {
    RequestError { status: StatusCode::BAD_REQUEST, error: "invalid_request", description }
}

const INVALID_CLIENT: RequestError = RequestError {
    status: StatusCode::UNAUTHORIZED,
    error: "invalid_client",
    description: "The client is not known here, or its secret is wrong.",
};
const UNSUPPORTED_GRANT: RequestError = RequestError {
    status: StatusCode::BAD_REQUEST,
    error: "unsupported_grant_type",
    description: "Only the on-behalf-of grant is supported.",
};
const INVALID_SCOPE: RequestError = RequestError {
    status: StatusCode::BAD_REQUEST,
    error: "invalid_scope",
    description: "A scope is not one of the add-in's.",
};
const NOT_A_FORM: RequestError = invalid_request("The body must be a form whose parameters are there once.");
const CREDENTIALS_TWICE: RequestError = invalid_request("The client's credentials must be in one place, and once.");
const NOT_ON_BEHALF_OF: RequestError = invalid_request("requested_token_use must be on_behalf_of.");
const NO_ASSERTION: RequestError = invalid_request("The assertion is missing.");

impl From<RequestError> for TokenFailure {
    fn from(error: RequestError) -> Self {
        Self::Request(error)
    }
}

impl From<Failure> for TokenFailure {
    fn from(failure: Failure) -> Self {
        Self::Token(failure)
    }
}

/// `POST /api/add-ins/{add_in}/token`, for the servers that may have the user's token itself.
pub(super) async fn exchange(http: HttpRequest, payload: web::Payload, door: web::Data<AddInDoor>) -> HttpResponse {
    let Some(call) = AddInCall::of_path(&http, &door) else { return Problem::NotFound.respond() };
    let mut response = match hand_out(&call, payload).await {
        Ok(response) => response,
        Err(TokenFailure::Request(error)) => refuse_request(error, &call.correlation_id),
        Err(TokenFailure::Token(failure)) => refuse_token(&failure, &call.reply_context()),
    };
    response.headers_mut().insert(CACHE_CONTROL, super::call::NO_STORE);
    response.headers_mut().insert(PRAGMA, actix_web::http::header::HeaderValue::from_static("no-cache"));
    response
}

async fn hand_out(call: &AddInCall, payload: web::Payload) -> Result<HttpResponse, TokenFailure> {
    if !announces_form(call.http.headers()) {
        return Err(NOT_A_FORM.into());
    }
    let body = read_body(&call.http, payload, call.door.limits).await.map_err(refuse_body)?;
    let form = Form::parse(&body).map_err(|_| NOT_A_FORM)?;
    authenticate_caller(call, &form).await?;
    if form.find_repeated(&[]).is_some() {
        return Err(NOT_A_FORM.into());
    }
    if form.find("grant_type") != Some(JWT_BEARER) {
        return Err(UNSUPPORTED_GRANT.into());
    }
    if form.find("requested_token_use") != Some(ON_BEHALF_OF) {
        return Err(NOT_ON_BEHALF_OF.into());
    }
    let assertion = Secret::from(form.find("assertion").ok_or(NO_ASSERTION)?);
    let wanted = form.find("scope").unwrap_or_default().split_ascii_whitespace();
    if !wanted.into_iter().all(|scope| may_be_asked_for(&call.connection, scope)) {
        return Err(INVALID_SCOPE.into());
    }
    let request = call.assertion_request(call.validate(&assertion).await?);
    let token = call.exchange(&request).await?;
    Ok(HttpResponse::Ok().json(describe(&token, call)))
}

/// Checks that the request is one of a caller of the add-in.
async fn authenticate_caller(call: &AddInCall, form: &Form<'_>) -> Result<(), TokenFailure> {
    let callers = call.door.callers.get(&call.add_in.name);
    let check = match read_client(call.http.headers(), form) {
        Err(error) if error.is_invalid_request() => {
            report_caller(call, error.check());
            return Err(CREDENTIALS_TWICE.into());
        }
        Err(error) => error.check(),
        Ok(PresentedClient::None) => "client_absent",
        Ok(PresentedClient::Secret(secret)) if callers.is_some_and(|known| known.authenticate(&secret).is_some()) => {
            return Ok(());
        }
        Ok(PresentedClient::Secret(_) | PresentedClient::Assertion { .. }) => "add_in_caller",
    };
    call.count_guess().await?;
    report_caller(call, check);
    Err(INVALID_CLIENT.into())
}

fn report_caller(call: &AddInCall, check: &'static str) {
    let refusal = CallerRefusal::new(Problem::CallerNotAllowed, check);
    let _ = refusal.at_bot(call.connection.holder.as_str()).logged(&call.http);
}

fn describe<'a>(token: &'a UserToken, call: &AddInCall) -> AddInToken<'a> {
    let left = call.door.ambient.clock.now().until(token.expires_at);
    AddInToken {
        token_type: "Bearer",
        scope: token.granted_scope.clone().unwrap_or_else(|| call.connection.scopes.join(" ")),
        expires_in: left.as_secs(),
        access_token: token.access_token.expose(),
    }
}

fn refuse_body(problem: Problem) -> RequestError {
    match problem {
        Problem::PayloadTooLarge => {
            RequestError { status: StatusCode::PAYLOAD_TOO_LARGE, ..invalid_request("The request body is too large.") }
        }
        Problem::RequestTimeout => RequestError {
            status: StatusCode::REQUEST_TIMEOUT,
            ..invalid_request("The request body did not arrive in time.")
        },
        _ => NOT_A_FORM,
    }
}

fn refuse_request(error: RequestError, correlation_id: &str) -> HttpResponse {
    let mut response = HttpResponse::build(error.status);
    if error.status == StatusCode::UNAUTHORIZED {
        // RFC 6749 §5.2.
        response.insert_header((WWW_AUTHENTICATE, "Basic realm=\"add-in callers\""));
    }
    response.json(ProviderFailure {
        error: error.error,
        error_description: error.description.to_owned(),
        error_codes: None,
        suberror: None,
        claims: None,
        scope: None,
        needs_administrator: None,
        correlation_id,
    })
}

/// A refused token of a user, as the identity provider tells it: 400, or the status of what is not the caller's.
fn refuse_token(failure: &Failure, context: &ReplyContext<'_>) -> HttpResponse {
    let row = failure.row;
    let is_of_token = matches!(row.status, 401 | 403);
    let status = if is_of_token { 400 } else { row.status };
    let error = match row.error {
        "invalid_token" | "insufficient_scope" => "invalid_grant",
        error => error,
    };
    let mut response = HttpResponse::build(StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST));
    if let Some(seconds) = find_retry_after(failure) {
        response.insert_header((RETRY_AFTER, seconds));
    }
    response.json(ProviderFailure::new(failure, error, None, context))
}
