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
use crate::domain::{Account, ConversationId, RateClock, SharedClock};
use crate::observability::{Count, Counters};
use crate::records::SingleWriter;

/// After every so many charges, the limiters drop the accounts that have recovered their full limit.
const CHARGES_BETWEEN_SWEEPS: u32 = 4096;
/// How many times as many sign-ins as one user's work the browsers at one address may begin at one add-in or app: all users
/// of an office may share an address.
const PAGES_PER_USER: NonZeroU32 = NonZeroU32::MIN.saturating_add(9);
/// The operator's hint where the limit of pages is exceeded.
pub const PAGE_RATE_HINT: &str = "the browsers behind one address begin too many sign-ins at one add-in or app: their limit \
                                  is ten times limits.user_exchanges_per_minute; check server.trusted_proxies, too";

type Limiter = RateLimiter<u64, DashMapStateStore<u64>, RateClock, NoOpMiddleware<Nanos>>;

/// What the log says where a user's limit is exceeded.
const USER_RATE_HINT: &str = "a user asks too often: see limits.user_exchanges_per_minute";

/// A piece of work that is counted.
struct Charge<'a> {
    key: u64,
    account: &'a Account,
    /// What the log says if the limit is exceeded.
    hint: &'static str,
}

/// A user exceeds the rate limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimited {
    /// Seconds until the next request is accepted.
    pub retry_after: u64,
}

impl From<RateLimited> for Refusal {
    fn from(limited: RateLimited) -> Self {
        Self::local(Reason::TooManyRequests { retry_after: limited.retry_after }, "the user asks too often")
    }
}

/// The rate limit of each user on work that loads the identity provider or that may be a guess: redemptions, refused
/// exchanges, tried codes. Answers from memory and from the vault are not counted.
pub struct UserRates {
    work: Limiter,
    /// Counts the sign-ins that browsers begin for pages, by their address.
    page_begins: Limiter,
    /// Allows one log line a minute for each user over the limit.
    log_lines: Limiter,
    /// The limiters know accounts by a keyed hash, so a client that chooses its user id cannot provoke a collision with
    /// the account of another user.
    hasher: RandomState,
    charges: AtomicU32,
    clock: RateClock,
    counters: Arc<Counters>,
}

impl UserRates {
    /// Each user may cause `per_minute` pieces of work a minute, in a burst if need be.
    #[must_use]
    pub fn new(per_minute: NonZeroU32, clock: SharedClock, counters: Arc<Counters>, _: SingleWriter) -> Self {
        let clock = RateClock::new(clock);
        let pages_per_minute = per_minute.saturating_mul(PAGES_PER_USER);
        Self {
            work: RateLimiter::dashmap_with_clock(Quota::per_minute(per_minute), clock.clone()),
            page_begins: RateLimiter::dashmap_with_clock(Quota::per_minute(pages_per_minute), clock.clone()),
            log_lines: RateLimiter::dashmap_with_clock(Quota::per_minute(NonZeroU32::MIN), clock.clone()),
            hasher: RandomState::new(),
            charges: AtomicU32::new(0),
            clock,
            counters,
        }
    }

    /// Counts one piece of work for `account`. Work that a parent bot causes counts for the parent's account only, so
    /// that a parent cannot use up the limit of the channel's own user.
    ///
    /// # Errors
    /// [`RateLimited`] if the account exceeds its limit; logs it at most once a minute.
    pub fn charge(&self, account: &Account, correlation_id: &str) -> Result<(), RateLimited> {
        self.charge_key(self.hasher.hash_one(account), account, correlation_id)
    }

    /// Counts a browser at `address` that followed a link of a card for `account`. Anybody who sees the link can follow
    /// it, so this limit is separate from the user's limit and from the limits of browsers at other addresses. All
    /// browsers whose address is unknown share a limit.
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

