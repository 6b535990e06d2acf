use std::hash::{BuildHasher as _, RandomState};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};

use governor::clock::Clock as _;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::domain::{RateClock, SharedClock};

/// The sign-in cards that a skill may send in one conversation in a minute. A skill needs one.
const CARDS_PER_MINUTE: NonZeroU32 = NonZeroU32::MIN.saturating_add(19);
/// After every so many cards, the limiters drop the conversations that have recovered their full limit.
const CARDS_BETWEEN_SWEEPS: u32 = 1024;

type Limiter = RateLimiter<u64, DashMapStateStore<u64>, RateClock, NoOpMiddleware<Nanos>>;

/// The limit on the sign-in cards of each conversation: every card may cause an exchange and a request to the skill.
pub(super) struct CardRates {
    cards: Limiter,
    /// Allows one log line a minute for each conversation over the limit.
    log_lines: Limiter,
    hasher: RandomState,
    charges: AtomicU32,
    clock: RateClock,
}

/// A conversation has too many cards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooManyCards {
    /// Seconds until the next card is accepted.
    pub(super) retry_after: u64,
    /// Whether the log has a recent line about this conversation.
    pub(super) is_logged: bool,
}

impl CardRates {
    pub(super) fn new(clock: SharedClock) -> Self {
        let clock = RateClock::new(clock);
        Self {
            cards: RateLimiter::dashmap_with_clock(Quota::per_minute(CARDS_PER_MINUTE), clock.clone()),
            log_lines: RateLimiter::dashmap_with_clock(Quota::per_minute(NonZeroU32::MIN), clock.clone()),
            hasher: RandomState::new(),
            charges: AtomicU32::new(0),
            clock,
        }
    }

    /// Counts one card of the conversation `id`.
    pub(super) fn charge(&self, id: &str) -> Result<(), TooManyCards> {
        if self.charges.fetch_add(1, Ordering::Relaxed) % CARDS_BETWEEN_SWEEPS == CARDS_BETWEEN_SWEEPS - 1 {
            self.cards.retain_recent();
            self.log_lines.retain_recent();
        }
        let key = self.hasher.hash_one(id);
        let Err(until) = self.cards.check_key(&key) else { return Ok(()) };
        let wait = until.wait_time_from(self.clock.now());
        let retry_after = wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1);
        Err(TooManyCards { retry_after, is_logged: self.log_lines.check_key(&key).is_err() })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::domain::OffsetClock;

    #[test]
    fn a_conversation_has_twenty_cards_a_minute_and_others_have_their_own() {
        let clock = Arc::new(OffsetClock::default());
        let rates = CardRates::new(clock.clone());
        assert!((0..20).all(|_| rates.charge("a").is_ok()));
        let refused = rates.charge("a").unwrap_err();
        assert_eq!((refused.is_logged, rates.charge("a").unwrap_err().is_logged), (false, true));
        assert!((1..=3).contains(&refused.retry_after), "{refused:?}");
        assert!(rates.charge("b").is_ok());
        clock.advance(Duration::from_mins(2));
        assert!(rates.charge("a").is_ok());
    }
}
