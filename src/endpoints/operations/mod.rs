//! The operator's door, on its own listener: the sign-out of a user everywhere, the export and the erasure of what is kept of a
//! person, the users of apps, and the pages about directories.
//!
//! Owns the paths that the admin bearer protects. It deliberately knows no channel, no bot and no user's token:
//! [`SignOut`] knows what a sign-out ends.

mod app_users;
mod directories;
mod person_records;

use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::UserKey;
use crate::inbound::{
    Answer, BodyLimits, Description, Door, ExpectedBearer, LetterCase, Method, Operation, Problem, RequestId,
    TrustedProxies, decode_percent,
};
use crate::observability::conceal;
use crate::sign_out::{EndedEverywhere, PersonRecords, SignOut, SignOutCause, SignOutOrigin};

pub use self::app_users::OperatedApps;
pub use self::directories::{
    DOOR as DIRECTORIES_DOOR, DirectoryPages, OperatedDirectories, PageAccess, SIGN_IN_PATH,
    configure as configure_directories,
};

/// The state of this door; built once.
pub struct Operations {
    admin_token: ExpectedBearer,
    sign_out: SignOut,
    persons: PersonRecords,
    apps: OperatedApps,
    limits: BodyLimits,
}

impl Operations {
    /// The state of the operator's door, which accepts `admin_token` as bearer.
    #[must_use]
    pub fn new(
        admin_token: ExpectedBearer,
        sign_out: SignOut,
        persons: PersonRecords,
        apps: OperatedApps,
        limits: BodyLimits,
    ) -> Self {
        Self { admin_token, sign_out, persons, apps, limits }
    }
}

/// This door's operations.
pub const DOOR: Door = Door {
    name: "Operations",
    description: "The interface of the operator.",
    bearer: "The operator's: `operations.admin_token`.",
    operations: OPERATIONS,
    letter_case: LetterCase::Exact,
    answers_head: true,
};

const OPERATIONS: &[Operation] = &[
    SIGN_OUT_EVERYWHERE,
    person_records::EXPORT,
    person_records::ERASE,
    app_users::LIST,
    app_users::LINK,
    app_users::UNLINK,
];

const SIGN_OUT_EVERYWHERE: Operation = Operation {
    method: Method::Post,
    path: "/admin/users/{user_key}/sign-out",
    route: |route| route.to(sign_out_everywhere),
    description: || {
        let key = "`<object id>@<tenant id>`, or for other issuers `<subject>@<https issuer>`; percent-encoded.";
        let too_many =
            Answer::error("The client has presented too many wrong bearers.").header("Retry-After", "Seconds.");
        let unavailable = Answer::error("Some tokens may remain: call again.").header("Retry-After", "Seconds.");
        Description::new("SignOutEverywhere", "Ends everything of a user: tokens of every bot, channel and connection, sessions and refresh tokens of directories.")
            .bearer()
            .path_parameter("user_key", key)
            .answer(200, Answer::json::<SignedOut>("The user has no tokens now."))
            .error(400, "The path holds no valid user key.")
            .error(401, "No bearer, or not `operations.admin_token`.")
            .error(403, "`Host` is none of the names under which the listener answers.")
            .answer(429, too_many)
            .answer(503, unavailable)
    },
};

/// The result of a user's sign-out everywhere.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SignedOut {
    /// The user's key.
    user_key: String,
    /// The number of tokens of identity providers that were removed.
    tokens_removed: usize,
    /// All that has ended, and how many of each: `tokens`, `sessions`, `grants` and so on.
    ended: BTreeMap<&'static str, usize>,
}

impl SignedOut {
    fn new(user: &UserKey, everywhere: &EndedEverywhere) -> Self {
        let ended = everywhere.ended.iter().map(|records| (records.name, records.count)).collect();
        Self { user_key: user.to_string(), tokens_removed: everywhere.tokens_removed, ended }
    }
}

/// Adds this door's paths.
pub fn configure(config: &mut web::ServiceConfig, operations: web::Data<Operations>) {
    config.app_data(operations);
    DOOR.add_routes(config);
}

/// `POST /admin/users/{user key}/sign-out`: removes every token of the user, of every bot, channel and connection.
/// Exchanges and refreshes that are under way for the user keep no token. A user without tokens, or an unknown one, is
/// answered 200 as well.
async fn sign_out_everywhere(http: HttpRequest, operations: web::Data<Operations>) -> HttpResponse {
    // The listener's guard logs refusals, since it counts them.
    if let Err(problem) = operations.admin_token.check(http.headers()) {
        return problem.respond();
    }
    let Some(user) = read_user_key(&http) else { return Problem::BadUserKey.respond() };
    let correlation_id = RequestId::find(&http);
    let client = TrustedProxies::client_address(&http);
    let cause = SignOutCause { correlation_id: correlation_id.clone(), client, origin: SignOutOrigin::Operator };
    match operations.sign_out.everywhere(&user, cause).await {
        Ok(ended) => HttpResponse::Ok().json(SignedOut::new(&user, &ended)),
        Err(error) => {
            tracing::error!(correlation_id, %error, user = %conceal(&user), "a user may still have tokens after a sign-out everywhere: call again");
            Problem::ServiceUnavailable.respond()
        }
    }
}

/// Reads the user key from the path and decodes its percent escapes once.
fn read_user_key(http: &HttpRequest) -> Option<UserKey> {
    // The raw path is read: the router has decoded parts of its own copy, and decoding those again would turn `%2540`
    // into `@`.
    let (_, rest) = http.uri().path().split_once("/users/")?;
    let (encoded, _) = rest.split_once('/')?;
    UserKey::parse(&decode_percent(encoded)?)
}
