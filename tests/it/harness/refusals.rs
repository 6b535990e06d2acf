//! Assertions about a refused exchange: its answer and its log lines.

use super::{Answer, logs};

/// Asserts status and reason code of a refusal, and that its body shows no internal detail, token or secret.
pub fn assert_refused(case: &str, answer: &Answer, status: u16, reason: &str) {
    let body = String::from_utf8_lossy(&answer.body);
    assert_eq!(answer.status, status, "case {case}: {body}");
    let detail = answer.detail();
    assert!(detail.starts_with(&format!("{reason}:")), "case {case}: {body}");
    for forbidden in ["AADSTS", "eyJ", "secret"] {
        assert!(!body.contains(forbidden), "case {case} leaks {forbidden}: {body}");
    }
}

/// Asserts that another person's token was refused by `check` and that the log marks the refusal as a possible attack.
pub fn assert_mismatch(case: &str, answer: &Answer, check: &str) {
    assert_refused(case, answer, 400, "identity_mismatch");
    let lines = logs::lines_of(&answer.correlation_id());
    assert!(
        lines.iter().any(|line| line["security"] == true && line["check"] == check),
        "case {case} should have failed by {check}: {lines:?}"
    );
}