    /// Counts a browser at `address` that begins a sign-in at the page of an add-in or an app, which `account` names without
    /// a person. All browsers whose address is unknown share a limit.
    ///
    /// # Errors
    /// As [`UserRates::charge`].
    pub fn charge_page(
        &self,
        account: &Account,
        address: Option<IpAddr>,
        correlation_id: &str,
    ) -> Result<(), RateLimited> {
        let charge = Charge { key: self.hasher.hash_one(("page", account, address)), account, hint: PAGE_RATE_HINT };
        self.charge_at(&self.page_begins, &charge, correlation_id)
    }

    /// Counts one refused token for an account whose user id the client may have chosen. The limit is separate from the
    /// limit of the user with this id, and from those of other conversations.
    ///
    /// # Errors
    /// As [`UserRates::charge`].
    pub(super) fn charge_unverified(
        &self,
        account: &Account,
        conversation_id: Option<&ConversationId>,
        correlation_id: &str,
    ) -> Result<(), RateLimited> {
        let key = self.hasher.hash_one(("unverified", account, conversation_id));
        self.charge_key(key, account, correlation_id)
    }

    fn charge_key(&self, key: u64, account: &Account, correlation_id: &str) -> Result<(), RateLimited> {
        self.charge_at(&self.work, &Charge { key, account, hint: USER_RATE_HINT }, correlation_id)
    }

    fn charge_at(&self, limiter: &Limiter, charge: &Charge<'_>, correlation_id: &str) -> Result<(), RateLimited> {
        let Charge { key, account, hint } = charge;
        if self.charges.fetch_add(1, Ordering::Relaxed) % CHARGES_BETWEEN_SWEEPS == CHARGES_BETWEEN_SWEEPS - 1 {
            self.work.retain_recent();
            self.page_begins.retain_recent();
            self.log_lines.retain_recent();
        }
        let Err(until) = limiter.check_key(key) else { return Ok(()) };
        self.counters.add(Count::UserRateLimited);
        let wait = until.wait_time_from(self.clock.now());
        let retry_after = wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1);
        if self.log_lines.check_key(key).is_ok() {
            tracing::warn!(
                correlation_id,
                bot = account.holder.as_str(),
                channel = account.channel_name(),
                retry_after,
                code = "TooManyRequests",
                check = "user_rate",
                "{hint}"
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
        Account::of_channel(&BotName::new("b"), ChannelId::new("msteams"), user)
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
    fn a_user_over_the_limit_waits_and_other_users_do_not() {
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
    fn a_browser_does_not_use_up_the_limit_of_its_user_or_of_other_browsers() {
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
    fn the_users_behind_one_address_begin_ten_times_as_often_as_one_user_works() {
        let (rates, ..) = rates(2);
        let at = |address: &str| Some(address.parse().unwrap());
        for _ in 0..20 {
            rates.charge_page(&account(""), at("192.0.2.1"), "").unwrap();
        }
        rates.charge_page(&account(""), at("192.0.2.1"), "").unwrap_err();
        rates.charge_page(&account(""), at("192.0.2.2"), "").unwrap();
        rates.charge_browser(&account(""), at("192.0.2.1"), "").unwrap();
    }

    #[test]
    fn an_unverified_user_id_does_not_use_up_the_limit_of_its_user_or_of_other_conversations() {
        let (rates, ..) = rates(1);
        let charge = |conversation| {
            let conversation = ConversationId::new(conversation);
            rates.charge_unverified(&account("ada"), Some(&conversation), "").is_ok()
        };
        assert!(charge("of a stranger") && !charge("of a stranger"));
        assert!(charge("of Ada"));
        rates.charge(&account("ada"), "").unwrap();
    }

    #[test]
    fn accounts_that_have_been_idle_take_no_memory() {
        let (rates, clock, _) = rates(120);
        for round in 0..4 {
            for user in 0..CHARGES_BETWEEN_SWEEPS {
                rates.charge(&account(&format!("{round}-{user}")), "").unwrap();
            }
            clock.advance(Duration::from_mins(2));
        }
        assert!(rates.work.len() <= 2 * CHARGES_BETWEEN_SWEEPS as usize, "{}", rates.work.len());
    }
}
