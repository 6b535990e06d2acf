//! The published signing keys of one issuer: fetching, background refresh, and look-up by key id.
//!
//! Owns the limits on how often an issuer is asked and how long fetched keys are used.

mod publication;
#[cfg(test)]
mod rotation_tests;
#[cfg(test)]
mod tests;
mod unknown_keys;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use aws_lc_rs::digest::{SHA256, digest};
use jsonwebtoken::Algorithm;
use tokio::time::Instant;
use url::Url;

pub(super) use self::unknown_keys::AbsenceProof;
use self::unknown_keys::{Moment, UnknownKeys};
use super::algorithms::{SignaturePolicy, read_announced};
use super::jwks::{self, Keys, Metadata};
use super::verification_key::VerificationKey;
use crate::domain::{SharedClock, SharedEntropy, Timestamp, read_bounded_object};
use crate::observability::{carry, name_next_call};
use crate::outbound::{HttpAnswer, Outbound, OutboundError, RequestHeader};
use crate::single_flight::{Flight, SingleFlight};

// The time windows of docs/protocols/bot-auth-and-skills.md §2.1.
const REFRESH_AFTER: Duration = Duration::from_hours(12);
const REFRESH_JITTER_MILLIS: u64 = 12 * 3600 * 1000;
const USABLE_FOR: Duration = Duration::from_hours(5 * 24);
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
const DOCUMENT_LIMIT_BYTES: usize = 1024 * 1024;
/// After a failed fetch no caller waits for another one so soon: the callers' budget is 8 s, a fetch may take 5.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(2);
/// After a failed background refresh; the kept keys serve meanwhile.
const REFRESH_RETRY: Duration = Duration::from_mins(5);
/// Asks caches between here and the issuer for the present set (RFC 9111 §5.2.1.4).
const NO_CACHE_HEADER: RequestHeader<'static> = RequestHeader { name: "cache-control", value: b"no-cache" };

/// Where a key set is published.
#[derive(Clone, Debug)]
pub enum KeySetSource {
    /// The key set itself.
    Jwks(Url),
    /// A discovery document; its `jwks_uri` must stay on the document's origin (scheme, host and port).
    Metadata(Url),
}

/// One issuer's published keys, fetched when first needed and kept fresh.
///
/// One fetch at a time, shared by all callers that wait. Refreshed in the background after 12 to 24 hours; if that
/// fails, the kept keys serve for up to five days. An unknown `kid` causes at most one refetch in ten seconds, and all
/// that wait share it. Until a set that was fetched late enough proves that the name is made up, the token is neither
/// accepted nor called forged (docs/architecture.md §Security rules, rule 13).
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
    /// Fetches since the start.
    fetched: AtomicU64,
    failed: AtomicU64,
    unknown: UnknownKeys,
}

pub(super) struct Snapshot {
    keys: Keys,
    /// All names in the published set, also those of keys that cannot be used.
    names: HashSet<String>,
    content: [u8; 32],
    fetched_at: Timestamp,
    /// A key that was published before this moment is in the set.
    complete_until: Moment,
    /// Raised whenever the published content changes; cached signature results are bound to it.
    pub(super) generation: u64,
}

/// Why it cannot be said whether a key is the issuer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyLookupError {
    /// The keys cannot be fetched, and the kept ones do not answer the question.
    Unavailable,
    /// The name is not in the kept set, and that set is too old to prove that the name is made up.
    NotKnownYet,
}

