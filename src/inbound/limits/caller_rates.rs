use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::Clock as _;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use super::to_seconds;
use crate::domain::{Bot, BotName, ConfiguredMap, RateClock, Registrations, SharedClock, Skill, SkillName};
use crate::inbound::problem::Problem;
use crate::inbound::refusal::CallerRefusal;
use crate::observability::{Count, Counters};
use crate::records::catalogue::CALLER_RATE;
use crate::records::{Records, SharedRate};

/// The seconds in which replicas count the requests of a caller together. A caller may use up the requests of that time in a
/// burst, which is twice its rate.
const SHARED_WINDOW_SECONDS: NonZeroU32 = NonZeroU32::MIN.saturating_add(1);

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
pub(in crate::inbound) enum RateKey<'a> {
    Parent(&'a str),
    Channels,
    TokenService,
}

/// The caller of the skill host whose rate limit a request counts against.
#[derive(Clone, Copy, Debug)]
pub(in crate::inbound) enum SkillRateKey<'a> {
    Parent(&'a BotName),
    Skill,
}

/// The rate limiters of all configured callers. Only configured callers have one, so their number is bounded; a caller
/// that is not configured is refused anyway.
///
/// Over a shared store, what one process admits is counted with the requests at the other replicas: that is one call of the
/// store for each request of a caller that has a limit.
pub struct CallerRates {
    bots: ConfiguredMap<BotName, BotRates>,
    skills: ConfiguredMap<SkillName, SkillRates>,
    clock: RateClock,
    counters: Arc<Counters>,
}

struct BotRates {
    /// By app id, in lower case.
    parents: ConfiguredMap<String, Arc<Rate>>,
    channels: Option<Arc<Rate>>,
    token_service: Option<Arc<Rate>>,
}

/// The rates at the skill host.
struct SkillRates {
    /// Those at which each parent calls the skill.
    parents: ConfiguredMap<BotName, Arc<Rate>>,
    /// That of the skill itself.
    skill: Arc<Rate>,
}

