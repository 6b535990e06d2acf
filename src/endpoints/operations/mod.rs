//! The operator's door, on its own listener: what is kept of a person, listed, ended one by one or everywhere, exported and
//! erased; the counts of all persons; the users of apps, and the pages about directories.
//!
//! Owns the paths that the operator's bearers protect, and which of them the read-only one opens. It deliberately knows no channel, no bot and no user's token:
//! [`SignOut`] knows what a sign-out ends.

mod accounts;
mod app_users;
mod counts;
mod directories;
mod persons;
mod reload;

use std::collections::BTreeMap;
use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::UserKey;
use crate::exchange::AccountOwners;
use crate::inbound::{
    Answer, BodyLimits, Description, Door, LetterCase, Method, Operation, OperatorBearers, OperatorRole, Problem,
    RequestId,
};
use crate::observability::conceal;
use crate::sign_out::{EndedEverywhere, KeptCounter, PersonElements, PersonRecords, SignOut};

use self::persons::{cause_of, read_user_key};

pub use self::app_users::OperatedApps;
pub use self::directories::{
    DOOR as DIRECTORIES_DOOR, DirectoryPages, OperatedDirectories, PageAccess, SIGN_IN_PATH,
    configure as configure_directories,
};
pub use self::reload::{DOOR as RELOAD_DOOR, ReloadDoor, configure as configure_reload};

/// The state of this door; built once.
pub struct Operations {
    bearers: OperatorBearers,
    parts: OperationsParts,
    limits: BodyLimits,
}

/// What the operator's door works with.
pub struct OperationsParts {
    /// Signs persons out everywhere.
    pub sign_out: SignOut,
    /// Exports and erases what is kept of persons.
    pub persons: PersonRecords,
    /// Lists and ends what is kept of a person, one element at a time.
    pub elements: PersonElements,
    /// Finds the persons of accounts.
    pub owners: AccountOwners,
    /// Counts what is kept of all persons.
    pub counter: KeptCounter,
    /// The directories, whose users have sessions; `None` if there are none.
    pub directories: Option<Arc<OperatedDirectories>>,
    /// The apps, whose users the operator links.
    pub apps: OperatedApps,
}

impl Operations {
    /// The state of the operator's door, which accepts `bearers`.
    #[must_use]
    pub fn new(bearers: OperatorBearers, parts: OperationsParts, limits: BodyLimits) -> Self {
        Self { bearers, parts, limits }
    }
}

/// This door's operations.
pub const DOOR: Door = Door {
    name: "Operations",
    description: "The interface of the operator.",
    bearer: "The operator's: `operations.admin_token`, or `operations.read_token` for GET and HEAD.",
    operations: OPERATIONS,
    letter_case: LetterCase::Exact,
    answers_head: true,
};

const OPERATIONS: &[Operation] = &[
    SIGN_OUT_EVERYWHERE,
    persons::SHOW,
    persons::END_TOKEN,
    persons::END_SESSION,
    persons::FORGET_PIN,
    persons::END_OFFER,
    persons::EXPORT,
    persons::ERASE,
    accounts::FIND,
    counts::SHOW,
    app_users::LIST,
    app_users::LINK,
    app_users::UNLINK,
];

const SIGN_OUT_EVERYWHERE: Operation = Operation {
    method: Method::Post,
    path: "/admin/users/{user_key}/sign-out",
    route: |route| route.to(sign_out_everywhere),
    description: || {
        persons::about_user("SignOutEverywhere", "Ends everything of a user: tokens of every bot, channel and connection, sessions and refresh tokens of directories.")
            .answer(200, Answer::json::<SignedOut>("The user has no tokens now."))
    },
};

/// What the operator's calls have in common.
fn described(id: &str, summary: &str) -> Description {
    let too_many = Answer::error("The client has presented too many wrong bearers.").header("Retry-After", "Seconds.");
    let unavailable =
        Answer::error("The store fails, and something may remain: call again.").header("Retry-After", "Seconds.");
    Description::new(id, summary)
        .bearer()
        .error(401, "No bearer, or none of the operator's.")
        .error(403, "The bearer may only read, or `Host` is none of the names under which the listener answers.")
        .answer(429, too_many)
        .answer(503, unavailable)
}

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
    sign_out_and_reply(&http, &operations).await.unwrap_or_else(Problem::respond)
}

async fn sign_out_and_reply(http: &HttpRequest, operations: &Operations) -> Result<HttpResponse, Problem> {
    // The listener's guard logs refusals of wrong bearers, since it counts them.
    operations.bearers.admit_change(http)?;
    let user = read_user_key(http)?;
    let ended = operations.parts.sign_out.everywhere(&user, cause_of(http, OperatorRole::Full)).await;
    let ended = ended.map_err(|error| {
        let correlation_id = RequestId::find(http);
        tracing::error!(correlation_id, %error, user = %conceal(&user), "a user may still have tokens after a sign-out everywhere: call again");
        Problem::ServiceUnavailable
    })?;
    Ok(HttpResponse::Ok().json(SignedOut::new(&user, &ended)))
}
