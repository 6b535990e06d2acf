//! Durations and states of what the process calls: identity providers, and the store.

use std::time::Duration;

use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::series::{GaugeSeries, HistogramSeries};
use super::table::{self, CALL_BUCKETS, STORE_BUCKETS};
use crate::domain::ExchangeObservation;

/// The result of one call of an identity provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderResult {
    /// It gave what was asked for.
    Ok,
    /// The user has to act: consent, interaction, a new sign-in.
    UserNeeded,
    /// It refused the user or the token.
    Refused,
    /// It refused the client or the settings.
    Misconfigured,
    /// 429.
    Throttled,
    /// No answer, or one that says that it is out of order.
    Unavailable,
}

const RESULTS: [&str; 6] = ["ok", "user_needed", "refused", "misconfigured", "throttled", "unavailable"];

/// The series of all identity providers.
#[derive(Clone, Debug)]
pub struct ProviderMetrics {
    pub(super) durations: HistogramSeries,
    pub(super) reachable: GaugeSeries,
    pub(super) observation: ExchangeObservation,
}

impl ProviderMetrics {
    /// The series of the identity provider with this name in the configuration.
    #[must_use]
    pub fn of(&self, provider: &str) -> ProviderCalls {
        let reachable = self.reachable.get(&[provider]);
        reachable.set(1);
        ProviderCalls {
            durations: RESULTS.map(|result| self.durations.get(&[provider, result])),
            reachable,
            observation: self.observation.clone(),
        }
    }
}

impl Default for ProviderMetrics {
    /// Series that are counted and shown nowhere: those of a command that ends at once.
    fn default() -> Self {
        let mut registry = Registry::default();
        Self {
            durations: HistogramSeries::register(&table::PROVIDER_CALLS, call_histogram, &mut registry),
            reachable: GaugeSeries::register(&table::PROVIDER_REACHABLE, &mut registry),
            observation: ExchangeObservation::default(),
        }
    }
}

/// The calls of one identity provider. Clones count together.
#[derive(Clone, Debug)]
pub struct ProviderCalls {
    durations: [Histogram; RESULTS.len()],
    reachable: Gauge,
    /// Tells the observer of exchanges of each call. A service has no observer.
    pub observation: ExchangeObservation,
}

impl ProviderCalls {
    /// Counts a call of this result that took `duration`.
    pub fn add(&self, result: ProviderResult, duration: Duration) {
        if let Some(histogram) = self.durations.get(result as usize) {
            histogram.observe(duration.as_secs_f64());
        }
        self.note_reachable(result != ProviderResult::Unavailable);
    }

    /// Notes whether the provider has answered.
    pub fn note_reachable(&self, is_reachable: bool) {
        self.reachable.set(i64::from(is_reachable));
    }

    /// Whether the last contact with the provider did not fail.
    #[must_use]
    pub fn is_reachable(&self) -> bool {
        self.reachable.get() != 0
    }
}

/// The operations of the store that are measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreOperation {
    /// Reads a record.
    Get,
    /// Reads the records of an index.
    List,
    /// Writes a record.
    Put,
    /// Writes a record if a condition holds.
    ConditionalPut,
    /// Removes records.
    Remove,
    /// Looks after the records at start-up.
    Maintain,
    /// Acquires, renews or releases a lease.
    Lease,
    /// Adds to a count.
    Count,
    /// Tells the other replicas of a change.
    Publish,
}

impl StoreOperation {
    /// The name of a span of the operation.
    #[must_use]
    pub const fn span_name(self) -> &'static str {
        match self {
            Self::Get => "store get",
            Self::List => "store list",
            Self::Put => "store put",
            Self::ConditionalPut => "store conditional_put",
            Self::Remove => "store remove",
            Self::Maintain => "store maintain",
            Self::Lease => "store lease",
            Self::Count => "store count",
            Self::Publish => "store publish",
        }
    }
}

const OPERATIONS: [&str; 9] =
    ["get", "list", "put", "conditional_put", "remove", "maintain", "lease", "count", "publish"];
const STORE_RESULTS: [&str; 2] = ["ok", "failed"];

/// How long the store's operations take.
#[derive(Clone, Debug)]
pub struct StoreTimes([[Histogram; STORE_RESULTS.len()]; OPERATIONS.len()]);

impl StoreTimes {
    pub(super) fn of(series: &HistogramSeries) -> Self {
        Self(OPERATIONS.map(|operation| STORE_RESULTS.map(|result| series.get(&[operation, result]))))
    }

    /// Counts an operation that took `duration`.
    pub fn add(&self, operation: StoreOperation, duration: Duration, has_failed: bool) {
        let series = self.0.get(operation as usize).and_then(|results| results.get(usize::from(has_failed)));
        if let Some(histogram) = series {
            histogram.observe(duration.as_secs_f64());
        }
    }
}

pub(super) fn call_histogram() -> Histogram {
    Histogram::new(CALL_BUCKETS)
}

pub(super) fn store_histogram() -> Histogram {
    Histogram::new(STORE_BUCKETS)
}
