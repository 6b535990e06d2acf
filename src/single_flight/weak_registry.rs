use std::fmt;
use std::hash::Hash;
use std::ops::Deref;
use std::sync::{Arc, Weak};

use dashmap::{DashMap, Entry};

type Entries<K, V> = DashMap<K, Weak<Registered<K, V>>>;

/// A map with at most one value per key. A value is registered as long as a caller holds it.
///
/// The registry keeps weak references: a value is dropped with its last [`Arc`], and the drop removes its entry. The
/// map is locked per shard, and no lock is held across an await.
///
/// # The race between the last drop and the next use
///
/// After the last `Arc` of a value is dropped and before [`Registered::drop`] removes its entry, another thread may
/// look up the key. That thread finds a weak reference that cannot be upgraded, and registers a new value. The drop of
/// the old value therefore removes the entry only if the strong count of the entry is zero, under the lock of the
/// entry's shard. A new value that is in use stays. A new value that is being dropped too may be removed: its own drop
/// then finds no entry.
pub struct WeakRegistry<K: Eq + Hash, V> {
    entries: Arc<Entries<K, V>>,
}

/// A value that is registered under its key as long as an [`Arc`] of it exists.
pub struct Registered<K: Eq + Hash, V> {
    key: K,
    value: V,
    entries: Arc<Entries<K, V>>,
}

impl<K: Eq + Hash, V> Default for WeakRegistry<K, V> {
    fn default() -> Self {
        Self { entries: Arc::default() }
    }
}

impl<K: Clone + Eq + Hash, V> WeakRegistry<K, V> {
    /// Gets the registered value of `key`, or registers the value that `make` returns.
    ///
    /// `make` is called under the lock of the key's shard, so that two callers never make a value for the same key. It
    /// must not use this registry.
    pub fn get_or_register(&self, key: K, make: impl FnOnce(&K) -> V) -> Arc<Registered<K, V>> {
        match self.entries.entry(key) {
            Entry::Occupied(mut entry) => entry.get().upgrade().unwrap_or_else(|| {
                let fresh = self.make_entry(entry.key(), make);
                entry.insert(Arc::downgrade(&fresh));
                fresh
            }),
            Entry::Vacant(entry) => {
                let fresh = self.make_entry(entry.key(), make);
                entry.insert(Arc::downgrade(&fresh));
                fresh
            }
        }
    }

    /// Finds the registered value of `key`.
    #[must_use]
    pub fn find(&self, key: &K) -> Option<Arc<Registered<K, V>>> {
        // The lock of the shard is released before the upgraded value can be dropped, which takes the same lock.
        let weak = self.entries.get(key).map(|entry| Weak::clone(&entry))?;
        weak.upgrade()
    }

    /// Removes the value of `key` from the registry and returns it, if a caller still holds it. Its holders keep the
    /// value; the next [`WeakRegistry::get_or_register`] makes another one.
    pub fn detach(&self, key: &K) -> Option<Arc<Registered<K, V>>> {
        // `remove` has released the lock of the shard before the upgraded value can be dropped, which takes the same
        // lock.
        let detached = self.entries.remove(key);
        detached.and_then(|(_, registered)| registered.upgrade())
    }

    /// Whether no value is registered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn make_entry(&self, key: &K, make: impl FnOnce(&K) -> V) -> Arc<Registered<K, V>> {
        Arc::new(Registered { value: make(key), key: key.clone(), entries: Arc::clone(&self.entries) })
    }
}

impl<K: Eq + Hash, V> Registered<K, V> {
    /// The key that the value was registered under.
    #[must_use]
    pub fn key(&self) -> &K {
        &self.key
    }
}

impl<K: Eq + Hash, V> Deref for Registered<K, V> {
    type Target = V;

    fn deref(&self) -> &V {
        &self.value
    }
}

impl<K: Eq + Hash, V> Drop for Registered<K, V> {
    fn drop(&mut self) {
        self.entries.remove_if(&self.key, |_, registered| registered.strong_count() == 0);
    }
}

impl<K: Eq + Hash, V> fmt::Debug for WeakRegistry<K, V> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("WeakRegistry(..)")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn concurrent_callers_get_the_same_value_which_is_made_once() {
        const THREADS: usize = 8;
        let (registry, start) = (WeakRegistry::<u8, usize>::default(), Barrier::new(THREADS));
        let made = AtomicUsize::new(0);
        let held: Vec<_> = thread::scope(|scope| {
            let ask = || {
                start.wait();
                registry.get_or_register(1, |_| made.fetch_add(1, Ordering::SeqCst))
            };
            let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(ask)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(held.iter().all(|value| Arc::ptr_eq(value, &held[0])));
        assert_eq!(made.load(Ordering::SeqCst), 1);
        assert_eq!((*held[0].key(), **held[0]), (1, 0));
    }

    #[test]
    fn the_drop_of_the_last_holder_removes_the_entry() {
        let registry = WeakRegistry::<u8, ()>::default();
        assert!(registry.find(&1).is_none());
        let (first, second) = (registry.get_or_register(1, |_| ()), registry.get_or_register(1, |_| ()));
        assert!(registry.find(&1).is_some_and(|found| Arc::ptr_eq(&found, &first)));
        drop(first);
        assert!(!registry.is_empty());
        drop(second);
        assert!(registry.is_empty());
    }

    #[test]
    fn a_detached_value_stays_with_its_holders_and_leaves_its_successor_in_place() {
        let registry = WeakRegistry::<u8, &str>::default();
        assert!(registry.detach(&1).is_none());
        let old = registry.get_or_register(1, |_| "old");
        assert!(registry.detach(&1).is_some_and(|detached| Arc::ptr_eq(&detached, &old)));
        assert!(registry.detach(&1).is_none());
        let new = registry.get_or_register(1, |_| "new");
        assert_eq!((**old, **new), ("old", "new"));
        drop(old);
        assert!(Arc::ptr_eq(&new, &registry.get_or_register(1, |_| "another")));
    }

    #[test]
    fn a_value_that_is_being_dropped_leaves_its_successor_in_place() {
        let registry = WeakRegistry::<u8, &str>::default();
        let old = registry.get_or_register(1, |_| "old");
        // The last `Arc` is dropped, but the drop of the value has not run yet.
        let dropping = Arc::into_inner(old).unwrap();
        let new = registry.get_or_register(1, |_| "new");
        drop(dropping);
        assert!(Arc::ptr_eq(&new, &registry.get_or_register(1, |_| "another")));
        drop(new);
        assert!(registry.is_empty());
    }

    #[test]
    fn concurrent_threads_never_hold_two_values_of_a_key_and_leave_no_entry() {
        let (registry, instances) = (WeakRegistry::<u8, Counted>::default(), Arc::new(AtomicUsize::new(0)));
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..2000 {
                        let held = registry.get_or_register(1, |_| Counted::new(&instances));
                        let again = registry.get_or_register(1, |_| Counted::new(&instances));
                        assert!(Arc::ptr_eq(&held, &again));
                    }
                });
            }
        });
        assert!(registry.is_empty());
        assert_eq!(instances.load(Ordering::SeqCst), 0);
    }

    /// Counts its instances.
    struct Counted(Arc<AtomicUsize>);

    impl Counted {
        fn new(count: &Arc<AtomicUsize>) -> Self {
            count.fetch_add(1, Ordering::SeqCst);
            Self(Arc::clone(count))
        }
    }

    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
    }
}
