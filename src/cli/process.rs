//! The clock, the randomness, the log, the standard output and the process limits of every command.

use std::io::Write as _;
use std::sync::Arc;

use anyhow::Context as _;
use rustix::process::{Resource, Rlimit, Signal, setrlimit};
use tokio::signal::unix::{SignalKind, signal};
use tracing::Level;

use crate::config::{AuditSection, LogFormat, LogLevel, LogSubjects, LoggingSection};
use crate::domain::{ClockAndEntropy, SystemClock, SystemEntropy};
use crate::observability::{self, AuditOutput, AuditStream, LogForm, Logging, LoggingOptions};

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
    Ok(observability::start_logging(LoggingOptions {
        form,
        level,
        shows_subjects: section.subjects == LogSubjects::Plain,
    })?)
}

/// Starts the audit stream, if one is configured. When the returned value is dropped, all waiting lines are written.
pub(super) fn start_audit(section: Option<&AuditSection>) -> anyhow::Result<Option<AuditStream>> {
    let output = match section {
        None => return Ok(None),
        Some(AuditSection::StandardError) => AuditOutput::StandardError,
        Some(AuditSection::File(path)) => AuditOutput::File(path.clone()),
    };
    observability::start_audit(&output).map(Some).with_context(|| match &output {
        AuditOutput::StandardError => "audit".to_owned(),
        AuditOutput::File(path) => format!("audit.file: {}", path.display()),
    })
}

/// Prevents core files: they would contain tokens and keys in the clear (docs/running.md §On the worst day). The limit
/// cannot be raised again, not even by this process.
pub(super) fn disable_core_files() {
    if let Err(error) = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }) {
        tracing::warn!(%error, "core files cannot be disabled: after a crash, one may contain tokens");
    }
}

/// Turns a write beyond the limit on file sizes (`ulimit -f`) into an error of that write. By default the system sends
/// SIGXFSZ, which ends the process. Call this on the runtime, before the store is opened.
pub(super) fn survive_file_size_limit() -> anyhow::Result<()> {
    // The handler stays installed after the returned stream is dropped. The signal itself needs no reaction.
    signal(SignalKind::from_raw(Signal::XFSZ.as_raw())).map(drop).context("SIGXFSZ cannot be handled")
}

/// Writes a line to standard output. No code outside of this file writes there.
pub(super) fn print(text: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout().lock(), "{text}").context("standard output is closed")
}

/// Writes a text that ends its own lines to standard output.
pub(super) fn print_bytes(text: &[u8]) -> anyhow::Result<()> {
    std::io::stdout().lock().write_all(text).context("standard output is closed")
}
