use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, HttpResponseBuilder};
use serde::Serialize;

use crate::domain::{RefusalStyle, UserToken};
use crate::exchange::{RateLimited, Reason};
use crate::inbound::Problem;
use crate::protocol::{ErrorResponse, TokenResponse, WithoutToken, iso_8601};

/// Why an operation did not give what was asked for; one answer each.
pub(super) enum Decline {
    /// The caller or the request as such.
    Problem(Problem),
    /// A query parameter is missing.
    Missing(&'static str),
    /// A query parameter is too long.
    TooLong(&'static str),
    /// The request says something that makes no sense, namely this.
    BadArgument(&'static str),
    /// The bot has no connection of this name.
    UnknownConnection(String),
    /// A resource is not in the connection's list of this name.
    UnlistedResource(String, &'static str),
    /// The exchange was refused.
    Refused(Reason),
    /// The same, in the way that the bot's SDK understands.
    RefusedInStyle(Reason, SdkErrorStyle),
    /// There is nothing to give.
    Nothing,
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
    /// Something of ours failed; the reason goes to the log.
    pub(super) fn failed(what: &'static str, error: &impl std::fmt::Display) -> Self {
        tracing::error!(%error, "{what}");
        Self::Problem(Problem::ServiceUnavailable)
    }

    /// The table. Nothing to give is 404 without a body, the one form that every SDK reads as that (token-service-api
    /// rule 4); everything else says what to change.
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
            Self::RefusedInStyle(reason, manner) => error_in_style(reason, &manner),
            Self::Nothing => HttpResponse::NotFound().finish(),
        }
    }
}

/// How a bot wants to be refused.
pub(super) struct SdkErrorStyle {
    pub(super) style: RefusalStyle,
    pub(super) channel_id: Option<String>,
    pub(super) connection_name: String,
}

/// A refused exchange as no two SDKs want it (token-service-api §5): as JSON, as the same text of no JSON type, or, where
/// the bot can go on to ask its user, as a success that brings no token.
fn error_in_style(reason: Reason, manner: &SdkErrorStyle) -> HttpResponse {
    let answer = refused(reason);
    match manner.style {
        RefusalStyle::Text400 if answer.status() == StatusCode::BAD_REQUEST => {
            let (code, message) = words_of(reason);
            let text = ErrorResponse::new(code, message).to_json();
            HttpResponse::BadRequest().content_type("text/plain; charset=utf-8").body(text)
        }
        RefusalStyle::OkWithoutToken if asks_the_user(reason) => {
            let channel_id = manner.channel_id.as_deref();
            let nothing = WithoutToken { channel_id, connection_name: &manner.connection_name };
            json(&nothing).unwrap_or_else(Decline::respond)
        }
        RefusalStyle::Json400 | RefusalStyle::Text400 | RefusalStyle::OkWithoutToken => answer,
    }
}

/// Whether the bot should answer its client that the user has to sign in.
fn asks_the_user(reason: Reason) -> bool {
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
        | Reason::TemporarilyUnavailable => false,
    }
}

/// A refused exchange. What an interactive sign-in would get past is 400 and holds the words that Agents-python looks
/// for; an outage is 503 (token-service-api rules 8 and 10).
fn refused(reason: Reason) -> HttpResponse {
    match reason {
        Reason::TooManyRequests { retry_after } => Problem::TooManyRequests { retry_after }.respond(),
        Reason::TemporarilyUnavailable => Problem::ServiceUnavailable.respond(),
        reason => {
            let (code, message) = words_of(reason);
            bad_argument(code, message)
        }
    }
}

/// The code for programs and the sentence for people.
#[rustfmt::skip]
fn words_of(reason: Reason) -> (&'static str, &'static str) {
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
        Reason::TemporarilyUnavailable => ("ServiceUnavailable", "The service is temporarily unavailable."),
    }
}

fn bad_argument(code: &str, message: &str) -> HttpResponse {
    let body = ErrorResponse::new(code, message).to_json();
    HttpResponse::build(StatusCode::BAD_REQUEST).content_type("application/json").body(body)
}

/// 200 with a JSON body.
pub(super) fn json(body: &impl Serialize) -> Result<HttpResponse, Decline> {
    let body = serde_json::to_string(body).map_err(|error| Decline::failed("the answer cannot be written", &error))?;
    Ok(ok().content_type("application/json").body(body))
}

/// 200 of what nobody on the way may keep: tokens and sign-in links (RFC 6749 §5.1).
pub(super) fn ok() -> HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CACHE_CONTROL, "no-store"));
    response
}

/// The user's token as the answer's body has it.
pub(super) fn token_response<'a>(
    channel_id: Option<&'a str>,
    connection_name: &'a str,
    token: &'a UserToken,
) -> TokenResponse<'a> {
    let expiration = iso_8601(token.expires_at);
    TokenResponse { channel_id, connection_name, token: token.access_token.expose(), expiration }
}

/// The user's token.
pub(super) fn token(channel_id: Option<&str>, connection_name: &str, token: &UserToken) -> HttpResponse {
    let response = token_response(channel_id, connection_name, token);
    ok().content_type("application/json").body(response.to_json())
}
