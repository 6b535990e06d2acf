//! Leases among the replicas. This file adds to [`Records`].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::domain::RecordKey;
use crate::records::{MacPurpose, Records};
use crate::store::{LeaseTicket, Store, StoreError};

/// How long a lease lasts if its holder does not renew it: a replica that was killed is replaced after that
/// (docs/architecture.md §Dedup).
const LEASE_LIFE: Duration = Duration::from_secs(2);
/// How often the holder renews a lease.
const RENEWAL_INTERVAL: Duration = Duration::from_millis(500);
/// The pause between two attempts to get a lease that another replica holds.
const ATTEMPT_PAUSE: Duration = Duration::from_millis(25);

/// The reason why a lease was not granted.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// Another replica held the lease the whole time.
    #[error("another replica holds the lease")]
    Held,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The right to work at something that no other replica works at meanwhile. It is renewed until it is dropped. Over an
/// exclusive store it costs nothing and excludes nothing: there is one process, which has locks of its own.
pub struct ReplicaLease(Option<HeldLease>);

struct HeldLease {
    store: Arc<dyn Store>,
    name: RecordKey,
    ticket: LeaseTicket,
    is_lost: Arc<AtomicBool>,
    renewal: JoinHandle<()>,
}

impl Records {
    /// Waits for the lease of the name `parts` until `wait` is over. It excludes other replicas and other holders in this
    /// process.
    ///
    /// # Errors
    /// [`LeaseError`] if it is not granted in time, or if the store fails.
    pub async fn lease(
        &self,
        purpose: &'static MacPurpose,
        parts: &[&[u8]],
        wait: Duration,
    ) -> Result<ReplicaLease, LeaseError> {
        if self.replicas().is_none() {
            return Ok(ReplicaLease(None));
        }
        let (name, deadline) = (RecordKey(self.mac(purpose, parts)), Instant::now() + wait);
        loop {
            if let Some(lease) = self.try_lease_named(name).await? {
                return Ok(lease);
            }
            if Instant::now() + ATTEMPT_PAUSE >= deadline {
                return Err(LeaseError::Held);
            }
            sleep(ATTEMPT_PAUSE).await;
        }
    }

    /// The lease of `name`, unless another holder has it.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails.
    pub async fn try_lease_named(&self, name: RecordKey) -> Result<Option<ReplicaLease>, StoreError> {
        if self.replicas().is_none() {
            return Ok(Some(ReplicaLease(None)));
        }
        let Some(ticket) = self.store.acquire_lease(name, LEASE_LIFE).await? else { return Ok(None) };
        let (store, is_lost) = (Arc::clone(&self.store), Arc::new(AtomicBool::new(false)));
        let renewal = tokio::spawn(renew(Arc::clone(&store), name, ticket, Arc::clone(&is_lost)));
        Ok(Some(ReplicaLease(Some(HeldLease { store, name, ticket, is_lost, renewal }))))
    }
}

impl ReplicaLease {
    /// Whether the lease may have passed to another replica, because it could not be renewed in time.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.0.as_ref().is_some_and(|held| held.is_lost.load(Ordering::SeqCst))
    }
}

impl Drop for HeldLease {
    fn drop(&mut self) {
        self.renewal.abort();
        let (store, name, ticket) = (Arc::clone(&self.store), self.name, self.ticket);
        tokio::spawn(async move {
            // A lease that is not released ends by itself.
            if let Err(error) = store.release_lease(name, ticket).await {
                tracing::debug!(%error, "a lease was not released: it ends by itself");
            }
        });
    }
}

async fn renew(store: Arc<dyn Store>, name: RecordKey, ticket: LeaseTicket, is_lost: Arc<AtomicBool>) {
    let mut held_until = Instant::now() + LEASE_LIFE;
    loop {
        sleep(RENEWAL_INTERVAL).await;
        let asked_at = Instant::now();
        match store.renew_lease(name, ticket, LEASE_LIFE).await {
            Ok(true) => held_until = asked_at + LEASE_LIFE,
            Ok(false) => {
                is_lost.store(true, Ordering::SeqCst);
                return;
            }
            Err(_) if Instant::now() < held_until => {}
            Err(_) => is_lost.store(true, Ordering::SeqCst),
        }
    }
}
