use serde::Deserialize;

/// The log, which goes to standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoggingSection {
    /// The form of the log lines.
    pub format: LogFormat,
    /// The lowest level that is logged.
    pub level: LogLevel,
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
}

impl RawLogging {
    pub(in crate::config) fn validate(&self) -> LoggingSection {
        LoggingSection { format: self.format, level: self.level }
    }
}
