//! What processes that share a store need of each other: word of changes, leases, and counts.

mod announcements;
mod copy_upkeep;
mod leases;
mod shared_counts;
mod shared_rate;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};

use super::RecordError;
use crate::domain::{RecordKey, SharedClock};
use crate::store::{Store, StoreListener};

pub use copy_upkeep::{CopyHolder, CopyUpkeep};
pub use leases::{LeaseError, ReplicaLease};
pub use shared_rate::SharedRate;

/// How long copies of stored records may be used while the store is silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopyTrust {
    /// The store counts as silent when the subscription has not answered for this long.
    pub trust: Duration,
    /// How much longer copies are used. This bounds how long a replica that is cut off does not know of a sign-out.
    pub grace: Duration,
}

impl Default for CopyTrust {
    fn default() -> Self {
        Self { trust: Duration::from_secs(1), grace: Duration::from_secs(30) }
    }
}

/// Receives what other replicas have changed. The methods must not block.
pub trait ChangeListener: Send + Sync {
    /// A replica, perhaps this one, has changed the record or the state with the name `key`. What `note` means is a matter
    /// of those who use the name.
    fn changed(&self, key: RecordKey, note: &[u8]);

    /// Changes may have been missed: every copy is to be forgotten.
    fn all_may_have_changed(&self);
}

/// The other processes that use the same store. Only a shared store has them.
pub struct Replicas {
    store: Arc<dyn Store>,
    clock: SharedClock,
    copies: CopyTrust,
    news: Arc<News>,
}

/// What has come from the store, and to whom it goes.
struct News {
    clock: SharedClock,
    /// When the subscription answered last, in milliseconds of [`crate::domain::Clock::elapsed`].
    answered_at: AtomicU64,
    listeners: Mutex<Vec<Weak<dyn ChangeListener>>>,
}

impl Replicas {
    pub(super) fn new(store: Arc<dyn Store>, clock: SharedClock, copies: CopyTrust) -> Self {
        let answered_at = AtomicU64::new(millis(clock.elapsed()));
        let news = Arc::new(News { clock: clock.clone(), answered_at, listeners: Mutex::default() });
        let listener: Arc<dyn StoreListener> = news.clone();
        store.watch(Arc::downgrade(&listener));
        Self { store, clock, copies, news }
    }

    /// Whether copies of records in memory may be used: the store has answered of late, or the grace is not over.
    #[must_use]
    pub fn may_use_copies(&self) -> bool {
        self.silent_for() <= self.copies.trust + self.copies.grace
    }

    /// Whether the store has been silent for longer than copies are trusted without reserve.
    #[must_use]
    pub fn is_store_silent(&self) -> bool {
        self.silent_for() > self.copies.trust
    }

    /// Tells all replicas, this one included, that the record or state `key` has changed.
    ///
    /// # Errors
    /// [`RecordError::Store`] if the store does not take the message.
    pub async fn tell(&self, key: RecordKey, note: &[u8]) -> Result<(), RecordError> {
        let mut message = BytesMut::with_capacity(key.0.len() + note.len());
        message.put_slice(&key.0);
        message.put_slice(note);
        Ok(self.store.publish(message.freeze()).await?)
    }

    /// Passes changes on to `listener` until it is dropped.
    pub fn listen(&self, listener: Weak<dyn ChangeListener>) {
        self.news.listeners.lock().unwrap_or_else(PoisonError::into_inner).push(listener);
    }

    fn silent_for(&self) -> Duration {
        let answered_at = Duration::from_millis(self.news.answered_at.load(Ordering::Relaxed));
        self.clock.elapsed().saturating_sub(answered_at)
    }
}

impl News {
    fn tell(&self, say: impl Fn(&dyn ChangeListener)) {
        let mut listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.retain(|listener| listener.upgrade().inspect(|listener| say(&**listener)).is_some());
    }
}

impl StoreListener for News {
    fn received(&self, message: Bytes) {
        if let Some((key, note)) = message.split_first_chunk() {
            self.tell(|listener| listener.changed(RecordKey(*key), note));
        }
    }

    fn answered(&self) {
        self.answered_at.store(millis(self.clock.elapsed()), Ordering::Relaxed);
    }

    fn resumed(&self) {
        self.tell(|listener| listener.all_may_have_changed());
        self.answered();
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
