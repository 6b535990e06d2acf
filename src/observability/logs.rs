use std::sync::{Arc, OnceLock};

use tracing::level_filters::LevelFilter;
use tracing::{Level, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::batch::{Batch, BatchWriter};
use super::concealed_user::show_subjects;
use super::json_line::JsonLines;
use super::text_line::TextLine;

/// The lines of the process's log. A process has one log, so this is global.
static LINES: OnceLock<Arc<Batch>> = OnceLock::new();

/// The target of this crate's events. It is not `env!("CARGO_PKG_NAME")`, which has a hyphen.
const OWN_TARGET: &str = "bot_sso";

/// The targets under which the HTTP library reports what a client has sent on its connection, partly as errors.
/// Anybody can send malformed bytes, and the operator can do nothing about them. Our own lines report what is refused after
/// it has been read, and a bot's answer that breaks off.
const CONNECTION_TARGETS: [&str; 3] =
    ["actix_http::h1::decoder", "actix_http::h1::dispatcher", "actix_http::h2::dispatcher"];

/// The form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogForm {
    /// One JSON object a line.
    Json,
    /// Text for people, without colours.
    Text,
}

/// The format and the level of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoggingOptions {
    /// The format of the lines.
    pub form: LogForm,
    /// The lowest level of this crate's events that is logged.
    pub level: Level,
    /// Whether a debug line says which subject the digest of a user stands for.
    pub shows_subjects: bool,
}

/// Why logging could not be started.
#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    /// The process has a log already.
    #[error("logging has been set up before")]
    AlreadyStarted,
    /// The thread that writes the lines could not be started.
    #[error("the thread that writes the log cannot be started: {0}")]
    NoThread(std::io::Error),
}

/// Keeps the log buffered. On drop, waiting lines are written, and later lines are written at once. Keep it until the
/// process ends.
#[must_use]
pub struct Logging {
    batch: Arc<Batch>,
}

impl Drop for Logging {
    fn drop(&mut self) {
        self.batch.finish();
    }
}

/// Starts the log of the process on standard error. Errors are written before the call that logs them returns, and so are
/// warnings unless there are many; other lines are written within a tenth of a second. A panic writes the waiting lines. A
/// process that is killed outright loses none but the lines of the last tenth of a second, and no error.
///
/// If the reader of standard error stops reading, a call waits at most a moment, and lines that find no room are left
/// out (docs/running.md §On the worst day).
///
/// # Errors
/// [`LoggingError`].
pub fn start_logging(options: LoggingOptions) -> Result<Logging, LoggingError> {
    let batch = Batch::start("log-writer", std::io::stderr(), log_left_out).map_err(LoggingError::NoThread)?;
    start_logging_to(options, BatchWriter(Arc::clone(&batch)))?;
    LINES.set(Arc::clone(&batch)).map_err(|_| LoggingError::AlreadyStarted)?;
    let (waiting, previous_hook) = (Arc::clone(&batch), std::panic::take_hook());
    std::panic::set_hook(Box::new(move |panic| {
        waiting.write_if_free();
        // The previous hook writes to standard error itself, and would wait as long as that blocks.
        if !waiting.is_blocked() {
            previous_hook(panic);
        }
    }));
    Ok(Logging { batch })
}

/// Whether the log of the process is blocked: the reader of standard error does not read, and lines may be left out.
#[must_use]
pub fn is_log_blocked() -> bool {
    LINES.get().is_some_and(|lines| lines.is_blocked())
}

/// Whether lines of the log are being left out: it is blocked, or standard error refuses them.
#[must_use]
pub fn is_log_failing() -> bool {
    LINES.get().is_some_and(|lines| lines.is_failing())
}

/// How many lines of the log have been left out since the start.
pub(super) fn lines_left_out() -> u64 {
    LINES.get().map_or(0, |lines| lines.left_out())
}

/// The lines of the log of the process, if it has been started.
pub(super) fn lines() -> Option<Arc<Batch>> {
    LINES.get().cloned()
}

fn log_left_out(lines: u64) {
    tracing::error!(lines, "lines of this log were left out: its reader did not read them");
}

/// Starts the log of the process on `writer`, line by line.
///
/// # Errors
/// [`LoggingError::AlreadyStarted`].
pub fn start_logging_to<W>(options: LoggingOptions, writer: W) -> Result<(), LoggingError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    show_subjects(options.shows_subjects);
    subscriber(options, writer).try_init().map_err(|_| LoggingError::AlreadyStarted)
}

fn subscriber<W>(options: LoggingOptions, writer: W) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let filter = filter(options.level);
    match options.form {
        LogForm::Json => Box::new(JsonLines::new(filter, writer)),
        LogForm::Text => {
            let lines =
                tracing_subscriber::fmt::layer().event_format(TextLine::default()).with_writer(writer).with_ansi(false);
            Box::new(tracing_subscriber::registry().with(lines).with(filter))
        }
    }
}

