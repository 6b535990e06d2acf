//! The metrics of the process: one declared table, counters and durations that their users add to, and the text that
//! `/metrics` serves.
//!
//! Owns the names and the labels. Every series is made when the application is built, so nothing that a client sends
//! makes a new one. It deliberately decides nothing by a number.

mod counters;
mod directories;
mod exchanges;
mod measures;
mod series;
mod skill_cards;
mod table;

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::encoding::{prometheus_text, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use self::series::{CounterSeries, GaugeSeries, HistogramSeries};
use super::traces::SpanCounts;
use super::{audit, logs};
use crate::domain::{CredentialEnd, ExchangeObservation, Timestamp};

pub use counters::{Count, Counters};
pub use directories::{DirectoryCount, DirectoryCounts};
pub use exchanges::{BotNames, ExchangeCounts, ExchangeOutcome};
pub use measures::{ProviderCalls, ProviderMetrics, ProviderResult, StoreOperation, StoreTimes};
pub use skill_cards::{CardReason, SkillCardCounts};
pub use table::{METRICS, Metric, MetricKind};

/// The text formats of metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricsFormat {
    /// The text format of Prometheus, version 0.0.4.
    Prometheus,
    /// `OpenMetrics` 1.0.
    OpenMetrics,
}

impl MetricsFormat {
    /// The value of `Content-Type`.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => prometheus_text::CONTENT_TYPE,
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// Reads a number at the moment when the metrics are rendered.
type Reading = Box<dyn Fn() + Send + Sync>;

/// The metrics of the process.
pub struct Metrics {
    registry: Registry,
    counters: Arc<Counters>,
    directories: DirectoryCounts,
    requests: CounterSeries,
    providers: ProviderMetrics,
    key_sets: CounterSeries,
    store_times: StoreTimes,
    store_size: Gauge,
    store_silent: Gauge,
    credential_ends: GaugeSeries,
    open_connections: GaugeSeries,
    lines_left_out: CounterSeries,
    trace_spans: SpanCounts,
    /// By what they read.
    readings: Mutex<BTreeMap<String, Reading>>,
}

/// The names in the configuration that labels have.
#[derive(Clone, Debug, Default)]
pub struct ServedNames {
    /// The bots, and the others that exchange tokens, with their connections.
    pub bots: Vec<BotNames>,
    /// The skills.
    pub skills: Vec<String>,
    /// The directories.
    pub directories: Vec<String>,
}

/// How often a key set was fetched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FetchCounts {
    /// Fetches that brought keys.
    pub fetched: u64,
    /// Fetches that failed.
    pub failed: u64,
}

/// The answers of one operation, by class of status.
#[derive(Clone, Debug)]
pub struct StatusCounts([Counter; 5]);

impl StatusCounts {
    /// Counts an answer.
    pub fn add(&self, status: u16) {
        if let Some(counter) = self.0.get(usize::from(status / 100).saturating_sub(1)) {
            counter.inc();
        }
    }
}

/// The number of open connections of one listener.
#[derive(Clone, Debug, Default)]
pub struct OpenConnectionCount(Gauge);

impl OpenConnectionCount {
    /// Replaces the number.
    pub fn set(&self, connections: usize) {
        self.0.set(i64::try_from(connections).unwrap_or(i64::MAX));
    }
}

impl Metrics {
    /// The metrics of a process that started at `started` and serves what `served` names. The counters and the
    /// calls of identity providers carry `observation` to the places where something happens.
    #[must_use]
    pub fn new(served: &ServedNames, started: Timestamp, observation: ExchangeObservation) -> Self {
        let mut registry = Registry::default();
        let to = &mut registry;
        let requests = CounterSeries::register(&table::REQUESTS, to);
        let exchanges = ExchangeCounts::register(&served.bots, to);
        let skill_cards = SkillCardCounts::register(&served.skills, to);
        let directories = DirectoryCounts::register(&served.directories, to);
        let durations = HistogramSeries::register(&table::PROVIDER_CALLS, measures::call_histogram, to);
        let reachable = GaugeSeries::register(&table::PROVIDER_REACHABLE, to);
        let key_sets = CounterSeries::register(&table::KEY_SET_FETCHES, to);
        let store_times = HistogramSeries::register(&table::STORE_OPERATIONS, measures::store_histogram, to);
        let store_size = GaugeSeries::register(&table::STORE_SIZE, to).get(&[]);
        let store_silent = GaugeSeries::register(&table::STORE_SILENT, to).get(&[]);
        let credential_ends = GaugeSeries::register(&table::CREDENTIAL_ENDS, to);
        let counters = Arc::new(Counters::register(exchanges, skill_cards, observation.clone(), to));
        let open_connections = GaugeSeries::register(&table::OPEN_CONNECTIONS, to);
        let lines_left_out = CounterSeries::register(&table::LINES_LEFT_OUT, to);
        let spans = CounterSeries::register(&table::TRACE_SPANS, to);
        let [exported, dropped, limited] = ["exported", "dropped", "limited"].map(|result| spans.get(&[result]));
        let trace_spans = SpanCounts { exported, dropped, limited };
        let version = vec![("version", env!("CARGO_PKG_VERSION"))];
        to.register(table::BUILD.name, table::BUILD.help, Info::new(version));
        GaugeSeries::register(&table::START_TIME, to).get(&[]).set(started.unix_seconds());
        Self {
            registry,
            counters,
            directories,
            requests,
            providers: ProviderMetrics { durations, reachable, observation },
            key_sets,
            store_times: StoreTimes::of(&store_times),
            store_size,
            store_silent,
            credential_ends,
            open_connections,
            lines_left_out,
            trace_spans,
            readings: Mutex::default(),
        }
    }

