//! The clock, the randomness, the log and the standard output of every command.

use std::io::Write as _;
use std::sync::Arc;

use anyhow::Context as _;
use tracing::Level;

use crate::config::{LogFormat, LogLevel, LoggingSection};
use crate::domain::{ClockAndEntropy, SystemClock, SystemEntropy};
use crate::observability::{self, LogForm, Logging, LoggingOptions};

/// The operating system's clock and randomness.
pub(super) fn system_clock_and_entropy() -> ClockAndEntropy {
    ClockAndEntropy { clock: Arc::new(SystemClock), entropy: Arc::new(SystemEntropy) }
}

/// Starts the log. When the returned value is dropped, all waiting lines are written.
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

/// Writes a line to standard output. No other code writes there.
pub(super) fn print(text: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout().lock(), "{text}").context("standard output is closed")
}
