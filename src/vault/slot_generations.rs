use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::domain::{RecordKey, TokenSlot};
use crate::records::SingleWriter;
use crate::single_flight::{Registered, WeakRegistry};

/// The generation of a slot, which ends with the slot's next sign-out. A caller gets it before it asks the identity
/// provider who the user is. As soon as the user is known, the generation becomes part of a [`Permit`](super::Permit).
#[derive(Clone)]
pub struct SlotGeneration {
    registered: Arc<Registered<RecordKey, IsSuperseded>>,
    slot: TokenSlot,
}

struct IsSuperseded(AtomicBool);

impl SlotGeneration {
    /// Whether the slot was signed out after this generation began. Call this while holding the slot's write lock.
    pub(super) fn is_superseded(&self) -> bool {
        self.registered.0.load(Ordering::SeqCst)
    }

    /// The key of the slot's record.
    pub(super) fn key(&self) -> RecordKey {
        *self.registered.key()
    }

    pub(super) fn slot(&self) -> &TokenSlot {
        &self.slot
    }
}

/// The current generations of all slots. They separate the redemptions that began before a sign-out of a slot from
/// those that began after it.
///
/// A generation exists only in memory, and only while a redemption holds it. That is sufficient because every write to
/// the store goes through this process, which [`SingleWriter`] proves, and because a redemption ends with its process.
/// A store that several processes share would need the generation in the record.
pub(super) struct SlotGenerations {
    registry: WeakRegistry<RecordKey, IsSuperseded>,
}

impl SlotGenerations {
    pub(super) fn new(_: SingleWriter) -> Self {
        Self { registry: WeakRegistry::default() }
    }

    /// The current generation of `slot`, whose record has the key `key`.
    pub(super) fn current(&self, key: RecordKey, slot: &TokenSlot) -> SlotGeneration {
        let registered = self.registry.get_or_register(key, |_| IsSuperseded(AtomicBool::new(false)));
        SlotGeneration { registered, slot: slot.clone() }
    }

    /// Ends the slot's generation: a redemption that began in it can keep no token. Call this while holding the slot's
    /// write lock.
    pub(super) fn supersede(&self, key: RecordKey) {
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
        SlotGenerations::new(throwaway_records().records.single_writer().unwrap())
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
        let (before, elsewhere) = (generations.current(slot, &sample), generations.current(other, &sample));
        generations.supersede(slot);
        let after = generations.current(slot, &sample);
        assert!(before.is_superseded());
        assert!(!after.is_superseded() && !elsewhere.is_superseded());
        drop(before);
        let same = generations.current(slot, &sample);
        assert!(
            Arc::ptr_eq(&after.registered, &same.registered),
            "the superseded generation leaves its successor in place"
        );
    }

    #[test]
    fn a_slot_without_a_redemption_has_no_generation_in_memory() {
        let generations = generations();
        drop(generations.current(RecordKey([1; 32]), &sample_slot()));
        generations.supersede(RecordKey([2; 32]));
        assert!(generations.registry.is_empty());
    }
}
