use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::domain::{CredentialEnd, SharedClock};
use crate::observability::Metrics;

/// How often the log tells of credentials that end soon.
const INTERVAL: Duration = Duration::from_hours(24);

/// When the configured credentials end, as far as it is known. The metrics show it, and the log warns once a day of ends that
/// are near (docs/operating.md §Credentials that end). The task that warns ends with this value.
pub(in crate::app) struct CredentialEnds {
    known: Arc<KnownEnds>,
    task: JoinHandle<()>,
}

struct KnownEnds {
    metrics: Arc<Metrics>,
    clock: SharedClock,
    ends: Mutex<Vec<CredentialEnd>>,
}

impl CredentialEnds {
    /// Shows `ends`, and warns of them every day from now on. The first warning is the configuration's own, at the start.
    pub(in crate::app) fn watch(ends: Vec<CredentialEnd>, metrics: Arc<Metrics>, clock: SharedClock) -> Self {
        metrics.show_credential_ends(&ends);
        let known = Arc::new(KnownEnds { metrics, clock, ends: Mutex::new(ends) });
        let watched = Arc::clone(&known);
        let task = tokio::spawn(async move {
            loop {
                tokio::time::sleep(INTERVAL).await;
                watched.warn();
            }
        });
        Self { known, task }
    }

    /// Takes the ends of a configuration that was read again, and warns at once of those that are near.
    pub(in crate::app) fn replace(&self, ends: Vec<CredentialEnd>) {
        self.known.metrics.show_credential_ends(&ends);
        *self.known.ends.lock().unwrap_or_else(PoisonError::into_inner) = ends;
        self.known.warn();
    }
}

impl KnownEnds {
    fn warn(&self) {
        let now = self.clock.now();
        for end in self.ends.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            if let Some(warning) = end.find_warning(now) {
                tracing::warn!(path = end.place, "{warning}");
            }
        }
    }
}

impl Drop for CredentialEnds {
    fn drop(&mut self) {
        self.task.abort();
    }
}
