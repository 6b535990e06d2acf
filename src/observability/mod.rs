//! How an operator observes the process: log lines, the audit stream, metrics, traces, and checks of
//! readiness.
//!
//! Owns the start of logging, the format, the level, the rule that only this crate's events are logged below
//! warnings, and the names of audit events and metrics. It deliberately knows no other room: each writes its own events, and none of them holds a token, a code or
//! a secret.

mod audit;
mod batch;
mod concealed_user;
mod json_line;
mod log_text;
mod logs;
mod metrics;
mod readiness;
mod text_line;
mod traces;

pub use audit::{AuditEntry, AuditEvent, AuditOutput, AuditStream, is_audit_failing, reopen_audit, start_audit};
pub use concealed_user::{ConcealedUser, conceal, set_user_digest_key};
pub use log_text::{to_log_list, to_log_text};
pub use logs::{
    LogForm, Logging, LoggingError, LoggingOptions, is_log_blocked, is_log_failing, start_logging, start_logging_to,
};
pub use metrics::{
    BotNames, CardReason, Count, Counters, DirectoryCount, DirectoryCounts, ExchangeCounts, ExchangeOutcome,
    FetchCounts, METRICS, Metric, MetricKind, Metrics, MetricsFormat, OpenConnectionCount, ProviderCalls,
    ProviderMetrics, ProviderResult, ServedNames, SkillCardCounts, StatusCounts, StoreOperation, StoreTimes,
};
pub use readiness::{Check, CheckResult, Health, Readiness};
pub use traces::{
    Attribute, AttributeValue, CallersTrace, Carried, EnteredTrace, OutgoingCall, ServerAnswer, ServerSpan, SpanCounts,
    SpanQueue, TraceNotes, Traceparent, Tracer, carry, confirm_caller, name_next_call, note_step,
};
#[cfg(feature = "traces")]
pub use traces::{Posting, SpanSource, SpanTransport, TraceExport, TraceResource, TransportFailure, span_queue};
