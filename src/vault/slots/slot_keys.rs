use quick_cache::sync::Cache;

use super::slot_record::SlotRecord;
use crate::domain::{RecordKey, TokenSlot};
use crate::records::Collection;

/// Record keys that are cached; each takes some 250 bytes with the texts of its slot.
const MAX_CACHED_KEYS: usize = 32_768;

/// The record keys of slots. The key of a slot never changes and costs a MAC, so recently used keys are cached.
pub(in crate::vault) struct SlotKeys {
    tokens: Collection<SlotRecord>,
    recent: Cache<TokenSlot, RecordKey>,
}

impl SlotKeys {
    pub(in crate::vault) fn new(tokens: Collection<SlotRecord>) -> Self {
        Self { tokens, recent: Cache::new(MAX_CACHED_KEYS) }
    }

    /// Gets the key of the record of `slot`.
    pub(in crate::vault) fn get(&self, slot: &TokenSlot) -> RecordKey {
        if let Some(key) = self.recent.get(slot) {
            return key;
        }
        let key = self.tokens.key_from_texts(&slot.key_parts());
        self.recent.insert(slot.clone(), key);
        key
    }
}
