//! Whether the store and the ring of keys can be used as they are configured.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::{DoctorCheck, Finding};
use crate::app::stores::open_store;
use crate::app::{BuildError, key_use};
use crate::config::{Configuration, StorePlace};
use crate::domain::{ClockAndEntropy, RecordKey};
use crate::records::Records;
use crate::sealing::{KeyRing, Sealer};
use crate::store::{Record, Store, StoreError};

/// How long the record of the check is kept.
const PROBE_RECORD_LIFETIME: Duration = Duration::from_secs(1);

/// What to do about a server that cannot be used.
const SERVER_ADVICE: &str = "let the server of store.url answer and take writes, as docs/replicas.md says, or correct store.url and its \
                             credentials";

/// Connects as the service does, which refuses a server that could lose records, and writes a record that ends at once. A store in a file is
/// not asked, because a running service has it open.
pub(super) async fn check(config: &Configuration, ambient: &ClockAndEntropy) -> Option<Finding> {
    let StorePlace::Shared(section) = &config.store.place else { return None };
    let subject = format!("store.url: {}", section.url);
    let store = match open_store(&config.store.place, ambient.clock.clone()).await {
        Ok(store) => store,
        Err(error) => {
            let seen = match error {
                // The subject names the key already.
                BuildError::SharedStore(error) => error.to_string(),
                error => error.to_string(),
            };
            return Some(Finding::failed(DoctorCheck::Store, subject, seen).advise(SERVER_ADVICE));
        }
    };
    Some(match write_probe(store.as_ref(), ambient).await {
        Ok(()) if section.allow_volatile => Finding::ok(
            DoctorCheck::Store,
            subject,
            "ok, and allow_volatile is set: what it keeps may be gone after its restart",
        ),
        Ok(()) => Finding::ok(DoctorCheck::Store, subject, "ok"),
        Err(error) => Finding::failed(DoctorCheck::Store, subject, format!("a record cannot be written: {error}"))
            .advise(SERVER_ADVICE),
    })
}

/// What can be told of the store and the key ring from outside a running service: a store on a server as [`check`] does, and
/// whether the ring has the keys of its records. The records of a store in a file are the service's alone.
pub(super) async fn examine(config: &Configuration, ambient: &ClockAndEntropy) -> Vec<Finding> {
    let ring_subject = format!("keys.file: {}", config.keys.file.display());
    let ring = match KeyRing::load(&config.keys.file) {
        Ok(ring) => ring,
        Err(error) => {
            let advice = "write the file that bot-sso keys create made for this store";
            let finding = Finding::failed(DoctorCheck::KeyRing, ring_subject, error.to_string()).advise(advice);
            return vec![finding];
        }
    };
    match &config.store.place {
        StorePlace::File(file) => vec![
            examine_file(&file.path),
            Finding::ok(
                DoctorCheck::KeyRing,
                ring_subject,
                "is a key ring; the service compares it with the store's records",
            ),
        ],
        StorePlace::Shared(_) => {
            let mut findings: Vec<Finding> = check(config, ambient).await.into_iter().collect();
            if !findings.iter().any(Finding::has_failed) {
                findings.push(compare_ring(ring, ring_subject, config, ambient).await);
            }
            findings
        }
    }
}

/// A store in a file is made at the first start, in a directory that must be there.
fn examine_file(path: &Path) -> Finding {
    let subject = format!("store.path: {}", path.display());
    match std::fs::metadata(path) {
        Ok(about) if about.is_file() => Finding::ok(
            DoctorCheck::Store,
            subject,
            format!("is there ({} KiB); only the service opens it", about.len() / 1024),
        ),
        Ok(_) => Finding::failed(DoctorCheck::Store, subject, "is no file").advise("write the path of a file"),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Finding::ok(DoctorCheck::Store, subject, "is not there yet: the first start makes it")
        }
        Err(error) => Finding::failed(DoctorCheck::Store, subject, error.to_string())
            .advise("let the service's user read and write it, and its directory"),
    }
}

async fn compare_ring(ring: KeyRing, subject: String, config: &Configuration, ambient: &ClockAndEntropy) -> Finding {
    let store = match open_store(&config.store.place, ambient.clock.clone()).await {
        Ok(store) => store,
        Err(error) => return Finding::failed(DoctorCheck::KeyRing, subject, error.to_string()).advise(SERVER_ADVICE),
    };
    let sealer = Arc::new(Sealer::new(ring, ambient.entropy.clone()));
    let records = Records::new(store, sealer, ambient.clock.clone());
    match records.list_missing_keys().await {
        Ok(missing) if missing.is_empty() => Finding::ok(DoctorCheck::KeyRing, subject, "has the keys of all records"),
        Ok(missing) => Finding::failed(DoctorCheck::KeyRing, subject, format!("lacks {}", key_use::describe(&missing)))
            .advise("copy the key file of the replica that wrote them to this one, and send SIGHUP"),
        Err(error) => Finding::failed(DoctorCheck::KeyRing, subject, error.to_string()).advise(SERVER_ADVICE),
    }
}

async fn write_probe(store: &dyn Store, ambient: &ClockAndEntropy) -> Result<(), StoreError> {
    let mut key = [0; 32];
    ambient.entropy.fill(&mut key);
    let expires_at = ambient.clock.now().plus(PROBE_RECORD_LIFETIME);
    let record = Record { value: Bytes::from_static(b"probe"), expires_at, index: None, mark: None };
    store.put(RecordKey(key), record).await
}
