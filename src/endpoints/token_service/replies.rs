use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde::Serialize;

use crate::domain::UserToken;
use crate::exchange::{Reason, Refusal};
use crate::inbound::Problem;
use crate::protocol::{ErrorResponse, TokenResponse, iso_8601};

/// 200 with a JSON body.
pub(super) fn json(body: &impl Serialize) -> HttpResponse {
    match serde_json::to_string(body) {
        Ok(body) => HttpResponse::Ok().content_type("application/json").body(body),
        Err(error) => failed("the answer cannot be written", &error),
    }
}

/// The user's token.
pub(super) fn token(channel_id: &str, connection_name: &str, token: &UserToken) -> HttpResponse {
    json(&TokenResponse {
        channel_id,
        connection_name,
        token: token.access_token.expose(),
        expiration: iso_8601(token.expires_at),
    })
}

/// Nothing to give: 404 without a body, the one form every SDK reads as that (token-service-api rule 4).
pub(super) fn nothing() -> HttpResponse {
    HttpResponse::NotFound().finish()
}

/// 400 that says what to change.
pub(super) fn bad_argument(message: &str) -> HttpResponse {
    error(StatusCode::BAD_REQUEST, "BadArgument", message)
}

/// Something of ours failed; the reason goes to the log.
pub(super) fn failed(what: &'static str, error: &impl std::fmt::Display) -> HttpResponse {
    tracing::error!(%error, "{what}");
    Problem::ServiceUnavailable.respond()
}

/// A refused exchange. The table: what an interactive sign-in would get past is 400 and holds the words that
/// Agents-python looks for; an outage is 503 (token-service-api rules 8 and 10).
pub(super) fn refused(refusal: &Refusal) -> HttpResponse {
    let (code, message) = match refusal.reason {
        Reason::ConsentRequired => {
            ("ConsentRequired", "Consent Required: the user or an administrator has to consent.")
        }
        Reason::InteractionRequired => {
            ("InteractionRequired", "Consent Required: the user has to sign in interactively.")
        }
        Reason::AssertionExpired => ("AssertionExpired", "Consent Required: the token has expired."),
        Reason::SignInRequired => ("SignInRequired", "Consent Required: the user has to sign in again."),
        Reason::BadRequest => ("BadArgument", "The exchange request is incomplete."),
        Reason::AssertionRejected(_) => ("AssertionRejected", "The token is not one that this connection exchanges."),
        Reason::IdentityMismatch(_) => ("IdentityMismatch", "The token does not belong to this user."),
        Reason::Denied => ("Denied", "The identity provider refuses this user."),
        Reason::Misconfigured => ("Misconfigured", "The connection is not set up correctly: see bot-sso's log."),
        Reason::TemporarilyUnavailable => return Problem::ServiceUnavailable.respond(),
    };
    error(StatusCode::BAD_REQUEST, code, message)
}

fn error(status: StatusCode, code: &str, message: &str) -> HttpResponse {
    HttpResponse::build(status).content_type("application/json").body(ErrorResponse::new(code, message).to_json())
}

/// The answer to a connection name that the bot does not have. The log lists those it has.
pub(super) fn unknown_connection(name: &str) -> HttpResponse {
    let shown: String = name.chars().filter(|letter| !letter.is_control()).take(64).collect();
    bad_argument(&format!("Could not find Connection Setting with name '{shown}'."))
}
