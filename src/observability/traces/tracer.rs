use std::fmt;
use std::sync::Arc;

use super::callers_trace::CallersTrace;
use super::queue::SpanQueue;
use super::request_trace::{Recording, RequestTrace};
use super::tracer_parts::TracerParts;
use crate::domain::ClockAndEntropy;

/// Begins the traces of requests. Clones share everything.
#[derive(Clone)]
pub struct Tracer(Arc<TracerParts>);

impl Tracer {
    /// Records the share `sample` (from 0 to 1) of the requests, and those that a known caller has sampled, into `queue`.
    #[must_use]
    pub fn new(queue: SpanQueue, sample: f64, ambient: ClockAndEntropy) -> Self {
        Self(Arc::new(TracerParts::new(queue, ambient, threshold(sample))))
    }

    /// Begins the trace of a request whose caller says `callers` of it. Whether the ratio chooses the request does not depend on
    /// its ids, which the caller may choose.
    pub(super) fn begin(&self, callers: Option<CallersTrace>) -> RequestTrace {
        let parts = &self.0;
        let [span_id, choice] = parts.draw_halves();
        let is_chosen = choice < parts.sampled_below || parts.sampled_below == u64::MAX;
        let wants_recording = callers.as_ref().is_some_and(|callers| callers.parent.is_sampled);
        let (trace_id, parent_id, state) = match callers {
            Some(CallersTrace { parent, state }) => (parent.trace_id, parent.span_id, state),
            None => (parts.draw().max(1), 0, None),
        };
        if !is_chosen && !wants_recording {
            return RequestTrace::not_sampled(trace_id, span_id, state);
        }
        let recording = Recording::new(Arc::clone(parts), is_chosen, parent_id);
        RequestTrace::recorded(trace_id, span_id, state, recording)
    }
}

impl fmt::Debug for Tracer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Tracer(..)")
    }
}

/// The share `sample` of all numbers of 64 bits.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "saturates")]
fn threshold(sample: f64) -> u64 {
    (sample.clamp(0.0, 1.0) * u64::MAX as f64) as u64
}
