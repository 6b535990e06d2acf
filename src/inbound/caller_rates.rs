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
use crate::domain::{Bot, BotName, RateClock, Registrations, SharedClock, Skill, SkillName};
use crate::observability::{Count, Counters};
use crate::records::SingleWriter;

type Limiter = RateLimiter<NotKeyed, InMemoryState, RateClock, NoOpMiddleware<Nanos>>;

/// The requests per second of each caller; a burst may have twice as many. `None`: no limit.
#[derive(Clone, Copy, Debug)]
pub struct CallerLimits {
    /// The limit of each configured parent bot, at its bot and at each of its skills, and of each skill.
    pub parents: NonZeroU32,
    /// The limit of the channels together: their requests carry those of all users.
    pub channels: Option<NonZeroU32>,
    /// The limit of the bot itself at the Token Service.
    pub token_service: Option<NonZeroU32>,
}

/// The caller whose rate limit a request counts against.
#[derive(Clone, Copy, Debug)]
pub(super) enum RateKey<'a> {
    Parent(&'a str),
    Channels,
    TokenService,
}

/// The caller of the skill host whose rate limit a request counts against.
#[derive(Clone, Copy, Debug)]
pub(super) enum SkillRateKey<'a> {
    Parent(&'a BotName),
    Skill,
}

/// The rate limiters of all configured callers. Only configured callers have one, so their number is bounded; a caller
/// that is not configured is refused anyway.
pub struct CallerRates {
    bots: HashMap<BotName, BotRates>,
    skills: HashMap<SkillName, SkillRates>,
    clock: RateClock,
    counters: Arc<Counters>,
}

struct BotRates {
    /// By app id, in lower case.
    parents: HashMap<String, Rate>,
    channels: Option<Rate>,
    token_service: Option<Rate>,
}

/// The rates at the skill host.
struct SkillRates {
    /// Those at which each parent calls the skill.
    parents: HashMap<BotName, Rate>,
    /// That of the skill itself.
    skill: Rate,
}

struct Rate {
    requests: Limiter,
    /// Limits the log to one line a minute for each caller that exceeds its rate.
    log_lines: Limiter,
}

impl CallerRates {
    /// Creates unused limiters for every caller in `registrations`.
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
        let bot_rates = |bot: &Arc<Bot>| {
            let parents = bot.callers.iter().map(|entry| (entry.app_id.clone(), rate(limits.parents)));
            let rates = BotRates {
                parents: parents.collect(),
                channels: limits.channels.map(rate),
                token_service: limits.token_service.map(rate),
            };
            (bot.name.clone(), rates)
        };
        let bots = registrations.bots().map(bot_rates).collect();
        let skill_rates = |skill: &Arc<Skill>| {
            let parents = skill.parents.iter().map(|parent| (parent.clone(), rate(limits.parents))).collect();
            (skill.name.clone(), SkillRates { parents, skill: rate(limits.parents) })
        };
        let skills = registrations.skills().map(skill_rates).collect();
        Self { bots, skills, clock, counters }
    }

    /// Counts one request against the caller's limit.
    ///
    /// # Errors
    /// 429 with the time until the caller's next request is accepted.
    pub(super) fn charge(&self, bot: &Bot, key: RateKey<'_>) -> Result<(), CallerRefusal> {
        let rates = self.bots.get(&bot.name);
        let rate = rates.and_then(|rates| match key {
            RateKey::Parent(app_id) => rates.parents.get(app_id),
            RateKey::Channels => rates.channels.as_ref(),
            RateKey::TokenService => rates.token_service.as_ref(),
        });
        rate.map_or(Ok(()), |rate| self.check(rate, key.check()).map_err(|refusal| refusal.at_bot(bot.name.as_str())))
    }

    /// Counts one request at the skill host against the caller's limit.
    ///
    /// # Errors
    /// As [`CallerRates::charge`].
    pub(super) fn charge_at_skill_host(&self, skill: &Skill, key: SkillRateKey<'_>) -> Result<(), CallerRefusal> {
        let Some(rates) = self.skills.get(&skill.name) else { return Ok(()) };
        let rate = match key {
            SkillRateKey::Parent(parent) => rates.parents.get(parent),
            SkillRateKey::Skill => Some(&rates.skill),
        };
        rate.map_or(Ok(()), |rate| self.check(rate, key.check()))
    }

    fn check(&self, rate: &Rate, check: &'static str) -> Result<(), CallerRefusal> {
        let Err(until) = rate.requests.check() else { return Ok(()) };
        self.counters.add(Count::CallerRateLimited);
        let wait = until.wait_time_from(self.clock.now());
        let problem = Problem::TooManyRequests {
            retry_after: wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1),
        };
        let refusal = CallerRefusal::new(problem, check);
        let already_logged = rate.log_lines.check().is_err();
        Err(if already_logged { refusal.without_log_line() } else { refusal })
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

impl SkillRateKey<'_> {
    const fn check(self) -> &'static str {
        match self {
            Self::Parent(_) => "skill_parent_rate",
            Self::Skill => "skill_rate",
        }
    }
}

impl Rate {
    fn new(limit: NonZeroU32, clock: &RateClock) -> Self {
        let quota = Quota::per_second(limit).allow_burst(limit.saturating_mul(NonZeroU32::MIN.saturating_add(1)));
        let log_lines = Quota::per_minute(NonZeroU32::MIN);
        Self {
            requests: RateLimiter::direct_with_clock(quota, clock.clone()),
            log_lines: RateLimiter::direct_with_clock(log_lines, clock.clone()),
        }
    }
}
