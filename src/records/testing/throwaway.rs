//! Records for the unit tests of other rooms, which then name neither a back end nor a key ring.
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

/// Records for one unit test. They are stored on disk and deleted when this value is dropped.
pub(crate) struct ThrowawayRecords {
    pub(crate) records: Records,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) sealer: Arc<Sealer>,
    pub(crate) clock: Arc<OffsetClock>,
    pub(crate) shared_clock: SharedClock,
    ring: Mutex<KeyRing>,
    _storage: ThrowawayStore,
}

pub(crate) fn throwaway_records() -> ThrowawayRecords {
    let storage = throwaway_store();
    let ring = KeyRing::generate(&SystemClock, &SystemEntropy);
    let sealer = Arc::new(Sealer::new(ring.clone(), Arc::new(SystemEntropy)));
    ThrowawayRecords {
        records: Records::new(storage.store.clone(), sealer.clone(), storage.shared_clock.clone()),
        store: storage.store.clone(),
        sealer,
        clock: storage.clock.clone(),
        shared_clock: storage.shared_clock.clone(),
        ring: Mutex::new(ring),
        _storage: storage,
    }
}

impl ThrowawayRecords {
    /// Writes arbitrary bytes under `key`, with an expiry in one hour.
    pub(crate) async fn overwrite(&self, key: RecordKey, sealed: Bytes) {
        let expires_at = self.clock.now().plus(Duration::from_hours(1));
        self.store.put(key, Record { value: sealed, expires_at, index: None, mark: None }).await.unwrap();
    }

    /// Rotates the keys. Records that are sealed afterwards are sealed with the new key.
    pub(crate) fn rotate_keys(&self) {
        let mut ring = self.ring.lock().unwrap();
        *ring = ring.rotated(&SystemClock, &SystemEntropy);
        self.sealer.replace(ring.clone()).unwrap();
    }

    /// The same records with the current keys, as a process that has just started sees them.
    pub(crate) fn reopened(&self) -> Records {
        let sealer = Arc::new(Sealer::new(self.ring.lock().unwrap().clone(), Arc::new(SystemEntropy)));
        Records::new(self.store.clone(), sealer, self.shared_clock.clone())
    }
}

/// A copy of a store that an earlier version of the program wrote, with the clock stopped at the time of writing.
pub(crate) struct FixtureRecords {
    pub(crate) records: Records,
    pub(crate) written_at: Timestamp,
    contents: Value,
    _folder: TempDir,
}

/// Copies the store `name` from `fixtures/store` and opens the copy.
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
    /// The text of a member of `contents.json`, which describes the store.
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
