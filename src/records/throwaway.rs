//! Records for unit tests of other rooms, which need to name neither a back end nor a key ring.
#![allow(clippy::unwrap_used)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;

use super::{RecordKey, Records};
use crate::domain::{Clock as _, OffsetClock, SharedClock, SystemClock, SystemEntropy};
use crate::sealing::{KeyRing, Sealer};
use crate::store::{Record, Store, ThrowawayStore, throwaway_store};

/// Records for one unit test: on disk, gone with this value.
pub(crate) struct ThrowawayRecords {
    pub(crate) records: Records,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) sealer: Arc<Sealer>,
    pub(crate) clock: Arc<OffsetClock>,
    pub(crate) shared_clock: SharedClock,
    ring: Mutex<KeyRing>,
    _beneath: ThrowawayStore,
}

pub(crate) fn throwaway_records() -> ThrowawayRecords {
    let beneath = throwaway_store();
    let ring = KeyRing::generate(&SystemClock, &SystemEntropy);
    let sealer = Arc::new(Sealer::new(ring.clone(), Arc::new(SystemEntropy)));
    ThrowawayRecords {
        records: Records::new(beneath.store.clone(), sealer.clone(), beneath.shared_clock.clone()),
        store: beneath.store.clone(),
        sealer,
        clock: beneath.clock.clone(),
        shared_clock: beneath.shared_clock.clone(),
        ring: Mutex::new(ring),
        _beneath: beneath,
    }
}

impl ThrowawayRecords {
    /// Puts `sealed` under `key` for an hour, whatever it is.
    pub(crate) async fn overwrite(&self, key: RecordKey, sealed: Bytes) {
        let expires_at = self.clock.now().plus(Duration::from_hours(1));
        self.store.put(key, Record { value: sealed, expires_at, index: None }).await.unwrap();
    }

    /// Rotates the keys; what is sealed from here on is sealed under the new one.
    pub(crate) fn rotate_keys(&self) {
        let mut ring = self.ring.lock().unwrap();
        *ring = ring.rotated(&SystemClock, &SystemEntropy);
        self.sealer.replace(ring.clone()).unwrap();
    }

    /// The same records, as a process sees them that has read the key file just now.
    pub(crate) fn reopened(&self) -> Records {
        let sealer = Arc::new(Sealer::new(self.ring.lock().unwrap().clone(), Arc::new(SystemEntropy)));
        Records::new(self.store.clone(), sealer, self.shared_clock.clone())
    }
}
