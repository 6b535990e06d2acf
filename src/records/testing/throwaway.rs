//! Records for unit tests of other rooms, which need to name neither a back end nor a key ring.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use tempfile::TempDir;

use crate::domain::{Clock, OffsetClock, RecordKey, SharedClock, SystemClock, SystemEntropy, Timestamp};
use crate::records::Records;
use crate::sealing::{KeyRing, Sealer};
use crate::store::testing::{ThrowawayStore, embedded_store_at, throwaway_store};
use crate::store::{Record, Store};

/// Records for one unit test: on disk, gone with this value.
pub(crate) struct ThrowawayRecords {
    pub(crate) records: Records,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) sealer: Arc<Sealer>,
    pub(crate) clock: Arc<OffsetClock>,
    pub(crate) shared_clock: SharedClock,
    ring: Mutex<KeyRing>,
    _beneath: ThrowawayStore,
}

pub(crate) fn throwaway_records() -> ThrowawayRecords {
    let beneath = throwaway_store();
    let ring = KeyRing::generate(&SystemClock, &SystemEntropy);
    let sealer = Arc::new(Sealer::new(ring.clone(), Arc::new(SystemEntropy)));
    ThrowawayRecords {
        records: Records::new(beneath.store.clone(), sealer.clone(), beneath.shared_clock.clone()),
        store: beneath.store.clone(),
        sealer,
        clock: beneath.clock.clone(),
        shared_clock: beneath.shared_clock.clone(),
        ring: Mutex::new(ring),
        _beneath: beneath,
    }
}

impl ThrowawayRecords {
    /// Puts `sealed` under `key` for an hour, whatever it is.
    pub(crate) async fn overwrite(&self, key: RecordKey, sealed: Bytes) {
        let expires_at = self.clock.now().plus(Duration::from_hours(1));
        self.store.put(key, Record { value: sealed, expires_at, index: None }).await.unwrap();
    }

    /// Rotates the keys; what is sealed from here on is sealed under the new one.
    pub(crate) fn rotate_keys(&self) {
        let mut ring = self.ring.lock().unwrap();
        *ring = ring.rotated(&SystemClock, &SystemEntropy);
        self.sealer.replace(ring.clone()).unwrap();
    }

    /// The same records, as a process sees them that has read the key file just now.
    pub(crate) fn reopened(&self) -> Records {
        let sealer = Arc::new(Sealer::new(self.ring.lock().unwrap().clone(), Arc::new(SystemEntropy)));
        Records::new(self.store.clone(), sealer, self.shared_clock.clone())
    }
}

/// The records of a store that an earlier version wrote, as they were when it had written them.
pub(crate) struct FixtureRecords {
    pub(crate) records: Records,
    pub(crate) written_at: Timestamp,
    contents: Value,
    _folder: TempDir,
}

/// A copy of the store `name` of `fixtures/store`, with the clock fixed at the time of writing.
pub(crate) fn records_of_fixture(name: &str) -> FixtureRecords {
    let (fixture, folder) = (Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/store").join(name), TempDir::new());
    let folder = folder.unwrap();
    for file in ["bot-sso.db", "bot-sso.keys"] {
        let copy = folder.path().join(file);
        fs::copy(fixture.join(file), &copy).unwrap();
        fs::set_permissions(&copy, fs::Permissions::from_mode(0o600)).unwrap();
    }
    let contents: Value = serde_json::from_slice(&fs::read(fixture.join("contents.json")).unwrap()).unwrap();
    let written_at = Timestamp::from_unix_seconds(contents["written_at"].as_i64().unwrap());
    let clock: SharedClock = Arc::new(StoppedClock(written_at));
    let sealer = Sealer::new(KeyRing::load(&folder.path().join("bot-sso.keys")).unwrap(), Arc::new(SystemEntropy));
    let store = embedded_store_at(&folder.path().join("bot-sso.db"), clock.clone());
    FixtureRecords { records: Records::new(store, Arc::new(sealer), clock), written_at, contents, _folder: folder }
}

impl FixtureRecords {
    /// One of the texts in `contents.json`.
    pub(crate) fn text(&self, member: &str) -> &str {
        self.contents[member].as_str().unwrap()
    }
}

struct StoppedClock(Timestamp);

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        self.0
    }

    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }
}
