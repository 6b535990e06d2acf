//! Records that several replicas share, for the unit tests of other rooms.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::{OffsetClock, SharedClock, SystemClock, SystemEntropy};
use crate::records::Records;
use crate::sealing::{KeyRing, Sealer};
use crate::store::testing::{redis_settings, redis_store};

/// The records of replicas that share one store and one clock, each over a connection of its own.
pub(crate) struct ThrowawayReplicas {
    pub(crate) replicas: Vec<Records>,
    pub(crate) clock: Arc<OffsetClock>,
    pub(crate) shared_clock: SharedClock,
}

/// The records of `count` replicas. Their store is empty.
pub(crate) async fn throwaway_replicas(count: usize) -> ThrowawayReplicas {
    let (settings, clock) = (redis_settings(), Arc::new(OffsetClock::default()));
    let shared_clock: SharedClock = clock.clone();
    let ring = KeyRing::generate(&SystemClock, &SystemEntropy);
    let mut replicas = Vec::new();
    for _ in 0..count {
        let store = redis_store(&settings, shared_clock.clone()).await;
        let sealer = Arc::new(Sealer::new(ring.clone(), Arc::new(SystemEntropy)));
        replicas.push(Records::new(store, sealer, shared_clock.clone()));
    }
    ThrowawayReplicas { replicas, clock, shared_clock }
}

impl ThrowawayReplicas {
    /// Lets `span` pass, and waits until every replica has heard from the store since.
    pub(crate) async fn advance(&self, span: Duration) {
        self.clock.advance(span);
        let is_silent = |records: &Records| records.replicas().is_some_and(|replicas| replicas.is_store_silent());
        while self.replicas.iter().any(is_silent) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}
