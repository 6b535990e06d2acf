//! How an operator observes the process: log lines on standard error, and counters that are logged.
//!
//! Owns the start of logging, the format, the level, and the rule that only this crate's events are logged below
//! warnings. It deliberately knows no other room: each writes its own events, and none of them holds a token, a code or
//! a secret.

mod audit;
mod batch;
mod counters;
mod json_line;
mod log_text;
mod logs;

pub use audit::{AuditEntry, AuditEvent, AuditOutput, AuditStream, is_audit_failing, reopen_audit, start_audit};
pub use counters::{Count, Counters};
pub use log_text::to_log_text;
pub use logs::{
    LogForm, Logging, LoggingError, LoggingOptions, is_log_blocked, is_log_failing, start_logging, start_logging_to,
};
