//! Traces: the ids that callers and called services share, the spans of a request, and their way to a collector
//! (docs/operating.md §Traces).
//!
//! A request has at most one trace. It is the current trace of whatever runs for the request, so the HTTP client, the
//! log and the store find it without a parameter. Without the section `traces`, a request has one only if its caller sent a
//! `traceparent`, which is passed on unchanged.

mod callers_trace;
mod current;
#[cfg(feature = "traces")]
mod export;
mod incoming;
mod notes;
#[cfg(feature = "traces")]
mod otlp;
mod outgoing_call;
#[cfg_attr(not(feature = "traces"), allow(dead_code, reason = "nothing is exported"))]
mod queue;
mod request_trace;
#[cfg_attr(not(feature = "traces"), allow(dead_code, reason = "nothing is exported"))]
mod span;
#[cfg(all(test, feature = "traces"))]
mod tests;
mod tracer;
mod tracer_parts;

pub use callers_trace::{CallersTrace, Traceparent};
pub(in crate::observability) use current::current_trace_id;
pub use current::{Carried, EnteredTrace, carry, confirm_caller, name_next_call, note_step};
#[cfg(feature = "traces")]
pub use export::{Posting, SpanTransport, TraceExport, TransportFailure};
pub use incoming::ServerSpan;
pub use notes::TraceNotes;
#[cfg(feature = "traces")]
pub use otlp::TraceResource;
pub use outgoing_call::OutgoingCall;
pub use queue::{SpanCounts, SpanQueue};
#[cfg(feature = "traces")]
pub use queue::{SpanSource, span_queue};
pub use span::{Attribute, AttributeValue, ServerAnswer};
pub use tracer::Tracer;
