use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use dashmap::{DashMap, Entry};

use crate::store::RecordKey;

type Registry = DashMap<RecordKey, Weak<Turn>>;

/// The redemptions under way for one slot: those that began since it was last signed out.
pub(super) struct Turn {
    key: RecordKey,
    over: AtomicBool,
    registry: Arc<Registry>,
}

impl Turn {
    /// Whether the slot was signed out since. To be asked under the slot's write order.
    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        // Meanwhile another one may have taken the place: that one is alive and stays.
        self.registry.remove_if(&self.key, |_, registered| registered.strong_count() == 0);
    }
}

/// Which redemptions began before which sign-out of a slot.
///
/// This is the slot's generation, kept in memory only and only while somebody holds it: every write to the store goes
/// through this process, and what was under way when a process ended cannot write any more. (A store that processes
/// share would need it in the record.)
#[derive(Default)]
pub(super) struct Turns {
    registry: Arc<Registry>,
}

impl Turns {
    /// The present turn of the slot.
    pub(super) fn begin(&self, key: RecordKey) -> Arc<Turn> {
        match self.registry.entry(key) {
            Entry::Occupied(mut place) => place.get().upgrade().unwrap_or_else(|| {
                let turn = self.fresh(key);
                place.insert(Arc::downgrade(&turn));
                turn
            }),
            Entry::Vacant(place) => {
                let turn = self.fresh(key);
                place.insert(Arc::downgrade(&turn));
                turn
            }
        }
    }

    /// Ends the slot's turn: whoever began before keeps nothing. To be called under the slot's write order.
    pub(super) fn end(&self, key: RecordKey) {
        let ended = self.registry.remove(&key);
        if let Some(turn) = ended.and_then(|(_, registered)| registered.upgrade()) {
            turn.over.store(true, Ordering::SeqCst);
        }
    }

    fn fresh(&self, key: RecordKey) -> Arc<Turn> {
        Arc::new(Turn { key, over: AtomicBool::new(false), registry: Arc::clone(&self.registry) })
    }
}

#[cfg(test)]
mod tests {
    use super::{RecordKey, Turns};

    #[test]
    fn a_sign_out_ends_what_began_before_it_and_nothing_else() {
        let turns = Turns::default();
        let (slot, other) = (RecordKey([1; 32]), RecordKey([2; 32]));
        let (before, elsewhere) = (turns.begin(slot), turns.begin(other));
        turns.end(slot);
        let after = turns.begin(slot);
        assert!(before.is_over());
        assert!(!after.is_over() && !elsewhere.is_over());
        drop(before);
        assert!(std::sync::Arc::ptr_eq(&after, &turns.begin(slot)), "the ended one leaves its successor in place");
    }

    #[test]
    fn nothing_is_remembered_of_slots_that_nobody_works_on() {
        let turns = Turns::default();
        drop(turns.begin(RecordKey([1; 32])));
        turns.end(RecordKey([2; 32]));
        assert!(turns.registry.is_empty());
    }
}
