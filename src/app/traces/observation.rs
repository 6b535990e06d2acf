use std::sync::Arc;

use crate::domain::{ExchangeEvent, ExchangeObservation, ExchangeObserver};
use crate::observability::TraceNotes;

/// Tells two observers.
struct Both(Arc<dyn ExchangeObserver>, Arc<dyn ExchangeObserver>);

impl ExchangeObserver for Both {
    fn observe(&self, event: &ExchangeEvent<'_>) {
        self.0.observe(event);
        self.1.observe(event);
    }

    fn wants_answers(&self) -> bool {
        self.0.wants_answers() || self.1.wants_answers()
    }
}

/// Tells the observer of development, if there is one, and traces, if there are some.
pub(in crate::app) fn build_observation(
    development: Option<Arc<dyn ExchangeObserver>>,
    has_traces: bool,
) -> ExchangeObservation {
    let notes = has_traces.then(|| Arc::new(TraceNotes) as Arc<dyn ExchangeObserver>);
    match (development, notes) {
        (Some(development), Some(notes)) => ExchangeObservation::by(Arc::new(Both(development, notes))),
        (Some(only), None) | (None, Some(only)) => ExchangeObservation::by(only),
        (None, None) => ExchangeObservation::default(),
    }
}
