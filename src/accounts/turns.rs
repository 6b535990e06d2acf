use std::future::Future;
use std::time::Duration;

use tokio::time::timeout;

use crate::records::{RecordError, Records};

/// How long a change waits for another replica that changes the same.
pub(super) const LEASE_PATIENCE: Duration = Duration::from_secs(5);

/// Waits for a lock of this process, behind which calls wait for other replicas: not longer than one of them does. Over an exclusive store
/// nothing but the store itself makes a call wait, so the wait ends by itself.
pub(super) async fn wait_for_lock<T>(records: &Records, lock: impl Future<Output = T>) -> Result<T, RecordError> {
    match records.replicas() {
        Some(_) => timeout(LEASE_PATIENCE, lock).await.map_err(|_| RecordError::Held),
        None => Ok(lock.await),
    }
}
