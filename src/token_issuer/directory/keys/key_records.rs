//! The record of a directory's keys, and when its keys are replaced and dropped.

use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use super::signing_key::SigningKey;
use crate::domain::{Entropy, Timestamp};
use crate::records::{Content, Kind, Plaintext, RecordError, catalogue, encode_json};

/// How long a key stays published after another one has replaced it: the longest life of a token.
pub(super) const PUBLISHED_AFTER_REPLACEMENT: Duration = Duration::from_hours(24);

/// How long a key counts as new. The clocks of replicas may differ by some minutes.
const NEW: Duration = Duration::from_mins(10);

/// The keys of one directory.
#[derive(Serialize, Deserialize)]
pub(super) struct KeysRecord {
    /// 32 bytes.
    mac_key: KeyBytes,
    /// The signing keys, the newest first.
    keys: Vec<KeyRecord>,
}

/// One signing key.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct KeyRecord {
    pkcs8: KeyBytes,
    created_at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    replaced_at: Option<i64>,
}

/// The bytes of a key, in base64 in the record. They are wiped when they are dropped.
#[derive(Clone)]
struct KeyBytes(Zeroizing<Vec<u8>>);

/// What is to be done with the keys of a directory.
pub(super) enum RingState {
    /// Nothing.
    Good,
    /// A previous key is to be dropped.
    HasEndedKeys,
    /// The newest key is to be replaced.
    NewestIsOld,
}

impl Content for KeysRecord {
    const KIND: &'static Kind = &catalogue::DIRECTORY_KEYS;

    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        encode_json(self)
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        plain.json(Self::KIND)
    }
}

impl KeysRecord {
    /// A record that opens, but whose keys cannot be read.
    pub(super) const UNREADABLE: RecordError = RecordError::Unreadable { purpose: Self::KIND.purpose };

    /// The first keys of a directory.
    pub(super) fn first(entropy: &dyn Entropy, key: KeyRecord) -> Self {
        let mut mac_key = Zeroizing::new(vec![0; 32]);
        entropy.fill(&mut mac_key);
        Self { mac_key: KeyBytes(mac_key), keys: vec![key] }
    }

    pub(super) fn mac_key(&self) -> &[u8] {
        &self.mac_key.0
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &KeyRecord> {
        self.keys.iter()
    }

    /// A digest of all keys.
    pub(super) fn digest(&self) -> [u8; 32] {
        let mut context = Context::new(&SHA256);
        for bytes in std::iter::once(&self.mac_key).chain(self.keys.iter().map(|key| &key.pkcs8)) {
            context.update(&bytes.0.len().to_be_bytes());
            context.update(&bytes.0);
        }
        let mut digest = [0; 32];
        digest.copy_from_slice(context.finish().as_ref());
        digest
    }

    /// Whether the newest key has replaced another one of late, so that other replicas may not know it yet.
    pub(super) fn has_new_key(&self, now: Timestamp) -> bool {
        let replaced_at = self.keys.get(1).and_then(|key| key.replaced_at).map(Timestamp::from_unix_millis);
        replaced_at.is_some_and(|replaced_at| replaced_at.until(now) < NEW)
    }

    /// What is to be done at `now` if a key is replaced at the age `lifetime`. A key from the future (the clock was set back) is
    /// as good as a new one.
    pub(super) fn judge(&self, now: Timestamp, lifetime: Duration) -> RingState {
        let is_old = |key: &KeyRecord| Timestamp::from_unix_millis(key.created_at).until(now) >= lifetime;
        if self.keys.first().is_none_or(is_old) {
            RingState::NewestIsOld
        } else if self.keys.iter().any(|key| key.has_ended(now)) {
            RingState::HasEndedKeys
        } else {
            RingState::Good
        }
    }

    /// The same keys with `key` as the newest, without those that have ended.
    pub(super) fn replaced_by(&self, key: KeyRecord, now: Timestamp) -> Self {
        let mut rotated = self.without_ended(now);
        if let Some(replaced) = rotated.keys.first_mut() {
            replaced.replaced_at = Some(now.unix_millis());
        }
        rotated.keys.insert(0, key);
        rotated
    }

    /// The same keys without those that have ended.
    pub(super) fn without_ended(&self, now: Timestamp) -> Self {
        let keys = self.keys.iter().filter(|key| !key.has_ended(now)).cloned().collect();
        Self { mac_key: self.mac_key.clone(), keys }
    }
}

impl KeyRecord {
    pub(super) fn new(pkcs8: Zeroizing<Vec<u8>>, created_at: Timestamp) -> Self {
        Self { pkcs8: KeyBytes(pkcs8), created_at: created_at.unix_millis(), replaced_at: None }
    }

    /// The key; `None` if the record has no RSA key.
    pub(super) fn parse(&self) -> Option<SigningKey> {
        SigningKey::from_pkcs8(&self.pkcs8.0)
    }

    /// Whether all tokens of a replaced key have ended.
    fn has_ended(&self, now: Timestamp) -> bool {
        let replaced_at = self.replaced_at.map(Timestamp::from_unix_millis);
        replaced_at.is_some_and(|replaced_at| replaced_at.until(now) > PUBLISHED_AFTER_REPLACEMENT)
    }
}

impl Serialize for KeyBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&Zeroizing::new(STANDARD.encode(&*self.0)))
    }
}

impl<'de> Deserialize<'de> for KeyBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <&str>::deserialize(deserializer)?;
        STANDARD.decode(text).map(|bytes| Self(Zeroizing::new(bytes))).map_err(D::Error::custom)
    }
}
