//! The published signing keys of one issuer: fetching, background refresh, and look-up by key id.
//!
//! Owns the limits on how often an issuer is asked and how long fetched keys are used.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use jsonwebtoken::Algorithm;
use quick_cache::sync::Cache;
use tokio::time::Instant;
use url::Url;

use super::algorithms::{SignaturePolicy, read_announced};
use super::jwks::{self, Keys, Metadata, VerificationKey};
use crate::domain::{SharedClock, SharedEntropy, Timestamp, read_bounded_json};
use crate::outbound::{Outbound, OutboundError};
use crate::single_flight::{Flight, SingleFlight};

// The time windows of docs/protocols/bot-auth-and-skills.md §2.1.
const REFRESH_AFTER: Duration = Duration::from_hours(12);
const REFRESH_JITTER_MILLIS: u64 = 12 * 3600 * 1000;
const USABLE_FOR: Duration = Duration::from_hours(5 * 24);
const UNKNOWN_KEY_PAUSE: Duration = Duration::from_mins(5);
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
const DOCUMENT_LIMIT_BYTES: usize = 1024 * 1024;
/// After a failed fetch no caller waits for another one so soon: the callers' budget is 8 s, a fetch may take 5.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(2);
/// After a failed background refresh; the kept keys serve meanwhile.
const REFRESH_RETRY: Duration = Duration::from_mins(5);
const REMEMBERED_UNKNOWN_KEYS: usize = 1024;

/// Where a key set is published.
#[derive(Clone, Debug)]
pub enum KeySetSource {
    /// The key set itself.
    Jwks(Url),
    /// A discovery document; its `jwks_uri` must stay on the document's host.
    Metadata(Url),
}

/// One issuer's published keys, fetched when first needed and kept fresh.
///
/// One fetch at a time, shared by all callers that wait. Refreshed in the background after 12 to 24 hours; if that
/// fails, the kept keys serve for up to five days. An unknown `kid` causes one fetch per five minutes, and is
/// remembered.
pub struct KeySet {
    name: String,
    source: KeySetSource,
    policy: SignaturePolicy,
    outbound: Outbound,
    clock: SharedClock,
    entropy: SharedEntropy,
    current: ArcSwapOption<Snapshot>,
    /// The outcome says whether keys were fetched.
    fetches: SingleFlight<(), bool>,
    refresh_at: AtomicI64,
    not_before: AtomicI64,
    unknown_not_before: AtomicI64,
    unknown: Cache<String, Timestamp>,
}

pub(super) struct Snapshot {
    keys: Keys,
    content: [u8; 32],
    fetched_at: Timestamp,
    /// Raised whenever the published content changes; cached signature results are bound to it.
    pub(super) generation: u64,
}

/// The keys could not be fetched and no usable ones are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct KeysUnavailable;

/// A key and the generation of the set it was found in.
pub(super) struct FoundKey {
    pub(super) key: Arc<VerificationKey>,
    pub(super) generation: u64,
}

/// The result of looking for a key.
pub(super) enum KeyLookup {
    Found(FoundKey),
    /// The named key is published, but not for this algorithm.
    OtherAlgorithm,
    /// No key of this name is published; or the token names none, and not exactly one key fits.
    Unknown,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum FetchReason {
    NoKeys,
    UnknownKey,
    Due,
}

#[derive(Debug, thiserror::Error)]
enum FetchFailure {
    #[error(transparent)]
    Call(#[from] OutboundError),
    #[error("status {0}")]
    Status(u16),
    #[error("the discovery document names no key set on its own host")]
    Metadata,
    #[error("the answer holds no usable key")]
    NoUsableKey,
}

impl KeySet {
    /// A key set for RS256 signatures of named keys that has not been fetched yet. `name` appears in logs.
    #[must_use]
    pub fn new(
        name: impl Into<String>,
        source: KeySetSource,
        outbound: Outbound,
        clock: SharedClock,
        entropy: SharedEntropy,
    ) -> Arc<Self> {
        Arc::new(Self {
            name: name.into(),
            source,
            policy: SignaturePolicy::Rs256WithKeyId,
            outbound,
            clock,
            entropy,
            current: ArcSwapOption::empty(),
            fetches: SingleFlight::default(),
            refresh_at: AtomicI64::new(0),
            not_before: AtomicI64::new(i64::MIN),
            unknown_not_before: AtomicI64::new(i64::MIN),
            unknown: Cache::new(REMEMBERED_UNKNOWN_KEYS),
        })
    }

