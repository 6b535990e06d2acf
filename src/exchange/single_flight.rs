use std::future::Future;
use std::hash::Hash;
use std::sync::Arc;

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use tokio::sync::watch;

/// Work of which there is at most one of a kind under way. Whoever comes meanwhile shares its outcome.
///
/// The work runs in a task of its own: nobody who waits for it, and hangs up, ends it for the others. The map is locked
/// shard-wise and never across an await.
pub(super) struct SingleFlight<K: Eq + Hash, V> {
    flights: Arc<DashMap<K, Flight<V>>>,
}

/// Work under way. Its outcome comes, or the sender goes: then the work panicked.
pub(super) type Flight<V> = watch::Receiver<Option<V>>;

impl<K, V> SingleFlight<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    pub(super) fn new() -> Self {
        Self { flights: Arc::new(DashMap::new()) }
    }

    /// The work of this key, which is begun if nobody has.
    pub(super) fn join<F>(&self, key: K, begin: impl FnOnce() -> F) -> Flight<V>
    where
        F: Future<Output = V> + Send + 'static,
    {
        match self.flights.entry(key) {
            Entry::Occupied(flight) => flight.get().clone(),
            Entry::Vacant(place) => {
                let (sender, receiver) = watch::channel(None);
                let landing = Landing { flights: Arc::clone(&self.flights), key: place.key().clone() };
                place.insert(receiver.clone());
                let work = begin();
                tokio::spawn(async move {
                    let _landing = landing;
                    let outcome = work.await;
                    sender.send_replace(Some(outcome));
                });
                receiver
            }
        }
    }
}

/// Frees the key, also if the work panics.
struct Landing<K: Eq + Hash, V> {
    flights: Arc<DashMap<K, Flight<V>>>,
    key: K,
}

impl<K: Eq + Hash, V> Drop for Landing<K, V> {
    fn drop(&mut self) {
        self.flights.remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn those_who_come_meanwhile_share_the_outcome_and_the_next_begins_anew() {
        let flights = SingleFlight::<u8, usize>::new();
        let (begun, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let join = |key| {
            let (begun, gate) = (begun.clone(), gate.clone());
            flights.join(key, || async move {
                gate.notified().await;
                begun.fetch_add(1, Ordering::SeqCst)
            })
        };
        let mut waiting = vec![join(1), join(1), join(1)];
        gate.notify_one();
        for flight in &mut waiting {
            assert_eq!(*flight.wait_for(Option::is_some).await.unwrap(), Some(0));
        }
        while !flights.flights.is_empty() {
            tokio::task::yield_now().await;
        }
        let mut next = join(1);
        gate.notify_one();
        assert_eq!(*next.wait_for(Option::is_some).await.unwrap(), Some(1));
    }

    #[tokio::test]
    async fn work_that_panics_frees_its_key_and_those_who_wait() {
        let flights = SingleFlight::<u8, ()>::new();
        let mut flight = flights.join(1, || async { panic!("on purpose") });
        assert!(flight.wait_for(Option::is_some).await.is_err());
        while !flights.flights.is_empty() {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn nobody_who_leaves_ends_the_work() {
        let flights = SingleFlight::<u8, ()>::new();
        let (gate, done) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (opened, finished) = (gate.clone(), done.clone());
        drop(flights.join(1, || async move {
            opened.notified().await;
            finished.notify_one();
        }));
        gate.notify_one();
        done.notified().await;
    }
}