    /// Shows what `served` names, too: a reload serves others. Directories do not change while the process runs. What an earlier
    /// configuration named goes on to be shown.
    pub fn add_names(&self, served: &ServedNames) {
        self.counters.exchanges.add_names(&served.bots);
        self.counters.skill_cards.add_names(&served.skills);
    }

    /// The counters.
    #[must_use]
    pub fn counters(&self) -> &Arc<Counters> {
        &self.counters
    }

    /// What is counted at each directory.
    #[must_use]
    pub fn directories(&self) -> &DirectoryCounts {
        &self.directories
    }

    /// The answers of an operation of a door.
    #[must_use]
    pub fn requests(&self, door: &str, operation: &str) -> StatusCounts {
        StatusCounts(["1xx", "2xx", "3xx", "4xx", "5xx"].map(|class| self.requests.get(&[door, operation, class])))
    }

    /// The calls of identity providers.
    #[must_use]
    pub fn providers(&self) -> &ProviderMetrics {
        &self.providers
    }

    /// The durations of the store's operations.
    #[must_use]
    pub fn store_times(&self) -> &StoreTimes {
        &self.store_times
    }

    /// The number of open connections of a listener.
    #[must_use]
    pub fn open_connections(&self, listener: &str) -> OpenConnectionCount {
        OpenConnectionCount(self.open_connections.get(&[listener]))
    }

    /// The spans of traces.
    #[must_use]
    pub fn trace_spans(&self) -> &SpanCounts {
        &self.trace_spans
    }

    /// Shows how often the key set `name` was fetched, which `read` tells. Of two with one name, the later one is shown.
    pub fn show_key_set(&self, name: &str, read: impl Fn() -> FetchCounts + Send + Sync + 'static) {
        let (fetched, failed) = (self.key_sets.get(&[name, "ok"]), self.key_sets.get(&[name, "failed"]));
        self.read_with(format!("key_set:{name}"), move || {
            let counts = read();
            set(&fetched, counts.fetched);
            set(&failed, counts.failed);
        });
    }

    /// Shows the size of the store's files, which `read` tells, in bytes.
    pub fn show_store_size(&self, read: impl Fn() -> u64 + Send + Sync + 'static) {
        let size = self.store_size.clone();
        self.read_with("store_size".to_owned(), move || {
            size.set(i64::try_from(read()).unwrap_or(i64::MAX));
        });
    }

    /// Shows whether the shared store is silent, which `read` tells.
    pub fn show_store_silence(&self, read: impl Fn() -> bool + Send + Sync + 'static) {
        let silent = self.store_silent.clone();
        self.read_with("store_silence".to_owned(), move || {
            silent.set(i64::from(read()));
        });
    }

    /// Shows when credentials end, instead of what was shown before.
    pub fn show_credential_ends(&self, ends: &[CredentialEnd]) {
        self.credential_ends.clear();
        for end in ends {
            self.credential_ends.get(&[&end.place]).set(end.ends.unix_seconds());
        }
    }

    fn read_with(&self, name: String, reading: impl Fn() + Send + Sync + 'static) {
        self.readings.lock().unwrap_or_else(PoisonError::into_inner).insert(name, Box::new(reading));
    }

    /// Renders all metrics. Reads the size of files, so it must not run on an async thread.
    ///
    /// # Errors
    /// Only if the library cannot write to memory.
    pub fn render(&self, format: MetricsFormat) -> Result<String, std::fmt::Error> {
        for reading in self.readings.lock().unwrap_or_else(PoisonError::into_inner).values() {
            reading();
        }
        set(&self.lines_left_out.get(&["log"]), logs::lines_left_out());
        set(&self.lines_left_out.get(&["audit"]), audit::lines_left_out());
        let mut rendered = String::new();
        match format {
            MetricsFormat::Prometheus => prometheus_text::encode(&mut rendered, &self.registry)?,
            MetricsFormat::OpenMetrics => text::encode(&mut rendered, &self.registry)?,
        }
        Ok(rendered)
    }
}

