use actix_web::{HttpMessage, HttpRequest};

use super::problem::Problem;
use super::request_record::RequestId;

/// Why a caller was refused: the answer for the caller, and the failed check for the operator's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallerRefusal {
    /// The answer to the caller.
    pub problem: Problem,
    /// The name of the failed check, for the log.
    pub check: &'static str,
    /// Whether the log has a recent line about refusals of this kind.
    already_logged: bool,
}

impl CallerRefusal {
    /// A refusal with the name of the failed check.
    #[must_use]
    pub const fn new(problem: Problem, check: &'static str) -> Self {
        Self { problem, check, already_logged: false }
    }

    /// Leaves out the log line: there are many refusals like this one, and their lines would hide the others. It is still
    /// counted.
    pub(super) const fn without_log_line(self) -> Self {
        Self { already_logged: true, ..self }
    }

    /// Logs the failed check and returns the answer; the caller learns the problem's code only.
    #[must_use]
    pub fn logged(self, http: &HttpRequest) -> Problem {
        if self.already_logged {
            return self.problem;
        }
        let extensions = http.extensions();
        let correlation_id = extensions.get::<RequestId>().map_or("", |id| id.0.as_str());
        let (code, check) = (self.problem.code(), self.check);
        // A user's token that is presented as a caller's has probably been stolen.
        let security = self.problem == Problem::DelegatedTokenNotAllowed;
        tracing::warn!(correlation_id, code, check, security, "a caller was refused");
        self.problem
    }
}
