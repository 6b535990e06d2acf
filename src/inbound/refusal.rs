use actix_web::{HttpMessage, HttpRequest};

use super::hints::find_hint;
use super::problem::Problem;
use super::request_record::{RequestCounts, RequestId};
use crate::domain::ExchangeStep;
use crate::observability::{AuditEntry, AuditEvent, to_log_text};
use crate::token_validation::CheckExplanation;

/// At most this many characters of a value from outside are logged.
const MAX_SEEN_CHARS: usize = 200;

/// The check that fails when a skill calls under the path of another skill.
pub(super) const ANOTHER_SKILL: &str = "path_of_another_skill";
/// The check that fails when a service token is presented at another app.
pub(super) const ANOTHER_APP: &str = "service_token_app";

/// Why a caller was refused: the answer for the caller, and the failed check for the operator's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerRefusal {
    /// The answer to the caller.
    pub problem: Problem,
    /// The name of the failed check, for the log.
    pub check: &'static str,
    /// Whether the log has a recent line about refusals of this kind.
    already_logged: bool,
    /// What else the log says.
    details: Box<RefusalDetails>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct RefusalDetails {
    bot: Option<String>,
    explanation: CheckExplanation,
}

impl CallerRefusal {
    /// A refusal with the name of the failed check.
    #[must_use]
    pub fn new(problem: Problem, check: &'static str) -> Self {
        let explanation = CheckExplanation { hint: find_hint(check), ..CheckExplanation::default() };
        Self { problem, check, already_logged: false, details: Box::new(RefusalDetails { bot: None, explanation }) }
    }

    /// A refusal of the caller's token, with what its validator says about it.
    pub(super) fn of_token(problem: Problem, check: &'static str, explanation: CheckExplanation) -> Self {
        Self { problem, check, already_logged: false, details: Box::new(RefusalDetails { bot: None, explanation }) }
    }

    /// The hint of one case of the check.
    pub(super) fn in_case(mut self, case: &str) -> Self {
        self.details.explanation.hint = find_hint(case);
        self
    }

    /// The bot that the caller called, for the log.
    #[must_use]
    pub fn at_bot(mut self, bot: &str) -> Self {
        self.details.bot = Some(bot.to_owned());
        self
    }

    /// The value that came, and those that would have been accepted, for the log.
    #[must_use]
    pub fn comparing(mut self, seen: &str, expected: impl Into<String>) -> Self {
        self.details.explanation.seen = Some(to_log_text(seen, MAX_SEEN_CHARS));
        self.details.explanation.expected = Some(expected.into()).filter(|expected| !expected.is_empty());
        self
    }

    /// Leaves out the log line: there are many refusals like this one, and their lines would hide the others. It is still
    /// counted.
    #[must_use]
    pub fn without_log_line(self) -> Self {
        Self { already_logged: true, ..self }
    }

    /// The security event of the refusal. A user's token that is presented as a caller's has probably been stolen, and a
    /// skill has no reason to call under the path of another skill.
    fn audit_event(&self) -> Option<AuditEvent> {
        match (self.problem, self.check) {
            (Problem::DelegatedTokenNotAllowed, _) => Some(AuditEvent::UserTokenAsCaller),
            (_, ANOTHER_SKILL) => Some(AuditEvent::SkillOverstepped),
            (_, ANOTHER_APP) => Some(AuditEvent::ServiceTokenMisused),
            _ => None,
        }
    }

    /// Logs the failed check and returns the answer; the caller learns the problem's code only.
    #[must_use]
    pub fn logged(self, http: &HttpRequest) -> Problem {
        if self.problem.is_about_caller() {
            RequestCounts::add_refused_caller(http);
        }
        let extensions = http.extensions();
        let correlation_id = extensions.get::<RequestId>().map_or("", |id| id.0.as_str());
        let (code, check) = (self.problem.code(), self.check);
        RequestCounts::tell(http, correlation_id, || ExchangeStep::CallerRefused {
            status: self.problem.status().as_u16(),
            code,
            check,
            hint: self.details.explanation.hint,
        });
        if self.already_logged {
            return self.problem;
        }
        let event = self.audit_event();
        let security = event.is_some_and(AuditEvent::is_security);
        let RefusalDetails { bot, explanation: CheckExplanation { hint, seen, expected } } = *self.details;
        if let Some(event) = event {
            let entry = AuditEntry::new(event).correlation_id(correlation_id);
            match &bot {
                Some(bot) if event == AuditEvent::SkillOverstepped => entry.bot(bot).detail("conversation").write(),
                _ => entry.detail(check).write(),
            }
        }
        tracing::warn!(correlation_id, code, check, bot, seen, expected, hint, security, "a caller was refused");
        self.problem
    }
}
