use http::header::{HeaderMap, HeaderName, HeaderValue};

use super::OutboundError;
use crate::observability::OutgoingCall;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Writes the headers of W3C Trace Context for `call`. Those of a relayed request stay if bot-sso takes no part in the trace.
pub(super) fn write_trace_headers(call: &OutgoingCall, headers: &mut HeaderMap) {
    if !call.replaces_headers() && headers.contains_key(TRACEPARENT) {
        return;
    }
    headers.remove(TRACESTATE);
    if let Ok(value) = HeaderValue::try_from(call.traceparent()) {
        headers.insert(TRACEPARENT, value);
    }
    if let Some(value) = call.tracestate().and_then(|state| HeaderValue::from_str(state).ok()) {
        headers.insert(TRACESTATE, value);
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
