//! What every command has of its process: time, randomness, the log and standard output.

use std::io::Write as _;
use std::sync::Arc;

use anyhow::Context as _;
use tracing::Level;

use crate::app::Ambient;
use crate::config::{LogFormat, LogLevel, LoggingSection};
use crate::domain::{SystemClock, SystemEntropy};
use crate::observability::{self, LogForm, Logging, LoggingOptions};

/// The system's clock and randomness.
pub(super) fn ambient() -> Ambient {
    Ambient { clock: Arc::new(SystemClock), entropy: Arc::new(SystemEntropy) }
}

/// Starts the log; it is written out to the end when the answer is dropped.
pub(super) fn start_logging(section: LoggingSection) -> anyhow::Result<Logging> {
    let form = match section.format {
        LogFormat::Json => LogForm::Json,
        LogFormat::Text => LogForm::Text,
    };
    let level = match section.level {
        LogLevel::Error => Level::ERROR,
        LogLevel::Warn => Level::WARN,
        LogLevel::Info => Level::INFO,
        LogLevel::Debug => Level::DEBUG,
        LogLevel::Trace => Level::TRACE,
    };
    Ok(observability::start_logging(LoggingOptions { form, level })?)
}

/// Writes a line to standard output; the one place that does.
pub(super) fn print(text: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout().lock(), "{text}").context("standard output is closed")
}
