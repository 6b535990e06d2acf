use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{about_user, cause_of, failed, private, read_user_key};
use crate::domain::UserKey;
use crate::endpoints::operations::Operations;
use crate::inbound::{Answer, Method, Operation, OperatorRole, Problem};
use crate::protocol::iso_8601;
use crate::sign_out::{EndedRecords, ErasedPerson, PersonExport};

/// What the export says of the audit stream, which bot-sso writes and does not read (docs/operating.md §Export and erasure).
const AUDIT_RETENTION: &str = "The audit stream has the user key in lines about this person. They are kept for as long as the \
                               operator's rotation of the audit file keeps them, also after an erasure.";

/// `GET /admin/users/{user_key}/export`.
pub(in crate::endpoints::operations) const EXPORT: Operation = Operation {
    method: Method::Get,
    path: "/admin/users/{user_key}/export",
    route: |route| route.to(export),
    description: || {
        about_user(
            "ExportPerson",
            "Everything that is kept under a user key, without tokens, secrets and their hashes.",
        )
        .answer(200, Answer::json::<ExportedPerson>("What is kept. Of an unknown user that is nothing."))
    },
};

/// `POST /admin/users/{user_key}/erase`.
pub(in crate::endpoints::operations) const ERASE: Operation = Operation {
    method: Method::Post,
    path: "/admin/users/{user_key}/erase",
    route: |route| route.to(erase),
    description: || {
        about_user("ErasePerson", "Signs a user out everywhere, and removes everything that is kept under the user key.")
            .note("A user of a directory is deleted. What is kept under linked keys ends, and is erased by calls of their own.")
            .answer(200, Answer::json::<PersonErasure>("What was removed. Of an unknown user that is nothing."))
    },
};

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
    let role = operations.bearers.find_role(http.headers())?;
    let user = read_user_key(http)?;
    let exported = operations.parts.persons.export(&user, &cause_of(http, role)).await;
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
    operations.bearers.admit_change(http)?;
    let user = read_user_key(http)?;
    let erased = operations.parts.persons.erase(&user, cause_of(http, OperatorRole::Full)).await;
    let ErasedPerson { linked_keys, ended, removed } = erased.map_err(|error| failed(http, &user, &error))?;
    Ok(private().json(PersonErasure {
        user_key: user.to_string(),
        linked_keys: to_texts(&linked_keys),
        ended: to_counts(&ended.ended),
        removed: to_counts(&removed),
        audit_retention: AUDIT_RETENTION,
    }))
}

fn to_texts(keys: &[UserKey]) -> Vec<String> {
    keys.iter().map(UserKey::to_string).collect()
}

fn to_counts(records: &[EndedRecords]) -> BTreeMap<&'static str, usize> {
    records.iter().map(|records| (records.name, records.count)).collect()
}
