use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;

use super::exchanges::{ExchangeCounts, ExchangeOutcome};
use super::series::CounterSeries;
use super::skill_cards::SkillCardCounts;
use super::table::{self, Metric};
use crate::domain::ExchangeObservation;

/// The events that are counted in one place each and have no name of the configuration as label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// `tokens/response` events from callers, which were dropped: only the gateway sends them.
    ForgedTokensResponse,
    /// Requests that were refused because of the caller's rate limit.
    CallerRateLimited,
    /// Requests that were refused because of the user's rate limit.
    UserRateLimited,
    /// `tokens/response` events that were delivered to bots.
    ContinuationDelivered,
    /// `tokens/response` events that could not be delivered.
    ContinuationFailed,
    /// Requests whose client's address a trusted proxy did not state legibly.
    ClientUnknown,
    /// Connections that were refused because their client, or all clients together, had too many.
    ConnectionRefused,
    /// Idle connections that were ended in favour of new ones.
    ConnectionEvicted,
    /// Connections that were ended because the client sent or read too slowly.
    ConnectionTimedOut,
    /// Requests that were refused because the caller is not authenticated or not allowed.
    CallerRefused,
}

/// A count: its name in the log, and its series in the table of metrics.
struct CountRow {
    count: Count,
    name: &'static str,
    metric: &'static Metric,
    labels: &'static [&'static str],
}

/// The rows of all counts, in the order of [`Count`].
#[rustfmt::skip]
const COUNTS: [CountRow; 10] = [
    CountRow { count: Count::ForgedTokensResponse, name: "forged_tokens_response", metric: &table::FORGED_EVENTS, labels: &[] },
    CountRow { count: Count::CallerRateLimited, name: "caller_rate_limited", metric: &table::REFUSALS, labels: &["caller_rate"] },
    CountRow { count: Count::UserRateLimited, name: "user_rate_limited", metric: &table::REFUSALS, labels: &["user_rate"] },
    CountRow { count: Count::ContinuationDelivered, name: "continuation_delivered", metric: &table::CONTINUATIONS, labels: &["delivered"] },
    CountRow { count: Count::ContinuationFailed, name: "continuation_failed", metric: &table::CONTINUATIONS, labels: &["failed"] },
    CountRow { count: Count::ClientUnknown, name: "client_unknown", metric: &table::UNKNOWN_CLIENTS, labels: &[] },
    CountRow { count: Count::ConnectionRefused, name: "connection_refused", metric: &table::CONNECTIONS_ENDED, labels: &["refused"] },
    CountRow { count: Count::ConnectionEvicted, name: "connection_evicted", metric: &table::CONNECTIONS_ENDED, labels: &["evicted"] },
    CountRow { count: Count::ConnectionTimedOut, name: "connection_timed_out", metric: &table::CONNECTIONS_ENDED, labels: &["timed_out"] },
    CountRow { count: Count::CallerRefused, name: "caller_refused", metric: &table::REFUSALS, labels: &["caller"] },
];

/// The counters of the process, shared by all workers. Each is a number in memory that its user adds to; the table of
/// metrics shows the same number.
#[derive(Debug, Default)]
pub struct Counters {
    counts: [Counter; COUNTS.len()],
    /// The exchanges, by bot and connection.
    pub exchanges: ExchangeCounts,
    /// The sign-in cards of skills.
    pub skill_cards: SkillCardCounts,
    /// Tells the observer of exchanges what happens. A service has no observer.
    pub observation: ExchangeObservation,
}

impl Counters {
    /// Registers every counter. `exchanges` and `skill_cards` have been registered.
    pub(super) fn register(
        exchanges: ExchangeCounts,
        skill_cards: SkillCardCounts,
        observation: ExchangeObservation,
        registry: &mut Registry,
    ) -> Self {
        let mut families: Vec<CounterSeries> = Vec::new();
        let counts = COUNTS.each_ref().map(|row| {
            let known = families.iter().find(|family| family.is_of(row.metric)).cloned();
            let family = known.unwrap_or_else(|| {
                let family = CounterSeries::register(row.metric, registry);
                families.push(family.clone());
                family
            });
            family.get(row.labels)
        });
        Self { counts, exchanges, skill_cards, observation }
    }

    /// Adds one.
    pub fn add(&self, count: Count) {
        if let Some(counter) = self.counts.get(count as usize) {
            counter.inc();
        }
    }

    /// The present value.
    #[must_use]
    pub fn value(&self, count: Count) -> u64 {
        self.counts.get(count as usize).map_or(0, Counter::get)
    }

    /// Logs all counters as one event.
    pub fn log(&self) {
        let kept = self.exchanges.sum(|outcome| outcome == ExchangeOutcome::Kept);
        let refused = self.exchanges.sum(|outcome| outcome != ExchangeOutcome::Kept);
        let mismatches = self.exchanges.sum(|outcome| outcome == ExchangeOutcome::IdentityMismatch);
        let exchanges = format!("exchange_kept={kept} exchange_refused={refused} identity_mismatch={mismatches}");
        let counts = COUNTS.iter().map(|row| format!("{}={}", row.name, self.value(row.count)));
        let counts: Vec<String> = std::iter::once(exchanges).chain(counts).collect();
        tracing::info!(counts = counts.join(" "), "counts since start");
    }
}

#[cfg(test)]
mod tests {
    use super::COUNTS;

    #[test]
    fn each_count_is_at_its_position() {
        for (position, row) in COUNTS.iter().enumerate() {
            assert_eq!(row.count as usize, position, "{}", row.name);
        }
    }
}
