//! What the operator reads and ends of one person (docs/operating.md §One person).

mod elements;
mod endings;
mod overview;
mod records;
mod user_sessions;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};

pub(super) use self::elements::ShownAccount;
pub(super) use self::endings::{END_OFFER, END_SESSION, END_TOKEN, FORGET_PIN};
pub(super) use self::overview::SHOW;
pub(super) use self::records::{ERASE, EXPORT};
use super::described;
use crate::domain::UserKey;
use crate::inbound::{Description, OperatorRole, Problem, RequestId, TrustedProxies, decode_percent};
use crate::observability::conceal;
use crate::sign_out::{SignOutCause, SignOutOrigin};

const USER_KEY: &str = "`<object id>@<tenant id>`, for other issuers `<subject>@<https issuer>`, for users of directories \
                        `cloud_directory:<tenant>/<id>`; percent-encoded.";

/// What all calls about one person have in common.
pub(super) fn about_user(id: &str, summary: &str) -> Description {
    described(id, summary).path_parameter("user_key", USER_KEY).error(400, "The path holds no valid user key.")
}

/// Reads the user key from the path and decodes its percent escapes once.
pub(super) fn read_user_key(http: &HttpRequest) -> Result<UserKey, Problem> {
    // The raw path is read: the router has decoded parts of its own copy, and decoding those again would turn `%2540`
    // into `@`.
    let named = http.uri().path().split_once("/users/").and_then(|(_, rest)| rest.split('/').next());
    named.and_then(decode_percent).and_then(|key| UserKey::parse(&key)).ok_or(Problem::BadUserKey)
}

/// The request as log and audit stream name it.
pub(super) fn cause_of(http: &HttpRequest, role: OperatorRole) -> SignOutCause {
    let (correlation_id, client) = (RequestId::find(http), TrustedProxies::client_address(http));
    let origin = match role {
        OperatorRole::Full => SignOutOrigin::Operator,
        OperatorRole::ReadOnly => SignOutOrigin::OperatorReading,
    };
    SignOutCause { correlation_id, client, origin }
}

/// Logs a failure of the store.
fn failed(http: &HttpRequest, user: &UserKey, error: &impl std::fmt::Display) -> Problem {
    let correlation_id = RequestId::find(http);
    tracing::error!(correlation_id, %error, user = %conceal(user), "the records of a person cannot be read or removed: call again");
    Problem::ServiceUnavailable
}

/// Begins an answer that no cache keeps.
fn private() -> actix_web::HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CACHE_CONTROL, "no-store"));
    response
}