/// Logs only the warnings and errors of other crates, because the debug lines of an HTTP client hold `Authorization` headers
/// (docs/architecture.md §Security rules, rule 10). The events of [`CONNECTION_TARGETS`] are not logged at all.
fn filter(level: Level) -> Targets {
    let own_level = LevelFilter::from_level(level);
    let others = Targets::new().with_default(own_level.min(LevelFilter::WARN));
    CONNECTION_TARGETS
        .iter()
        .fold(others, |targets, target| targets.with_target(*target, LevelFilter::OFF))
        .with_target(OWN_TARGET, own_level)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use std::sync::{Arc, Mutex};

    use tracing::Level;

    use super::super::traces::{CallersTrace, ServerSpan};
    use super::{LogForm, LoggingOptions, subscriber};

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(options: LoggingOptions, log: impl FnOnce()) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        tracing::subscriber::with_default(subscriber(options, move || writer.clone()), log);
        let bytes = lines.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_json_line_is_one_flat_object() {
        let options = LoggingOptions { form: LogForm::Json, level: Level::INFO, shows_subjects: false };
        let text = logged(options, || tracing::info!(status = 200, "answered"));
        let line: serde_json::Value = serde_json::from_str(text.trim_end()).unwrap();
        assert_eq!(line["message"], "answered");
        assert_eq!(line["status"], 200);
        assert_eq!(line["level"], "INFO");
        assert_eq!(line["target"], "bot_sso::observability::logs::tests");
        assert!(line["timestamp"].as_str().is_some_and(|time| time.len() == 24 && time.ends_with('Z')));
    }

    #[test]
    fn every_type_of_field_is_written_and_escaped() {
        let options = LoggingOptions { form: LogForm::Json, level: Level::INFO, shows_subjects: false };
        let hostile = "\"},\n{\"level\":\"\u{1}\\";
        let text = logged(options, || {
            tracing::info!(
                hostile,
                shown = %hostile,
                listed = ?[hostile],
                below = -1_i64,
                share = 0.5_f64,
                yes = true,
                absent = None::<u64>,
                "a {hostile}"
            );
        });
        assert_eq!(text.lines().count(), 1);
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(line["hostile"], hostile);
        assert_eq!(line["shown"], hostile);
        assert_eq!(line["listed"], format!("{:?}", [hostile]));
        assert_eq!((&line["below"], &line["share"], &line["yes"]), (&(-1).into(), &0.5.into(), &true.into()));
        assert_eq!(line["message"], format!("a {hostile}"));
        assert!(line.get("absent").is_none());
    }

    #[test]
    fn a_line_about_a_request_with_a_trace_has_its_id_in_both_forms() {
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
        let span = ServerSpan::begin(None, CallersTrace::read(parent, std::iter::empty()));
        for form in [LogForm::Json, LogForm::Text] {
            let options = LoggingOptions { form, level: Level::INFO, shows_subjects: false };
            let text = logged(options, || {
                let entered = span.as_ref().map(ServerSpan::enter);
                tracing::info!("inside");
                drop(entered);
                tracing::info!("outside");
            });
            let lines: Vec<&str> = text.lines().collect();
            let has_id =
                |line: &str| line.contains("otel_trace_id") && line.contains("0af7651916cd43dd8448eb211c80319c");
            assert!(has_id(lines[0]) && !has_id(lines[1]) && lines.len() == 2, "{text}");
        }
    }

    #[test]
    fn enabled_follows_the_level_and_spans_are_not_recorded() {
        let options = LoggingOptions { form: LogForm::Json, level: Level::INFO, shows_subjects: false };
        let text = logged(options, || {
            assert!(tracing::enabled!(Level::INFO) && !tracing::enabled!(Level::DEBUG));
            tracing::info_span!("a span").in_scope(|| tracing::info!("inside"));
        });
        assert_eq!(text.lines().count(), 1, "{text}");
    }

    #[test]
    fn what_a_client_sends_on_its_connection_is_no_line_of_the_http_library() {
        for form in [LogForm::Json, LogForm::Text] {
            let text = logged(LoggingOptions { form, level: Level::TRACE, shows_subjects: false }, || {
                tracing::error!(target: "actix_http::h1::dispatcher", "stream error: request parse error");
                tracing::error!(target: "actix_http::h1::decoder", "unprocessed data");
                tracing::error!(target: "actix_server::accept", "a descriptor is missing");
            });
            assert_eq!(text.lines().count(), 1, "{text}");
            assert!(text.contains("a descriptor is missing"), "{text}");
        }
    }

    #[test]
    fn lines_below_the_level_and_debug_lines_of_other_crates_are_left_out() {
        let options = LoggingOptions { form: LogForm::Text, level: Level::TRACE, shows_subjects: false };
        let text = logged(options, || {
            tracing::trace!("ours");
            tracing::debug!(target: "hyper::proto", "a header");
            tracing::warn!(target: "hyper::proto", "a warning");
        });
        assert!(text.contains("ours") && text.contains("a warning") && !text.contains("a header"), "{text}");
        let quiet = LoggingOptions { form: LogForm::Text, level: Level::ERROR, shows_subjects: false };
        assert_eq!(logged(quiet, || tracing::warn!(target: "hyper::proto", "a warning")), "");
    }
}