/// Replaces the value of a counter that is counted elsewhere, where it only grows.
fn set(counter: &Counter, value: u64) {
    counter.inner().store(value, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    fn metrics() -> Metrics {
        let served = ServedNames {
            bots: vec![BotNames { bot: "demo".to_owned(), connections: vec!["graph".to_owned()] }],
            skills: vec!["weather".to_owned()],
            directories: vec!["market".to_owned()],
        };
        Metrics::new(&served, Timestamp::from_unix_seconds(1_700_000_000), ExchangeObservation::default())
    }

    #[test]
    fn every_metric_of_the_table_is_rendered_and_no_other() {
        let metrics = metrics();
        drop((
            metrics.requests("gateway", "Post"),
            metrics.open_connections("public"),
            metrics.providers().of("entra"),
        ));
        metrics.show_key_set("channels", || FetchCounts { fetched: 3, failed: 1 });
        metrics.show_store_size(|| 4096);
        let end =
            |place: &str| CredentialEnd { place: place.to_owned(), ends: Timestamp::from_unix_seconds(1_801_353_600) };
        metrics.show_credential_ends(&[end("connections.gone.client_secret")]);
        metrics.show_credential_ends(&[end("connections.graph.client_secret")]);
        let text = metrics.render(MetricsFormat::Prometheus).unwrap();
        let types: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
        let declared: Vec<String> = METRICS
            .iter()
            .map(|metric| {
                let kind = match metric.kind {
                    MetricKind::Counter => "counter",
                    MetricKind::Gauge | MetricKind::Info => "gauge",
                    MetricKind::Histogram => "histogram",
                };
                format!("{} {kind}", metric.sample_name())
            })
            .collect();
        let (mut types, mut declared): (Vec<&str>, Vec<&str>) = (types, declared.iter().map(String::as_str).collect());
        types.sort_unstable();
        declared.sort_unstable();
        assert_eq!(types, declared);
        for line in [
            "bot_sso_key_set_fetches_total{key_set=\"channels\",result=\"ok\"} 3",
            "bot_sso_store_size_bytes 4096",
            "bot_sso_credential_expires_timestamp_seconds{credential=\"connections.graph.client_secret\"} 1801353600",
            "process_start_time_seconds 1700000000",
            "bot_sso_identity_provider_reachable{provider=\"entra\"} 1",
            concat!("bot_sso_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"),
        ] {
            assert!(text.lines().any(|written| written == line), "{line} in {text}");
        }
        assert!(!text.contains("connections.gone"), "{text}");
        assert!(metrics.render(MetricsFormat::OpenMetrics).unwrap().ends_with("# EOF\n"));
    }

    #[test]
    fn what_is_counted_is_the_number_that_is_shown() {
        let metrics = metrics();
        metrics.counters().add(Count::UserRateLimited);
        metrics.counters().exchanges.add("demo", Some("graph"), ExchangeOutcome::Kept);
        metrics.counters().exchanges.add("demo", Some("made up"), ExchangeOutcome::BadRequest);
        metrics.counters().skill_cards.add("weather", CardReason::NotSignedIn);
        metrics.counters().skill_cards.add("made up", CardReason::NotSignedIn);
        metrics.directories().add("market", DirectoryCount::SignInRefused);
        metrics.directories().add("made up", DirectoryCount::SignInRefused);
        metrics.providers().of("entra").add(ProviderResult::Unavailable, std::time::Duration::from_millis(30));
        metrics.requests("gateway", "Post").add(204);
        let text = metrics.render(MetricsFormat::Prometheus).unwrap();
        for line in [
            "bot_sso_refusals_total{kind=\"user_rate\"} 1",
            "bot_sso_refusals_total{kind=\"caller\"} 0",
            "bot_sso_exchanges_total{bot=\"demo\",connection=\"graph\",outcome=\"kept\"} 1",
            "bot_sso_exchanges_total{bot=\"demo\",connection=\"none\",outcome=\"bad_request\"} 1",
            "bot_sso_skill_cards_total{skill=\"weather\",outcome=\"not_signed_in\"} 1",
            "bot_sso_skill_cards_total{skill=\"weather\",outcome=\"swallowed\"} 0",
            "bot_sso_directory_sign_ins_total{directory=\"market\",outcome=\"refused\"} 1",
            "bot_sso_directory_tokens_total{directory=\"market\",grant=\"authorization_code\"} 0",
            "bot_sso_identity_provider_call_duration_seconds_count{provider=\"entra\",result=\"unavailable\"} 1",
            "bot_sso_identity_provider_reachable{provider=\"entra\"} 0",
            "bot_sso_requests_total{door=\"gateway\",operation=\"Post\",status=\"2xx\"} 1",
        ] {
            assert!(text.lines().any(|written| written == line), "{line} in {text}");
        }
    }
}
