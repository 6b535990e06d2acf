use std::sync::Arc;

use tokio::sync::{Mutex, OwnedMutexGuard};

use super::turns::LEASE_PATIENCE;
use crate::records::{RecordError, Records, ReplicaLease, catalogue};

/// Puts changes of the user ids of apps in an order. Clones share the order.
#[derive(Clone)]
pub(super) struct PersonTurns {
    records: Records,
    /// The order over an exclusive store: of all persons together.
    own: Arc<Mutex<()>>,
}

/// The right to change the user ids of a person, until this is dropped.
pub(super) struct PersonTurn {
    _own: Option<OwnedMutexGuard<()>>,
    _lease: Option<ReplicaLease>,
}

impl PersonTurns {
    pub(super) fn new(records: &Records) -> Self {
        Self { records: records.clone(), own: Arc::default() }
    }

    /// Whether other replicas write to the store.
    pub(super) fn are_shared(&self) -> bool {
        self.records.replicas().is_some()
    }

    /// Waits for the right to change the user ids of the person whose account has the subject `person`.
    pub(super) async fn begin(&self, person: &str) -> Result<PersonTurn, RecordError> {
        if !self.are_shared() {
            return Ok(PersonTurn { _own: Some(Arc::clone(&self.own).lock_owned().await), _lease: None });
        }
        // The lease excludes other calls of this process, too. One lock of all persons would let them wait for one person's replica.
        let lease = self.records.lease(&catalogue::APP_PERSON_CHANGE, &[person.as_bytes()], LEASE_PATIENCE).await?;
        Ok(PersonTurn { _own: None, _lease: Some(lease) })
    }
}
