use std::io;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use super::file::AuditFile;
use crate::observability::batch::Batch;
use crate::observability::logs;

/// The audit stream of the process. A process has one, as it has one log, so this is global.
static STREAM: OnceLock<Stream> = OnceLock::new();

/// Where the audit stream goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditOutput {
    /// Standard error, among the lines of the log.
    StandardError,
    /// A file, to which lines are appended.
    File(PathBuf),
}

struct Stream {
    lines: Arc<Batch>,
    /// `None` if the lines go to standard error.
    file: Option<Arc<AuditFile>>,
}

/// Keeps the audit stream buffered. On drop, waiting lines are written, and later lines are written at once. Keep it
/// until the process ends.
#[must_use]
pub struct AuditStream {
    lines: Arc<Batch>,
}

impl Drop for AuditStream {
    fn drop(&mut self) {
        self.lines.finish();
    }
}

/// Starts the audit stream of the process. Call it after the log has started, whose lines it joins on standard error.
///
/// # Errors
/// If the file cannot be opened, if there is no log to join, or if the process has an audit stream already.
pub fn start_audit(output: &AuditOutput) -> io::Result<AuditStream> {
    let stream = match output {
        AuditOutput::StandardError => {
            let lines = logs::lines().ok_or_else(|| io::Error::other("the log has not been started"))?;
            Stream { lines, file: None }
        }
        AuditOutput::File(path) => {
            let (file, writer) = AuditFile::open(path)?;
            Stream { lines: Batch::start("audit-writer", writer, log_left_out)?, file: Some(file) }
        }
    };
    let lines = Arc::clone(&stream.lines);
    STREAM.set(stream).map_err(|_| io::Error::other("the audit stream has been started before"))?;
    Ok(AuditStream { lines })
}

/// Opens the file of the audit stream again. Returns `None` if the stream does not go to a file.
#[must_use]
pub fn reopen_audit() -> Option<io::Result<()>> {
    STREAM.get().and_then(|stream| stream.file.as_ref()).map(|file| file.reopen())
}

/// Whether lines of the audit stream are being left out, or go to a file that was moved away or removed. `None` if there is
/// no stream.
#[must_use]
pub fn is_audit_failing() -> Option<bool> {
    STREAM.get().map(|stream| stream.lines.is_failing() || stream.file.as_ref().is_some_and(|file| file.is_lost()))
}

/// How many lines have been left out since the start; zero if the lines go to the log, which counts them.
pub(in crate::observability) fn lines_left_out() -> u64 {
    STREAM.get().filter(|stream| stream.file.is_some()).map_or(0, |stream| stream.lines.left_out())
}

/// Whether the lines are among those of the log, which names no person by an e-mail address.
pub(super) fn is_in_log() -> bool {
    STREAM.get().is_some_and(|stream| stream.file.is_none())
}

pub(super) fn is_open() -> bool {
    STREAM.get().is_some()
}

pub(super) fn write(line: &[u8]) {
    if let Some(stream) = STREAM.get() {
        stream.lines.add(line, false);
    }
}

fn log_left_out(lines: u64) {
    tracing::error!(lines, "lines of the audit stream were left out: audit.file could not be written");
}
