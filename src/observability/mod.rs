//! How the process tells its operator what it does: log lines on standard error, and counts among them.
//!
//! Owns the set-up of logging: the form, the level, and the rule that only our own lines go below warnings. It
//! deliberately knows no room: each writes its own events, and none of them holds a token, a code or a secret.

mod batch;
mod counters;
mod json_line;
mod logs;

pub use counters::{Count, Counters};
pub use logs::{LogForm, Logging, LoggingError, LoggingOptions, start_logging, start_logging_to};
