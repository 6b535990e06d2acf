use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use aws_lc_rs::hmac;
use tokio::sync::Mutex;

use super::key_records::{KeyRecord, KeysRecord, RingState};
use super::signing_key::{PublicKeyJson, SigningKey};
use crate::domain::{ClockAndEntropy, Directory, RecordKey, SharedClock, SharedEntropy, TenantId};
use crate::records::{Collection, CopyHolder, CopyUpkeep, OpenedRecord, RecordError, Records};

/// How long a new signing key is published before it signs, where other replicas have to learn of it: a token reaches no replica
/// that does not know its key yet. Longer than a [`CopyUpkeep`] takes.
const PUBLICATION_LEAD: Duration = Duration::from_secs(3);

/// The keys of all directories. They are stored sealed, read at the start, and replaced at the age that the directory says; the
/// previous signing key stays published as long as its tokens are valid.
///
/// Of several replicas one replaces a key. The others publish the new key within a second, and all begin to sign with it three seconds
/// after they have learned of it, so a verifier need not look for a key that it does not know.
#[derive(Clone)]
pub struct DirectoryKeyRing {
    open: Arc<OpenKeys>,
    /// Reads keys again that other replicas have replaced.
    _upkeep: Option<Arc<CopyUpkeep>>,
}

struct OpenKeys {
    by_tenant: HashMap<TenantId, TenantKeys>,
    records: Records,
    keys: Collection<KeysRecord>,
    ambient: ClockAndEntropy,
}

/// The keys of one directory, and the age at which its signing key is replaced.
struct TenantKeys {
    key: RecordKey,
    lifetime: Duration,
    present: ArcSwap<DirectoryKeys>,
    /// Held while the keys are read or replaced, so that no older keys take the place of newer ones.
    changes: Mutex<()>,
}

/// The keys of one directory at one moment.
pub struct DirectoryKeys {
    mac_key: hmac::Key,
    newest: Arc<SigningKey>,
    /// Replaced keys whose tokens may still be valid, the newest first.
    previous: Vec<Arc<SigningKey>>,
    digest: [u8; 32],
    /// `None` if the newest key signs.
    succession: Option<Succession>,
}

/// Until when the newest key is only published.
#[derive(Clone)]
struct Succession {
    clock: SharedClock,
    /// By [`Clock::elapsed`](crate::domain::Clock::elapsed).
    signs_from: Duration,
}

impl DirectoryKeyRing {
    /// Reads the keys of `directories` from the store, and makes those of new ones. Replicas that start at the same time agree on them.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn open(
        records: &Records,
        ambient: ClockAndEntropy,
        directories: &[&Directory],
    ) -> Result<Self, RecordError> {
        let by_tenant = HashMap::with_capacity(directories.len());
        let mut open = OpenKeys { by_tenant, records: records.clone(), keys: Collection::new(records), ambient };
        for directory in directories {
            let key = open.keys.key(&[directory.tenant.as_str().as_bytes()]);
            let opened = open.read_or_make(key).await?;
            let present = ArcSwap::from_pointee(open.read(&opened.content, None)?);
            let lifetime = Duration::from_secs(directory.signing_key_lifetime_seconds);
            let keys = TenantKeys { key, lifetime, present, changes: Mutex::default() };
            open.by_tenant.insert(directory.tenant.clone(), keys);
        }
        let open = Arc::new(open);
        let keys = open.by_tenant.values().map(|keys| keys.key).collect();
        let upkeep = CopyUpkeep::start(records, keys, &open).map(Arc::new);
        Ok(Self { open, _upkeep: upkeep })
    }

    /// The present keys of `tenant`. Takes no lock. `None` for a tenant that is no directory.
    #[must_use]
    pub fn find(&self, tenant: &TenantId) -> Option<Arc<DirectoryKeys>> {
        self.open.by_tenant.get(tenant).map(|keys| keys.present.load_full())
    }

    /// Replaces signing keys that are older than their directory says, and drops previous ones whose tokens have all ended
    /// (a day after the replacement). Called every hour. The keys of one directory do not wait for the success of another's.
    /// Tells `replaced` of each directory that has a new signing key; of several replicas, on the one that has made it.
    ///
    /// # Errors
    /// The first [`RecordError`] if the store fails; the keys of that directory are then as before.
    pub async fn rotate(&self, replaced: impl Fn(&TenantId)) -> Result<(), RecordError> {
        let mut outcome = Ok(());
        for (tenant, keys) in &self.open.by_tenant {
            match self.open.rotate_keys_of(tenant, keys).await {
                Ok(true) => replaced(tenant),
                Ok(false) => {}
                Err(error) => outcome = outcome.and(Err(error)),
            }
        }
        outcome
    }

    /// The source of randomness of the directories' tokens.
    pub(in crate::token_issuer::directory) fn entropy(&self) -> &SharedEntropy {
        &self.open.ambient.entropy
    }
}

impl OpenKeys {
    /// Returns whether the directory has a new signing key.
    async fn rotate_keys_of(&self, tenant: &TenantId, keys: &TenantKeys) -> Result<bool, RecordError> {
        let _turn = keys.changes.lock().await;
        let known = self.read_or_make(keys.key).await?;
        let now = self.ambient.now();
        let state = known.content.judge(now, keys.lifetime);
        let is_replaced = matches!(state, RingState::NewestIsOld);
        let rotated = match state {
            RingState::Good => return self.show(keys, &known.content).map(|()| false),
            RingState::HasEndedKeys => known.content.without_ended(now),
            RingState::NewestIsOld => known.content.replaced_by(new_key_record(&self.ambient).await?, now),
        };
        // What cannot be read is not stored.
        let present = self.read(&rotated, Some(&keys.present.load()))?;
        let sealed = self.keys.seal(keys.key, &rotated)?;
        // A call that was made at the same time, here or by another replica, has rotated if this one finds other keys than it has read.
        let is_written = self.keys.compare_and_put(Some(known.stored), sealed).await?;
        if is_written {
            let (kid, published) = (present.newest.kid(), present.previous.len() + 1);
            tracing::info!(%tenant, kid, published, "the signing keys of a directory were rotated");
            keys.present.store(Arc::new(present));
            self.records.announce(keys.key, &[]).await;
        }
        Ok(is_written && is_replaced)
    }

