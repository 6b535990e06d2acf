use std::borrow::Cow;
use std::time::Duration;

use crate::domain::{Clock, Timestamp};

/// A span that has ended. It holds names of the configuration and of the program, statuses and ids: no token, code, user id,
/// path or query.
#[allow(clippy::struct_field_names, reason = "the standard calls the fields so")]
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Span {
    pub(super) trace_id: u128,
    pub(super) span_id: u64,
    /// Zero if the trace begins with this span.
    pub(super) parent_id: u64,
    pub(super) state: Option<Box<str>>,
    pub(super) name: Cow<'static, str>,
    pub(super) kind: SpanKind,
    /// Nanoseconds since the Unix epoch.
    pub(super) begin_nanos: u64,
    /// Nanoseconds since the Unix epoch.
    pub(super) end_nanos: u64,
    pub(super) attributes: Vec<Attribute>,
    pub(super) is_error: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SpanKind {
    Server,
    Client,
    Internal,
}

/// A fact about a span. Names are those of OpenTelemetry's semantic conventions, or begin with `bot_sso.`.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribute {
    /// The name.
    pub name: &'static str,
    /// The value.
    pub value: AttributeValue,
}

/// The value of an [`Attribute`].
#[derive(Clone, Debug, PartialEq)]
pub enum AttributeValue {
    /// A text.
    Text(Cow<'static, str>),
    /// A number.
    Number(i64),
}

impl Attribute {
    /// An attribute with a text.
    #[must_use]
    pub fn text(name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        Self { name, value: AttributeValue::Text(value.into()) }
    }

    /// An attribute with a number.
    #[must_use]
    pub fn number(name: &'static str, value: impl Into<i64>) -> Self {
        Self { name, value: AttributeValue::Number(value.into()) }
    }
}

/// The answer to a request, for its span.
#[derive(Clone, Debug, PartialEq)]
pub struct ServerAnswer {
    /// The name of the span: method and published path.
    pub name: Cow<'static, str>,
    /// The HTTP status.
    pub status: u16,
    /// Further facts.
    pub attributes: Vec<Attribute>,
}

/// When a request began, by both clocks: the spans of one request are placed by the monotonic one, so none is negative.
#[derive(Clone, Copy, Debug)]
pub(super) struct Beginning {
    wall: Timestamp,
    elapsed: Duration,
}

impl Beginning {
    pub(super) fn now(clock: &dyn Clock) -> Self {
        Self { wall: clock.now(), elapsed: clock.elapsed() }
    }

    /// The moment at `elapsed` of the monotonic clock, in nanoseconds since the Unix epoch.
    pub(super) fn nanos_at(self, elapsed: Duration) -> u64 {
        let begun = u64::try_from(self.wall.unix_millis()).unwrap_or_default().saturating_mul(1_000_000);
        let later = elapsed.saturating_sub(self.elapsed);
        begun.saturating_add(u64::try_from(later.as_nanos()).unwrap_or(u64::MAX))
    }

    /// The moment of the beginning, in nanoseconds since the Unix epoch.
    pub(super) fn nanos(self) -> u64 {
        self.nanos_at(self.elapsed)
    }
}
