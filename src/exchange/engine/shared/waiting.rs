use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::domain::RecordKey;
use crate::records::ChangeListener;

/// The exchanges of this engine that wait for another replica, by the names of their states. The engine joins duplicates
/// first, so each exchange waits once.
#[derive(Default)]
pub(super) struct WaitingExchanges(DashMap<RecordKey, Arc<Notify>>);

/// An exchange that waits. It ends when this value is dropped.
pub(super) struct WaitingExchange {
    all: Arc<WaitingExchanges>,
    name: RecordKey,
    told: Arc<Notify>,
}

impl WaitingExchanges {
    /// From now on, word of the exchange `name` is not missed.
    pub(super) fn enter(self: &Arc<Self>, name: RecordKey) -> WaitingExchange {
        let told = Arc::<Notify>::default();
        self.0.insert(name, Arc::clone(&told));
        WaitingExchange { all: Arc::clone(self), name, told }
    }
}

impl ChangeListener for WaitingExchanges {
    fn changed(&self, key: RecordKey, _: &[u8]) {
        if let Some(told) = self.0.get(&key) {
            told.notify_one();
        }
    }

    fn all_may_have_changed(&self) {
        for told in &self.0 {
            told.notify_one();
        }
    }
}

impl WaitingExchange {
    /// Waits until a replica tells of the exchange, for `pause` at most. Returns whether one has.
    pub(super) async fn is_told_within(&self, pause: Duration) -> bool {
        timeout(pause, self.told.notified()).await.is_ok()
    }
}

impl Drop for WaitingExchange {
    fn drop(&mut self) {
        self.all.0.remove_if(&self.name, |_, told| Arc::ptr_eq(told, &self.told));
    }
}
