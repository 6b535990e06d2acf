use quick_cache::sync::Cache;

use super::kept_token::TokenRecord;
use crate::domain::{Fingerprint, Fingerprints, RecordKey, TokenSlot};
use crate::records::Collection;

/// Names remembered, at some hundred bytes each.
const RECENT_SLOTS: usize = 32_768;

/// The names of slots' records. A name never changes and costs a MAC: those lately asked for are remembered, by
/// fingerprints that cost a fraction of it.
pub(super) struct SlotNames {
    tokens: Collection<TokenRecord>,
    fingerprints: Fingerprints,
    recent: Cache<Fingerprint, RecordKey>,
}

impl SlotNames {
    pub(super) fn new(tokens: Collection<TokenRecord>) -> Self {
        Self { tokens, fingerprints: Fingerprints::new(), recent: Cache::new(RECENT_SLOTS) }
    }

    /// The key of the record of `slot`.
    pub(super) fn of(&self, slot: &TokenSlot) -> RecordKey {
        let parts = slot.key_parts();
        let parts = parts.each_ref().map(|part| &**part);
        let fingerprint = self.fingerprints.of_parts(&parts);
        if let Some(name) = self.recent.get(&fingerprint) {
            return name;
        }
        let name = self.tokens.key(&parts.map(str::as_bytes));
        self.recent.insert(fingerprint, name);
        name
    }
}
