use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use super::keys::NamedKeySet;
use super::services::Services;
use super::stores::MeasuredStore;
use crate::domain::{ClockAndEntropy, RecordKey, SharedClock, Timestamp};
use crate::observability::{Check, Health, ProviderCalls, Readiness, is_audit_failing, is_log_failing};
use crate::records::{Records, Replicas};
use crate::sealing::{KeyRing, Sealer};
use crate::single_flight::SingleFlight;
use crate::store::{Record, Store};
use crate::token_validation::KeySet;

/// An identity provider is asked at most this often whether it answers.
const PROBE_INTERVAL: Duration = Duration::from_secs(10);
/// How long the record of a check of the store is kept.
const PROBE_RECORD_LIFETIME: Duration = Duration::from_secs(1);

/// The parts of the application that the checks look at.
pub(super) struct CheckedParts {
    lasting: LastingChecks,
    /// `None` without bots, which alone are called by channels.
    channel_keys: Option<Arc<KeySet>>,
    providers: Vec<CheckedProvider>,
}

/// The parts that no reload replaces.
#[derive(Clone)]
pub(super) struct LastingChecks {
    pub(super) records: Records,
    pub(super) store: Arc<MeasuredStore>,
    pub(super) sealer: Arc<Sealer>,
    /// The file of the key ring.
    pub(super) key_file: PathBuf,
    pub(super) ambient: ClockAndEntropy,
    pub(super) is_draining: Arc<AtomicBool>,
}

impl LastingChecks {
    /// These parts and those of `services`.
    pub(super) fn of(&self, services: &Services) -> CheckedParts {
        CheckedParts {
            lasting: self.clone(),
            channel_keys: services.key_sets.of_channels().cloned(),
            providers: CheckedProvider::list(services),
        }
    }
}

/// An identity provider: the keys that it publishes, and the calls of it.
struct CheckedProvider {
    key_set: NamedKeySet,
    calls: ProviderCalls,
}

impl CheckedProvider {
    /// Every identity provider of the configuration.
    fn list(services: &Services) -> Vec<Self> {
        let calls = services.metrics.providers();
        let checked = |key_set: &NamedKeySet| Self { key_set: key_set.clone(), calls: calls.of(&key_set.name) };
        services.key_sets.of_providers().map(checked).collect()
    }
}

/// Makes the checks of docs/operating.md §Health. An identity provider that cannot be reached is named and does not decide:
/// kept tokens are handed out without it.
pub(super) fn build_readiness(parts: CheckedParts) -> Readiness {
    let CheckedParts { lasting, channel_keys, providers } = parts;
    let LastingChecks { records, store, sealer, key_file, ambient, is_draining } = lasting;
    let ClockAndEntropy { clock, entropy } = ambient;
    let mut probe = [0; 32];
    entropy.fill(&mut probe);
    let (store_clock, replicas) = (clock.clone(), records.replicas().cloned());
    let mut checks = vec![
        Check::required("store", move || check_store(store.clone(), store_clock.clone(), RecordKey(probe))),
        Check::required("key_ring", move || check_key_ring(records.clone(), sealer.clone(), key_file.clone())),
        Check::required("log_writer", async || {
            verdict(!is_log_failing(), "standard error is not read or refuses lines: lines are left out")
        }),
    ];
    checks.extend(channel_keys.map(|channel_keys| {
        Check::required("channel_keys", move || {
            let keys = channel_keys.clone();
            async move { verdict(keys.warm().await, "the channels' signing keys could not be fetched yet") }
        })
    }));
    checks.extend(replicas.map(check_replicas));
    checks.extend([
        Check::required("serving", move || {
            let ends = is_draining.load(Ordering::Relaxed);
            async move { verdict(!ends, "the process ends") }
        }),
        Check::informative("audit_writer", async || {
            verdict(is_audit_failing() != Some(true), "the audit stream cannot be written: lines are left out")
        }),
    ]);
    for CheckedProvider { key_set, calls } in providers {
        let name = format!("identity_provider:{}", key_set.name);
        let contact = Arc::new(ProviderContact::new(key_set.keys, calls, clock.clone()));
        checks.push(Check::informative(name, move || {
            let contact = contact.clone();
            async move { verdict(contact.is_reachable().await, "the identity provider cannot be reached") }
        }));
    }
    Readiness::new(checks)
}

