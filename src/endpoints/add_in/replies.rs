use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use utoipa::ToSchema;

use super::failure::{Challenge, Failure, Inline, MISSING_SCOPE, WRONG_AUDIENCE_GRAPH};
use crate::domain::ErrorConvention;
use crate::inbound::choose_retry_after;

/// What of the add-in's configuration answers name.
pub(super) struct ReplyContext<'a> {
    /// How failures are told.
    pub(super) convention: ErrorConvention,
    /// The scope that the pane asks Office for.
    pub(super) scope: String,
    /// The scopes that the user consents to.
    pub(super) downstream_scopes: &'a [String],
    pub(super) correlation_id: &'a str,
}

impl ReplyContext<'_> {
    /// The scope, if the text of `failure` says that the answer names it.
    fn scope_to_ask_for(&self, failure: &Failure) -> Option<&str> {
        let names_scope = failure.is(&WRONG_AUDIENCE_GRAPH) || failure.is(&MISSING_SCOPE);
        names_scope.then_some(self.scope.as_str())
    }
}

/// A failure in the status convention.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) struct AddInFailure<'a> {
    /// The kind of failure.
    #[serde(rename = "type")]
    #[schema(rename = "type")]
    kind: &'a str,
    /// The kind of failure in the words of OAuth.
    error: &'a str,
    /// The identity provider's further word.
    #[serde(skip_serializing_if = "Option::is_none")]
    suberror: Option<&'a str>,
    /// The claims that the next token must satisfy, unchanged: `authChallenge` of `getAccessToken`.
    #[serde(skip_serializing_if = "Option::is_none")]
    claims: Option<&'a str>,
    /// The scope to ask for.
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a str>,
    /// Whether only an administrator can give the missing consent.
    #[serde(rename = "adminConsentRequired", skip_serializing_if = "Option::is_none")]
    #[schema(rename = "adminConsentRequired")]
    needs_administrator: Option<bool>,
    /// A sentence for developers.
    message: &'a str,
    /// The id of the request in the log.
    correlation_id: &'a str,
}

/// A failure as the identity provider's error object: in the inline convention, and at the token endpoint.
#[derive(Serialize, ToSchema)]
pub(super) struct ProviderFailure<'a> {
    /// The kind of failure in the words of OAuth.
    pub(super) error: &'a str,
    /// A sentence, which begins with the identity provider's number where it gave one.
    pub(super) error_description: String,
    /// The identity provider's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error_codes: Option<[u32; 1]>,
    /// The identity provider's further word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) suberror: Option<&'a str>,
    /// The claims that the next token must satisfy, unchanged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) claims: Option<&'a str>,
    /// The scope to ask for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) scope: Option<&'a str>,
    /// Whether only an administrator can give the missing consent.
    #[serde(rename = "adminConsentRequired", skip_serializing_if = "Option::is_none")]
    #[schema(rename = "adminConsentRequired")]
    pub(super) needs_administrator: Option<bool>,
    /// The id of the request in the log.
    pub(super) correlation_id: &'a str,
}

impl<'a> ProviderFailure<'a> {
    /// The error object of `failure`; `number` is that of failures of which the identity provider gave none.
    pub(super) fn new(
        failure: &'a Failure,
        error: &'a str,
        number: Option<u32>,
        context: &'a ReplyContext<'a>,
    ) -> Self {
        let number = failure.number.or(number);
        let message = failure.row.message;
        Self {
            error,
            error_description: number.map_or_else(|| message.to_owned(), |number| format!("AADSTS{number}: {message}")),
            error_codes: number.map(|number| [number]),
            suberror: failure.suberror(),
            claims: failure.claims.as_deref(),
            scope: context.scope_to_ask_for(failure),
            needs_administrator: failure.needs_administrator,
            correlation_id: context.correlation_id,
        }
    }
}

/// The answer to a failure, in the convention of the add-in.
pub(super) fn refuse(failure: &Failure, context: &ReplyContext<'_>) -> HttpResponse {
    match (context.convention, failure.row.inline) {
        (ErrorConvention::Inline, Inline::Number(number)) => {
            let body = ProviderFailure::new(failure, failure.row.error, Some(number), context);
            HttpResponse::Ok().json(body)
        }
        _ => refuse_by_status(failure, context),
    }
}

fn refuse_by_status(failure: &Failure, context: &ReplyContext<'_>) -> HttpResponse {
    let row = failure.row;
    let status = StatusCode::from_u16(row.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    if let Some(challenge) = write_challenge(failure, context) {
        response.insert_header((WWW_AUTHENTICATE, challenge));
    }
    if let Some(seconds) = find_retry_after(failure) {
        response.insert_header((RETRY_AFTER, seconds));
    }
    response.json(AddInFailure {
        kind: row.kind,
        error: row.error,
        suberror: failure.suberror(),
        claims: failure.claims.as_deref(),
        scope: context.scope_to_ask_for(failure),
        needs_administrator: failure.needs_administrator,
        message: row.message,
        correlation_id: context.correlation_id,
    })
}

/// Seconds until the request makes sense again, where an answer says so. A configuration is not mended by waiting.
pub(super) fn find_retry_after(failure: &Failure) -> Option<u64> {
    let status = StatusCode::from_u16(failure.row.status).ok()?;
    (status != StatusCode::INTERNAL_SERVER_ERROR).then(|| choose_retry_after(status, failure.retry_after)).flatten()
}

fn write_challenge(failure: &Failure, context: &ReplyContext<'_>) -> Option<HeaderValue> {
    let text = match failure.row.challenge {
        Challenge::None => return None,
        Challenge::Bearer => "Bearer".to_owned(),
        Challenge::InvalidToken => "Bearer error=\"invalid_token\"".to_owned(),
        Challenge::InsufficientScope => {
            format!("Bearer error=\"insufficient_scope\", scope=\"{}\"", context.scope)
        }
        Challenge::InsufficientClaims => {
            let claims = STANDARD.encode(failure.claims.as_deref().unwrap_or_default());
            format!("Bearer error=\"insufficient_claims\", claims=\"{claims}\"")
        }
        Challenge::Consent => {
            let scopes = context.downstream_scopes.join(" ");
            format!("Bearer proposedAction=\"consent\", scopes=\"{scopes}\"")
        }
    };
    // A scope of the configuration may have characters that a header cannot have.
    HeaderValue::from_str(&text).ok()
}