struct Rate {
    /// The name of the caller, under which replicas count.
    name: Vec<String>,
    /// Requests per second.
    limit: NonZeroU32,
    requests: Limiter,
    shared: SharedRate,
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
        records: &Records,
    ) -> Self {
        let clock = RateClock::new(clock);
        Self::build(limits, registrations, clock.clone(), counters, |limit, name| {
            Arc::new(Rate::new(limit, &clock, records, name))
        })
    }

    /// The limiters after a reload: a caller that has the same limit as before goes on with what it has used up of it.
    #[must_use]
    pub fn succeed(&self, limits: CallerLimits, registrations: &Registrations, records: &Records) -> Self {
        let mut present: HashMap<&[String], &Arc<Rate>> = HashMap::new();
        for bot in self.bots.values() {
            let of_bot = bot.parents.values().chain(&bot.channels).chain(&bot.token_service);
            present.extend(of_bot.map(|rate| (rate.name.as_slice(), rate)));
        }
        for skill in self.skills.values() {
            present.extend(skill.parents.values().chain([&skill.skill]).map(|rate| (rate.name.as_slice(), rate)));
        }
        Self::build(limits, registrations, self.clock.clone(), self.counters.clone(), |limit, name| {
            let owned: Vec<String> = name.iter().map(|part| (*part).to_owned()).collect();
            let same = present.get(owned.as_slice()).filter(|rate| rate.limit == limit);
            same.map_or_else(|| Arc::new(Rate::new(limit, &self.clock, records, name)), |rate| Arc::clone(rate))
        })
    }

    fn build(
        limits: CallerLimits,
        registrations: &Registrations,
        clock: RateClock,
        counters: Arc<Counters>,
        rate: impl Fn(NonZeroU32, &[&str]) -> Arc<Rate>,
    ) -> Self {
        let bot_rates = |bot: &Arc<Bot>| {
            let name = bot.name.as_str();
            let of_parent = |app_id: &String| (app_id.clone(), rate(limits.parents, &["parent", name, app_id]));
            let rates = BotRates {
                parents: bot.callers.iter().map(|entry| of_parent(&entry.app_id)).collect(),
                channels: limits.channels.map(|limit| rate(limit, &["channels", name])),
                token_service: limits.token_service.map(|limit| rate(limit, &["token_service", name])),
            };
            (bot.name.clone(), rates)
        };
        let bots = registrations.bots().map(bot_rates).collect();
        let skill_rates = |skill: &Arc<Skill>| {
            let name = skill.name.as_str();
            let of_parent =
                |parent: &BotName| (parent.clone(), rate(limits.parents, &["parent_of_skill", name, parent.as_str()]));
            let parents = skill.parents.iter().map(of_parent).collect();
            (skill.name.clone(), SkillRates { parents, skill: rate(limits.parents, &["skill", name]) })
        };
        let skills = registrations.skills().map(skill_rates).collect();
        Self { bots, skills, clock, counters }
    }

    /// Counts one request against the caller's limit.
    ///
    /// # Errors
    /// 429 with the time until the caller's next request is accepted.
    pub(in crate::inbound) async fn charge(&self, bot: &Bot, key: RateKey<'_>) -> Result<(), CallerRefusal> {
        let rates = self.bots.get(&bot.name);
        let rate = rates.and_then(|rates| match key {
            RateKey::Parent(app_id) => rates.parents.get(app_id),
            RateKey::Channels => rates.channels.as_ref(),
            RateKey::TokenService => rates.token_service.as_ref(),
        });
        let Some(rate) = rate else { return Ok(()) };
        self.check(rate, key.check()).await.map_err(|refusal| refusal.at_bot(bot.name.as_str()))
    }

    /// Counts one request at the skill host against the caller's limit.
    ///
    /// # Errors
    /// As [`CallerRates::charge`].
    pub(in crate::inbound) async fn charge_at_skill_host(
        &self,
        skill: &Skill,
        key: SkillRateKey<'_>,
    ) -> Result<(), CallerRefusal> {
        let Some(rates) = self.skills.get(&skill.name) else { return Ok(()) };
        let rate = match key {
            SkillRateKey::Parent(parent) => rates.parents.get(parent),
            SkillRateKey::Skill => Some(&rates.skill),
        };
        let Some(rate) = rate else { return Ok(()) };
        self.check(rate, key.check()).await
    }

    async fn check(&self, rate: &Rate, check: &'static str) -> Result<(), CallerRefusal> {
        let Some(wait) = rate.find_wait(&self.clock).await else { return Ok(()) };
        self.counters.add(Count::CallerRateLimited);
        let problem = Problem::TooManyRequests { retry_after: to_seconds(wait) };
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
    fn new(limit: NonZeroU32, clock: &RateClock, records: &Records, name: &[&str]) -> Self {
        let burst = limit.saturating_mul(SHARED_WINDOW_SECONDS);
        let quota = Quota::per_second(limit).allow_burst(burst);
        let log_lines = Quota::per_minute(NonZeroU32::MIN);
        let window = Duration::from_secs(u64::from(SHARED_WINDOW_SECONDS.get()));
        Self {
            name: name.iter().map(|part| (*part).to_owned()).collect(),
            limit,
            requests: RateLimiter::direct_with_clock(quota, clock.clone()),
            shared: SharedRate::new(records, &CALLER_RATE, burst, window),
            log_lines: RateLimiter::direct_with_clock(log_lines, clock.clone()),
        }
    }

    /// Counts one request. How long the caller has to wait; `None` if the request is admitted.
    async fn find_wait(&self, clock: &RateClock) -> Option<Duration> {
        if let Err(until) = self.requests.check() {
            return Some(until.wait_time_from(clock.now()));
        }
        if !self.shared.is_shared() {
            return None;
        }
        let parts: Vec<&[u8]> = self.name.iter().map(String::as_bytes).collect();
        // Boxed, so that it adds nothing to the state of a request over an exclusive store.
        (!Box::pin(self.shared.admits(&parts)).await).then(|| self.shared.time_to_next_window())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use crate::domain::test_samples::sample_bot;
    use crate::records::testing::{ThrowawayReplicas, throwaway_replicas};

    /// The rates of a Token Service that admits five requests a second, as a replica over `records` counts them.
    fn rates(beneath: &ThrowawayReplicas, records: &Records) -> CallerRates {
        let five = NonZeroU32::new(5).unwrap();
        let limits = CallerLimits { parents: five, channels: None, token_service: Some(five) };
        let registrations = Registrations::new(vec![sample_bot()], Vec::new());
        let counters = Arc::new(Counters::default());
        CallerRates::new(limits, &registrations, beneath.shared_clock.clone(), counters, records)
    }

    #[tokio::test]
    async fn the_requests_of_a_caller_at_two_replicas_count_together() {
        let (beneath, bot) = (throwaway_replicas(2).await, sample_bot());
        loop {
            let replicas: Vec<CallerRates> = beneath.replicas.iter().map(|records| rates(&beneath, records)).collect();
            let shared = &replicas[0].bots[&bot.name].token_service.as_ref().unwrap().shared;
            beneath.advance(shared.time_to_next_window()).await;
            let mut accepted = 0;
            for number in 0..16 {
                accepted += u32::from(replicas[number % 2].charge(&bot, RateKey::TokenService).await.is_ok());
            }
            let refused = replicas[1].charge(&bot, RateKey::TokenService).await;
            assert!(replicas[1].charge(&bot, RateKey::Channels).await.is_ok(), "channels have no limit here");
            // On a busy machine, the window may have ended meanwhile.
            if shared.time_to_next_window() > Duration::from_millis(500) {
                assert_eq!(accepted, 10, "either replica alone would admit all its eight");
                assert!(matches!(refused.unwrap_err().problem, Problem::TooManyRequests { retry_after: 1..=2 }));
                return;
            }
        }
    }
}
