use std::collections::HashSet;
use std::sync::Arc;

use super::replicas::{CopyTrust, Replicas};
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
    /// `None` if the store is exclusive.
    replicas: Option<Arc<Replicas>>,
}

impl Records {
    /// Keeps records in `store`, sealed by `sealer`, and judges their end by `clock`.
    pub fn new(store: Arc<dyn Store>, sealer: Arc<Sealer>, clock: SharedClock) -> Self {
        Self::with_copy_trust(store, sealer, clock, CopyTrust::default())
    }

    /// As [`Records::new`]; `copies` says how long copies of the records of a shared store may be used.
    pub fn with_copy_trust(store: Arc<dyn Store>, sealer: Arc<Sealer>, clock: SharedClock, copies: CopyTrust) -> Self {
        let replicas =
            (!store.is_exclusive()).then(|| Arc::new(Replicas::new(Arc::clone(&store), clock.clone(), copies)));
        Self { store, sealer, clock, replicas }
    }

    /// The other processes that use the store; `None` if the store is exclusive.
    #[must_use]
    pub fn replicas(&self) -> Option<&Arc<Replicas>> {
        self.replicas.as_ref()
    }

    /// Computes a keyed digest of `parts`, which a rotation of the sealing keys does not change. The boundaries between
    /// parts count: `["ab", "c"]` and `["a", "bc"]` have different digests.
    #[must_use]
    pub fn mac(&self, purpose: &'static MacPurpose, parts: &[&[u8]]) -> [u8; 32] {
        self.sealer.mac(purpose.purpose, parts)
    }

    /// Draws 128 random bits, which name something among the replicas.
    #[must_use]
    pub fn draw_id(&self) -> [u8; 16] {
        self.sealer.draw_id()
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
