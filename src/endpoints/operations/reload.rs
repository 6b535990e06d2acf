use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{ReloadCalls, ReloadProblem, ReloadReport};
use crate::inbound::{Answer, Description, Door, LetterCase, Method, Operation, OperatorBearers, Problem, RequestId};

/// The state of the reload's door.
pub struct ReloadDoor {
    bearers: OperatorBearers,
    calls: ReloadCalls,
}

impl ReloadDoor {
    /// The door of the reload, which accepts the full one of `bearers` and asks for reloads by `calls`.
    #[must_use]
    pub const fn new(bearers: OperatorBearers, calls: ReloadCalls) -> Self {
        Self { bearers, calls }
    }
}

/// This door's operations.
pub const DOOR: Door = Door {
    name: "Reload",
    description: "The operator's reload of the configuration.",
    bearer: "The operator's: `operations.admin_token`.",
    operations: &[RELOAD],
    letter_case: LetterCase::Exact,
    answers_head: true,
};

const RELOAD: Operation = Operation {
    method: Method::Post,
    path: "/admin/reload",
    route: |route| route.to(reload),
    description: || {
        let too_many =
            Answer::error("The client has presented too many wrong bearers.").header("Retry-After", "Seconds.");
        let unavailable =
            Answer::error("Too many reloads wait, or the process ends.").header("Retry-After", "Seconds.");
        Description::new("ReloadConfiguration", "Reads the configuration file again and applies it as a whole, or not at all. The answer says what differs and what is in the way.")
            .bearer()
            .answer(200, Answer::json::<Reloaded>("What came of the reload: see `applied`."))
            .error(401, "No bearer, or none of the operator's.")
            .error(403, "The bearer may only read, or `Host` is none of the names under which the listener answers.")
            .answer(429, too_many)
            .answer(503, unavailable)
    },
};

/// What came of a reload.
#[derive(Serialize, ToSchema)]
struct Reloaded {
    /// Whether the service has the configuration of the file now.
    applied: bool,
    /// What differs between the file and the configuration that was served before, without values.
    differences: Vec<String>,
    /// Why nothing was applied.
    problems: Vec<ProblemOfReload>,
    /// What was read again beside the configuration: `key_ring`, `certificate`, `client_credentials` and so on.
    renewed: Vec<&'static str>,
}

/// What is in the way of a reload.
#[derive(Serialize, ToSchema)]
struct ProblemOfReload {
    /// The place in the configuration; empty if it is the whole file.
    path: String,
    /// What is wrong, and what to write or do instead.
    message: String,
}

impl From<ReloadReport> for Reloaded {
    fn from(report: ReloadReport) -> Self {
        let ReloadReport { is_applied, differences, problems, renewed } = report;
        let problem = |ReloadProblem { path, message }| ProblemOfReload { path, message };
        Self { applied: is_applied, differences, problems: problems.into_iter().map(problem).collect(), renewed }
    }
}

/// Adds this door's paths.
pub fn configure(config: &mut web::ServiceConfig, door: web::Data<ReloadDoor>) {
    config.app_data(door);
    DOOR.add_routes(config);
}

/// `POST /admin/reload`.
async fn reload(http: HttpRequest, door: web::Data<ReloadDoor>) -> HttpResponse {
    // The listener's guard logs refusals of wrong bearers, since it counts them.
    if let Err(problem) = door.bearers.admit_change(&http) {
        return problem.respond();
    }
    if let Some(report) = door.calls.call().await {
        return HttpResponse::Ok().json(Reloaded::from(report));
    }
    let correlation_id = RequestId::find(&http);
    tracing::warn!(correlation_id, "a reload was refused: too many wait, or the process ends");
    Problem::ServiceUnavailable.respond()
}