/// While the store is silent, a replica serves tokens from memory until the grace is over (docs/replicas.md §When Redis is away).
fn check_replicas(replicas: Arc<Replicas>) -> Check {
    Check::informative("replicas", move || {
        let health = match (replicas.is_store_silent(), replicas.may_use_copies()) {
            (false, _) => Health::Ok,
            (true, true) => Health::Failing("the shared store is silent: tokens in memory are served for the grace"),
            (true, false) => Health::Failing("the shared store is silent: tokens in memory are served no more"),
        };
        async move { health }
    })
}

fn verdict(works: bool, failure: &'static str) -> Health {
    if works { Health::Ok } else { Health::Failing(failure) }
}

/// Reads a record that does not exist, and the marks: an exclusive store knows without its file that there is no such
/// record. If the last write has failed, also writes one, since a full disk lets reads pass.
async fn check_store(store: Arc<MeasuredStore>, clock: SharedClock, probe: RecordKey) -> Health {
    if store.get(probe).await.is_err() || store.list_marks().await.is_err() {
        return Health::Failing("the store cannot be read: see the log");
    }
    if store.has_failed_to_write() {
        let expires_at = clock.now().plus(PROBE_RECORD_LIFETIME);
        let record = Record { value: bytes::Bytes::from_static(b"probe"), expires_at, index: None, mark: None };
        if store.put(probe, record).await.is_err() {
            return Health::Failing("the store cannot be written: see the log");
        }
    }
    Health::Ok
}

/// Checks that the key ring has every key that a record needs, and that the next start would find such a ring.
async fn check_key_ring(records: Records, sealer: Arc<Sealer>, file: PathBuf) -> Health {
    if records.list_missing_keys().await.is_ok_and(|missing| !missing.is_empty()) {
        return Health::Failing("the key ring lacks keys with which records are sealed: see the log");
    }
    // A file is read, so this runs on a blocking thread.
    let read =
        tokio::task::spawn_blocking(move || KeyRing::load(&file).and_then(|ring| sealer.check_replacement(&ring)));
    match read.await {
        Ok(Ok(())) => Health::Ok,
        _ => Health::Failing("keys.file does not hold the keys in use any more: the next start would fail"),
    }
}

/// What is known about the reach of one identity provider.
struct ProviderContact {
    keys: Arc<KeySet>,
    calls: ProviderCalls,
    clock: SharedClock,
    probed_at: AtomicI64,
    probes: SingleFlight<(), bool>,
}

impl ProviderContact {
    fn new(keys: Arc<KeySet>, calls: ProviderCalls, clock: SharedClock) -> Self {
        Self { keys, calls, clock, probed_at: AtomicI64::new(i64::MIN), probes: SingleFlight::default() }
    }

    /// Asks the provider for its keys, if it has not been asked lately. Otherwise the last contact tells: that question,
    /// or a call for a token.
    async fn is_reachable(&self) -> bool {
        let now = self.clock.now();
        let probed_at = Timestamp::from_unix_millis(self.probed_at.load(Ordering::Relaxed));
        // A time after `now` is of a clock that was ahead.
        if probed_at <= now && now < probed_at.plus(PROBE_INTERVAL) {
            return self.calls.is_reachable();
        }
        let probe = self.probes.join((), || {
            self.probed_at.store(now.unix_millis(), Ordering::Relaxed);
            let (keys, calls) = (self.keys.clone(), self.calls.clone());
            async move {
                let is_reachable = keys.is_published().await;
                calls.note_reachable(is_reachable);
                is_reachable
            }
        });
        probe.outcome().await.unwrap_or(false)
    }
}
