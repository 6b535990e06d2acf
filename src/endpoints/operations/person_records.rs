use std::collections::BTreeMap;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{Operations, read_user_key};
use crate::domain::UserKey;
use crate::inbound::{Answer, Description, Method, Operation, Problem, RequestId, TrustedProxies};
use crate::observability::conceal;
use crate::protocol::iso_8601;
use crate::sign_out::{EndedRecords, ErasedPerson, PersonExport, SignOutCause, SignOutFailure, SignOutOrigin};

/// What the export says of the audit stream, which bot-sso writes and does not read (docs/operating.md §Export and erasure).
const AUDIT_RETENTION: &str = "The audit stream has the user key in lines about this person. They are kept for as long as the \
                               operator's rotation of the audit file keeps them, also after an erasure.";

/// `GET /admin/users/{user_key}/export`.
pub(super) const EXPORT: Operation = Operation {
    method: Method::Get,
    path: "/admin/users/{user_key}/export",
    route: |route| route.to(export),
    description: || {
        described("ExportPerson", "Everything that is kept under a user key, without tokens, secrets and their hashes.")
            .answer(200, Answer::json::<ExportedPerson>("What is kept. Of an unknown user that is nothing."))
            .answer(503, Answer::error("The store fails: call again.").header("Retry-After", "Seconds."))
    },
};

/// `POST /admin/users/{user_key}/erase`.
pub(super) const ERASE: Operation = Operation {
    method: Method::Post,
    path: "/admin/users/{user_key}/erase",
    route: |route| route.to(erase),
    description: || {
        described("ErasePerson", "Signs a user out everywhere, and removes everything that is kept under the user key.")
            .note("A user of a directory is deleted. What is kept under linked keys ends, and is erased by calls of their own.")
            .answer(200, Answer::json::<PersonErasure>("What was removed. Of an unknown user that is nothing."))
            .answer(503, Answer::error("Some records may remain: call again.").header("Retry-After", "Seconds."))
    },
};

fn described(id: &str, summary: &str) -> Description {
    let key = "`<object id>@<tenant id>`, for other issuers `<subject>@<https issuer>`, for users of directories \
               `cloud_directory:<tenant>/<id>`; percent-encoded.";
    let too_many = Answer::error("The client has presented too many wrong bearers.").header("Retry-After", "Seconds.");
    Description::new(id, summary)
        .bearer()
        .path_parameter("user_key", key)
        .error(400, "The path holds no valid user key.")
        .error(401, "No bearer, or not `operations.admin_token`.")
        .error(403, "`Host` is none of the names under which the listener answers.")
        .answer(429, too_many)
}

/// What is kept under a user key.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ExportedPerson {
    /// The user's key.
    user_key: String,
    /// When it was read.
    exported_at: String,
    /// The other keys of the same person that are known. Each is exported by a call of its own.
    linked_keys: Vec<String>,
    /// The records, by the name of their collection.
    #[schema(value_type = Object)]
    records: BTreeMap<&'static str, Vec<Value>>,
    /// What is kept of the person beside this, and for how long.
    audit_retention: &'static str,
}

/// What was removed of a person.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PersonErasure {
    /// The user's key.
    user_key: String,
    /// The other keys of the same person that are known. Each is erased by a call of its own.
    linked_keys: Vec<String>,
    /// What the sign-out has ended, and how many of each.
    ended: BTreeMap<&'static str, usize>,
    /// The records that were removed afterwards, and how many of each.
    removed: BTreeMap<&'static str, usize>,
    /// What is kept of the person beside this, and for how long.
    audit_retention: &'static str,
}

async fn export(http: HttpRequest, operations: web::Data<Operations>) -> HttpResponse {
    export_and_reply(&http, &operations).await.unwrap_or_else(Problem::respond)
}

async fn erase(http: HttpRequest, operations: web::Data<Operations>) -> HttpResponse {
    erase_and_reply(&http, &operations).await.unwrap_or_else(Problem::respond)
}

async fn export_and_reply(http: &HttpRequest, operations: &Operations) -> Result<HttpResponse, Problem> {
    operations.admin_token.check(http.headers())?;
    let user = read_user_key(http).ok_or(Problem::BadUserKey)?;
    let exported = operations.persons.export(&user, &cause_of(http)).await;
    let PersonExport { user, exported_at, linked_keys, records } =
        exported.map_err(|error| failed(http, &user, &error))?;
    Ok(private().json(ExportedPerson {
        user_key: user.to_string(),
        exported_at: iso_8601(exported_at),
        linked_keys: to_texts(&linked_keys),
        records,
        audit_retention: AUDIT_RETENTION,
    }))
}

/// The erasure is completed also if the caller hangs up.
async fn erase_and_reply(http: &HttpRequest, operations: &Operations) -> Result<HttpResponse, Problem> {
    operations.admin_token.check(http.headers())?;
    let user = read_user_key(http).ok_or(Problem::BadUserKey)?;
    let erased = operations.persons.erase(&user, cause_of(http)).await;
    let ErasedPerson { linked_keys, ended, removed } = erased.map_err(|error| failed(http, &user, &error))?;
    Ok(private().json(PersonErasure {
        user_key: user.to_string(),
        linked_keys: to_texts(&linked_keys),
        ended: to_counts(&ended.ended),
        removed: to_counts(&removed),
        audit_retention: AUDIT_RETENTION,
    }))
}

/// Begins an answer that no cache keeps.
fn private() -> actix_web::HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CACHE_CONTROL, "no-store"));
    response
}

fn cause_of(http: &HttpRequest) -> SignOutCause {
    let (correlation_id, client) = (RequestId::find(http), TrustedProxies::client_address(http));
    SignOutCause { correlation_id, client, origin: SignOutOrigin::Operator }
}

fn failed(http: &HttpRequest, user: &UserKey, error: &SignOutFailure) -> Problem {
    let correlation_id = RequestId::find(http);
    tracing::error!(correlation_id, %error, user = %conceal(user), "the records of a person cannot be read or removed: call again");
    Problem::ServiceUnavailable
}

fn to_texts(keys: &[UserKey]) -> Vec<String> {
    keys.iter().map(UserKey::to_string).collect()
}

fn to_counts(records: &[EndedRecords]) -> BTreeMap<&'static str, usize> {
    records.iter().map(|records| (records.name, records.count)).collect()
}
