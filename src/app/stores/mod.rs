//! The store that the configuration names: opened, measured, watched.

mod commands;
mod copying;
mod measured_store;
mod silence;

use std::sync::Arc;
use std::time::Duration;

pub use self::commands::{StoreCommandError, back_up_store, copy_store, restore_store};
pub use self::copying::CopiedRecords;
pub(super) use self::measured_store::MeasuredStore;
use self::silence::report_silence;
use super::{BuildError, key_use};
use crate::config::{Configuration, SharedStoreSection, StoreDurability, StoreFileSection, StorePlace};
use crate::domain::{ClockAndEntropy, SharedClock};
use crate::observability::{Metrics, set_user_digest_key};
use crate::records::catalogue::LOG_DIGESTS;
use crate::records::{CopyTrust, Records};
use crate::sealing::{KeyRing, Sealer};
use crate::store::{Durability, EmbeddedStore, RedisSettings, RedisStore, Store};

/// The records of the store, with what seals them and what measures the store.
pub(super) struct OpenedRecords {
    pub(super) sealer: Arc<Sealer>,
    pub(super) store: Arc<MeasuredStore>,
    pub(super) records: Records,
}

/// Opens the key ring and the store, and refuses a ring that does not fit the records.
pub(super) async fn open_records(
    config: &Configuration,
    ambient: &ClockAndEntropy,
    metrics: &Metrics,
) -> Result<OpenedRecords, BuildError> {
    let sealer = Arc::new(Sealer::new(KeyRing::load(&config.keys.file)?, ambient.entropy.clone()));
    let clock = &ambient.clock;
    let inner = open_store(&config.store.place, clock.clone()).await?;
    let store = MeasuredStore::new(inner, clock.clone(), metrics.store_times().clone());
    let copies = copy_trust(&config.store.place);
    let records = Records::with_copy_trust(store.clone(), sealer.clone(), clock.clone(), copies);
    key_use::refuse_missing_keys(&records).await?;
    set_user_digest_key(records.mac(&LOG_DIGESTS, &[]));
    if let Some(replicas) = records.replicas() {
        report_silence(replicas, metrics);
    }
    Ok(OpenedRecords { sealer, store, records })
}

/// What is wrong with the address of a store on a server, as far as it can be told without a connection.
#[must_use]
pub fn find_store_problem(config: &Configuration) -> Option<String> {
    match &config.store.place {
        StorePlace::File(_) => None,
        StorePlace::Shared(section) => settings_of(section).check_url().err(),
    }
}

/// Opens the store at `place`. The connections of a shared store live in the runtime that calls this, which has to live as long as
/// the application: that of the process, and not that of a worker.
pub(super) async fn open_store(place: &StorePlace, clock: SharedClock) -> Result<Arc<dyn Store>, BuildError> {
    match place {
        StorePlace::File(file) => open_file(file, clock),
        StorePlace::Shared(section) => {
            let opened = RedisStore::open(&settings_of(section), clock).await;
            Ok(Arc::new(opened.map_err(BuildError::SharedStore)?))
        }
    }
}

fn open_file(section: &StoreFileSection, clock: SharedClock) -> Result<Arc<dyn Store>, BuildError> {
    let durability = match section.durability {
        StoreDurability::Full => Durability::Full,
        StoreDurability::Normal => Durability::Normal,
    };
    Ok(Arc::new(EmbeddedStore::open(&section.path, durability, clock)?))
}

fn settings_of(section: &SharedStoreSection) -> RedisSettings {
    RedisSettings {
        url: section.url.clone(),
        user: section.user.clone(),
        password: section.password.clone(),
        ca_file: section.ca_file.clone(),
        prefix: section.prefix.clone(),
        allow_volatile: section.allow_volatile,
        wait_replicas: section.wait_replicas,
        heartbeat: heartbeat(section.l1_trust),
    }
}

/// The subscription is asked three times within the time that its answer is trusted, so that one slow answer is no silence.
fn heartbeat(trust: Duration) -> Duration {
    trust / 3
}

fn copy_trust(place: &StorePlace) -> CopyTrust {
    match place {
        StorePlace::File(_) => CopyTrust::default(),
        StorePlace::Shared(section) => CopyTrust { trust: section.l1_trust, grace: section.l1_grace },
    }
}
