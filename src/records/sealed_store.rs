use std::collections::HashSet;
use std::sync::Arc;

use super::{MacPurpose, RecordError};
use crate::domain::{RecordKey, SharedClock, Timestamp};
use crate::sealing::Sealer;
use crate::store::Store;

/// All that is kept: a store, what seals for it and names its records, and the clock by which they end. Clones share it.
#[derive(Clone)]
pub struct Records {
    pub(super) store: Arc<dyn Store>,
    pub(super) sealer: Arc<Sealer>,
    clock: SharedClock,
}

/// Proof that no other process writes to the store, so that what this process knows of its own writes is all there is to
/// know. It can be had from [`Records::single_writer`] only.
///
/// One writer is a fact that is asked for: whatever keeps in memory what another process could change (generations,
/// epochs, pins, tokens, deduplication, replay caches, throttles) takes this proof when it is made. Over a shared store
/// there is no proof, so that it cannot be made by mistake.
#[derive(Clone, Copy, Debug)]
pub struct SingleWriter(());

impl Records {
    /// Records in `store`. Made once, where the application is put together.
    pub fn new(store: Arc<dyn Store>, sealer: Arc<Sealer>, clock: SharedClock) -> Self {
        Self { store, sealer, clock }
    }

    /// A keyed digest of `parts`, stable across rotations of the keys. Each part counts as a whole: `["ab", "c"]` is not
    /// `["a", "bc"]`.
    #[must_use]
    pub fn mac(&self, purpose: &'static MacPurpose, parts: &[&[u8]]) -> [u8; 32] {
        self.sealer.mac(purpose.purpose, parts)
    }

    /// The proof that this process alone writes here; none if the store is shared.
    #[must_use]
    pub fn single_writer(&self) -> Option<SingleWriter> {
        self.store.is_exclusive().then_some(SingleWriter(()))
    }

    /// The clock by which records end.
    #[must_use]
    pub fn clock(&self) -> &SharedClock {
        &self.clock
    }

    /// The names of all records, of whatever kind, that end before or at `until`, and of their indexes; `None` if there
    /// are more than `most` records. For start-up: it may read that many records.
    ///
    /// # Errors
    /// [`RecordError::Store`] if the store fails.
    pub async fn names_ending_by(
        &self,
        until: Timestamp,
        most: usize,
    ) -> Result<Option<HashSet<RecordKey>>, RecordError> {
        let ending = self.store.list_ending_by(until, most + 1).await?;
        if ending.len() > most {
            return Ok(None);
        }
        Ok(Some(ending.into_iter().flat_map(|(key, index)| std::iter::once(key).chain(index)).collect()))
    }
}
