use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::epoch::UserEpoch;
use crate::domain::RecordKey;

/// The users whose raised epoch the store does not hold yet. Only the operator and the Agent 365 platform raise epochs, so
/// the number of users needs no bound.
#[derive(Default)]
pub(super) struct UnstoredEpochs {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    cells: HashMap<RecordKey, Arc<UserEpoch>>,
    is_retrying: bool,
}

impl UnstoredEpochs {
    /// Adds a user's epoch. Returns whether the caller must start the task that writes the epochs again.
    pub(super) fn add(&self, cell: &Arc<UserEpoch>) -> bool {
        let mut state = self.lock();
        state.cells.insert(*cell.key(), Arc::clone(cell));
        !std::mem::replace(&mut state.is_retrying, true)
    }

    pub(super) fn remove(&self, cell: &UserEpoch) {
        self.lock().cells.remove(cell.key());
    }

    pub(super) fn list(&self) -> Vec<Arc<UserEpoch>> {
        self.lock().cells.values().cloned().collect()
    }

    pub(super) fn len(&self) -> usize {
        self.lock().cells.len()
    }

    /// If there is no epoch left, the next one that is added starts a new task. Returns whether that is so.
    pub(super) fn end_retries_if_empty(&self) -> bool {
        let mut state = self.lock();
        let is_empty = state.cells.is_empty();
        state.is_retrying = !is_empty;
        is_empty
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
