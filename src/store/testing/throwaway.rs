use std::sync::Arc;

use crate::domain::{OffsetClock, SharedClock};
use crate::store::{Durability, EmbeddedStore, Store};

/// A store for one unit test: on disk, gone with this value. Other rooms' tests need not name a back end.
pub(crate) struct ThrowawayStore {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<OffsetClock>,
    pub(crate) shared_clock: SharedClock,
    _folder: tempfile::TempDir,
}

#[allow(clippy::unwrap_used, reason = "only in tests")]
pub(crate) fn throwaway_store() -> ThrowawayStore {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(OffsetClock::default());
    let shared_clock: SharedClock = clock.clone();
    let store = EmbeddedStore::open(&folder.path().join("store.db"), Durability::Normal, shared_clock.clone()).unwrap();
    ThrowawayStore { store: Arc::new(store), clock, shared_clock, _folder: folder }
}
