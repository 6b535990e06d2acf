use super::refusal::ScimError;
use crate::inbound::{Answer, Description};

/// What all calls of administrators have in common.
pub(super) fn reading(id: &str, summary: &str) -> Description {
    let too_many = error("More than 50 calls of this directory in a second, or too many wrong tokens of this address.");
    Description::new(id, summary)
        .bearer()
        .path_parameter("tenant", "The tenant id of the directory.")
        .answer(401, error("No token of an administrator of this directory, which need not exist."))
        .answer(429, too_many.header("Retry-After", "Seconds."))
        .answer(503, error("The store fails.").header("Retry-After", "Seconds."))
}

/// What all changes have in common.
pub(super) fn changing(id: &str, summary: &str) -> Description {
    reading(id, summary).answer(403, error("The administrator's role does not permit the change."))
}

/// What all changes of settings have in common.
pub(super) fn changing_settings(id: &str, summary: &str) -> Description {
    changing(id, summary)
        .answer(409, error("The configuration manages the directory, or what is there forbids the change."))
}

/// Adds what all calls with a body have in common.
pub(super) fn with_body_errors(description: Description) -> Description {
    description
        .answer(400, error("The body is not of the form that the call takes, or a value is out of its range."))
        .answer(408, error("The body did not arrive in time."))
        .answer(413, error("The body is larger than `server.body_limit_bytes`."))
        .answer(415, error("The body is not plain UTF-8."))
}

pub(super) fn error(text: &str) -> Answer {
    Answer::json::<ScimError<'_>>(text)
}
