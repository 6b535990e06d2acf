use std::fmt;
use std::io::Write;

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// What most lines need.
const USUAL_BYTES: usize = 512;

/// Writes an event as one flat JSON object: time, level, its fields, target.
///
/// The library's own JSON form costs several times as much, which counts where every request writes a line.
pub(super) struct JsonLine;

impl<S, N> FormatEvent<S, N> for JsonLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut time = String::with_capacity(32);
        SystemTime.format_time(&mut Writer::new(&mut time))?;
        let mut line = Line(Vec::with_capacity(USUAL_BYTES));
        line.0.extend_from_slice(b"{\"timestamp\":");
        line.text(&time);
        line.member("level", |line| line.text(event.metadata().level().as_str()));
        event.record(&mut line);
        line.member("target", |line| line.text(event.metadata().target()));
        line.0.extend_from_slice(b"}\n");
        writer.write_str(std::str::from_utf8(&line.0).map_err(|_| fmt::Error)?)
    }
}

/// A line as far as it is written. Writing to memory cannot fail.
struct Line(Vec<u8>);

impl Line {
    fn member(&mut self, name: &str, value: impl FnOnce(&mut Self)) {
        self.0.push(b',');
        self.text(name);
        self.0.push(b':');
        value(self);
    }

    fn text(&mut self, text: &str) {
        drop(serde_json::to_writer(&mut self.0, text));
    }

    fn bare(&mut self, name: &str, value: impl fmt::Display) {
        self.member(name, |line| {
            let _ = write!(line.0, "{value}");
        });
    }
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.member(field.name(), |line| line.text(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.bare(field.name(), value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.bare(field.name(), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.bare(field.name(), value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // Infinities become `null`.
        self.member(field.name(), |line| drop(serde_json::to_writer(&mut line.0, &value)));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.member(field.name(), |line| line.text(&format!("{value:?}")));
    }
}
