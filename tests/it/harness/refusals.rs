//! What a refused exchange looks like, to the client and in the log.

use super::{Answer, logs};

/// Asserts a refusal: status, reason code in `failureDetail`, no exchange, nothing told to the bot.
pub fn assert_refused(case: &str, answer: &Answer, status: u16, reason: &str) {
    let body = String::from_utf8_lossy(&answer.body);
    assert_eq!(answer.status, status, "case {case}: {body}");
    let detail = answer.detail();
    assert!(detail.starts_with(&format!("{reason}:")), "case {case}: {body}");
    for forbidden in ["AADSTS", "eyJ", "secret"] {
        assert!(!body.contains(forbidden), "case {case} leaks {forbidden}: {body}");
    }
}

/// Asserts that a token of somebody else was refused and the operator told as of an attack, by the check that failed.
pub fn assert_mismatch(case: &str, answer: &Answer, check: &str) {
    assert_refused(case, answer, 400, "identity_mismatch");
    let lines = logs::lines_of(&answer.correlation_id());
    assert!(
        lines.iter().any(|line| line["security"] == true && line["check"] == check),
        "case {case} should have failed by {check}: {lines:?}"
    );
}
