use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Operations, described};
use crate::inbound::{Answer, Method, Operation, Problem, RequestId};
use crate::protocol::iso_8601;
use crate::sign_out::KeptCounts;

/// `GET /admin/counts`.
pub(super) const SHOW: Operation = Operation {
    method: Method::Get,
    path: "/admin/counts",
    route: |route| route.to(show),
    description: || {
        described("ShowCounts", "How much is kept of all persons.")
            .note("A count reads every record, in the background, and is answered for a minute. A large store takes longer than the ten seconds that a call waits: then `isComplete` is false, or the counts are those of an earlier time.")
            .answer(200, Answer::json::<ShownCounts>("The counts."))
    },
};

/// What is kept of all persons. What was written or removed while it was counted may be counted or not.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ShownCounts {
    /// When the count was begun.
    counted_at: String,
    /// Whether every record was counted.
    is_complete: bool,
    /// The persons who have tokens.
    users_with_tokens: u64,
    /// The kept tokens, also those that have ended and can be refreshed.
    tokens: u64,
    /// The sessions of directories' users. Records of ended sessions are kept for up to a week, and counted.
    sessions: u64,
    /// The accounts that are pinned to a person.
    pins: u64,
    /// The sign-in offers that are out.
    offers: u64,
    /// The records of each kind, by the kind's name.
    records: BTreeMap<&'static str, u64>,
    /// The records whose kind this version of the program does not know, or whose sealing key is missing.
    unopened_records: u64,
    /// The bytes of the store's files. Absent if the store is a server's.
    #[serde(skip_serializing_if = "Option::is_none")]
    store_size_bytes: Option<u64>,
}

async fn show(http: HttpRequest, operations: web::Data<Operations>) -> HttpResponse {
    show_and_reply(&http, &operations).await.unwrap_or_else(Problem::respond)
}

async fn show_and_reply(http: &HttpRequest, operations: &Operations) -> Result<HttpResponse, Problem> {
    operations.bearers.find_role(http.headers())?;
    let counts = operations.parts.counter.count().await.map_err(|error| {
        tracing::error!(correlation_id = RequestId::find(http), %error, "the records cannot be counted: call again");
        Problem::ServiceUnavailable
    })?;
    Ok(HttpResponse::Ok().json(ShownCounts::from(counts)))
}

impl From<KeptCounts> for ShownCounts {
    fn from(counts: KeptCounts) -> Self {
        Self {
            counted_at: iso_8601(counts.counted_at),
            is_complete: counts.is_complete,
            users_with_tokens: counts.users_with_tokens,
            tokens: counts.tokens,
            sessions: counts.sessions,
            pins: counts.pins,
            offers: counts.offers,
            records: counts.records,
            unopened_records: counts.unopened_records,
            store_size_bytes: counts.store_size_bytes,
        }
    }
}
