use std::io::Stderr;
use std::sync::Arc;

use tracing::level_filters::LevelFilter;
use tracing::{Level, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::batch::{Batch, Batched};
use super::json_line::JsonLines;

/// The crate's own target: `env!` would name the package, whose name is spelled otherwise.
const OURS: &str = "bot_sso";

/// The form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogForm {
    /// One JSON object a line.
    Json,
    /// Text for people, without colours.
    Text,
}

/// What is logged, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoggingOptions {
    /// The form.
    pub form: LogForm,
    /// The least level of our own lines.
    pub level: Level,
}

/// Why logging was not set up.
#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    /// The process already logs somewhere.
    #[error("logging has been set up before")]
    AlreadyStarted,
    /// There is no thread to write the lines.
    #[error("no thread for the log: {0}")]
    NoThread(std::io::Error),
}

/// While it lives lines are gathered; when it goes, what waits is written, and later lines at once. To be kept until the
/// process ends.
#[must_use]
pub struct Logging {
    batch: Arc<Batch<Stderr>>,
}

impl Drop for Logging {
    fn drop(&mut self) {
        self.batch.finish();
    }
}

/// From now on the whole process logs to standard error, many lines at once: warnings and errors are written before
/// whoever logs them goes on, other lines within a tenth of a second. A panic writes what waits. Only a process that is
/// killed outright loses lines, none of them a warning and none older than that.
///
/// # Errors
/// [`LoggingError`].
pub fn start_logging(options: LoggingOptions) -> Result<Logging, LoggingError> {
    let batch = Batch::start(std::io::stderr()).map_err(LoggingError::NoThread)?;
    start_logging_to(options, Batched(Arc::clone(&batch)))?;
    let (waiting, say) = (Arc::clone(&batch), std::panic::take_hook());
    std::panic::set_hook(Box::new(move |panic| {
        waiting.write_if_free();
        say(panic);
    }));
    Ok(Logging { batch })
}

/// From now on the whole process logs to `writer`, line by line.
///
/// # Errors
/// [`LoggingError::AlreadyStarted`].
pub fn start_logging_to<W>(options: LoggingOptions, writer: W) -> Result<(), LoggingError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
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
            let lines = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(false);
            Box::new(tracing_subscriber::registry().with(lines).with(filter))
        }
    }
}

/// Of other crates only warnings: an HTTP client's own debug lines hold `Authorization` headers (DESIGN §5.10).
fn filter(level: Level) -> Targets {
    let ours = LevelFilter::from_level(level);
    Targets::new().with_target(OURS, ours).with_default(ours.min(LevelFilter::WARN))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use std::sync::{Arc, Mutex};

    use tracing::Level;

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
        let options = LoggingOptions { form: LogForm::Json, level: Level::INFO };
        let text = logged(options, || tracing::info!(status = 200, "answered"));
        let line: serde_json::Value = serde_json::from_str(text.trim_end()).unwrap();
        assert_eq!(line["message"], "answered");
        assert_eq!(line["status"], 200);
        assert_eq!(line["level"], "INFO");
        assert_eq!(line["target"], "bot_sso::observability::logs::tests");
        assert!(line["timestamp"].as_str().is_some_and(|time| time.len() == 24 && time.ends_with('Z')));
    }

    #[test]
    fn every_kind_of_field_is_written_and_none_breaks_out_of_its_string() {
        let options = LoggingOptions { form: LogForm::Json, level: Level::INFO };
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
    fn who_asks_whether_a_line_would_be_written_is_told_and_spans_are_not_kept() {
        let options = LoggingOptions { form: LogForm::Json, level: Level::INFO };
        let text = logged(options, || {
            assert!(tracing::enabled!(Level::INFO) && !tracing::enabled!(Level::DEBUG));
            tracing::info_span!("a span").in_scope(|| tracing::info!("inside"));
        });
        assert_eq!(text.lines().count(), 1, "{text}");
    }

    #[test]
    fn lines_below_the_level_and_chatter_of_other_crates_are_left_out() {
        let options = LoggingOptions { form: LogForm::Text, level: Level::TRACE };
        let text = logged(options, || {
            tracing::trace!("ours");
            tracing::debug!(target: "hyper::proto", "a header");
            tracing::warn!(target: "hyper::proto", "a warning");
        });
        assert!(text.contains("ours") && text.contains("a warning") && !text.contains("a header"), "{text}");
        let quiet = LoggingOptions { form: LogForm::Text, level: Level::ERROR };
        assert_eq!(logged(quiet, || tracing::warn!(target: "hyper::proto", "a warning")), "");
    }
}
