use quick_cache::sync::Cache;

use super::slot_record::SlotRecord;
use crate::domain::{Fingerprint, Fingerprints, RecordKey, TokenSlot};
use crate::records::Collection;

/// Record keys that are cached; each takes some hundred bytes.
const MAX_CACHED_KEYS: usize = 32_768;

/// The record keys of slots. The key of a slot never changes and costs a MAC, so recently used keys are cached. The
/// cache is indexed by fingerprints, which cost a fraction of a MAC.
pub(in crate::vault) struct SlotKeys {
    tokens: Collection<SlotRecord>,
    fingerprints: Fingerprints,
    recent: Cache<Fingerprint, RecordKey>,
}

impl SlotKeys {
    pub(in crate::vault) fn new(tokens: Collection<SlotRecord>) -> Self {
        Self { tokens, fingerprints: Fingerprints::new(), recent: Cache::new(MAX_CACHED_KEYS) }
    }

    /// Gets the key of the record of `slot`.
    pub(in crate::vault) fn get(&self, slot: &TokenSlot) -> RecordKey {
        let parts = slot.key_parts();
        let parts = parts.each_ref().map(|part| &**part);
        let fingerprint = self.fingerprints.compute_for_parts(&parts);
        if let Some(key) = self.recent.get(&fingerprint) {
            return key;
        }
        let key = self.tokens.key(&parts.map(str::as_bytes));
        self.recent.insert(fingerprint, key);
        key
    }
}