    /// Lets the keys of `record` be the present ones, unless they are.
    fn show(&self, keys: &TenantKeys, record: &KeysRecord) -> Result<(), RecordError> {
        let present = keys.present.load();
        if present.digest != record.digest() {
            keys.present.store(Arc::new(self.read(record, Some(&present))?));
        }
        Ok(())
    }

    /// Parses the keys of a record, which follow `before`. A new one signs only when other replicas have had the time to publish it.
    fn read(&self, record: &KeysRecord, before: Option<&DirectoryKeys>) -> Result<DirectoryKeys, RecordError> {
        let unreadable = || KeysRecord::UNREADABLE;
        let mut keys = record.keys().map(|key| key.parse().map(Arc::new));
        let newest = keys.next().flatten().ok_or_else(unreadable)?;
        let previous = keys.collect::<Option<Vec<_>>>().ok_or_else(unreadable)?;
        let succession = if self.records.replicas().is_none() {
            None
        } else if let Some(before) = before.filter(|before| before.newest.kid() == newest.kid()) {
            before.succession.clone()
        } else {
            record.has_new_key(self.ambient.now()).then(|| Succession::begin(&self.ambient.clock))
        };
        let mac_key = hmac::Key::new(hmac::HMAC_SHA256, record.mac_key());
        Ok(DirectoryKeys { mac_key, newest, previous, digest: record.digest(), succession })
    }

    /// Reads the stored keys under `key`, or makes the first ones.
    async fn read_or_make(&self, key: RecordKey) -> Result<OpenedRecord<KeysRecord>, RecordError> {
        if let Some(known) = self.keys.get(key).await? {
            return Ok(known);
        }
        let first = KeysRecord::first(self.ambient.entropy.as_ref(), new_key_record(&self.ambient).await?);
        let sealed = self.keys.seal(key, &first)?;
        let stored = sealed.stored();
        if let Some(existing) = self.keys.put_if_absent(sealed).await? {
            return Ok(existing);
        }
        // Replicas that run already still have the keys of a store that has lost them.
        self.records.announce(key, &[]).await;
        Ok(OpenedRecord { content: first, stored })
    }
}

impl CopyHolder for OpenKeys {
    async fn reread(&self, key: RecordKey) -> Result<(), RecordError> {
        let Some(keys) = self.by_tenant.values().find(|keys| keys.key == key) else { return Ok(()) };
        let _turn = keys.changes.lock().await;
        match self.keys.get(key).await? {
            Some(known) => self.show(keys, &known.content),
            None => Ok(()),
        }
    }
}

impl Succession {
    fn begin(clock: &SharedClock) -> Self {
        Self { clock: clock.clone(), signs_from: clock.elapsed() + PUBLICATION_LEAD }
    }

    fn is_over(&self) -> bool {
        self.clock.elapsed() >= self.signs_from
    }
}

/// Generates a signing key on a blocking thread.
async fn new_key_record(ambient: &ClockAndEntropy) -> Result<KeyRecord, RecordError> {
    let generated = tokio::task::spawn_blocking(SigningKey::generate).await;
    let Ok(Ok((_, pkcs8))) = generated else { return Err(RecordError::CIPHER_REFUSED) };
    Ok(KeyRecord::new(pkcs8, ambient.now()))
}

impl DirectoryKeys {
    /// The public keys: the newest first.
    #[must_use]
    pub fn public_keys(&self) -> Vec<PublicKeyJson> {
        self.published().map(|key| key.public().clone()).collect()
    }

    /// Whether the published key `kid` has made `signature` (base64url) of `message`, with RS256.
    #[must_use]
    pub fn is_signed(&self, kid: &str, message: &[u8], signature: &str) -> bool {
        self.find(kid).is_some_and(|key| key.verifies(message, signature))
    }

    /// A MAC (HMAC-SHA-256) by the directory's own secret key over `purpose` and `parts` with their lengths: of session cookies
    /// and form tokens. The key is never replaced.
    #[must_use]
    pub fn mac(&self, purpose: &'static str, parts: &[&[u8]]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.mac_key);
        for part in std::iter::once(purpose.as_bytes()).chain(parts.iter().copied()) {
            context.update(&part.len().to_be_bytes());
            context.update(part);
        }
        let mut mac = [0; 32];
        mac.copy_from_slice(context.sign().as_ref());
        mac
    }

    /// The key of new tokens.
    pub(in crate::token_issuer::directory) fn signing_key(&self) -> &SigningKey {
        let is_awaited = self.succession.as_ref().is_some_and(|succession| !succession.is_over());
        self.previous.first().filter(|_| is_awaited).unwrap_or(&self.newest)
    }

    /// The published key with this id.
    pub(in crate::token_issuer::directory) fn find(&self, kid: &str) -> Option<&SigningKey> {
        self.published().find(|key| key.kid() == kid)
    }

    fn published(&self) -> impl Iterator<Item = &SigningKey> {
        std::iter::once(&self.newest).chain(&self.previous).map(AsRef::as_ref)
    }
}
