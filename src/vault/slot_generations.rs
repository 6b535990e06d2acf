use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::domain::RecordKey;
use crate::records::SingleWriter;
use crate::single_flight::{Registered, WeakRegistry};

/// The present generation of a slot, which the slot's next sign-out supersedes. It becomes a [`Permit`](super::Permit)
/// once it is known whose token is to be kept, and is to be drawn before that is asked.
#[derive(Clone)]
pub struct SlotGeneration(Arc<Registered<RecordKey, IsSuperseded>>);

struct IsSuperseded(AtomicBool);

impl SlotGeneration {
    /// Whether the slot was signed out since. To be asked under the slot's write order.
    pub(super) fn is_superseded(&self) -> bool {
        self.0.0.load(Ordering::SeqCst)
    }

    /// The slot's record.
    pub(super) fn key(&self) -> RecordKey {
        *self.0.key()
    }
}

/// Which redemptions began before which sign-out of a slot.
///
/// A generation is kept in memory only and only while a redemption holds it: every write to the store goes through this
/// process, which [`SingleWriter`] proves, and a redemption that was under way when a process ended cannot write any
/// more. (A store that processes share would need the generation in the record.)
pub(super) struct SlotGenerations {
    registry: WeakRegistry<RecordKey, IsSuperseded>,
}

impl SlotGenerations {
    pub(super) fn new(_: SingleWriter) -> Self {
        Self { registry: WeakRegistry::default() }
    }

    /// The present generation of the slot.
    pub(super) fn current(&self, key: RecordKey) -> SlotGeneration {
        SlotGeneration(self.registry.get_or_register(key, |_| IsSuperseded(AtomicBool::new(false))))
    }

    /// Supersedes the slot's generation: what began in it keeps nothing. To be called under the slot's write order.
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
    use crate::records::testing::throwaway_records;

    fn generations() -> SlotGenerations {
        SlotGenerations::new(throwaway_records().records.single_writer().unwrap())
    }

    #[test]
    fn a_sign_out_ends_what_began_before_it_and_nothing_else() {
        let generations = generations();
        let (slot, other) = (RecordKey([1; 32]), RecordKey([2; 32]));
        let (before, elsewhere) = (generations.current(slot), generations.current(other));
        generations.supersede(slot);
        let after = generations.current(slot);
        assert!(before.is_superseded());
        assert!(!after.is_superseded() && !elsewhere.is_superseded());
        drop(before);
        let same = generations.current(slot);
        assert!(Arc::ptr_eq(&after.0, &same.0), "the ended one leaves its successor in place");
    }

    #[test]
    fn nothing_is_remembered_of_slots_that_nobody_works_on() {
        let generations = generations();
        drop(generations.current(RecordKey([1; 32])));
        generations.supersede(RecordKey([2; 32]));
        assert!(generations.registry.is_empty());
    }
}