/// What a fetch came to, for a request that asked for it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum FetchOutcome {
    Fetched,
    Failed,
    /// It is too early for a fetch, or too many requests wait for one already.
    NotNow,
}

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
    #[error("the discovery document names no key set on its own host and port")]
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
            unknown: UnknownKeys::new(Arc::clone(&clock)),
            clock,
            entropy,
            current: ArcSwapOption::empty(),
            fetches: SingleFlight::default(),
            refresh_at: AtomicI64::new(0),
            not_before: AtomicI64::new(i64::MIN),
            fetched: AtomicU64::new(0),
            failed: AtomicU64::new(0),
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
        self.current().is_some() || self.fetch_shared(FetchReason::NoKeys).await == FetchOutcome::Fetched
    }

    /// The usable keys, if any. Starts a background refresh when one is due.
    pub(super) fn current(self: &Arc<Self>) -> Option<Arc<Snapshot>> {
        self.current.load_full().filter(|snapshot| self.may_be_used(snapshot, self.clock.now()))
    }

    /// Whether the usable keys are those of this generation. Starts a background refresh when one is due.
    pub(super) fn is_current(self: &Arc<Self>, generation: u64, now: Timestamp) -> bool {
        let snapshot = self.current.load();
        snapshot.as_ref().is_some_and(|snapshot| self.may_be_used(snapshot, now) && snapshot.generation == generation)
    }

    /// Whether `snapshot` is not too old. Starts a background refresh when one is due.
    fn may_be_used(self: &Arc<Self>, snapshot: &Snapshot, now: Timestamp) -> bool {
        if now > snapshot.fetched_at.plus(USABLE_FOR) {
            return false;
        }
        if now >= load(&self.refresh_at) {
            // The fetch goes on without a caller that waits for it.
            drop(self.join_fetch(FetchReason::Due));
        }
        true
    }

    /// Looks for the key of a signature by `algorithm`; `key_id` is the key's name, if the token names it. An unknown
    /// name waits for a refetch, so that the first token after a rotation does not fail.
    ///
    /// # Errors
    /// [`KeyLookupError`] while it cannot be said whether the name is made up: an outage, or a set that was fetched before
    /// a new key had to be in it, must not look like a forgery.
    pub(super) async fn find_key(
        self: &Arc<Self>,
        key_id: Option<&str>,
        algorithm: Algorithm,
        proof: AbsenceProof,
    ) -> Result<KeyLookup, KeyLookupError> {
        if self.current().is_none() && self.fetch_shared(FetchReason::NoKeys).await != FetchOutcome::Fetched {
            return Err(KeyLookupError::Unavailable);
        }
        let found = self.look_up(key_id, algorithm)?;
        if !matches!(found, KeyLookup::Unknown) {
            return Ok(found);
        }
        let complete_from = key_id.map(|key_id| self.unknown.note(key_id, proof));
        let outcome = self.fetch_shared(FetchReason::UnknownKey).await;
        let found = self.look_up(key_id, algorithm)?;
        if !matches!(found, KeyLookup::Unknown) {
            return Ok(found);
        }
        let snapshot = self.current().ok_or(KeyLookupError::Unavailable)?;
        let is_published = key_id.is_some_and(|key_id| snapshot.names.contains(key_id));
        let is_made_up = complete_from.is_some_and(|moment| snapshot.complete_until >= moment);
        match outcome {
            _ if is_published || is_made_up => Ok(KeyLookup::Unknown),
            FetchOutcome::Failed => Err(KeyLookupError::Unavailable),
            // The issuer must name its keys if there are several (OpenID Connect Core §10.1), so this is no new key.
            FetchOutcome::Fetched | FetchOutcome::NotNow if key_id.is_none() => Ok(KeyLookup::Unknown),
            FetchOutcome::Fetched | FetchOutcome::NotNow => Err(KeyLookupError::NotKnownYet),
        }
    }

    /// The only key for signatures by `algorithm`, if the set has changed since `generation`. An issuer that does not
    /// name its key replaces it without a new name, so that only a wrong signature tells.
    pub(super) async fn find_replaced_key(
        self: &Arc<Self>,
        algorithm: Algorithm,
        generation: u64,
    ) -> Result<Option<FoundKey>, KeyLookupError> {
        let outcome = self.fetch_shared(FetchReason::UnknownKey).await;
        match (self.look_up(None, algorithm)?, outcome) {
            (KeyLookup::Found(found), _) if found.generation != generation => Ok(Some(found)),
            (_, FetchOutcome::Fetched) => Ok(None),
            (_, FetchOutcome::NotNow) => Err(KeyLookupError::NotKnownYet),
            (_, FetchOutcome::Failed) => Err(KeyLookupError::Unavailable),
        }
    }

    fn look_up(self: &Arc<Self>, key_id: Option<&str>, algorithm: Algorithm) -> Result<KeyLookup, KeyLookupError> {
        let snapshot = self.current().ok_or(KeyLookupError::Unavailable)?;
        Ok(match snapshot.keys.find(key_id, algorithm) {
            Some(key) => KeyLookup::Found(FoundKey { key: Arc::clone(key), generation: snapshot.generation }),
            None if key_id.is_some_and(|key_id| snapshot.keys.has_id(key_id)) => KeyLookup::OtherAlgorithm,
            None => KeyLookup::Unknown,
        })
    }

    /// Waits for one fetch that all simultaneous callers share, unless it is too early for one or too many wait already.
    async fn fetch_shared(self: &Arc<Self>, reason: FetchReason) -> FetchOutcome {
        let Some(_place) = self.unknown.take_place() else { return FetchOutcome::NotNow };
        match self.join_fetch(reason) {
            Some(fetch) => match fetch.outcome().await {
                Some(true) => FetchOutcome::Fetched,
                Some(false) | None => FetchOutcome::Failed,
            },
            None => FetchOutcome::NotNow,
        }
    }

    /// Joins the fetch under way, or begins one; `None` if it is too early.
    fn join_fetch(self: &Arc<Self>, reason: FetchReason) -> Option<Flight<bool>> {
        let begin = || {
            if !self.may_fetch(reason) {
                return Err(());
            }
            // The first fetch is no refetch: a key that is newer than the set can be asked for at once.
            if reason != FetchReason::NoKeys {
                self.unknown.begin_refetch();
            }
            let this = Arc::clone(self);
            Ok(carry(async move { this.fetch_and_keep().await }))
        };
        self.fetches.try_join((), begin).ok()
    }

    fn may_fetch(&self, reason: FetchReason) -> bool {
        let is_early = reason != FetchReason::NoKeys && !self.unknown.may_refetch();
        !is_early && self.clock.now() >= load(&self.not_before)
    }

    async fn fetch_and_keep(&self) -> bool {
        let begun = self.unknown.now();
        match self.fetch().await {
            Ok((keys, answer)) => {
                // A cache says how old its copy is (RFC 9111 §5.1).
                let age = answer.header("age").and_then(|seconds| seconds.trim().parse().ok()).unwrap_or(0);
                self.keep(keys, &answer.body, begun.saturating_sub(Duration::from_secs(age)));
                self.fetched.fetch_add(1, Ordering::Relaxed);
                true
            }
            Err(failure) => {
                self.postpone(&failure);
                self.failed.fetch_add(1, Ordering::Relaxed);
                false
            }
        }
    }

    fn keep(&self, keys: Keys, body: &[u8], complete_until: Moment) {
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
        let names = jwks::read_key_ids(body);
        let snapshot = Snapshot { keys, names, content, fetched_at: now, complete_until, generation };
        self.current.store(Some(Arc::new(snapshot)));
        let jitter = Duration::from_millis(self.random() % REFRESH_JITTER_MILLIS);
        store(&self.refresh_at, now.plus(REFRESH_AFTER).plus(jitter));
    }

    fn postpone(&self, failure: &FetchFailure) {
        let now = self.clock.now();
        tracing::warn!(key_set = %self.name, reason = %failure, "key set could not be fetched");
        store(&self.not_before, now.plus(PAUSE_AFTER_FAILURE));
        store(&self.refresh_at, now.plus(REFRESH_RETRY));
    }

    async fn fetch(&self) -> Result<(Keys, HttpAnswer), FetchFailure> {
        let deadline = Instant::now() + FETCH_TIMEOUT;
        let (url, cloud, announced) = match &self.source {
            KeySetSource::Jwks(url) => (url.clone(), None, None),
            KeySetSource::Metadata(url) => {
                let document = self.document(url, deadline).await?.body;
                let metadata: Metadata = read_bounded_object(&document).map_err(|_| FetchFailure::Metadata)?;
                let announced = read_announced(metadata.id_token_signing_alg_values_supported.as_deref());
                (metadata.key_set_url(url).ok_or(FetchFailure::Metadata)?, metadata.cloud_instance_name, announced)
            }
        };
        let answer = self.document(&url, deadline).await?;
        let announced = announced.filter(|_| self.policy == SignaturePolicy::AnnouncedAsymmetric);
        let keys = jwks::parse(&answer.body, self.policy, announced.as_deref(), cloud.as_deref());
        let keys = keys.filter(|keys| !keys.is_empty());
        Ok((keys.ok_or(FetchFailure::NoUsableKey)?, answer))
    }

    async fn document(&self, url: &Url, deadline: Instant) -> Result<HttpAnswer, FetchFailure> {
        name_next_call(|| format!("key set {}", self.name));
        let answer = self.outbound.get_document(url, &[NO_CACHE_HEADER], deadline, DOCUMENT_LIMIT_BYTES).await?;
        if answer.status == 200 { Ok(answer) } else { Err(FetchFailure::Status(answer.status)) }
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

fn load(moment: &AtomicI64) -> Timestamp {
    Timestamp::from_unix_millis(moment.load(Ordering::SeqCst))
}

fn store(moment: &AtomicI64, to: Timestamp) {
    moment.store(to.unix_millis(), Ordering::SeqCst);
}
