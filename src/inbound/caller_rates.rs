use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use governor::clock::Clock as _;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use super::problem::Problem;
use super::refusal::CallerRefusal;
use crate::domain::{Bot, BotName, RateClock, Registrations, SharedClock};
use crate::observability::{Count, Counters};
use crate::records::SingleWriter;

type Limiter = RateLimiter<NotKeyed, InMemoryState, RateClock, NoOpMiddleware<Nanos>>;

/// Requests a second of each caller of a bot; twice as many at once. `None` is any number.
#[derive(Clone, Copy, Debug)]
pub struct CallerLimits {
    /// Of each listed parent bot.
    pub parents: NonZeroU32,
    /// Of the channels, which speak for all users.
    pub channels: Option<NonZeroU32>,
    /// Of the bot itself, at the Token Service.
    pub token_service: Option<NonZeroU32>,
}

/// Whose rate a request is charged to.
#[derive(Clone, Copy, Debug)]
pub(super) enum RateKey<'a> {
    Parent(&'a str),
    Channels,
    TokenService,
}

/// How often callers may ask. There is one limit for each configured caller, so their number is bounded, and a caller that
/// is on no list, and so refused anyway, has none.
pub struct CallerRates {
    bots: HashMap<BotName, BotRates>,
    clock: RateClock,
    counters: Arc<Counters>,
}

struct BotRates {
    /// By app id, lower-case.
    parents: HashMap<String, Rate>,
    channels: Option<Rate>,
    token_service: Option<Rate>,
}

struct Rate {
    requests: Limiter,
    /// One line a minute about who asks too often.
    lines: Limiter,
}

impl CallerRates {
    /// Full rates for everybody in `registrations`.
    #[must_use]
    pub fn new(
        limits: CallerLimits,
        registrations: &Registrations,
        clock: SharedClock,
        counters: Arc<Counters>,
        _: SingleWriter,
    ) -> Self {
        let clock = RateClock::new(clock);
        let rate = |limit: NonZeroU32| Rate::new(limit, &clock);
        let of_bot = |bot: &Arc<Bot>| {
            let parents = bot.callers.iter().map(|entry| (entry.app_id.clone(), rate(limits.parents)));
            let rates = BotRates {
                parents: parents.collect(),
                channels: limits.channels.map(rate),
                token_service: limits.token_service.map(rate),
            };
            (bot.name.clone(), rates)
        };
        let bots = registrations.bots().map(of_bot).collect();
        Self { bots, clock, counters }
    }

    /// Counts one request.
    ///
    /// # Errors
    /// 429 with the time until the next one is let in.
    pub(super) fn charge(&self, bot: &Bot, key: RateKey<'_>) -> Result<(), CallerRefusal> {
        let rates = self.bots.get(&bot.name);
        let rate = rates.and_then(|rates| match key {
            RateKey::Parent(app_id) => rates.parents.get(app_id),
            RateKey::Channels => rates.channels.as_ref(),
            RateKey::TokenService => rates.token_service.as_ref(),
        });
        let Some(Err(until)) = rate.map(|rate| rate.requests.check()) else { return Ok(()) };
        self.counters.add(Count::CallerRateLimited);
        let wait = until.wait_time_from(self.clock.now());
        let problem = Problem::TooManyRequests {
            retry_after: wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1),
        };
        let refusal = CallerRefusal::new(problem, key.check());
        let told = rate.is_some_and(|rate| rate.lines.check().is_err());
        Err(if told { refusal.untold() } else { refusal })
    }
}

impl RateKey<'_> {
    const fn check(self) -> &'static str {
        match self {
            Self::Parent(_) => "parent_rate",
            Self::Channels => "channel_rate",
            Self::TokenService => "token_service_rate",
        }
    }
}

impl Rate {
    fn new(limit: NonZeroU32, clock: &RateClock) -> Self {
        let quota = Quota::per_second(limit).allow_burst(limit.saturating_mul(NonZeroU32::MIN.saturating_add(1)));
        let lines = Quota::per_minute(NonZeroU32::MIN);
        Self {
            requests: RateLimiter::direct_with_clock(quota, clock.clone()),
            lines: RateLimiter::direct_with_clock(lines, clock.clone()),
        }
    }
}
