use std::num::NonZeroU32;

use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use super::queue::SpanQueue;
use crate::domain::{ClockAndEntropy, RateClock};

/// Requests of callers that do not prove who they are, such as browsers and strangers, of which spans are exported in a second.
/// A flood of them neither fills the queue nor reaches the collector.
const UNKNOWN_CALLERS_PER_SECOND: NonZeroU32 = NonZeroU32::MIN.saturating_add(9);

type UnknownCallerLimit = RateLimiter<NotKeyed, InMemoryState, RateClock, NoOpMiddleware<governor::nanos::Nanos>>;

/// What all traces of a process share.
pub(super) struct TracerParts {
    pub(super) queue: SpanQueue,
    pub(super) ambient: ClockAndEntropy,
    pub(super) unknown_callers: UnknownCallerLimit,
    /// A drawn number below this one chooses the request.
    pub(super) sampled_below: u64,
}

impl TracerParts {
    pub(super) fn new(queue: SpanQueue, ambient: ClockAndEntropy, sampled_below: u64) -> Self {
        let clock = RateClock::new(ambient.clock.clone());
        let quota = Quota::per_second(UNKNOWN_CALLERS_PER_SECOND);
        let unknown_callers = RateLimiter::direct_with_clock(quota, clock);
        Self { queue, ambient, unknown_callers, sampled_below }
    }

    pub(super) fn draw_span_id(&self) -> u64 {
        let [span_id, _] = self.draw_halves();
        span_id
    }

    /// Two drawn numbers, of which the first may be an id: it is not zero.
    pub(super) fn draw_halves(&self) -> [u64; 2] {
        let drawn = self.draw();
        let half = |shift: u32| u64::try_from((drawn >> shift) & u128::from(u64::MAX)).unwrap_or_default();
        [half(64).max(1), half(0)]
    }

    pub(super) fn draw(&self) -> u128 {
        u128::from_be_bytes(self.ambient.entropy.id_bytes())
    }
}
