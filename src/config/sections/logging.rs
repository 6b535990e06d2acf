use serde::Deserialize;

use crate::config::review::{Place, Review};

/// The log, which goes to standard error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LoggingSection {
    /// The form of the log lines.
    pub format: LogFormat,
    /// The lowest level that is logged.
    pub level: LogLevel,
    /// What the log says of users whose issuer is not Entra.
    pub subjects: LogSubjects,
}

/// What the log says of users whose issuer is not Entra; their subject may be an e-mail address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogSubjects {
    /// A keyed digest of the subject.
    #[default]
    Digest,
    /// The digest, and a debug line with the subject that it stands for.
    Plain,
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// One JSON object per line.
    #[default]
    Json,
    /// Text for people.
    Text,
}

/// The lowest level that is logged. Each level includes those before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// Conditions that the operator must correct.
    Error,
    /// Conditions that the operator should know.
    Warn,
    /// One line per request.
    #[default]
    Info,
    /// The steps of a request.
    Debug,
    /// All other events.
    Trace,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(in crate::config) struct RawLogging {
    format: LogFormat,
    level: LogLevel,
    subjects: LogSubjects,
}

impl RawLogging {
    pub(in crate::config) fn validate(&self, review: &mut Review<'_>) -> LoggingSection {
        if self.subjects == LogSubjects::Plain && !matches!(self.level, LogLevel::Debug | LogLevel::Trace) {
            let message = "changes nothing at this level, since subjects are written at the level debug alone: write level \
                           = \"debug\" beside it, or leave it out";
            review.warn(&Place::section("logging").key("subjects"), message.to_owned());
        }
        LoggingSection { format: self.format, level: self.level, subjects: self.subjects }
    }
}