    /// Creates the key set of a provider of kind `oidc`, as [`KeySet::new`] does: for every asymmetric algorithm that the
    /// provider announces, also with keys without a name.
    #[must_use]
    pub fn of_openid_provider(
        name: impl Into<String>,
        source: KeySetSource,
        outbound: Outbound,
        clock: SharedClock,
        entropy: SharedEntropy,
    ) -> Arc<Self> {
        let mut key_set = Self::new(name, source, outbound, clock, entropy);
        if let Some(key_set) = Arc::get_mut(&mut key_set) {
            key_set.policy = SignaturePolicy::AnnouncedAsymmetric;
        }
        key_set
    }

    /// Fetches the keys unless usable ones are there; returns whether usable keys are there afterwards. For start-up and
    /// readiness.
    pub async fn warm(self: &Arc<Self>) -> bool {
        self.current().is_some() || self.fetch_shared(FetchReason::NoKeys).await
    }

    /// The usable keys, if any. Starts a background refresh when one is due.
    pub(super) fn current(self: &Arc<Self>) -> Option<Arc<Snapshot>> {
        let snapshot = self.current.load_full()?;
        let now = self.clock.now();
        if now > snapshot.fetched_at.plus(USABLE_FOR) {
            return None;
        }
        if now >= load(&self.refresh_at) {
            // The fetch goes on without a caller that waits for it.
            drop(self.join_fetch(FetchReason::Due));
        }
        Some(snapshot)
    }

