use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::{Instant, timeout_at};

use crate::domain::TokenSlot;
use crate::exchange::StorageFailure;
use crate::records::{LeaseError, MacPurpose, RecordError, Records, ReplicaLease, catalogue};
use crate::single_flight::{Registered, WeakRegistry};

/// Lets one request at a time redeem the refresh token of a slot, in this process and at all replicas: an issuer that
/// rotates refresh tokens takes each only once, and may end the whole sign-in when it gets one twice (RFC 9700 §4.14.2). A
/// request reads the kept token after its turn has come, so it finds the refresh token that the request before has brought.
pub(super) struct RefreshTurns {
    records: Records,
    turns: WeakRegistry<TokenSlot, Arc<Mutex<()>>>,
}

/// The right to redeem the refresh token of a slot, until it is dropped. If the process is paused for longer than the lease
/// lasts, another replica may take its turn; what is kept by comparing ([`crate::vault::TokenVault::replace`]) then stays.
pub(super) struct RefreshTurn {
    _lease: ReplicaLease,
    _guard: OwnedMutexGuard<()>,
    _registered: Arc<Registered<TokenSlot, Arc<Mutex<()>>>>,
}

impl RefreshTurns {
    pub(super) fn new(records: &Records) -> Self {
        Self { records: records.clone(), turns: WeakRegistry::default() }
    }

    /// Whether other replicas have turns, too.
    pub(super) fn are_shared(&self) -> bool {
        self.records.replicas().is_some()
    }

    /// Waits for the turn of `slot`; requests of this process take it in the order in which they ask. `None` if it has not
    /// come after `patience`.
    ///
    /// # Errors
    /// [`StorageFailure`] if the store fails.
    pub(super) async fn take(
        &self,
        slot: &TokenSlot,
        patience: Duration,
    ) -> Result<Option<RefreshTurn>, StorageFailure> {
        let deadline = Instant::now() + patience;
        let registered = self.turns.get_or_register(slot.clone(), |_| Arc::default());
        let Ok(guard) = timeout_at(deadline, Arc::clone(&**registered).lock_owned()).await else { return Ok(None) };
        let lease = lease_of_slot(&self.records, &catalogue::REFRESH_TURN, slot, deadline).await?;
        Ok(lease.map(|lease| RefreshTurn { _lease: lease, _guard: guard, _registered: registered }))
    }

    /// Waits until no other replica obtains the token of `slot`, which is for another resource. `None` if one does for all
    /// of `patience`.
    ///
    /// # Errors
    /// As [`RefreshTurns::take`].
    pub(super) async fn take_resource(
        &self,
        slot: &TokenSlot,
        patience: Duration,
    ) -> Result<Option<ReplicaLease>, StorageFailure> {
        lease_of_slot(&self.records, &catalogue::RESOURCE_TURN, slot, Instant::now() + patience).await
    }
}

/// The lease of `purpose` and `slot`; `None` if another holder has it until `deadline`. Over an exclusive store it is
/// granted at once.
async fn lease_of_slot(
    records: &Records,
    purpose: &'static MacPurpose,
    slot: &TokenSlot,
    deadline: Instant,
) -> Result<Option<ReplicaLease>, StorageFailure> {
    let parts: [Cow<'_, str>; 4] = slot.key_parts();
    let wait = deadline.saturating_duration_since(Instant::now());
    match records.lease(purpose, &parts.each_ref().map(|part| part.as_bytes()), wait).await {
        Ok(lease) => Ok(Some(lease)),
        Err(LeaseError::Held) => Ok(None),
        Err(LeaseError::Store(error)) => Err(RecordError::from(error).into()),
    }
}
