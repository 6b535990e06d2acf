use std::sync::Arc;

use quick_cache::sync::Cache;

use crate::domain::{Fingerprint, Fingerprints, TokenSlot};
use crate::sealing::Sealer;
use crate::store::RecordKey;

/// Names remembered, at some hundred bytes each.
const RECENT_SLOTS: usize = 32_768;

/// The records' names of slots. A name never changes and costs a MAC: those lately asked for are remembered, by
/// fingerprints that cost a fraction of it.
pub(super) struct SlotNames {
    sealer: Arc<Sealer>,
    fingerprints: Fingerprints,
    recent: Cache<Fingerprint, RecordKey>,
}

impl SlotNames {
    pub(super) fn new(sealer: Arc<Sealer>) -> Self {
        Self { sealer, fingerprints: Fingerprints::new(), recent: Cache::new(RECENT_SLOTS) }
    }

    /// The name of the record of `slot`, of this `purpose`.
    pub(super) fn of(&self, purpose: &str, slot: &TokenSlot) -> RecordKey {
        let parts = slot.key_parts();
        let parts = parts.each_ref().map(|part| &**part);
        let fingerprint = self.fingerprints.of_parts(&parts);
        if let Some(name) = self.recent.get(&fingerprint) {
            return name;
        }
        let name = RecordKey(self.sealer.mac(purpose, &parts.map(str::as_bytes)));
        self.recent.insert(fingerprint, name);
        name
    }
}
