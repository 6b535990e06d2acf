use std::hash::{BuildHasher as _, RandomState};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use governor::clock::Clock as _;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

use super::shared_limits::SharedLimits;
use super::to_seconds;
use crate::domain::{RateClock, SharedClock};
use crate::records::SharedRate;

/// After every so many charges, the limiter drops the names that have recovered their full limit.
const CHARGES_BETWEEN_SWEEPS: u32 = 4096;

/// How often each of many names may be charged.
#[derive(Clone, Copy, Debug)]
pub struct RateLimit {
    /// What is limited. Each limit counts its own charges.
    pub name: &'static str,
    /// The charges that a name has, in a burst if need be.
    pub count: NonZeroU32,
    /// The time in which a name recovers all of them.
    pub window: Duration,
}

/// A rate for each of many names. This process counts in memory, where names that have recovered their full limit take no
/// place; over a shared store, the charges of all replicas within a window count together.
pub struct KeyedRate {
    local: Arc<LocalRate>,
    /// What all replicas count, by the name of the limit; `None` if only this process counts.
    shared: Option<(&'static str, SharedRate)>,
}

/// What this process counts.
struct LocalRate {
    limiter: RateLimiter<u64, DashMapStateStore<u64>, RateClock, NoOpMiddleware<Nanos>>,
    /// The limiter knows names by a keyed hash.
    hasher: RandomState,
    charges: AtomicU32,
    clock: RateClock,
}

/// The name is charged too often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateExceeded {
    /// Seconds until the next charge is accepted.
    pub retry_after: u64,
}

impl RateLimit {
    /// `count` charges a second.
    #[must_use]
    pub const fn per_second(name: &'static str, count: NonZeroU32) -> Self {
        Self { name, count, window: Duration::from_secs(1) }
    }

    /// `count` charges a minute.
    #[must_use]
    pub const fn per_minute(name: &'static str, count: NonZeroU32) -> Self {
        Self { name, count, window: Duration::from_mins(1) }
    }

    /// `count` charges an hour.
    #[must_use]
    pub const fn per_hour(name: &'static str, count: NonZeroU32) -> Self {
        Self { name, count, window: Duration::from_hours(1) }
    }
}

impl KeyedRate {
    /// A rate that no name has used; one that was made of the same `limits` before goes on.
    #[must_use]
    pub fn new(limit: RateLimit, limits: &SharedLimits) -> Self {
        let rate = limits.rate(limit.count, limit.window);
        let shared = rate.is_shared().then_some((limit.name, rate));
        Self { local: limits.find_counted(limit.name, || LocalRate::new(limit, limits.clock().clone())), shared }
    }

    /// A rate that this process counts alone, such as that of its log lines.
    #[must_use]
    pub fn of_this_process(limit: RateLimit, clock: SharedClock) -> Self {
        Self { local: Arc::new(LocalRate::new(limit, clock)), shared: None }
    }

    /// Charges the name `parts`.
    ///
    /// # Errors
    /// [`RateExceeded`] with the time until the next charge is accepted.
    pub async fn charge(&self, parts: &[&[u8]]) -> Result<(), RateExceeded> {
        self.charge_here(parts)?;
        let Some((name, rate)) = &self.shared else { return Ok(()) };
        let parts: Vec<&[u8]> = std::iter::once(name.as_bytes()).chain(parts.iter().copied()).collect();
        if rate.admits(&parts).await {
            return Ok(());
        }
        Err(RateExceeded { retry_after: to_seconds(rate.time_to_next_window()) })
    }

    /// Charges the name `parts` in this process alone.
    ///
    /// # Errors
    /// As [`KeyedRate::charge`].
    pub fn charge_here(&self, parts: &[&[u8]]) -> Result<(), RateExceeded> {
        if self.local.charges.fetch_add(1, Ordering::Relaxed) % CHARGES_BETWEEN_SWEEPS == CHARGES_BETWEEN_SWEEPS - 1 {
            self.local.limiter.retain_recent();
        }
        let Err(until) = self.local.limiter.check_key(&self.local.hasher.hash_one(parts)) else { return Ok(()) };
        Err(RateExceeded { retry_after: to_seconds(until.wait_time_from(self.local.clock.now())) })
    }
}

impl LocalRate {
    fn new(limit: RateLimit, clock: SharedClock) -> Self {
        let (clock, RateLimit { count, window, .. }) = (RateClock::new(clock), limit);
        // The window is not zero, and neither is a part of it that a limit can have.
        let quota = Quota::with_period(window / count.get()).map(|quota| quota.allow_burst(count));
        let quota = quota.unwrap_or_else(|| Quota::per_second(count));
        Self {
            limiter: RateLimiter::dashmap_with_clock(quota, clock.clone()),
            hasher: RandomState::new(),
            charges: AtomicU32::new(0),
            clock,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use std::sync::Arc;

    use super::*;
    use crate::domain::OffsetClock;
    use crate::records::testing::{throwaway_records, throwaway_replicas};

    const ONE_A_MINUTE: RateLimit = RateLimit::per_minute("test", NonZeroU32::MIN);

    #[tokio::test]
    async fn a_name_over_its_rate_waits_and_others_do_not() {
        let beneath = throwaway_records();
        let rate = KeyedRate::new(ONE_A_MINUTE, &SharedLimits::new(&beneath.records, beneath.shared_clock.clone()));
        assert_eq!(rate.charge(&[b"ada"]).await, Ok(()));
        assert!(matches!(rate.charge(&[b"ada"]).await, Err(RateExceeded { retry_after: 59..=60 })));
        assert_eq!(rate.charge(&[b"ben"]).await, Ok(()));
        beneath.clock.advance(Duration::from_mins(1));
        assert_eq!(rate.charge(&[b"ada"]).await, Ok(()));
    }

    #[test]
    fn names_that_have_been_idle_take_no_memory() {
        let clock = Arc::new(OffsetClock::default());
        let rate = KeyedRate::of_this_process(ONE_A_MINUTE, clock.clone());
        for round in 0_u32..4 {
            for number in 0..CHARGES_BETWEEN_SWEEPS {
                assert_eq!(rate.charge_here(&[&round.to_be_bytes(), &number.to_be_bytes()]), Ok(()));
            }
            clock.advance(Duration::from_mins(2));
        }
        assert!(rate.local.limiter.len() <= 2 * CHARGES_BETWEEN_SWEEPS as usize, "{}", rate.local.limiter.len());
    }

    #[tokio::test]
    async fn what_a_name_does_at_two_replicas_counts_together() {
        let beneath = throwaway_replicas(2).await;
        let ten = RateLimit::per_minute("test", NonZeroU32::new(10).unwrap());
        let other = RateLimit::per_minute("another limit", NonZeroU32::new(10).unwrap());
        let limits = SharedLimits::of_replicas(&beneath);
        let rates: Vec<KeyedRate> = limits.iter().map(|limits| KeyedRate::new(ten, limits)).collect();
        // All charges of the test lie in one window.
        beneath.advance(rates[0].shared.as_ref().unwrap().1.time_to_next_window()).await;
        let mut accepted = 0;
        for number in 0..12 {
            accepted += u32::from(rates[number % 2].charge(&[b"ada"]).await.is_ok());
        }
        assert_eq!(accepted, 10, "either replica alone would accept all twelve");
        assert!(rates[1].charge(&[b"ada"]).await.is_err_and(|exceeded| (1..=60).contains(&exceeded.retry_after)));
        assert!(rates[1].charge(&[b"ben"]).await.is_ok());
        assert!(KeyedRate::new(other, &limits[1]).charge(&[b"ada"]).await.is_ok());
    }
}
