//! The application's log during the test run, kept for assertions and written where `scripts/test` searches for tokens.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};

use bot_sso::observability::{LogForm, LoggingOptions, start_logging_to};
use serde_json::Value;

static LOG: OnceLock<Arc<Mutex<Log>>> = OnceLock::new();

struct Log {
    text: Vec<u8>,
    file: File,
}

struct Writer(Arc<Mutex<Log>>);

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut log = self.0.lock().unwrap();
        log.text.extend_from_slice(bytes);
        log.file.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Starts logging once for all tests of the binary.
pub fn start() {
    LOG.get_or_init(|| {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-logs");
        std::fs::create_dir_all(&directory).unwrap();
        let file = File::create(directory.join("it.log")).unwrap();
        let log = Arc::new(Mutex::new(Log { text: Vec::new(), file }));
        let shared = log.clone();
        let options = LoggingOptions { form: LogForm::Json, level: tracing::Level::TRACE, shows_subjects: false };
        start_logging_to(options, move || Writer(shared.clone())).unwrap();
        log
    });
}

/// All log lines so far.
pub fn text() -> String {
    LOG.get().map_or_else(String::new, |log| String::from_utf8_lossy(&log.lock().unwrap().text).into_owned())
}

/// The length of the log, in bytes.
pub fn length() -> usize {
    LOG.get().map_or(0, |log| log.lock().unwrap().text.len())
}

/// The log from the byte `length` on.
pub fn since(length: usize) -> String {
    LOG.get().map_or_else(String::new, |log| String::from_utf8_lossy(&log.lock().unwrap().text[length..]).into_owned())
}

/// The warnings and errors after the byte `length` about requests whose ids begin with `tag`.
pub fn complaints_of(tag: &str, length: usize) -> Vec<Value> {
    let lines = since(length);
    let lines = lines.lines().filter(|line| line.contains(tag)).filter_map(|line| serde_json::from_str(line).ok());
    let complains = |line: &Value| {
        let id = line["correlation_id"].as_str().unwrap_or("");
        id.starts_with(tag) && (line["level"] == "WARN" || line["level"] == "ERROR")
    };
    lines.filter(complains).collect()
}

/// The log lines with this correlation id.
pub fn lines_of(correlation_id: &str) -> Vec<Value> {
    let text = text();
    let lines = text.lines().filter(|line| line.contains(correlation_id));
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}
