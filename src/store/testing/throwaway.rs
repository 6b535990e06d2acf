use std::path::Path;
use std::sync::Arc;

use crate::domain::{OffsetClock, SharedClock};
use crate::store::{Durability, EmbeddedStore, Store};

/// A store for one unit test. It is stored on disk and deleted when this value is dropped. With it, the tests of other
/// rooms name no back end.
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
    let store = embedded_store_at(&folder.path().join("store.db"), shared_clock.clone());
    ThrowawayStore { store, clock, shared_clock, _folder: folder }
}

/// Opens the embedded store in the file at `path`.
#[allow(clippy::unwrap_used, reason = "only in tests")]
pub(crate) fn embedded_store_at(path: &Path, clock: SharedClock) -> Arc<dyn Store> {
    Arc::new(EmbeddedStore::open(path, Durability::Normal, clock).unwrap())
}
