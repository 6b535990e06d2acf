use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::slot_fence::SlotFence;
use super::slot_record::SlotRecord;
use crate::domain::{RecordKey, SharedClock, Timestamp, TokenSlot};
use crate::records::{Collection, Records};
use crate::single_flight::{Registered, WeakRegistry};
use crate::vault::VaultError;

/// The generation of a slot, which ends with the slot's next sign-out. A caller gets it before it asks the identity
/// provider who the user is. As soon as the user is known, the generation becomes part of a [`Permit`](crate::vault::Permit).
#[derive(Clone)]
pub struct SlotGeneration {
    registered: Arc<Registered<RecordKey, IsSuperseded>>,
    slot: TokenSlot,
    /// What stood in the slot's record of a shared store when the generation was drawn.
    fence: Option<SlotFence>,
}

struct IsSuperseded(AtomicBool);

impl SlotGeneration {
    /// Whether this process has signed the slot out after this generation began. Call this while holding the slot's write
    /// lock.
    pub(in crate::vault) fn is_superseded(&self) -> bool {
        self.registered.0.load(Ordering::SeqCst)
    }

    /// The key of the slot's record.
    pub(in crate::vault) fn key(&self) -> RecordKey {
        *self.registered.key()
    }

    pub(in crate::vault) fn slot(&self) -> &TokenSlot {
        &self.slot
    }

    /// Whether no sign-out lies between this generation and `present`, the fence that stands in the slot's record. A fence
    /// that does not stand any more is older than every generation in use.
    pub(in crate::vault) fn passes(&self, present: Option<SlotFence>) -> bool {
        present.is_none_or(|present| self.fence.is_some_and(|known| known.is_same(&present)))
    }

    /// The fence that stood in the slot's record when the generation was drawn, if it still stands.
    pub(in crate::vault) fn fence(&self, now: Timestamp) -> Option<SlotFence> {
        self.fence.filter(|fence| fence.stands(now))
    }

    /// The same generation, drawn while `fence` stood in the slot's record.
    pub(in crate::vault) fn fenced_by(self, fence: Option<SlotFence>) -> Self {
        Self { fence, ..self }
    }
}

/// The current generations of all slots. They separate the redemptions that began before a sign-out of a slot from
/// those that began after it.
///
/// Over an exclusive store a generation exists only in memory, and only while a redemption holds it. That is sufficient
/// because every write to the store goes through this process, and because a redemption ends with its process. Over a shared
/// store the sign-outs of other replicas count as well, which leave a [`SlotFence`] in the record.
pub(in crate::vault) struct SlotGenerations {
    registry: WeakRegistry<RecordKey, IsSuperseded>,
    /// The records of slots in a shared store; `None` if the store is exclusive.
    tokens: Option<Collection<SlotRecord>>,
    clock: SharedClock,
}

impl SlotGenerations {
    pub(in crate::vault) fn new(records: &Records) -> Self {
        let tokens = records.replicas().map(|_| Collection::new(records));
        Self { registry: WeakRegistry::default(), tokens, clock: records.clock().clone() }
    }

    /// The current generation of `slot`, whose record has the key `key`.
    pub(in crate::vault) async fn current(
        &self,
        key: RecordKey,
        slot: &TokenSlot,
    ) -> Result<SlotGeneration, VaultError> {
        let generation = self.begin(key, slot);
        let fence = self.find_fence(key).await?;
        Ok(generation.fenced_by(fence))
    }

    /// Whether the slot was signed out after `generation` began, by this process or over a shared store.
    pub(in crate::vault) async fn is_superseded(&self, generation: &SlotGeneration) -> Result<bool, VaultError> {
        Ok(generation.is_superseded() || !generation.passes(self.find_fence(generation.key()).await?))
    }

    /// The fence that stands in the record under `key` of a shared store.
    async fn find_fence(&self, key: RecordKey) -> Result<Option<SlotFence>, VaultError> {
        let Some(tokens) = &self.tokens else { return Ok(None) };
        let record = tokens.get(key).await?;
        Ok(record.and_then(|record| record.content.fence(self.clock.now())))
    }

    /// The current generation of `slot`, as far as this process knows it.
    pub(in crate::vault) fn begin(&self, key: RecordKey, slot: &TokenSlot) -> SlotGeneration {
        let registered = self.registry.get_or_register(key, |_| IsSuperseded(AtomicBool::new(false)));
        SlotGeneration { registered, slot: slot.clone(), fence: None }
    }

    /// Ends the slot's generation: a redemption that began in it can keep no token. Call this while holding the slot's
    /// write lock.
    pub(in crate::vault) fn supersede(&self, key: RecordKey) {
        if let Some(generation) = self.registry.detach(&key) {
            generation.0.store(true, Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::domain::{Account, BotName, ChannelId, ConnectionName};
    use crate::records::testing::throwaway_records;

    fn generations() -> SlotGenerations {
        SlotGenerations::new(&throwaway_records().records)
    }

    fn sample_slot() -> TokenSlot {
        let account = Account::of_channel(&BotName::new("demo"), ChannelId::new("msteams"), "29:ada");
        TokenSlot::new(&account, &ConnectionName::new("graph"))
    }

    #[test]
    fn supersede_ends_earlier_generations_of_the_slot_only() {
        let generations = generations();
        let (slot, other) = (RecordKey([1; 32]), RecordKey([2; 32]));
        let sample = sample_slot();
        let (before, elsewhere) = (generations.begin(slot, &sample), generations.begin(other, &sample));
        generations.supersede(slot);
        let after = generations.begin(slot, &sample);
        assert!(before.is_superseded());
        assert!(!after.is_superseded() && !elsewhere.is_superseded());
        drop(before);
        let same = generations.begin(slot, &sample);
        assert!(
            Arc::ptr_eq(&after.registered, &same.registered),
            "the superseded generation leaves its successor in place"
        );
    }

    #[test]
    fn a_slot_without_a_redemption_has_no_generation_in_memory() {
        let generations = generations();
        drop(generations.begin(RecordKey([1; 32]), &sample_slot()));
        generations.supersede(RecordKey([2; 32]));
        assert!(generations.registry.is_empty());
    }
}
