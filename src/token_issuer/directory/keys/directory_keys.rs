use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use aws_lc_rs::hmac;

use super::key_records::{KeyRecord, KeysRecord, RingState};
use super::signing_key::{PublicKeyJson, SigningKey};
use crate::domain::{ClockAndEntropy, Directory, RecordKey, SharedEntropy, TenantId};
use crate::records::{Collection, OpenedRecord, RecordError, Records, SingleWriter};

/// The keys of all directories. They are stored sealed, read at the start, and replaced at the age that the directory says; the
/// previous signing key stays published as long as its tokens are valid.
#[derive(Clone)]
pub struct DirectoryKeyRing {
    by_tenant: Arc<HashMap<TenantId, TenantKeys>>,
    records: Collection<KeysRecord>,
    ambient: ClockAndEntropy,
}

/// The keys of one directory, and the age at which its signing key is replaced.
struct TenantKeys {
    lifetime: Duration,
    present: ArcSwap<DirectoryKeys>,
}

/// The keys of one directory at one moment.
pub struct DirectoryKeys {
    mac_key: hmac::Key,
    /// The key of new tokens.
    newest: Arc<SigningKey>,
    /// Replaced keys whose tokens may still be valid, the newest first.
    previous: Vec<Arc<SigningKey>>,
}

impl DirectoryKeyRing {
    /// Reads the keys of `directories` from the store, and makes those of new ones.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn open(
        records: &Records,
        _writer: SingleWriter,
        ambient: ClockAndEntropy,
        directories: &[&Directory],
    ) -> Result<Self, RecordError> {
        let records = Collection::new(records);
        let mut by_tenant = HashMap::with_capacity(directories.len());
        for directory in directories {
            let opened = read_or_make(&records, &directory.tenant, &ambient).await?;
            let present = ArcSwap::from_pointee(DirectoryKeys::read(&opened.content)?);
            let lifetime = Duration::from_secs(directory.signing_key_lifetime_seconds);
            by_tenant.insert(directory.tenant.clone(), TenantKeys { lifetime, present });
        }
        Ok(Self { by_tenant: Arc::new(by_tenant), records, ambient })
    }

    /// The present keys of `tenant`. Takes no lock. `None` for a tenant that is no directory.
    #[must_use]
    pub fn find(&self, tenant: &TenantId) -> Option<Arc<DirectoryKeys>> {
        self.by_tenant.get(tenant).map(|keys| keys.present.load_full())
    }

    /// Replaces signing keys that are older than their directory says, and drops previous ones whose tokens have all ended
    /// (a day after the replacement). Called every hour. The keys of one directory do not wait for the success of another's.
    /// Tells `replaced` of each directory that has a new signing key.
    ///
    /// # Errors
    /// The first [`RecordError`] if the store fails; the keys of that directory are then as before.
    pub async fn rotate(&self, replaced: impl Fn(&TenantId)) -> Result<(), RecordError> {
        let mut outcome = Ok(());
        for (tenant, keys) in self.by_tenant.iter() {
            match self.rotate_keys_of(tenant, keys).await {
                Ok(true) => replaced(tenant),
                Ok(false) => {}
                Err(error) => outcome = outcome.and(Err(error)),
            }
        }
        outcome
    }

    /// The source of randomness of the directories' tokens.
    pub(in crate::token_issuer::directory) fn entropy(&self) -> &SharedEntropy {
        &self.ambient.entropy
    }

    /// Returns whether the directory has a new signing key.
    async fn rotate_keys_of(&self, tenant: &TenantId, keys: &TenantKeys) -> Result<bool, RecordError> {
        let known = read_or_make(&self.records, tenant, &self.ambient).await?;
        let now = self.ambient.now();
        let state = known.content.judge(now, keys.lifetime);
        let is_replaced = matches!(state, RingState::NewestIsOld);
        let rotated = match state {
            RingState::Good => return Ok(false),
            RingState::HasEndedKeys => known.content.without_ended(now),
            RingState::NewestIsOld => known.content.replaced_by(new_key_record(&self.ambient).await?, now),
        };
        let present = DirectoryKeys::read(&rotated)?;
        let sealed = self.records.seal(known.stored.key(), &rotated)?;
        // A call that was made at the same time has rotated if this one finds other keys than it has read.
        let is_written = self.records.compare_and_put(Some(known.stored), sealed).await?;
        if is_written {
            let (kid, published) = (present.newest.kid(), present.previous.len() + 1);
            tracing::info!(%tenant, kid, published, "the signing keys of a directory were rotated");
            keys.present.store(Arc::new(present));
        }
        Ok(is_written && is_replaced)
    }
}

/// Reads the stored keys of `tenant`, or makes its first ones.
async fn read_or_make(
    records: &Collection<KeysRecord>,
    tenant: &TenantId,
    ambient: &ClockAndEntropy,
) -> Result<OpenedRecord<KeysRecord>, RecordError> {
    let key = keys_key(records, tenant);
    if let Some(known) = records.get(key).await? {
        return Ok(known);
    }
    let first = KeysRecord::first(ambient.entropy.as_ref(), new_key_record(ambient).await?);
    let sealed = records.seal(key, &first)?;
    let stored = sealed.stored();
    let existing = records.put_if_absent(sealed).await?;
    Ok(existing.unwrap_or(OpenedRecord { content: first, stored }))
}

fn keys_key(records: &Collection<KeysRecord>, tenant: &TenantId) -> RecordKey {
    records.key(&[tenant.as_str().as_bytes()])
}

/// Generates a signing key on a blocking thread.
async fn new_key_record(ambient: &ClockAndEntropy) -> Result<KeyRecord, RecordError> {
    let generated = tokio::task::spawn_blocking(SigningKey::generate).await;
    let Ok(Ok((_, pkcs8))) = generated else { return Err(RecordError::CIPHER_REFUSED) };
    Ok(KeyRecord::new(pkcs8, ambient.now()))
}

impl DirectoryKeys {
    /// Parses the keys of a record.
    fn read(record: &KeysRecord) -> Result<Self, RecordError> {
        let unreadable = || KeysRecord::UNREADABLE;
        let mut keys = record.keys().map(|key| key.parse().map(Arc::new));
        let newest = keys.next().flatten().ok_or_else(unreadable)?;
        let previous = keys.collect::<Option<Vec<_>>>().ok_or_else(unreadable)?;
        Ok(Self { mac_key: hmac::Key::new(hmac::HMAC_SHA256, record.mac_key()), newest, previous })
    }

    /// The public keys: that of new tokens first, then previous ones.
    #[must_use]
    pub fn public_keys(&self) -> Vec<PublicKeyJson> {
        self.signing_keys().map(|key| key.public().clone()).collect()
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
    pub(in crate::token_issuer::directory) fn newest(&self) -> &SigningKey {
        &self.newest
    }

    /// The published key with this id.
    pub(in crate::token_issuer::directory) fn find(&self, kid: &str) -> Option<&SigningKey> {
        self.signing_keys().find(|key| key.kid() == kid)
    }

    fn signing_keys(&self) -> impl Iterator<Item = &SigningKey> {
        std::iter::once(&self.newest).chain(&self.previous).map(AsRef::as_ref)
    }
}
