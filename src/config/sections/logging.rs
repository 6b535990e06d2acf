use std::path::PathBuf;

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

/// Where the audit stream goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditSection {
    /// Standard error, among the lines of the log.
    StandardError,
    /// A file, to which lines are appended. Its directory exists.
    File(PathBuf),
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(in crate::config) struct RawAudit {
    output: Option<RawAuditOutput>,
    file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RawAuditOutput {
    Stderr,
    File,
}

impl RawAudit {
    pub(in crate::config) fn validate(self, review: &mut Review<'_>) -> AuditSection {
        let place = Place::section("audit").key("file");
        let Some(written) = self.file else {
            if self.output == Some(RawAuditOutput::File) {
                review.report(&place, "is missing: write the path of the file, or output = \"stderr\"".to_owned());
            }
            return AuditSection::StandardError;
        };
        if self.output == Some(RawAuditOutput::Stderr) {
            review.report(&place, "is not used with output = \"stderr\": leave one of them out".to_owned());
        }
        let path = review.resolve(&written);
        let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty());
        if let Some(directory) = directory.filter(|directory| !directory.is_dir()) {
            let message =
                format!("the directory {} does not exist: make it, or write another path", directory.display());
            review.report(&place, message);
        } else if path.is_dir() {
            review.report(&place, format!("{} is a directory: write the path of a file", path.display()));
        }
        AuditSection::File(path)
    }
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
        let shows_subjects = matches!(self.level, LogLevel::Debug | LogLevel::Trace);
        let is_reported = review.is_reported(&Place::section("logging").key("level"));
        if self.subjects == LogSubjects::Plain && !shows_subjects && !is_reported {
            let message = "changes nothing at this level, since subjects are written at the level debug alone: write level \
                           = \"debug\" beside it, or leave it out";
            review.warn(&Place::section("logging").key("subjects"), message.to_owned());
        }
        LoggingSection { format: self.format, level: self.level, subjects: self.subjects }
    }
}
