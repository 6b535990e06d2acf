use std::borrow::Cow;
use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use governor::clock::Clock as _;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

use super::outcome::{Reason, Refusal};
use crate::domain::{Account, ConversationId, RateClock, SharedClock};
use crate::observability::{Count, Counters};
use crate::records::{Records, SharedRate, catalogue};

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
    account: &'a Account,
    /// Whose limit it counts against.
    party: Party<'a>,
    correlation_id: &'a str,
}

/// Whose limit a piece of work counts against, beside its account.
#[derive(Clone, Copy, Hash)]
enum Party<'a> {
    /// The user.
    User,
    /// The browser at this address.
    Browser(Option<IpAddr>),
    /// The browser at this address, at the page of an add-in or an app.
    Page(Option<IpAddr>),
    /// Who states the user's id in this conversation.
    Unverified(Option<&'a ConversationId>),
}

impl Party<'_> {
    /// The texts that name the party in the counts of all replicas.
    fn key_parts(self) -> [Cow<'static, str>; 2] {
        let text = |address: Option<IpAddr>| address.map_or(Cow::Borrowed(""), |address| address.to_string().into());
        match self {
            Self::User => ["user".into(), "".into()],
            Self::Browser(address) => ["browser".into(), text(address)],
            Self::Page(address) => ["page".into(), text(address)],
            Self::Unverified(conversation) => {
                ["unverified".into(), conversation.map(ToString::to_string).unwrap_or_default().into()]
            }
        }
    }

    /// What the log says if the limit is exceeded.
    const fn hint(self) -> &'static str {
        match self {
            Self::Page(_) => PAGE_RATE_HINT,
            Self::User | Self::Browser(_) | Self::Unverified(_) => USER_RATE_HINT,
        }
    }
}

/// A limit of this process, and that of all replicas behind it.
struct Limit {
    limiter: Limiter,
    shared: SharedRate,
}

impl Limit {
    fn new(per_minute: NonZeroU32, clock: &RateClock, records: &Records) -> Self {
        let limiter = RateLimiter::dashmap_with_clock(Quota::per_minute(per_minute), clock.clone());
        Self { limiter, shared: SharedRate::new(records, &catalogue::USER_RATE, per_minute, Duration::from_mins(1)) }
    }

