use actix_web::{HttpMessage, HttpRequest};

use super::problem::Problem;
use super::request_record::RequestId;

/// Why a caller was refused: the answer for the caller, the check for the operator's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallerRefusal {
    /// The answer.
    pub problem: Problem,
    /// The check that failed.
    pub check: &'static str,
    /// The log says so already.
    told: bool,
}

impl CallerRefusal {
    /// A refusal by this check.
    #[must_use]
    pub const fn new(problem: Problem, check: &'static str) -> Self {
        Self { problem, check, told: false }
    }

    /// One of many alike: it is counted, and a line for each would bury the others.
    pub(super) const fn untold(self) -> Self {
        Self { told: true, ..self }
    }

    /// Writes down which check refused the caller; who calls learns the code only.
    #[must_use]
    pub fn logged(self, http: &HttpRequest) -> Problem {
        if self.told {
            return self.problem;
        }
        let extensions = http.extensions();
        let correlation_id = extensions.get::<RequestId>().map_or("", |id| id.0.as_str());
        let (code, check) = (self.problem.code(), self.check);
        // A user's token that somebody presents as a caller's was taken from where it belongs.
        let security = self.problem == Problem::DelegatedTokenNotAllowed;
        tracing::warn!(correlation_id, code, check, security, "a caller was refused");
        self.problem
    }
}
