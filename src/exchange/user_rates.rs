use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use governor::clock::Clock as _;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

use super::outcome::{Reason, Refusal};
use crate::domain::{Account, RateClock, SharedClock};
use crate::observability::{Count, Counters};
use crate::records::SingleWriter;

/// Those whose limits are full again are forgotten whenever so many have been charged.
const SWEEP_EVERY: u32 = 4096;

type Limiter = RateLimiter<u64, DashMapStateStore<u64>, RateClock, NoOpMiddleware<Nanos>>;

/// The user asks too often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimited {
    /// Seconds until the next piece of work is taken on.
    pub retry_after: u64,
}

impl From<RateLimited> for Refusal {
    fn from(limited: RateLimited) -> Self {
        Self::local(Reason::TooManyRequests { retry_after: limited.retry_after }, "the user asks too often")
    }
}

/// How much each user may cause of what costs the identity provider or guesses: redemptions, refused exchanges, tries of
/// codes. Answers from memory and from the vault never come here.
pub struct UserRates {
    work: Limiter,
    /// One line a minute about each who asks too often.
    lines: Limiter,
    /// Accounts are known by a keyed hash: whoever may choose user ids cannot choose whom to share a limit with.
    hasher: RandomState,
    charged: AtomicU32,
    clock: RateClock,
    counters: Arc<Counters>,
}

impl UserRates {
    /// Every user may cause `per_minute`, all of it at once if need be.
    #[must_use]
    pub fn new(per_minute: NonZeroU32, clock: SharedClock, counters: Arc<Counters>, _: SingleWriter) -> Self {
        let clock = RateClock::new(clock);
        Self {
            work: RateLimiter::dashmap_with_clock(Quota::per_minute(per_minute), clock.clone()),
            lines: RateLimiter::dashmap_with_clock(Quota::per_minute(NonZeroU32::MIN), clock.clone()),
            hasher: RandomState::new(),
            charged: AtomicU32::new(0),
            clock,
            counters,
        }
    }

    /// Counts one piece of work for the user `account`. What a parent bot brings counts for that parent's account alone: it
    /// must not use up what the channel's own user may cause.
    ///
    /// # Errors
    /// [`RateLimited`] with the time until the next piece; one log line a minute names the user's bot.
    pub fn charge(&self, account: &Account, correlation_id: &str) -> Result<(), RateLimited> {
        self.charge_key(self.hasher.hash_one(account), account, correlation_id)
    }

    /// Counts a browser at `address` that has followed a link of `account`'s. Whoever sees a link can do that: it must use up
    /// neither what the user may cause nor their own browser's tries.
    ///
    /// # Errors
    /// As [`UserRates::charge`].
    pub fn charge_browser(
        &self,
        account: &Account,
        address: Option<IpAddr>,
        correlation_id: &str,
    ) -> Result<(), RateLimited> {
        self.charge_key(self.hasher.hash_one(("browser", account, address)), account, correlation_id)
    }

    fn charge_key(&self, key: u64, account: &Account, correlation_id: &str) -> Result<(), RateLimited> {
        if self.charged.fetch_add(1, Ordering::Relaxed) % SWEEP_EVERY == SWEEP_EVERY - 1 {
            self.work.retain_recent();
            self.lines.retain_recent();
        }
        let Err(until) = self.work.check_key(&key) else { return Ok(()) };
        self.counters.add(Count::UserRateLimited);
        let wait = until.wait_time_from(self.clock.now());
        let retry_after = wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1);
        if self.lines.check_key(&key).is_ok() {
            tracing::warn!(
                correlation_id,
                bot = account.holder.as_str(),
                channel = account.channel_name(),
                retry_after,
                code = "TooManyRequests",
                check = "user_rate",
                "a user asks too often: see limits.user_exchanges_per_minute"
            );
        }
        Err(RateLimited { retry_after })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use super::*;
    use crate::domain::{BotName, ChannelId, OffsetClock};
    use crate::records::testing::single_writer;

    fn account(user: &str) -> Account {
        Account::of_channel(&BotName::new("b"), ChannelId::base_of("msteams"), user)
    }

    fn rates(per_minute: u32) -> (UserRates, Arc<OffsetClock>, Arc<Counters>) {
        let (clock, counters) = (Arc::new(OffsetClock::default()), Arc::<Counters>::default());
        (
            UserRates::new(NonZeroU32::new(per_minute).unwrap(), clock.clone(), counters.clone(), single_writer()),
            clock,
            counters,
        )
    }

    #[test]
    fn a_user_who_has_used_up_the_minute_waits_and_nobody_else_does() {
        let (rates, clock, counters) = rates(6);
        for _ in 0..6 {
            rates.charge(&account("ada"), "").unwrap();
        }
        let limited = rates.charge(&account("ada"), "").unwrap_err();
        assert_eq!(limited, RateLimited { retry_after: 10 });
        rates.charge(&account("ben"), "").unwrap();
        assert_eq!(counters.value(Count::UserRateLimited), 1);
        clock.advance(Duration::from_secs(11));
        rates.charge(&account("ada"), "").unwrap();
        rates.charge(&account("ada"), "").unwrap_err();
    }

    #[test]
    fn browsers_use_up_nothing_of_the_users_and_nothing_of_each_others() {
        let (rates, ..) = rates(2);
        let at = |address: &str| Some(address.parse().unwrap());
        for _ in 0..2 {
            rates.charge_browser(&account("ada"), at("192.0.2.1"), "").unwrap();
        }
        rates.charge_browser(&account("ada"), at("192.0.2.1"), "").unwrap_err();
        rates.charge_browser(&account("ada"), at("192.0.2.2"), "").unwrap();
        rates.charge_browser(&account("ben"), at("192.0.2.1"), "").unwrap();
        rates.charge(&account("ada"), "").unwrap();
    }

    #[test]
    fn who_has_not_asked_for_a_while_takes_no_memory() {
        let (rates, clock, _) = rates(120);
        for round in 0..4 {
            for user in 0..SWEEP_EVERY {
                rates.charge(&account(&format!("{round}-{user}")), "").unwrap();
            }
            clock.advance(Duration::from_mins(2));
        }
        assert!(rates.work.len() <= 2 * SWEEP_EVERY as usize, "{}", rates.work.len());
    }
}