    /// How long the party of `charge` has to wait; `None` if its work may be done. `key` stands for the party in this
    /// process.
    async fn find_wait(&self, key: u64, charge: &Charge<'_>, now: Nanos) -> Option<Duration> {
        if let Err(until) = self.limiter.check_key(&key) {
            return Some(until.wait_time_from(now));
        }
        if !self.shared.is_shared() {
            return None;
        }
        let (account, beside) = (charge.account.key_parts(), charge.party.key_parts());
        let parts: Vec<&[u8]> = account.iter().chain(&beside).map(|part| part.as_bytes()).collect();
        let is_admitted = self.shared.admits(&parts).await;
        (!is_admitted).then(|| self.shared.time_to_next_window())
    }
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
///
/// Over a shared store, what one process allows is counted with the work at the other replicas.
pub struct UserRates {
    work: Limit,
    /// Counts the sign-ins that browsers begin for pages, by their address.
    page_begins: Limit,
    /// Allows one log line a minute for each user over the limit. Each process writes its own log.
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
    pub fn new(per_minute: NonZeroU32, clock: SharedClock, counters: Arc<Counters>, records: &Records) -> Self {
        let clock = RateClock::new(clock);
        Self {
            work: Limit::new(per_minute, &clock, records),
            page_begins: Limit::new(per_minute.saturating_mul(PAGES_PER_USER), &clock, records),
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
    pub async fn charge(&self, account: &Account, correlation_id: &str) -> Result<(), RateLimited> {
        self.charge_at(&self.work, Charge { account, party: Party::User, correlation_id }).await
    }

    /// Counts a browser at `address` that followed a link of a card for `account`. Anybody who sees the link can follow
    /// it, so this limit is separate from the user's limit and from the limits of browsers at other addresses. All
    /// browsers whose address is unknown share a limit.
    ///
    /// # Errors
    /// As [`UserRates::charge`].
    pub async fn charge_browser(
        &self,
        account: &Account,
        address: Option<IpAddr>,
        correlation_id: &str,
    ) -> Result<(), RateLimited> {
        self.charge_at(&self.work, Charge { account, party: Party::Browser(address), correlation_id }).await
    }

    /// Counts a browser at `address` that begins a sign-in at the page of an add-in or an app, which `account` names without
    /// a person. All browsers whose address is unknown share a limit.
    ///
    /// # Errors
    /// As [`UserRates::charge`].
    pub async fn charge_page(
        &self,
        account: &Account,
        address: Option<IpAddr>,
        correlation_id: &str,
    ) -> Result<(), RateLimited> {
        self.charge_at(&self.page_begins, Charge { account, party: Party::Page(address), correlation_id }).await
    }

    /// Counts one refused token for an account whose user id the client may have chosen. The limit is separate from the
    /// limit of the user with this id, and from those of other conversations.
    ///
    /// # Errors
    /// As [`UserRates::charge`].
    pub(super) async fn charge_unverified(
        &self,
        account: &Account,
        conversation_id: Option<&ConversationId>,
        correlation_id: &str,
    ) -> Result<(), RateLimited> {
        let party = Party::Unverified(conversation_id);
        self.charge_at(&self.work, Charge { account, party, correlation_id }).await
    }

    async fn charge_at(&self, limit: &Limit, charge: Charge<'_>) -> Result<(), RateLimited> {
        self.sweep_if_due();
        let Charge { account, party, correlation_id } = charge;
        let key = self.hasher.hash_one((account, party));
        let Some(wait) = limit.find_wait(key, &charge, self.clock.now()).await else { return Ok(()) };
        self.counters.add(Count::UserRateLimited);
        let retry_after = wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1);
        if self.log_lines.check_key(&key).is_ok() {
            let hint = party.hint();
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

    fn sweep_if_due(&self) {
        if self.charges.fetch_add(1, Ordering::Relaxed) % CHARGES_BETWEEN_SWEEPS == CHARGES_BETWEEN_SWEEPS - 1 {
            self.work.limiter.retain_recent();
            self.page_begins.limiter.retain_recent();
            self.log_lines.retain_recent();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use crate::domain::{BotName, ChannelId, OffsetClock};
    use crate::records::testing::{throwaway_records, throwaway_replicas};

    fn account(user: &str) -> Account {
        Account::of_channel(&BotName::new("b"), ChannelId::new("msteams"), user)
    }

    fn rates(per_minute: u32) -> (UserRates, Arc<OffsetClock>, Arc<Counters>) {
        let (clock, counters) = (Arc::new(OffsetClock::default()), Arc::<Counters>::default());
        (
            UserRates::new(
                NonZeroU32::new(per_minute).unwrap(),
                clock.clone(),
                counters.clone(),
                &throwaway_records().records,
            ),
            clock,
            counters,
        )
    }

    #[tokio::test]
    async fn a_user_over_the_limit_waits_and_other_users_do_not() {
        let (rates, clock, counters) = rates(6);
        for _ in 0..6 {
            rates.charge(&account("ada"), "").await.unwrap();
        }
        let limited = rates.charge(&account("ada"), "").await.unwrap_err();
        assert_eq!(limited, RateLimited { retry_after: 10 });
        rates.charge(&account("ben"), "").await.unwrap();
        assert_eq!(counters.value(Count::UserRateLimited), 1);
        clock.advance(Duration::from_secs(11));
        rates.charge(&account("ada"), "").await.unwrap();
        rates.charge(&account("ada"), "").await.unwrap_err();
    }

    #[tokio::test]
    async fn a_browser_does_not_use_up_the_limit_of_its_user_or_of_other_browsers() {
        let (rates, ..) = rates(2);
        let at = |address: &str| Some(address.parse().unwrap());
        for _ in 0..2 {
            rates.charge_browser(&account("ada"), at("192.0.2.1"), "").await.unwrap();
        }
        rates.charge_browser(&account("ada"), at("192.0.2.1"), "").await.unwrap_err();
        rates.charge_browser(&account("ada"), at("192.0.2.2"), "").await.unwrap();
        rates.charge_browser(&account("ben"), at("192.0.2.1"), "").await.unwrap();
        rates.charge(&account("ada"), "").await.unwrap();
    }

    #[tokio::test]
    async fn the_users_behind_one_address_begin_ten_times_as_often_as_one_user_works() {
        let (rates, ..) = rates(2);
        let at = |address: &str| Some(address.parse().unwrap());
        for _ in 0..20 {
            rates.charge_page(&account(""), at("192.0.2.1"), "").await.unwrap();
        }
        rates.charge_page(&account(""), at("192.0.2.1"), "").await.unwrap_err();
        rates.charge_page(&account(""), at("192.0.2.2"), "").await.unwrap();
        rates.charge_browser(&account(""), at("192.0.2.1"), "").await.unwrap();
    }

    #[tokio::test]
    async fn an_unverified_user_id_does_not_use_up_the_limit_of_its_user_or_of_other_conversations() {
        let (rates, ..) = rates(1);
        let charge = async |conversation| {
            let conversation = ConversationId::new(conversation);
            rates.charge_unverified(&account("ada"), Some(&conversation), "").await.is_ok()
        };
        assert!(charge("of a stranger").await && !charge("of a stranger").await);
        assert!(charge("of Ada").await);
        rates.charge(&account("ada"), "").await.unwrap();
    }

    #[tokio::test]
    async fn accounts_that_have_been_idle_take_no_memory() {
        let (rates, clock, _) = rates(120);
        for round in 0..4 {
            for user in 0..CHARGES_BETWEEN_SWEEPS {
                rates.charge(&account(&format!("{round}-{user}")), "").await.unwrap();
            }
            clock.advance(Duration::from_mins(2));
        }
        assert!(rates.work.limiter.len() <= 2 * CHARGES_BETWEEN_SWEEPS as usize, "{}", rates.work.limiter.len());
    }

    #[tokio::test]
    async fn the_work_at_two_replicas_counts_together() {
        let beneath = throwaway_replicas(2).await;
        let counters: Arc<Counters> = Arc::default();
        let rates = beneath.replicas.iter().map(|records| {
            UserRates::new(NonZeroU32::new(6).unwrap(), beneath.shared_clock.clone(), counters.clone(), records)
        });
        let rates: Vec<UserRates> = rates.collect();
        beneath.advance(rates[0].work.shared.time_to_next_window()).await;
        for _ in 0..3 {
            rates[0].charge(&account("ada"), "").await.unwrap();
            rates[1].charge(&account("ada"), "").await.unwrap();
        }
        assert!(
            rates[0].charge(&account("ada"), "").await.is_err() && rates[1].charge(&account("ada"), "").await.is_err()
        );
        rates[1].charge(&account("ben"), "").await.unwrap();
        rates[1].charge_browser(&account("ada"), None, "").await.unwrap();
        beneath.advance(Duration::from_mins(1)).await;
        rates[1].charge(&account("ada"), "").await.unwrap();
    }
}
