use std::hash::{BuildHasher as _, Hash, RandomState};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};

use governor::clock::Clock as _;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::domain::{RateClock, SharedClock};

/// After every so many charges, the limiter drops the names that have recovered their full limit.
const CHARGES_BETWEEN_SWEEPS: u32 = 4096;

/// A rate for each of many names, in memory. Names that have recovered their full limit take no place.
pub(super) struct KeyedRate {
    limiter: RateLimiter<u64, DashMapStateStore<u64>, RateClock, NoOpMiddleware<Nanos>>,
    /// The limiter knows names by a keyed hash.
    hasher: RandomState,
    charges: AtomicU32,
    clock: RateClock,
}

/// The name is charged too often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RateExceeded {
    /// Seconds until the next charge is accepted.
    pub(super) retry_after: u64,
}

impl KeyedRate {
    /// Each name may be charged `per_minute` times a minute, in a burst if need be.
    pub(super) fn new(per_minute: NonZeroU32, clock: SharedClock) -> Self {
        Self::with_quota(Quota::per_minute(per_minute), clock)
    }

    /// Each name may be charged `per_hour` times an hour, in a burst if need be.
    pub(super) fn per_hour(per_hour: NonZeroU32, clock: SharedClock) -> Self {
        Self::with_quota(Quota::per_hour(per_hour), clock)
    }

    fn with_quota(quota: Quota, clock: SharedClock) -> Self {
        let clock = RateClock::new(clock);
        Self {
            limiter: RateLimiter::dashmap_with_clock(quota, clock.clone()),
            hasher: RandomState::new(),
            charges: AtomicU32::new(0),
            clock,
        }
    }

    pub(super) fn charge(&self, name: &impl Hash) -> Result<(), RateExceeded> {
        if self.charges.fetch_add(1, Ordering::Relaxed) % CHARGES_BETWEEN_SWEEPS == CHARGES_BETWEEN_SWEEPS - 1 {
            self.limiter.retain_recent();
        }
        let Err(until) = self.limiter.check_key(&self.hasher.hash_one(name)) else { return Ok(()) };
        let wait = until.wait_time_from(self.clock.now());
        let retry_after = wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1);
        Err(RateExceeded { retry_after })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::domain::OffsetClock;

    #[test]
    fn a_name_over_its_rate_waits_and_others_do_not() {
        let clock = Arc::new(OffsetClock::default());
        let rate = KeyedRate::new(NonZeroU32::MIN, clock.clone());
        assert_eq!(rate.charge(&"ada"), Ok(()));
        assert!(matches!(rate.charge(&"ada"), Err(RateExceeded { retry_after: 59..=60 })));
        assert_eq!(rate.charge(&"ben"), Ok(()));
        clock.advance(Duration::from_mins(1));
        assert_eq!(rate.charge(&"ada"), Ok(()));
    }

    #[test]
    fn names_that_have_been_idle_take_no_memory() {
        let clock = Arc::new(OffsetClock::default());
        let rate = KeyedRate::new(NonZeroU32::MIN, clock.clone());
        for round in 0..4 {
            for number in 0..CHARGES_BETWEEN_SWEEPS {
                assert_eq!(rate.charge(&(round, number)), Ok(()));
            }
            clock.advance(Duration::from_mins(2));
        }
        assert!(rate.limiter.len() <= 2 * CHARGES_BETWEEN_SWEEPS as usize, "{}", rate.limiter.len());
    }
}
