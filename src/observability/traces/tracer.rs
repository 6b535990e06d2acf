use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;

use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use super::callers_trace::CallersTrace;
use super::queue::SpanQueue;
use super::request_trace::{Recording, RequestTrace};
use crate::domain::{ClockAndEntropy, RateClock};

/// Requests of callers that do not prove who they are, such as browsers and strangers, of which spans are exported in a second.
/// A flood of them neither fills the queue nor reaches the collector.
const UNKNOWN_CALLERS_PER_SECOND: NonZeroU32 = NonZeroU32::MIN.saturating_add(9);

/// Begins the traces of requests. Clones share everything.
#[derive(Clone)]
pub struct Tracer(Arc<TracerParts>);

type UnknownCallerLimit = RateLimiter<NotKeyed, InMemoryState, RateClock, NoOpMiddleware<governor::nanos::Nanos>>;

pub(super) struct TracerParts {
    pub(super) queue: SpanQueue,
    pub(super) ambient: ClockAndEntropy,
    pub(super) unknown_callers: UnknownCallerLimit,
    /// A drawn number below this one chooses the request.
    sampled_below: u64,
}

impl TracerParts {
    pub(super) fn draw_span_id(&self) -> u64 {
        let [span_id, _] = self.draw_halves();
        span_id
    }

    /// Two drawn numbers, of which the first may be an id: it is not zero.
    fn draw_halves(&self) -> [u64; 2] {
        let drawn = self.draw();
        let half = |shift: u32| u64::try_from((drawn >> shift) & u128::from(u64::MAX)).unwrap_or_default();
        [half(64).max(1), half(0)]
    }

    fn draw(&self) -> u128 {
        u128::from_be_bytes(self.ambient.entropy.id_bytes())
    }
}

impl Tracer {
    /// Records the share `sample` (from 0 to 1) of the requests, and those that a known caller has sampled, into `queue`.
    #[must_use]
    pub fn new(queue: SpanQueue, sample: f64, ambient: ClockAndEntropy) -> Self {
        let clock = RateClock::new(ambient.clock.clone());
        let quota = Quota::per_second(UNKNOWN_CALLERS_PER_SECOND);
        let unknown_callers = RateLimiter::direct_with_clock(quota, clock);
        Self(Arc::new(TracerParts { queue, ambient, unknown_callers, sampled_below: threshold(sample) }))
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
