use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::table::Metric;

/// The labels of one series.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Labels(Vec<(&'static str, String)>);

impl EncodeLabelSet for Labels {
    fn encode(&self, encoder: &mut prometheus_client::encoding::LabelSetEncoder<'_>) -> Result<(), std::fmt::Error> {
        self.0.encode(encoder)
    }
}

impl Labels {
    /// The labels of a series of `metric`, whose values are given in the order of the table.
    fn of(metric: &Metric, values: &[&str]) -> Self {
        debug_assert_eq!(metric.labels.len(), values.len(), "{}", metric.name);
        Self(metric.labels.iter().copied().zip(values.iter().map(|value| (*value).to_owned())).collect())
    }
}

/// All series of one counter. A series is made when it is first asked for, and keeps its place in memory, so the
/// code that counts looks it up once.
#[derive(Clone, Debug)]
pub(super) struct CounterSeries {
    metric: &'static Metric,
    family: Family<Labels, Counter>,
}

impl CounterSeries {
    pub(super) fn register(metric: &'static Metric, registry: &mut Registry) -> Self {
        let family = Family::default();
        registry.register(metric.name, metric.help, family.clone());
        Self { metric, family }
    }

    pub(super) fn is_of(&self, metric: &Metric) -> bool {
        self.metric.name == metric.name
    }

    pub(super) fn get(&self, values: &[&str]) -> Counter {
        self.family.get_or_create_owned(&Labels::of(self.metric, values))
    }
}

/// All series of one gauge.
#[derive(Clone, Debug)]
pub(super) struct GaugeSeries {
    metric: &'static Metric,
    family: Family<Labels, Gauge>,
}

impl GaugeSeries {
    pub(super) fn register(metric: &'static Metric, registry: &mut Registry) -> Self {
        let family = Family::default();
        registry.register(metric.name, metric.help, family.clone());
        Self { metric, family }
    }

    pub(super) fn get(&self, values: &[&str]) -> Gauge {
        self.family.get_or_create_owned(&Labels::of(self.metric, values))
    }

    /// Removes all series, so that those that are made next are the only ones.
    pub(super) fn clear(&self) {
        self.family.clear();
    }
}

/// All series of one histogram.
#[derive(Clone, Debug)]
pub(super) struct HistogramSeries {
    metric: &'static Metric,
    family: Family<Labels, Histogram, fn() -> Histogram>,
}

impl HistogramSeries {
    pub(super) fn register(metric: &'static Metric, buckets: fn() -> Histogram, registry: &mut Registry) -> Self {
        let family = Family::new_with_constructor(buckets);
        registry.register(metric.name, metric.help, family.clone());
        Self { metric, family }
    }

    pub(super) fn get(&self, values: &[&str]) -> Histogram {
        self.family.get_or_create_owned(&Labels::of(self.metric, values))
    }
}
