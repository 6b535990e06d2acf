use std::cell::Cell;
use std::fmt;
use std::io::Write;

use time::OffsetDateTime;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span;
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;

use super::traces::current_trace_id;
use crate::domain::{Clock, SystemClock, Timestamp, any_byte};

/// The size that most lines need.
const TYPICAL_LINE_BYTES: usize = 512;

/// A subscriber that writes each event as one line, a flat JSON object: time, level, fields, target.
///
/// It replaces the subscriber of `tracing-subscriber` because every request writes a line: that library's span
/// registry, which is not used here, and its JSON formatter cost several times as much as the line itself.
pub(super) struct JsonLines<W> {
    filter: Targets,
    writer: W,
}

impl<W> JsonLines<W> {
    pub(super) fn new(filter: Targets, writer: W) -> Self {
        Self { filter, writer }
    }
}

thread_local! {
    /// The buffer in which this thread composes its lines.
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    /// The second that this thread has formatted last, and its text.
    static SECOND: Cell<(i64, [u8; 19])> = const { Cell::new((i64::MIN, [0; 19])) };
}

impl<W> Subscriber for JsonLines<W>
where
    W: for<'w> MakeWriter<'w> + 'static,
{
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.enabled(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        !metadata.is_span() && self.filter.would_enable(metadata.target(), metadata.level())
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        self.filter.iter().map(|(_, level)| level).chain(self.filter.default_level()).max()
    }

    fn event(&self, event: &Event<'_>) {
        // The buffer is taken, not borrowed: if formatting a value logs an event, that event gets a new buffer.
        let mut line = Line(BUFFER.take());
        line.0.reserve(TYPICAL_LINE_BYTES);
        line.0.extend_from_slice(b"{\"timestamp\":\"");
        line.time(SystemClock.now());
        line.0.push(b'"');
        line.member("level", |line| line.literal(event.metadata().level().as_str()));
        event.record(&mut line);
        if let Some(trace_id) = current_trace_id() {
            line.member("otel_trace_id", |line| line.text(&format!("{trace_id:032x}")));
        }
        line.member("target", |line| line.literal(event.metadata().target()));
        line.0.extend_from_slice(b"}\n");
        // A log that cannot be written cannot report that either.
        let _ = self.writer.make_writer_for(event.metadata()).write_all(&line.0);
        line.0.clear();
        BUFFER.set(line.0);
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// A line that is being composed. Writing to memory cannot fail.
struct Line(Vec<u8>);

impl Line {
    fn member(&mut self, name: &str, value: impl FnOnce(&mut Self)) {
        // Field names are literals in the program and need no escaping.
        self.0.extend_from_slice(b",\"");
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b"\":");
        value(self);
    }

    /// Appends a text that stands as a literal in the program, and needs no escaping.
    fn literal(&mut self, text: &'static str) {
        self.0.push(b'"');
        self.0.extend_from_slice(text.as_bytes());
        self.0.push(b'"');
    }

    fn text(&mut self, text: &str) {
        self.0.push(b'"');
        self.escaped(text);
        self.0.push(b'"');
    }

    /// Appends the inside of a JSON string.
    fn escaped(&mut self, text: &str) {
        let is_escaped = |byte: u8| u8::from(byte < 0x20) | u8::from(byte == b'"') | u8::from(byte == b'\\');
        if !any_byte(text.as_bytes(), is_escaped) {
            self.0.extend_from_slice(text.as_bytes());
            return;
        }
        let from = self.0.len();
        drop(serde_json::to_writer(&mut self.0, text));
        self.0.pop();
        self.0.remove(from);
    }

    fn number(&mut self, name: &str, value: impl serde::Serialize) {
        // Infinities become `null`.
        self.member(name, |line| drop(serde_json::to_writer(&mut line.0, &value)));
    }

    /// Appends the time as ISO 8601 with milliseconds.
    fn time(&mut self, now: Timestamp) {
        let (mut second, mut text) = SECOND.get();
        if second != now.unix_seconds() {
            second = now.unix_seconds();
            let time = OffsetDateTime::from_unix_timestamp(second).unwrap_or(OffsetDateTime::UNIX_EPOCH);
            let (year, month, day) = (time.year(), u8::from(time.month()), time.day());
            let (hour, minute, second_of_minute) = time.to_hms();
            // The text of a year beyond 9999 is cut off at the end.
            let _ = write!(
                text.as_mut_slice(),
                "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second_of_minute:02}"
            );
            SECOND.set((second, text));
        }
        self.0.extend_from_slice(&text);
        let millis = now.unix_millis().rem_euclid(1000);
        let digit = |tens: i64| b'0' + u8::try_from(millis / tens % 10).unwrap_or_default();
        self.0.extend_from_slice(&[b'.', digit(100), digit(10), digit(1), b'Z']);
    }
}

impl fmt::Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.escaped(text);
        Ok(())
    }
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.member(field.name(), |line| line.text(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.number(field.name(), value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.number(field.name(), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.number(field.name(), value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.number(field.name(), value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.member(field.name(), |line| {
            line.0.push(b'"');
            // A value whose formatting fails is written as far as it got.
            let _ = fmt::Write::write_fmt(line, format_args!("{value:?}"));
            line.0.push(b'"');
        });
    }
}
