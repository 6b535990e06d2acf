use std::sync::Arc;

use arc_swap::ArcSwap;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;

use super::series::CounterSeries;
use super::table;
use crate::domain::ConfiguredMap;

/// The label of what has no name in the configuration.
const NONE: &str = "none";

/// How an exchange ended: the reason codes of docs/architecture.md §Status table, without the names of checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExchangeOutcome {
    /// The token was obtained and is kept.
    Kept,
    /// `consent_required`
    ConsentRequired,
    /// `interaction_required`
    InteractionRequired,
    /// `assertion_expired`
    AssertionExpired,
    /// `sign_in_required`
    SignInRequired,
    /// `bad_request`
    BadRequest,
    /// `assertion_rejected`
    AssertionRejected,
    /// `identity_mismatch`
    IdentityMismatch,
    /// `denied`
    Denied,
    /// `misconfigured`
    Misconfigured,
    /// `temporarily_unavailable`
    TemporarilyUnavailable,
    /// `too_many_requests`
    TooManyRequests,
}

const OUTCOMES: [(ExchangeOutcome, &str); 12] = [
    (ExchangeOutcome::Kept, "kept"),
    (ExchangeOutcome::ConsentRequired, "consent_required"),
    (ExchangeOutcome::InteractionRequired, "interaction_required"),
    (ExchangeOutcome::AssertionExpired, "assertion_expired"),
    (ExchangeOutcome::SignInRequired, "sign_in_required"),
    (ExchangeOutcome::BadRequest, "bad_request"),
    (ExchangeOutcome::AssertionRejected, "assertion_rejected"),
    (ExchangeOutcome::IdentityMismatch, "identity_mismatch"),
    (ExchangeOutcome::Denied, "denied"),
    (ExchangeOutcome::Misconfigured, "misconfigured"),
    (ExchangeOutcome::TemporarilyUnavailable, "temporarily_unavailable"),
    (ExchangeOutcome::TooManyRequests, "too_many_requests"),
];

/// The names of a bot and of its connections in the configuration.
#[derive(Clone, Debug)]
pub struct BotNames {
    /// The bot's name.
    pub bot: String,
    /// The names of its connections.
    pub connections: Vec<String>,
}

/// The exchanges of each bot and connection. Names that are not configured share the series `none`.
#[derive(Debug, Default)]
pub struct ExchangeCounts {
    /// Also the names of earlier configurations: their counts go on to be shown.
    bots: ArcSwap<ConfiguredMap<String, BotExchanges>>,
    unknown: ConnectionExchanges,
    /// `None` where nothing is shown.
    series: Option<ExchangeSeries>,
}

#[derive(Debug)]
struct ExchangeSeries {
    outcomes: CounterSeries,
    duplicates: CounterSeries,
}

#[derive(Clone, Debug, Default)]
struct BotExchanges {
    connections: ConfiguredMap<String, ConnectionExchanges>,
    unknown: ConnectionExchanges,
}

#[derive(Clone, Debug, Default)]
struct ConnectionExchanges {
    outcomes: [Counter; OUTCOMES.len()],
    duplicates: Counter,
}

impl ExchangeCounts {
    pub(super) fn register(bots: &[BotNames], registry: &mut Registry) -> Self {
        let series = ExchangeSeries {
            outcomes: CounterSeries::register(&table::EXCHANGES, registry),
            duplicates: CounterSeries::register(&table::DUPLICATES, registry),
        };
        let unknown = series.of(NONE, NONE);
        let counts = Self { bots: ArcSwap::default(), unknown, series: Some(series) };
        counts.add_names(bots);
        counts
    }

    /// Shows the exchanges of `bots`, too. A name that is shown already keeps its counts.
    pub(super) fn add_names(&self, bots: &[BotNames]) {
        let Some(series) = &self.series else { return };
        let mut known = ConfiguredMap::clone(&self.bots.load());
        for names in bots {
            let of_bot = known.entry(names.bot.clone()).or_default();
            of_bot.unknown = series.of(&names.bot, NONE);
            let connections = names.connections.iter().map(|name| (name.clone(), series.of(&names.bot, name)));
            of_bot.connections.extend(connections);
        }
        self.bots.store(Arc::new(known));
    }

    /// Counts the outcome of an exchange. `connection` is `None` if the request was refused before it was known.
    pub fn add(&self, bot: &str, connection: Option<&str>, outcome: ExchangeOutcome) {
        self.count(bot, connection, |counts| {
            if let Some(counter) = counts.outcomes.get(outcome as usize) {
                counter.inc();
            }
        });
    }

    /// Counts a request that was answered with the outcome of another one.
    pub fn add_duplicate(&self, bot: &str, connection: &str) {
        self.count(bot, Some(connection), |counts| {
            counts.duplicates.inc();
        });
    }

    /// The number of exchanges of all bots with such an outcome.
    #[must_use]
    pub fn sum(&self, is_counted: impl Fn(ExchangeOutcome) -> bool) -> u64 {
        let bots = self.bots.load();
        let of_bots = bots.values().flat_map(|bot| bot.connections.values().chain([&bot.unknown]));
        let all = of_bots.chain([&self.unknown]);
        let counted = |counts: &ConnectionExchanges| -> u64 {
            let outcomes = OUTCOMES.iter().zip(&counts.outcomes);
            outcomes.filter(|((outcome, _), _)| is_counted(*outcome)).map(|(_, counter)| counter.get()).sum()
        };
        all.map(counted).sum()
    }

    /// This copies no name, because duplicates are counted on the shortest path of a request.
    fn count(&self, bot: &str, connection: Option<&str>, add: impl FnOnce(&ConnectionExchanges)) {
        let bots = self.bots.load();
        let Some(bot) = bots.get(bot) else { return add(&self.unknown) };
        add(connection.and_then(|connection| bot.connections.get(connection)).unwrap_or(&bot.unknown));
    }
}

impl ExchangeSeries {
    /// The counters of `connection` at `bot`: the same ones each time.
    fn of(&self, bot: &str, connection: &str) -> ConnectionExchanges {
        ConnectionExchanges {
            outcomes: OUTCOMES.map(|(_, outcome)| self.outcomes.get(&[bot, connection, outcome])),
            duplicates: self.duplicates.get(&[bot, connection]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ExchangeCounts, ExchangeOutcome, OUTCOMES};

    #[test]
    fn each_outcome_is_at_its_position() {
        for (position, (outcome, name)) in OUTCOMES.iter().enumerate() {
            assert_eq!(*outcome as usize, position, "{name}");
        }
    }

    #[test]
    fn names_that_are_not_configured_share_one_series() {
        let counts = ExchangeCounts::default();
        for number in 0..100 {
            counts.add(&format!("bot-{number}"), Some("graph"), ExchangeOutcome::Denied);
            counts.add_duplicate(&format!("bot-{number}"), "graph");
        }
        assert_eq!(counts.sum(|outcome| outcome == ExchangeOutcome::Denied), 100);
        assert!(counts.bots.load().is_empty());
    }
}
