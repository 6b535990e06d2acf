use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, HttpResponseBuilder};
use serde::Serialize;

use crate::domain::{RefusalStyle, UserToken};
use crate::exchange::{ObtainedToken, Outage, RateLimited, Reason};
use crate::inbound::{APPLICATION_JSON, Problem, UNKNOWN_WAIT_SECONDS};
use crate::protocol::{ErrorResponse, TokenResponse, WithoutToken, iso_8601};

/// Why an operation does not return what the bot requested; each variant has one answer.
pub(super) enum Decline {
    /// The caller or the request as such is refused.
    Problem(Problem),
    /// A query parameter is missing.
    Missing(&'static str),
    /// A query parameter is too long.
    TooLong(&'static str),
    /// The request is malformed; the sentence says how.
    BadArgument(&'static str),
    /// The bot has no connection of this name.
    UnknownConnection(String),
    /// The resource is not in the connection's list with this name.
    UnlistedResource(String, &'static str),
    /// The exchange was refused.
    Refused(Reason),
    /// The exchange was refused; the answer has the style of the bot's SDK.
    RefusedInStyle(Reason, SdkErrorStyle),
    /// No token can be obtained at the moment.
    Unavailable(Outage),
    /// There is no token to return, and the user is needed to get one.
    NoToken,
}

impl From<Problem> for Decline {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<RateLimited> for Decline {
    fn from(limited: RateLimited) -> Self {
        Self::Refused(Reason::TooManyRequests { retry_after: limited.retry_after })
    }
}

impl Decline {
    /// An internal failure; logs it.
    pub(super) fn failed(what: &'static str, error: &impl std::fmt::Display) -> Self {
        tracing::error!(%error, "{what}");
        Self::Problem(Problem::ServiceUnavailable)
    }

    /// The same answer, unless the exchange failed by the operator's mistake while the kept token cannot be refreshed for
    /// an outage: then the bot is told of the outage, as by every operation that would have given the kept token.
    pub(super) fn during(self, outage: Option<Outage>) -> Self {
        match (self, outage) {
            (Self::RefusedInStyle(Reason::Misconfigured, _), Some(outage)) => Self::Unavailable(outage),
            (decline, _) => decline,
        }
    }

    /// The table from outcomes to answers. A missing token is 404 without a body, the one form that every SDK reads as
    /// "no token" (docs/protocols/token-service-api.md §1 rule 4); every other answer says what to change.
    pub(super) fn respond(self) -> HttpResponse {
        match self {
            Self::Problem(problem) => problem.respond(),
            Self::Missing(name) => bad_argument("BadArgument", &format!("The query parameter '{name}' is required.")),
            Self::TooLong(name) => bad_argument("BadArgument", &format!("The query parameter '{name}' is too long.")),
            Self::BadArgument(sentence) => bad_argument("BadArgument", sentence),
            Self::UnknownConnection(name) => {
                let shown: String = name.chars().filter(|letter| !letter.is_control()).take(64).collect();
                bad_argument("BadArgument", &format!("Could not find Connection Setting with name '{shown}'."))
            }
            Self::UnlistedResource(resource, list) => {
                let shown: String = resource.chars().filter(|letter| !letter.is_control()).take(128).collect();
                bad_argument("BadArgument", &format!("The resource '{shown}' is not one of the connection's {list}."))
            }
            Self::Refused(reason) => refused(reason),
            Self::RefusedInStyle(reason, sdk) => error_in_style(reason, &sdk),
            Self::Unavailable(outage) => unavailable(outage),
            Self::NoToken => HttpResponse::NotFound().finish(),
        }
    }
}

/// The style in which a bot's SDK expects a refused exchange.
pub(super) struct SdkErrorStyle {
    pub(super) style: RefusalStyle,
    pub(super) channel_id: Option<String>,
    pub(super) connection_name: String,
}

/// The answer to a refused exchange, on whose form the SDKs disagree (docs/protocols/token-service-api.md §5): as JSON;
/// as the same text without the JSON content type; or, if the user can sign in, as a success without a token.
fn error_in_style(reason: Reason, sdk: &SdkErrorStyle) -> HttpResponse {
    let answer = refused(reason);
    match sdk.style {
        RefusalStyle::Text400 if answer.status() == StatusCode::BAD_REQUEST => {
            let (code, message) = code_and_message(reason);
            let text = ErrorResponse::new(code, message).to_json();
            HttpResponse::BadRequest().content_type("text/plain; charset=utf-8").body(text)
        }
        RefusalStyle::OkWithoutToken if can_be_remedied_by_sign_in(reason) => {
            let channel_id = sdk.channel_id.as_deref();
            let nothing = WithoutToken { channel_id, connection_name: &sdk.connection_name };
            json(&nothing).unwrap_or_else(Decline::respond)
        }
        RefusalStyle::Json400 | RefusalStyle::Text400 | RefusalStyle::OkWithoutToken => answer,
    }
}

/// Whether the user can remedy the refusal by signing in.
fn can_be_remedied_by_sign_in(reason: Reason) -> bool {
    match reason {
        Reason::ConsentRequired | Reason::InteractionRequired | Reason::AssertionExpired | Reason::SignInRequired => {
            true
        }
        Reason::Denied
        | Reason::BadRequest
        | Reason::AssertionRejected(_)
        | Reason::IdentityMismatch(_)
        | Reason::Misconfigured
        | Reason::TooManyRequests { .. }
        | Reason::TemporarilyUnavailable(_) => false,
    }
}

/// The answer to a refused exchange. A refusal that an interactive sign-in would remedy is 400 and contains the words
/// that Agents-python searches for; an outage is 503 (docs/protocols/token-service-api.md §1 rules 8 and 10).
fn refused(reason: Reason) -> HttpResponse {
    match reason {
        Reason::TooManyRequests { retry_after } => Problem::TooManyRequests { retry_after }.respond(),
        Reason::TemporarilyUnavailable(outage) => unavailable(outage),
        reason => {
            let (code, message) = code_and_message(reason);
            bad_argument(code, message)
        }
    }
}

/// The answer while no token can be obtained although the user is not needed: 429 where the identity provider receives too
/// many requests, else 503. It always says when to ask again.
fn unavailable(outage: Outage) -> HttpResponse {
    match outage {
        Outage::Throttled { retry_after } => {
            Problem::TooManyRequests { retry_after: retry_after.unwrap_or(UNKNOWN_WAIT_SECONDS) }
        }
        Outage::Fault { retry_after } => Problem::Outage { retry_after },
    }
    .respond()
}

/// The one place where the three answers become the token or a reply without it.
pub(super) fn require_token(obtained: ObtainedToken) -> Result<Arc<UserToken>, Decline> {
    match obtained {
        ObtainedToken::Token(token) => Ok(token),
        ObtainedToken::UserNeeded => Err(Decline::NoToken),
        ObtainedToken::Unavailable(outage) => Err(Decline::Unavailable(outage)),
    }
}

/// The code for programs and the sentence for people.
#[rustfmt::skip]
fn code_and_message(reason: Reason) -> (&'static str, &'static str) {
    match reason {
        Reason::ConsentRequired => ("ConsentRequired", "Consent Required: the user or an administrator has to consent."),
        Reason::InteractionRequired => ("InteractionRequired", "Consent Required: the user has to sign in interactively."),
        Reason::AssertionExpired => ("AssertionExpired", "Consent Required: the token has expired."),
        Reason::SignInRequired => ("SignInRequired", "Consent Required: the user has to sign in again."),
        Reason::BadRequest => ("BadArgument", "The exchange request is incomplete."),
        Reason::AssertionRejected(_) => ("AssertionRejected", "The token is not one that this connection exchanges."),
        Reason::IdentityMismatch(_) => ("IdentityMismatch", "The token does not belong to this user."),
        Reason::Denied => ("Denied", "The identity provider refuses this user."),
        Reason::Misconfigured => ("Misconfigured", "The connection is not set up correctly: see bot-sso's log."),
        Reason::TooManyRequests { .. } => ("TooManyRequests", "Too many requests; try again later."),
        Reason::TemporarilyUnavailable(_) => ("ServiceUnavailable", "The service is temporarily unavailable."),
    }
}

fn bad_argument(code: &str, message: &str) -> HttpResponse {
    let body = ErrorResponse::new(code, message).to_json();
    HttpResponse::build(StatusCode::BAD_REQUEST).content_type(&APPLICATION_JSON).body(body)
}

/// An answer 200 with a JSON body.
pub(super) fn json(body: &impl Serialize) -> Result<HttpResponse, Decline> {
    let body =
        serde_json::to_string(body).map_err(|error| Decline::failed("the answer cannot be serialised", &error))?;
    Ok(ok().content_type(&APPLICATION_JSON).body(body))
}

/// An answer 200 that no cache may store: it holds a token or a sign-in link (RFC 6749 §5.1).
pub(super) fn ok() -> HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-store")));
    response
}

/// The answer's body with the user's token.
pub(super) fn token_response<'a>(
    channel_id: Option<&'a str>,
    connection_name: &'a str,
    token: &'a UserToken,
) -> TokenResponse<'a> {
    let expiration = iso_8601(token.expires_at);
    TokenResponse { channel_id, connection_name, token: token.access_token.expose(), expiration }
}

/// The answer with the user's token.
pub(super) fn token(channel_id: Option<&str>, connection_name: &str, token: &UserToken) -> HttpResponse {
    let response = token_response(channel_id, connection_name, token);
    ok().content_type(&APPLICATION_JSON).body(response.to_json())
}
