//! The door of health checks, on the operator's listeners: whether the process lives, and whether it can do its work.
//!
//! Owns the paths and the form of the answers. It deliberately knows no check: [`Readiness`] has them. It needs no
//! bearer, so an answer names no secret and nothing that a client has sent.

use std::collections::BTreeMap;

use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::inbound::{Answer, Description, Door, LetterCase, Method, Operation};
use crate::observability::{CheckResult, Health, Readiness, is_log_blocked};

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// This door's operations.
pub const DOOR: Door = Door {
    name: "Health",
    description: "Whether the process lives, and whether it can do its work.",
    bearer: "",
    operations: OPERATIONS,
    letter_case: LetterCase::Exact,
    answers_head: true,
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
        method: Method::Get,
        path: "/readyz",
        route: |route| route.to(ready),
        description: || {
            Description::new("GetReadiness", "Whether the process can do its work, check by check. Needs no bearer.")
                .answer(200, Answer::json::<ReadinessReport>("No required check fails."))
                .answer(503, Answer::json::<ReadinessReport>("A required check fails."))
        },
    },
];

/// The result of all checks.
#[derive(Serialize, ToSchema)]
struct ReadinessReport {
    /// Whether no required check fails.
    ready: bool,
    /// The checks by name.
    checks: BTreeMap<String, CheckReport>,
}

/// The result of one check.
#[derive(Serialize, ToSchema)]
struct CheckReport {
    /// `ok` or `failing`.
    status: &'static str,
    /// Whether the process is not ready while the check fails.
    required: bool,
    /// Why it fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'static str>,
}

impl CheckReport {
    fn of(result: &CheckResult) -> Self {
        let (status, detail) = match result.health {
            Health::Ok => ("ok", None),
            Health::Failing(detail) => ("failing", Some(detail)),
        };
        Self { status, required: result.is_required, detail }
    }
}

/// Adds this door's paths.
pub fn configure(config: &mut web::ServiceConfig, readiness: web::Data<Readiness>) {
    config.app_data(readiness);
    DOOR.add_routes(config);
}

/// `GET /healthz`: the process is alive. Reveals nothing else but a log that cannot say so itself.
async fn alive() -> HttpResponse {
    let text =
        if is_log_blocked() { "ok\nthe log is blocked: nothing reads it, and lines may be left out" } else { "ok" };
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").insert_header((CACHE_CONTROL, NO_STORE)).body(text)
}

/// `GET /readyz`: makes all checks.
async fn ready(readiness: web::Data<Readiness>) -> HttpResponse {
    let results = readiness.check().await;
    let ready = results.iter().all(|result| !result.is_required || result.health == Health::Ok);
    let checks = results.iter().map(|result| (result.name.clone(), CheckReport::of(result))).collect();
    let mut answer = if ready { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    answer.insert_header((CACHE_CONTROL, NO_STORE)).json(ReadinessReport { ready, checks })
}
