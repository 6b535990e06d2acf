use serde::Deserialize;

/// What is logged, and how. Logs go to standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoggingSection {
    /// One JSON object a line, or text for people.
    pub format: LogFormat,
    /// The least level that is logged.
    pub level: LogLevel,
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// One JSON object a line.
    #[default]
    Json,
    /// Text for people.
    Text,
}

/// How much is logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// What the operator must act on.
    Error,
    /// And what the operator should know.
    Warn,
    /// And one line a request.
    #[default]
    Info,
    /// And what led to it.
    Debug,
    /// And everything else.
    Trace,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(in crate::config) struct RawLogging {
    format: LogFormat,
    level: LogLevel,
}

impl RawLogging {
    pub(in crate::config) fn validate(&self) -> LoggingSection {
        LoggingSection { format: self.format, level: self.level }
    }
}
