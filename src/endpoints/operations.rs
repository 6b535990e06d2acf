//! The operator's door, on a listener of its own: is the process alive, and sign this user out everywhere.
//!
//! Owns the admin bearer and the paths behind it. It deliberately knows no channel, no bot and no user's token: what
//! signing out means is the core's to know.

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
use crate::inbound::{Answer, Description, Door, LetterCase, Method, Operation, Problem, bearer_of};
use crate::sign_out::SignOut;

/// The bearer of admin calls. Clones share it, so that it can be replaced while calls come in.
#[derive(Clone)]
pub struct AdminToken(Arc<ArcSwap<Secret>>);

impl AdminToken {
    /// This token.
    #[must_use]
    pub fn new(token: Secret) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(token)))
    }

    /// From now on this one, and the old one no more.
    pub fn replace(&self, token: Secret) {
        self.0.store(Arc::new(token));
    }

    fn fits(&self, bearer: &str) -> bool {
        bearer.as_bytes().ct_eq(self.0.load().expose().as_bytes()).into()
    }
}

/// What this door works with; built once.
pub struct Operations {
    admin_token: AdminToken,
    sign_out: SignOut,
}

impl Operations {
    /// The door for whoever has `admin_token`.
    #[must_use]
    pub fn new(admin_token: AdminToken, sign_out: SignOut) -> Self {
        Self { admin_token, sign_out }
    }
}

/// What this door answers.
pub const DOOR: Door = Door {
    name: "Operations",
    description: "For the operator.",
    bearer: "Of the operator: `operations.admin_token`.",
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
                .answer(200, Answer::text("`ok`"))
        },
    },
    Operation {
        method: Method::Post,
        path: "/admin/users/{user_key}/sign-out",
        route: |route| route.to(sign_out_everywhere),
        description: || {
            let key = "`<object id>@<tenant id>`, or for other issuers `<subject>@<https issuer>`; percent-encoded.";
            let unavailable =
                Answer::error("Not certain for every token: call again.").header("Retry-After", "Seconds.");
            Description::new("SignOutEverywhere", "Ends every token of a user, of all bots, channels and connections.")
                .bearer()
                .path_parameter("user_key", key)
                .answer(200, Answer::json::<SignedOut>("The user has no tokens now, or never had one."))
                .error(400, "The path names no user.")
                .error(401, "No bearer, or not `operations.admin_token`.")
                .answer(503, unavailable)
        },
    },
];

/// What a user's sign-out everywhere has come to.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SignedOut {
    /// Who.
    user_key: String,
    /// How many tokens there were.
    tokens_removed: usize,
}

/// Adds this door's paths.
pub fn configure(config: &mut web::ServiceConfig, operations: web::Data<Operations>) {
    config.app_data(operations);
    DOOR.add_routes(config);
}

/// `GET /healthz`: the process answers. Needs no bearer and says nothing else.
async fn alive() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ok")
}

/// `POST /admin/users/{user key}/sign-out`: every token of the user goes, of every bot, channel and connection, and what
/// is being exchanged or refreshed for them comes too late. A user whom nobody knows has no tokens: 200 as well.
async fn sign_out_everywhere(http: HttpRequest, operations: web::Data<Operations>) -> HttpResponse {
    if let Err(problem) = authenticate(&operations, http.headers()) {
        tracing::warn!(code = problem.code(), security = true, "an admin call was refused");
        return problem.respond();
    }
    let Some(user) = user_of(&http) else { return Problem::BadUserKey.respond() };
    match operations.sign_out.everywhere(&user).await {
        Ok(tokens_removed) => HttpResponse::Ok().json(SignedOut { user_key: user.to_string(), tokens_removed }),
        Err(error) => {
            tracing::error!(%error, %user, "a user may not be signed out everywhere: call again");
            Problem::ServiceUnavailable.respond()
        }
    }
}

fn authenticate(operations: &Operations, headers: &HeaderMap) -> Result<(), Problem> {
    let bearer = bearer_of(headers)?;
    if operations.admin_token.fits(bearer) { Ok(()) } else { Err(Problem::InvalidToken) }
}

/// The user key of the path, with its percent signs read once.
fn user_of(http: &HttpRequest) -> Option<UserKey> {
    // From the path as it came: the router has decoded some of it, and a second reading would take `%2540` for `@`.
    let (_, rest) = http.uri().path().split_once("/users/")?;
    let (encoded, _) = rest.split_once('/')?;
    UserKey::parse(&percent_decoded(encoded)?)
}

/// Percent signs are read once, and only whole.
fn percent_decoded(text: &str) -> Option<Cow<'_, str>> {
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
    use super::{AdminToken, Secret, percent_decoded};

    #[test]
    fn percent_signs_are_read_once_and_whole() {
        assert_eq!(percent_decoded("a%40b%2Fc%2540").as_deref(), Some("a@b/c%40"));
        for nonsense in ["%", "%4", "%zz", "%+4", "%ff", "a%00", "%0a"] {
            assert_eq!(percent_decoded(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn a_replaced_token_fits_no_more() {
        let token = AdminToken::new(Secret::from("0123456789abcdef"));
        let shared = token.clone();
        assert!(shared.fits("0123456789abcdef"));
        for other in ["", "0123456789abcde", "0123456789abcdef0", "0123456789ABCDEF"] {
            assert!(!shared.fits(other), "{other}");
        }
        token.replace(Secret::from("fedcba9876543210"));
        assert!(shared.fits("fedcba9876543210") && !shared.fits("0123456789abcdef"));
    }
}