    /// Looks for the key of a signature by `algorithm`; `key_id` is the key's name, if the token names it. An unknown
    /// name waits for a fetch, so that the first token after a rotation does not fail.
    pub(super) async fn find_key(
        self: &Arc<Self>,
        key_id: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<KeyLookup, KeysUnavailable> {
        if self.current().is_none() && !self.fetch_shared(FetchReason::NoKeys).await {
            return Err(KeysUnavailable);
        }
        let found = self.look_up(key_id, algorithm)?;
        if !matches!(found, KeyLookup::Unknown) {
            return Ok(found);
        }
        // No key has an empty name, so tokens that name no key share one entry.
        let name = key_id.unwrap_or_default();
        if self.unknown.get(name).is_some_and(|until| self.clock.now() < until) {
            return Ok(KeyLookup::Unknown);
        }
        // Whether the key is new cannot be said while the issuer is unreachable: an outage must not look like a
        // forgery.
        if !self.fetch_shared(FetchReason::UnknownKey).await {
            return Err(KeysUnavailable);
        }
        let found = self.look_up(key_id, algorithm)?;
        if matches!(found, KeyLookup::Unknown) {
            // Until the next fetch is due, not longer: this answer may rest on the last one.
            self.unknown.insert(name.to_owned(), load(&self.unknown_not_before));
        }
        Ok(found)
    }

    /// The only key for signatures by `algorithm`, if the set has changed since `generation`. An issuer that does not
    /// name its key replaces it without a new name, so that only a wrong signature tells.
    pub(super) async fn find_replaced_key(
        self: &Arc<Self>,
        algorithm: Algorithm,
        generation: u64,
    ) -> Result<Option<FoundKey>, KeysUnavailable> {
        if !self.fetch_shared(FetchReason::UnknownKey).await {
            return Err(KeysUnavailable);
        }
        Ok(match self.look_up(None, algorithm)? {
            KeyLookup::Found(found) if found.generation != generation => Some(found),
            _ => None,
        })
    }

    fn look_up(self: &Arc<Self>, key_id: Option<&str>, algorithm: Algorithm) -> Result<KeyLookup, KeysUnavailable> {
        let snapshot = self.current().ok_or(KeysUnavailable)?;
        Ok(match snapshot.keys.find(key_id, algorithm) {
            Some(key) => KeyLookup::Found(FoundKey { key: Arc::clone(key), generation: snapshot.generation }),
            None if key_id.is_some_and(|key_id| snapshot.keys.has_id(key_id)) => KeyLookup::OtherAlgorithm,
            None => KeyLookup::Unknown,
        })
    }

    /// Waits for one fetch that all simultaneous callers share; returns whether the keys are as fresh as `reason` needs.
    async fn fetch_shared(self: &Arc<Self>, reason: FetchReason) -> bool {
        match self.join_fetch(reason) {
            Ok(fetch) => fetch.outcome().await.unwrap_or(false),
            Err(answer) => answer,
        }
    }

    /// Joins the fetch under way, or begins one unless it is too early: then the error is the answer to the question
    /// whether the keys are as fresh as asked for.
    fn join_fetch(self: &Arc<Self>, reason: FetchReason) -> Result<Flight<bool>, bool> {
        self.fetches.try_join((), || {
            if let Some(answer) = self.answer_without_fetch(reason) {
                return Err(answer);
            }
            let this = Arc::clone(self);
            Ok(async move { this.fetch_and_keep(reason).await })
        })
    }

    fn answer_without_fetch(&self, reason: FetchReason) -> Option<bool> {
        let now = self.clock.now();
        if reason == FetchReason::UnknownKey && now < load(&self.unknown_not_before) {
            return Some(true);
        }
        (now < load(&self.not_before)).then_some(false)
    }

    async fn fetch_and_keep(&self, reason: FetchReason) -> bool {
        match self.fetch().await {
            Ok((keys, body)) => {
                self.keep(keys, &body, reason);
                true
            }
            Err(failure) => {
                self.postpone(&failure);
                false
            }
        }
    }

    fn keep(&self, keys: Keys, body: &[u8], reason: FetchReason) {
        let now = self.clock.now();
        let mut content = [0_u8; 32];
        content.copy_from_slice(digest(&SHA256, body).as_ref());
        let previous = self.current.load_full();
        let generation =
            previous.map_or(
                1,
                |previous| {
                    if previous.content == content { previous.generation } else { previous.generation + 1 }
                },
            );
        tracing::debug!(key_set = %self.name, keys = keys.len(), generation, "key set fetched");
        self.current.store(Some(Arc::new(Snapshot { keys, content, fetched_at: now, generation })));
        let jitter = Duration::from_millis(self.random() % REFRESH_JITTER_MILLIS);
        store(&self.refresh_at, now.plus(REFRESH_AFTER).plus(jitter));
        if reason == FetchReason::UnknownKey {
            store(&self.unknown_not_before, now.plus(UNKNOWN_KEY_PAUSE));
        }
    }

    fn postpone(&self, failure: &FetchFailure) {
        let now = self.clock.now();
        tracing::warn!(key_set = %self.name, reason = %failure, "key set could not be fetched");
        store(&self.not_before, now.plus(PAUSE_AFTER_FAILURE));
        store(&self.refresh_at, now.plus(REFRESH_RETRY));
    }

    async fn fetch(&self) -> Result<(Keys, Bytes), FetchFailure> {
        let deadline = Instant::now() + FETCH_TIMEOUT;
        let (url, cloud, announced) = match &self.source {
            KeySetSource::Jwks(url) => (url.clone(), None, None),
            KeySetSource::Metadata(url) => {
                let document = self.document(url, deadline).await?;
                let metadata: Metadata = read_bounded_json(&document).map_err(|_| FetchFailure::Metadata)?;
                let announced = read_announced(metadata.id_token_signing_alg_values_supported.as_deref());
                (key_set_url(url, &metadata).ok_or(FetchFailure::Metadata)?, metadata.cloud_instance_name, announced)
            }
        };
        let body = self.document(&url, deadline).await?;
        let announced = announced.filter(|_| self.policy == SignaturePolicy::AnnouncedAsymmetric);
        let keys = jwks::parse(&body, self.policy, announced.as_deref(), cloud.as_deref());
        let keys = keys.filter(|keys| !keys.is_empty());
        Ok((keys.ok_or(FetchFailure::NoUsableKey)?, body))
    }

    async fn document(&self, url: &Url, deadline: Instant) -> Result<Bytes, FetchFailure> {
        let answer = self.outbound.get(url, deadline, DOCUMENT_LIMIT_BYTES).await?;
        if answer.status == 200 { Ok(answer.body) } else { Err(FetchFailure::Status(answer.status)) }
    }

    fn random(&self) -> u64 {
        let mut bytes = [0_u8; 8];
        self.entropy.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }
}

impl std::fmt::Debug for KeySet {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "KeySet({})", self.name)
    }
}

/// The document may name another path, not another host, and not a weaker scheme.
fn key_set_url(document: &Url, metadata: &Metadata) -> Option<Url> {
    let url = Url::parse(&metadata.jwks_uri).ok()?;
    let scheme_fits = url.scheme() == "https" || url.scheme() == document.scheme();
    (scheme_fits && url.host().is_some() && url.host() == document.host()).then_some(url)
}

fn load(moment: &AtomicI64) -> Timestamp {
    Timestamp::from_unix_millis(moment.load(Ordering::SeqCst))
}

fn store(moment: &AtomicI64, to: Timestamp) {
    moment.store(to.unix_millis(), Ordering::SeqCst);
}
