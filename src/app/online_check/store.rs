//! Whether a store on a server can be used as it is configured.

use std::time::Duration;

use bytes::Bytes;

use super::OnlineCheck;
use crate::app::BuildError;
use crate::app::stores::open_store;
use crate::config::{Configuration, StorePlace};
use crate::domain::{ClockAndEntropy, RecordKey};
use crate::store::{Record, Store, StoreError};

/// How long the record of the check is kept.
const PROBE_RECORD_LIFETIME: Duration = Duration::from_secs(1);

/// Connects as the service does, which refuses a server that could lose records, and writes a record that ends at once. A store in a file is
/// not asked, because a running service has it open.
pub(super) async fn check(config: &Configuration, ambient: &ClockAndEntropy) -> Option<OnlineCheck> {
    let StorePlace::Shared(section) = &config.store.place else { return None };
    let subject = format!("store.url: {}", section.url);
    let store = match open_store(&config.store.place, ambient.clock.clone()).await {
        Ok(store) => store,
        Err(BuildError::SharedStore(error)) => return Some(OnlineCheck::failing(subject, error.to_string())),
        Err(error) => return Some(OnlineCheck::failing(subject, error.to_string())),
    };
    Some(match write_probe(store.as_ref(), ambient).await {
        Ok(()) if section.allow_volatile => {
            OnlineCheck::passing(subject, "ok, and allow_volatile is set: what it keeps may be gone after its restart")
        }
        Ok(()) => OnlineCheck::passing(subject, "ok"),
        Err(error) => OnlineCheck::failing(subject, format!("a record cannot be written: {error}")),
    })
}

async fn write_probe(store: &dyn Store, ambient: &ClockAndEntropy) -> Result<(), StoreError> {
    let mut key = [0; 32];
    ambient.entropy.fill(&mut key);
    let expires_at = ambient.clock.now().plus(PROBE_RECORD_LIFETIME);
    let record = Record { value: Bytes::from_static(b"probe"), expires_at, index: None, mark: None };
    store.put(RecordKey(key), record).await
}
