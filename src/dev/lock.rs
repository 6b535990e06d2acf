use std::sync::{Mutex, MutexGuard, PoisonError};

/// Takes a lock; a panic elsewhere does not make the stage's simple maps inconsistent.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
