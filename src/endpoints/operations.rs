//! The operator's door, on its own listener: a health check, and the sign-out of a user everywhere.
//!
//! Owns the admin bearer and the paths that it protects. It deliberately knows no channel, no bot and no user's token:
//! [`SignOut`] knows what a sign-out ends.

use std::borrow::Cow;
use std::sync::Arc;

use actix_web::http::header::HeaderMap;
use actix_web::{HttpRequest, HttpResponse, web};
use arc_swap::ArcSwap;
use percent_encoding::percent_decode_str;
use serde::Serialize;
use subtle::ConstantTimeEq;
use utoipa::ToSchema;

use crate::domain::{Secret, UserKey};
use crate::inbound::{Answer, Description, Door, LetterCase, Method, Operation, Problem, read_bearer};
use crate::observability::{AuditEntry, AuditEvent, is_log_blocked};
use crate::sign_out::SignOut;

/// The bearer of admin calls. Clones share the token, so it can be replaced while the door is open.
#[derive(Clone)]
pub struct AdminToken(Arc<ArcSwap<Secret>>);

impl AdminToken {
    /// An admin token with this value.
    #[must_use]
    pub fn new(token: Secret) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(token)))
    }

    /// Replaces the token; the old one is no longer accepted.
    pub fn replace(&self, token: Secret) {
        self.0.store(Arc::new(token));
    }

    fn matches(&self, bearer: &str) -> bool {
        bearer.as_bytes().ct_eq(self.0.load().expose().as_bytes()).into()
    }
}

/// The state of this door; built once.
pub struct Operations {
    admin_token: AdminToken,
    sign_out: SignOut,
}

impl Operations {
    /// The state of the operator's door, which accepts `admin_token` as bearer.
    #[must_use]
    pub fn new(admin_token: AdminToken, sign_out: SignOut) -> Self {
        Self { admin_token, sign_out }
    }
}

/// This door's operations.
pub const DOOR: Door = Door {
    name: "Operations",
    description: "The interface of the operator.",
    bearer: "The operator's: `operations.admin_token`.",
    operations: OPERATIONS,
    letter_case: LetterCase::Exact,
};

const OPERATIONS: &[Operation] = &[
    Operation {
        method: Method::Get,
        path: "/healthz",
        route: |route| route.to(alive),
        description: || {
            Description::new("GetHealth", "Whether the process answers. Needs no bearer.")
                .answer(200, Answer::text("`ok`. A second line says so if lines of the log are left out."))
        },
    },
    Operation {
        method: Method::Post,
        path: "/admin/users/{user_key}/sign-out",
        route: |route| route.to(sign_out_everywhere),
        description: || {
            let key = "`<object id>@<tenant id>`, or for other issuers `<subject>@<https issuer>`; percent-encoded.";
            let unavailable = Answer::error("Some tokens may remain: call again.").header("Retry-After", "Seconds.");
            Description::new("SignOutEverywhere", "Removes all tokens of a user: of every bot, channel and connection.")
                .bearer()
                .path_parameter("user_key", key)
                .answer(200, Answer::json::<SignedOut>("The user has no tokens now."))
                .error(400, "The path holds no valid user key.")
                .error(401, "No bearer, or not `operations.admin_token`.")
                .answer(503, unavailable)
        },
    },
];

/// The result of a user's sign-out everywhere.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SignedOut {
    /// The user's key.
    user_key: String,
    /// The number of tokens that were removed.
    tokens_removed: usize,
}

/// Adds this door's paths.
pub fn configure(config: &mut web::ServiceConfig, operations: web::Data<Operations>) {
    config.app_data(operations);
    DOOR.add_routes(config);
}

/// `GET /healthz`: the process is alive. Needs no bearer, and reveals nothing else but a log that cannot say so itself.
async fn alive() -> HttpResponse {
    let text =
        if is_log_blocked() { "ok\nthe log is blocked: nothing reads it, and lines may be left out" } else { "ok" };
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(text)
}

/// `POST /admin/users/{user key}/sign-out`: removes every token of the user, of every bot, channel and connection.
/// Exchanges and refreshes that are under way for the user keep no token. A user without tokens, or an unknown one, is
/// answered 200 as well.
async fn sign_out_everywhere(http: HttpRequest, operations: web::Data<Operations>) -> HttpResponse {
    if let Err(problem) = authenticate(&operations, http.headers()) {
        tracing::warn!(code = problem.code(), security = true, "an admin call was refused");
        AuditEntry::new(AuditEvent::OperatorCallRefused).detail(problem.code()).write();
        return problem.respond();
    }
    let Some(user) = read_user_key(&http) else { return Problem::BadUserKey.respond() };
    match operations.sign_out.everywhere(&user).await {
        Ok(tokens_removed) => HttpResponse::Ok().json(SignedOut { user_key: user.to_string(), tokens_removed }),
        Err(error) => {
            tracing::error!(%error, %user, "a user may still have tokens after a sign-out everywhere: call again");
            Problem::ServiceUnavailable.respond()
        }
    }
}

fn authenticate(operations: &Operations, headers: &HeaderMap) -> Result<(), Problem> {
    let bearer = read_bearer(headers)?;
    if operations.admin_token.matches(bearer) { Ok(()) } else { Err(Problem::InvalidToken) }
}

/// Reads the user key from the path and decodes its percent escapes once.
fn read_user_key(http: &HttpRequest) -> Option<UserKey> {
    // The raw path is read: the router has decoded parts of its own copy, and decoding those again would turn `%2540`
    // into `@`.
    let (_, rest) = http.uri().path().split_once("/users/")?;
    let (encoded, _) = rest.split_once('/')?;
    UserKey::parse(&decode_percent(encoded)?)
}

/// Decodes percent escapes once; `None` if one is incomplete or decodes to a control character.
fn decode_percent(text: &str) -> Option<Cow<'_, str>> {
    let is_escape =
        |rest: &str| rest.as_bytes().get(..2).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit));
    if !text.split('%').skip(1).all(is_escape) {
        return None;
    }
    let decoded = percent_decode_str(text).decode_utf8().ok()?;
    (!decoded.chars().any(char::is_control)).then_some(decoded)
}

#[cfg(test)]
mod tests {
    use super::{AdminToken, Secret, decode_percent};

    #[test]
    fn percent_escapes_are_decoded_once_and_incomplete_ones_are_refused() {
        assert_eq!(decode_percent("a%40b%2Fc%2540").as_deref(), Some("a@b/c%40"));
        for nonsense in ["%", "%4", "%zz", "%+4", "%ff", "a%00", "%0a"] {
            assert_eq!(decode_percent(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn a_replaced_admin_token_is_refused() {
        let token = AdminToken::new(Secret::from("0123456789abcdef"));
        let shared = token.clone();
        assert!(shared.matches("0123456789abcdef"));
        for other in ["", "0123456789abcde", "0123456789abcdef0", "0123456789ABCDEF"] {
            assert!(!shared.matches(other), "{other}");
        }
        token.replace(Secret::from("fedcba9876543210"));
        assert!(shared.matches("fedcba9876543210") && !shared.matches("0123456789abcdef"));
    }
}
