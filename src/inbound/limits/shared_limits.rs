use std::any::Any;
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::timeout;

use crate::domain::SharedClock;
use crate::inbound::client::ClientNetwork;
use crate::records::catalogue::{DOOR_RATE, WRONG_CREDENTIALS};
use crate::records::{Records, SharedRate};

/// The window in which wrong guesses of all replicas are counted.
const GUESS_WINDOW: Duration = Duration::from_mins(1);
/// How long a guess waits for the count of all replicas. After that, the count of its own replica alone decides.
const COUNT_PATIENCE: Duration = Duration::from_millis(500);

/// What the limits of the doors are made from: the clock, and the store in which replicas count together.
#[derive(Clone)]
pub struct SharedLimits {
    records: Records,
    clock: SharedClock,
    /// What this process has counted, by the kind and the name of the limit: the doors of a reloaded configuration count on
    /// where those before it have stopped.
    counted: Arc<Mutex<HashMap<CountedName, Arc<dyn Any + Send + Sync>>>>,
}

#[derive(PartialEq, Eq, Hash)]
struct CountedName {
    kind: &'static str,
    name: &'static str,
}

/// The wrong guesses that all replicas count. Windows of a minute begin at multiples of it.
pub(in crate::inbound) struct SharedGuesses {
    records: Records,
    /// What is guessed. Each has counts of its own.
    name: &'static str,
}

impl SharedLimits {
    /// Limits that this process counts by `clock`, and all replicas in the store of `records` if it is shared.
    #[must_use]
    pub fn new(records: &Records, clock: SharedClock) -> Self {
        Self { records: records.clone(), clock, counted: Arc::default() }
    }

    /// The limits of each replica of `beneath`.
    #[cfg(test)]
    pub(in crate::inbound) fn of_replicas(beneath: &crate::records::testing::ThrowawayReplicas) -> Vec<Self> {
        beneath.replicas.iter().map(|records| Self::new(records, beneath.shared_clock.clone())).collect()
    }

    /// What this process counts for the limit `name`, which `make` makes when it is first asked for.
    pub(in crate::inbound) fn find_counted<T: Send + Sync + 'static>(
        &self,
        name: &'static str,
        make: impl FnOnce() -> T,
    ) -> Arc<T> {
        let name = CountedName { kind: std::any::type_name::<T>(), name };
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Ok(known)) = counted.get(&name).map(|known| Arc::clone(known).downcast::<T>()) {
            return known;
        }
        let counts = Arc::new(make());
        counted.insert(name, counts.clone());
        counts
    }

    /// The clock of this process.
    #[must_use]
    pub fn clock(&self) -> &SharedClock {
        &self.clock
    }

    pub(super) fn rate(&self, count: NonZeroU32, window: Duration) -> SharedRate {
        SharedRate::new(&self.records, &DOOR_RATE, count, window)
    }

    /// The count of guesses at `name`; `None` over an exclusive store.
    pub(in crate::inbound) fn guesses(&self, name: &'static str) -> Option<SharedGuesses> {
        self.records.replicas().is_some().then(|| SharedGuesses { records: self.records.clone(), name })
    }
}

impl SharedGuesses {
    /// Adds `guesses` of `client` to the count of the present window, and returns the sum. `None` if the store does not answer:
    /// a right credential is never refused for wrong ones, so the count of this process decides then.
    pub(in crate::inbound) async fn count(&self, client: Option<ClientNetwork>, guesses: u8) -> Option<u32> {
        if self.records.replicas().is_some_and(|replicas| replicas.is_store_silent()) {
            return None;
        }
        let client = client.map(|client| client.first_address().to_string()).unwrap_or_default();
        let millis = i64::try_from(GUESS_WINDOW.as_millis()).unwrap_or(i64::MAX);
        let window = self.records.clock().now().unix_millis().div_euclid(millis).to_be_bytes();
        let parts = [self.name.as_bytes(), client.as_bytes(), &window];
        let counting = self.records.add_to_count(&WRONG_CREDENTIALS, &parts, i64::from(guesses), GUESS_WINDOW * 2);
        match timeout(COUNT_PATIENCE, counting).await {
            Ok(Ok(sum)) => Some(u32::try_from(sum).unwrap_or(u32::MAX)),
            Ok(Err(error)) => {
                tracing::debug!(%error, "wrong guesses are counted by this replica alone: the store failed");
                None
            }
            Err(_) => {
                tracing::debug!("wrong guesses are counted by this replica alone: the store is slow");
                None
            }
        }
    }

    /// How long it takes until the next window begins.
    pub(in crate::inbound) fn time_to_next_window(&self) -> Duration {
        let millis = i64::try_from(GUESS_WINDOW.as_millis()).unwrap_or(i64::MAX);
        let passed = self.records.clock().now().unix_millis().rem_euclid(millis);
        Duration::from_millis(u64::try_from(millis - passed).unwrap_or(0))
    }
}
