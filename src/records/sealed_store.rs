use std::collections::HashSet;
use std::sync::Arc;

use super::{MacPurpose, RecordError};
use crate::domain::{RecordKey, SharedClock, Timestamp};
use crate::sealing::Sealer;
use crate::store::Store;

/// The store, the sealer that seals and names its records, and the clock that decides when records expire. Clones share
/// the same store.
#[derive(Clone)]
pub struct Records {
    pub(super) store: Arc<dyn Store>,
    pub(super) sealer: Arc<Sealer>,
    clock: SharedClock,
}

/// Proof that no other process writes to the store. Only [`Records::single_writer`] creates it.
///
/// Every type that keeps state in memory that another process could change (generations, epochs, pins, tokens,
/// deduplication, replay caches, throttles) takes this proof in its constructor. A shared store gives no proof, so such
/// a type cannot be built over it by mistake.
#[derive(Clone, Copy, Debug)]
pub struct SingleWriter(());

impl Records {
    /// Keeps records in `store`, sealed by `sealer`, and judges their end by `clock`.
    pub fn new(store: Arc<dyn Store>, sealer: Arc<Sealer>, clock: SharedClock) -> Self {
        Self { store, sealer, clock }
    }

    /// Computes a keyed digest of `parts`, which a rotation of the sealing keys does not change. The boundaries between
    /// parts count: `["ab", "c"]` and `["a", "bc"]` have different digests.
    #[must_use]
    pub fn mac(&self, purpose: &'static MacPurpose, parts: &[&[u8]]) -> [u8; 32] {
        self.sealer.mac(purpose.purpose, parts)
    }

    /// The proof that only this process writes to the store; `None` if the store is shared.
    #[must_use]
    pub fn single_writer(&self) -> Option<SingleWriter> {
        self.store.is_exclusive().then_some(SingleWriter(()))
    }

    /// The clock that decides when records expire.
    #[must_use]
    pub fn clock(&self) -> &SharedClock {
        &self.clock
    }

    /// Lists the keys of all records, of every kind, that expire at or before `until`, together with the keys of their
    /// indexes. Returns `None` if there are more than `limit` such records. Call this at start-up only, because it may
    /// read that many records.
    ///
    /// # Errors
    /// [`RecordError::Store`] if the store fails.
    pub async fn list_keys_expiring_by(
        &self,
        until: Timestamp,
        limit: usize,
    ) -> Result<Option<HashSet<RecordKey>>, RecordError> {
        let expiring = self.store.list_expiring_by(until, limit + 1).await?;
        if expiring.len() > limit {
            return Ok(None);
        }
        Ok(Some(expiring.into_iter().flat_map(|(key, index)| std::iter::once(key).chain(index)).collect()))
    }
}
