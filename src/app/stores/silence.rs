use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::sleep;

use crate::observability::Metrics;
use crate::records::Replicas;

/// How often the silence of the store is looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);

/// Shows in the metrics whether the shared store is silent, and logs when its silence begins and ends, until the replicas are
/// dropped.
pub(super) fn report_silence(replicas: &Arc<Replicas>, metrics: &Metrics) {
    let shown = Arc::downgrade(replicas);
    metrics.show_store_silence(move || shown.upgrade().is_some_and(|replicas| replicas.is_store_silent()));
    tokio::spawn(watch_silence(Arc::downgrade(replicas)));
}

async fn watch_silence(replicas: Weak<Replicas>) {
    let mut was_silent = false;
    loop {
        sleep(LOOK_INTERVAL).await;
        let Some(replicas) = replicas.upgrade() else { return };
        let is_silent = replicas.is_store_silent();
        if is_silent && !was_silent {
            tracing::warn!(
                "the shared store is silent: sign-outs at other replicas may not be known here; tokens in memory are used \
                 until store.l1_grace_s is over"
            );
        }
        if !is_silent && was_silent {
            tracing::info!("the shared store answers again");
        }
        was_silent = is_silent;
    }
}
