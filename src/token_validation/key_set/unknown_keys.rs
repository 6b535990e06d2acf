//! What is known about the key names that tokens bring and the issuer does not publish.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use quick_cache::sync::Cache;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::domain::SharedClock;

/// The minimum time between the beginnings of two refetches of a key set. A stranger can cause a refetch by a made-up
/// name, so this is also the longest time for which such a name can keep a new key out.
pub(super) const REFETCH_PAUSE: Duration = Duration::from_secs(10);
/// A key that an issuer has just begun to use may be missing from its other replicas and from caches for so long. Only a
/// set that was fetched this much later proves that a name is made up.
pub(super) const PUBLICATION_DELAY: Duration = Duration::from_secs(10);
/// The number of requests that may wait for the fetches of one key set.
pub(super) const MAX_WAITING_REQUESTS: usize = 512;
/// The number of names that are remembered. A name that is forgotten counts as seen for the first time, which can only
/// delay its refusal.
pub(super) const REMEMBERED_NAMES: usize = 1024;

/// A point of [`crate::domain::Clock::elapsed`], which never goes back.
pub(super) type Moment = Duration;

/// Which fetch proves that a key name is made up if the fetched set does not have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::token_validation) enum AbsenceProof {
    /// A fetch that began after the token arrived. For callers: anybody can send a forged token, and a channel sends its
    /// next message whatever the answer to this one was.
    NextFetch,
    /// A fetch that began [`PUBLICATION_DELAY`] after the name was first seen. For users' tokens: an authenticated caller
    /// or the issuer itself brings them, and Teams ends a sign-in whose token is called forged.
    FetchAfterPublication,
}

/// When each unknown name was first seen, when the next refetch may begin, and who may wait for it.
pub(super) struct UnknownKeys {
    clock: SharedClock,
    first_seen: Cache<String, Moment>,
    next_refetch_millis: AtomicU64,
    waiting: Semaphore,
}

impl UnknownKeys {
    pub(super) fn new(clock: SharedClock) -> Self {
        Self {
            clock,
            first_seen: Cache::new(REMEMBERED_NAMES),
            next_refetch_millis: AtomicU64::new(0),
            waiting: Semaphore::new(MAX_WAITING_REQUESTS),
        }
    }

    /// The time now, by the clock that all moments of this type are read from.
    pub(super) fn now(&self) -> Moment {
        self.clock.elapsed()
    }

    /// Records that a token names `key_id`. Returns the moment for which a set must be complete to give `proof` that the
    /// name is made up.
    pub(super) fn note(&self, key_id: &str, proof: AbsenceProof) -> Moment {
        let now = self.now();
        if proof == AbsenceProof::NextFetch {
            return now;
        }
        let first_seen = self.first_seen.get(key_id).unwrap_or_else(|| {
            self.first_seen.insert(key_id.to_owned(), now);
            now
        });
        first_seen.saturating_add(PUBLICATION_DELAY)
    }

    pub(super) fn may_refetch(&self) -> bool {
        self.now() >= Duration::from_millis(self.next_refetch_millis.load(Ordering::SeqCst))
    }

    /// Records that a refetch begins. The caller holds the lock that makes this and [`Self::may_refetch`] one step.
    pub(super) fn begin_refetch(&self) {
        let next = self.now().saturating_add(REFETCH_PAUSE).as_millis();
        self.next_refetch_millis.store(u64::try_from(next).unwrap_or(u64::MAX), Ordering::SeqCst);
    }

    /// A place among the requests that wait for a fetch; `None` if all places are taken.
    pub(super) fn take_place(&self) -> Option<SemaphorePermit<'_>> {
        self.waiting.try_acquire().ok()
    }

    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.first_seen.len()
    }
}
