use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use crate::domain::{SharedClock, Timestamp};

/// How long tokens are held: the life of one step of a sign-in.
const HELD_FOR: Duration = Duration::from_mins(15);
/// How many are held at the same time.
const MAX_HELD: usize = 1_024;
/// How many bytes of tokens are held at the same time.
const MAX_HELD_BYTES: usize = 16 * 1024 * 1024;

/// What holds tokens and knows their size.
pub trait HeldContent: Send + Sync + 'static {
    /// The bytes of the tokens.
    fn bytes(&self) -> usize;
}

/// Tokens that an identity provider has issued, and that could not be kept yet because of an outage.
///
/// A provider takes a code once, and many a refresh token once, so what they led to must not be lost
/// (docs/architecture.md §The same browser gets the same answer). Held tokens are in memory only, for fifteen minutes at
/// most, and bounded in number and bytes; the one that ends first makes room. Clones share the same state.
///
/// Each replica holds its own: they are held because the store, which the replicas share, has failed.
pub struct HeldTokens<K, T> {
    shared: Arc<Shared<K, T>>,
}

struct Shared<K, T> {
    clock: SharedClock,
    state: Mutex<State<K, T>>,
}

struct State<K, T> {
    entries: HashMap<K, Entry<T>>,
    bytes: usize,
}

struct Entry<T> {
    content: Arc<T>,
    bytes: usize,
    ends_at: Timestamp,
}

impl<K, T> Clone for HeldTokens<K, T> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<K: Clone + Eq + Hash + Send + 'static, T: HeldContent> HeldTokens<K, T> {
    /// Holds nothing yet. `clock` says when something ends.
    #[must_use]
    pub fn new(clock: SharedClock) -> Self {
        let state = Mutex::new(State { entries: HashMap::new(), bytes: 0 });
        Self { shared: Arc::new(Shared { clock, state }) }
    }

    /// Holds `content` under `name`, unless something is held there already. Call this within a runtime, which also ends
    /// what no caller asks for again.
    pub fn hold(&self, name: K, content: Arc<T>) {
        if self.shared.insert(name, content) {
            tokio::spawn(Self::end_later(Arc::downgrade(&self.shared)));
        }
    }

    /// What is held under `name`. It stays held.
    #[must_use]
    pub fn find(&self, name: &K) -> Option<Arc<T>> {
        let now = self.shared.clock.now();
        let mut state = self.shared.lock();
        state.remove_ended(now);
        state.entries.get(name).map(|entry| Arc::clone(&entry.content))
    }

    /// Ends what is held under `name`.
    pub fn end(&self, name: &K) {
        self.shared.lock().remove(name);
    }

    /// Ends everything for which `is_ended` holds, and returns it.
    pub fn take_all(&self, is_ended: impl Fn(&K, &T) -> bool) -> Vec<Arc<T>> {
        let mut state = self.shared.lock();
        let ended = state.entries.iter().filter(|(name, entry)| is_ended(name, &entry.content));
        let names: Vec<K> = ended.map(|(name, _)| name.clone()).collect();
        names.iter().filter_map(|name| state.remove(name)).collect()
    }

    async fn end_later(shared: Weak<Shared<K, T>>) {
        tokio::time::sleep(HELD_FOR).await;
        if let Some(shared) = shared.upgrade() {
            let now = shared.clock.now();
            shared.lock().remove_ended(now);
        }
    }
}

impl<K: Clone + Eq + Hash, T: HeldContent> Shared<K, T> {
    /// Returns whether the content is held now and was not before.
    fn insert(&self, name: K, content: Arc<T>) -> bool {
        let (now, bytes) = (self.clock.now(), content.bytes());
        let mut state = self.lock();
        state.remove_ended(now);
        if state.entries.contains_key(&name) || bytes > MAX_HELD_BYTES {
            return false;
        }
        while state.entries.len() >= MAX_HELD || state.bytes + bytes > MAX_HELD_BYTES {
            let first = state.entries.iter().min_by_key(|(_, entry)| entry.ends_at).map(|(name, _)| name.clone());
            let Some(first) = first else { break };
            state.remove(&first);
        }
        state.bytes += bytes;
        state.entries.insert(name, Entry { content, bytes, ends_at: now.plus(HELD_FOR) });
        true
    }

    fn lock(&self) -> MutexGuard<'_, State<K, T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash, T> State<K, T> {
    fn remove(&mut self, name: &K) -> Option<Arc<T>> {
        let entry = self.entries.remove(name)?;
        self.bytes = self.bytes.saturating_sub(entry.bytes);
        Some(entry.content)
    }

    fn remove_ended(&mut self, now: Timestamp) {
        self.entries.retain(|_, entry| entry.ends_at > now);
        self.bytes = self.entries.values().map(|entry| entry.bytes).sum();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::domain::OffsetClock;

    struct Sized(usize);

    impl HeldContent for Sized {
        fn bytes(&self) -> usize {
            self.0
        }
    }

    fn held() -> (HeldTokens<usize, Sized>, Arc<OffsetClock>) {
        let clock = Arc::new(OffsetClock::default());
        (HeldTokens::new(clock.clone()), clock)
    }

    #[tokio::test]
    async fn what_is_held_ends_after_fifteen_minutes_also_if_it_is_asked_for_again() {
        let (held, clock) = held();
        held.hold(1, Arc::new(Sized(7)));
        clock.advance(Duration::from_mins(14));
        assert_eq!(held.find(&1).unwrap().0, 7);
        held.hold(1, Arc::new(Sized(8)));
        assert_eq!(held.find(&1).unwrap().0, 7, "held already");
        clock.advance(Duration::from_mins(1));
        assert!(held.find(&1).is_none());
    }

    #[tokio::test]
    async fn what_is_ended_is_not_held() {
        let (held, _) = held();
        held.hold(1, Arc::new(Sized(7)));
        held.end(&1);
        held.end(&2);
        assert!(held.find(&1).is_none() && held.shared.lock().bytes == 0);
    }

    #[tokio::test]
    async fn what_is_taken_is_held_no_longer_and_the_rest_stays() {
        let (held, _) = held();
        for number in 0..4 {
            held.hold(number, Arc::new(Sized(number)));
        }
        let mut taken: Vec<usize> = held.take_all(|number, _| number % 2 == 1).iter().map(|taken| taken.0).collect();
        taken.sort_unstable();
        assert_eq!(taken, [1, 3]);
        assert!(held.find(&1).is_none() && held.find(&2).is_some() && held.shared.lock().bytes == 2);
    }

    #[tokio::test]
    async fn what_is_held_is_bounded_in_number_and_bytes_and_the_oldest_makes_room() {
        let (held, clock) = held();
        for number in 0..=MAX_HELD {
            held.hold(number, Arc::new(Sized(1)));
            clock.advance(Duration::from_millis(1));
        }
        assert!(held.find(&0).is_none() && held.find(&1).is_some() && held.find(&MAX_HELD).is_some());
        assert_eq!(held.shared.lock().entries.len(), MAX_HELD);
        held.hold(MAX_HELD + 1, Arc::new(Sized(MAX_HELD_BYTES)));
        assert!(held.find(&MAX_HELD).is_none() && held.find(&(MAX_HELD + 1)).is_some());
        held.hold(MAX_HELD + 2, Arc::new(Sized(MAX_HELD_BYTES + 1)));
        assert!(held.find(&(MAX_HELD + 2)).is_none() && held.find(&(MAX_HELD + 1)).is_some());
    }
}
