use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::hash::Hash;
use std::sync::Arc;

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use tokio::sync::watch;

/// Runs work at most once per key at a time. Every caller that joins while the work runs gets its outcome, including a
/// failure. It is no cache: a caller that joins after the end starts the work again.
///
/// The work runs in its own task, so it continues for the other callers when one caller hangs up. The map is locked per
/// shard, and no lock is held across an await.
pub struct SingleFlight<K: Eq + Hash, V> {
    flights: Arc<DashMap<K, watch::Receiver<Option<V>>>>,
}

/// The handle with which one caller waits for running work.
pub struct Flight<V>(watch::Receiver<Option<V>>);

impl<V: Clone> Flight<V> {
    /// Waits for the outcome; `None` if the work panicked.
    pub async fn outcome(mut self) -> Option<V> {
        self.0.wait_for(Option::is_some).await.ok()?.clone()
    }
}

impl<K: Eq + Hash, V> Default for SingleFlight<K, V> {
    fn default() -> Self {
        Self { flights: Arc::default() }
    }
}

impl<K: Eq + Hash, V> fmt::Debug for SingleFlight<K, V> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SingleFlight(..)")
    }
}

impl<K, V> SingleFlight<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    /// Joins the work that runs for `key`, or starts the future that `begin` returns.
    ///
    /// `begin` is called under the lock of the key's shard, so it must not use this `SingleFlight`.
    pub fn join<F>(&self, key: K, begin: impl FnOnce() -> F) -> Flight<V>
    where
        F: Future<Output = V> + Send + 'static,
    {
        match self.try_join(key, || Ok::<F, Infallible>(begin())) {
            Ok(flight) => flight,
            Err(never) => match never {},
        }
    }

    /// Joins the work that runs for `key`, or starts the future that `begin` returns. `begin` is not called if work
    /// runs.
    ///
    /// # Errors
    /// The error of `begin`, if it returns one. `begin` is called under the lock of the key's shard, so it must not use
    /// this `SingleFlight`.
    pub fn try_join<F, E>(&self, key: K, begin: impl FnOnce() -> Result<F, E>) -> Result<Flight<V>, E>
    where
        F: Future<Output = V> + Send + 'static,
    {
        match self.flights.entry(key) {
            Entry::Occupied(flight) => Ok(Flight(flight.get().clone())),
            Entry::Vacant(entry) => {
                let work = begin()?;
                let (sender, receiver) = watch::channel(None);
                let key_release = KeyRelease { flights: Arc::clone(&self.flights), key: entry.key().clone() };
                entry.insert(receiver.clone());
                tokio::spawn(async move {
                    let key_release = key_release;
                    let outcome = work.await;
                    // The key is released before the outcome is published: a caller that joins afterwards starts new
                    // work.
                    drop(key_release);
                    sender.send_replace(Some(outcome));
                });
                Ok(Flight(receiver))
            }
        }
    }
}

/// Releases the key when it is dropped, also if the work panics.
struct KeyRelease<K: Eq + Hash, V> {
    flights: Arc<DashMap<K, watch::Receiver<Option<V>>>>,
    key: K,
}

impl<K: Eq + Hash, V> Drop for KeyRelease<K, V> {
    fn drop(&mut self) {
        self.flights.remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic)]
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn callers_share_the_outcome_of_running_work_and_a_later_caller_starts_it_again() {
        let flights = SingleFlight::<u8, usize>::default();
        let (begun, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let join = |key| {
            let (begun, gate) = (begun.clone(), gate.clone());
            flights.join(key, || async move {
                gate.notified().await;
                begun.fetch_add(1, Ordering::SeqCst)
            })
        };
        let waiting = vec![join(1), join(1), join(1)];
        gate.notify_one();
        for flight in waiting {
            assert_eq!(flight.outcome().await, Some(0));
        }
        while !flights.flights.is_empty() {
            tokio::task::yield_now().await;
        }
        let next = join(1);
        gate.notify_one();
        assert_eq!(next.outcome().await, Some(1));
    }

    #[tokio::test]
    async fn work_that_panics_releases_its_key_and_its_callers() {
        let flights = SingleFlight::<u8, ()>::default();
        let flight = flights.join(1, || async { panic!("on purpose") });
        assert_eq!(flight.outcome().await, None);
        while !flights.flights.is_empty() {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn work_continues_after_its_caller_hangs_up() {
        let flights = SingleFlight::<u8, ()>::default();
        let (gate, done) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (opened, finished) = (gate.clone(), done.clone());
        drop(flights.join(1, || async move {
            opened.notified().await;
            finished.notify_one();
        }));
        gate.notify_one();
        done.notified().await;
    }

    #[tokio::test]
    async fn try_join_leaves_the_key_free_if_begin_fails_and_joins_running_work() {
        let flights = SingleFlight::<u8, u8>::default();
        let gate = Arc::new(Notify::new());
        let decline = || Err::<std::future::Ready<u8>, _>("not now");
        assert_eq!(flights.try_join(1, decline).err(), Some("not now"));
        let opened = gate.clone();
        let begun = flights.join(1, || async move {
            opened.notified().await;
            7
        });
        let Ok(joined) = flights.try_join(1, decline) else { panic!("the work runs") };
        gate.notify_one();
        assert_eq!((begun.outcome().await, joined.outcome().await), (Some(7), Some(7)));
    }
}
