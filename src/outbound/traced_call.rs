use http::header::{HeaderMap, HeaderName, HeaderValue};

use super::OutboundError;
use crate::observability::{OutgoingCall, Traceparent};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Which trace headers the called service gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TraceAudience {
    /// A service to which requests are relayed, such as a bot or a skill: `traceparent` and `tracestate`.
    Relayed,
    /// Any other service, such as an identity provider: `traceparent` alone. `tracestate` has what the tracing systems of callers
    /// note for each other.
    Stranger,
}

/// Writes the headers of W3C Trace Context for `call`. Those of a relayed request stay if bot-sso takes no part in the trace.
pub(super) fn write_trace_headers(call: &OutgoingCall, audience: TraceAudience, headers: &mut HeaderMap) {
    if !call.replaces_headers() && headers.contains_key(TRACEPARENT) {
        return;
    }
    headers.remove(TRACESTATE);
    if let Ok(value) = HeaderValue::try_from(call.traceparent()) {
        headers.insert(TRACEPARENT, value);
    }
    let state = call.tracestate().filter(|_| audience == TraceAudience::Relayed);
    if let Some(value) = state.and_then(|state| HeaderValue::from_str(state).ok()) {
        headers.insert(TRACESTATE, value);
    }
}

/// Removes both headers of a request that is to be relayed, unless exactly one well-formed `traceparent` is among them. Without
/// it, `tracestate` belongs to no trace (W3C Trace Context §3.3).
pub(super) fn remove_malformed_trace(headers: &mut HeaderMap) {
    let mut parents = headers.get_all(TRACEPARENT).iter();
    let parent = parents.next().and_then(|value| value.to_str().ok()).and_then(Traceparent::parse);
    if parent.is_none() || parents.next().is_some() {
        headers.remove(TRACEPARENT);
        headers.remove(TRACESTATE);
    }
}

/// The name of a failure in the span of its call.
pub(super) const fn failure_name(error: &OutboundError) -> &'static str {
    match error {
        OutboundError::HostRefused { .. } => "host_refused",
        OutboundError::Unreachable => "unreachable",
        OutboundError::TimedOut => "timed_out",
        OutboundError::TooLarge => "too_large",
        OutboundError::Broken => "broken",
        OutboundError::Settings(_) => "settings",
    }
}
