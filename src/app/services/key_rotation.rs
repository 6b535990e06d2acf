use std::time::Duration;

use tokio::task::JoinHandle;

use crate::domain::TenantId;
use crate::observability::{AuditEntry, AuditEvent};
use crate::token_issuer::DirectoryKeyRing;

/// How often the ages of the directories' keys are looked at.
const INTERVAL: Duration = Duration::from_hours(1);

/// The task that replaces the signing keys of directories at their age. It ends with this value, which the application holds: the
/// task keeps the store open.
pub(in crate::app) struct KeyRotation(JoinHandle<()>);

impl KeyRotation {
    /// Starts the task, which looks at the keys at once and then every hour. A failure is logged, and the next hour tries again.
    pub(in crate::app) fn start(keys: DirectoryKeyRing) -> Self {
        Self(tokio::spawn(async move {
            let mut hours = tokio::time::interval(INTERVAL);
            loop {
                hours.tick().await;
                if let Err(error) = keys.rotate(audit_replaced).await {
                    tracing::error!(%error, "signing keys of directories were not rotated: the next try is in an hour");
                }
            }
        }))
    }
}

fn audit_replaced(tenant: &TenantId) {
    AuditEntry::new(AuditEvent::DirectoryKeyRotated).tenant(tenant).write();
}

impl Drop for KeyRotation {
    fn drop(&mut self) {
        self.0.abort();
    }
}
