//! The key ring: the keys of one store.
//!
//! Owns the creation and the rotation of keys, and the rule by which a key ring may replace another one. It deliberately
//! knows neither the text form of a key ring nor the key file.

#[cfg(test)]
mod tests;

use std::fmt;

use aws_lc_rs::hmac;
use subtle::ConstantTimeEq;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::KeyRingError;
use crate::domain::{Clock, Entropy};

pub(super) type KeyMaterial = Zeroizing<[u8; 32]>;

/// One AES-256 key.
#[derive(Clone)]
pub(super) struct SealingKey {
    pub(super) id: u32,
    pub(super) created: OffsetDateTime,
    pub(super) material: KeyMaterial,
}

/// The id of a sealing key, and a check value of its material, by which two keys with the same id are told apart. The
/// check value reveals nothing about the material.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyMark(u64);

/// The bits of a mark that hold the check value; the key's id is above them. An id has at most 31 bits.
const CHECK_BITS: u32 = 32;

impl KeyMark {
    /// The mark with this number.
    #[must_use]
    pub fn from_number(number: u64) -> Self {
        Self(number)
    }

    /// The mark of the key `key_id` if its material is not known.
    #[must_use]
    pub fn of_unknown_key(key_id: u32) -> Self {
        Self(u64::from(key_id) << CHECK_BITS)
    }

    /// The mark as a number below 2⁶³.
    #[must_use]
    pub fn number(self) -> u64 {
        self.0
    }

    /// The id of the key.
    #[must_use]
    pub fn key_id(self) -> u32 {
        u32::try_from(self.0 >> CHECK_BITS).unwrap_or(u32::MAX)
    }
}

impl SealingKey {
    /// The check value is a keyed digest (HMAC-SHA-256) under the key itself, cut to 32 bits.
    pub(in crate::sealing) fn mark(&self) -> KeyMark {
        let digest = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, self.material.as_slice()), b"bot-sso key mark");
        let check = digest.as_ref().iter().take(4).fold(0, |check, byte| check << 8 | u64::from(*byte));
        KeyMark(KeyMark::of_unknown_key(self.id).0 | check)
    }
}

/// The keys of one store: a naming key and sealing keys. The naming key never changes, because records are found by
/// MACs with it. One sealing key seals: the newest that is not prepared. All sealing keys open.
///
/// A prepared key only opens. Replicas over a shared store get it before any of them seals with it, so that each can open what the
/// others seal.
///
/// Nonces are random, so a key should not seal more than 2³² records (NIST SP 800-38D §8.3): rotate before.
#[derive(Clone)]
pub struct KeyRing {
    pub(super) naming: KeyMaterial,
    /// The inactive sealing keys, ascending by id.
    pub(super) older: Vec<SealingKey>,
    pub(super) active: SealingKey,
    /// The key that will be active after the next rotation, if it was prepared. It has the greatest id.
    pub(super) prepared: Option<SealingKey>,
}

impl KeyRing {
    /// Generates a new key ring. Data that was sealed with another key ring cannot be opened with it.
    pub fn generate(clock: &dyn Clock, entropy: &dyn Entropy) -> Self {
        Self { naming: draw(entropy), older: Vec::new(), active: new_key(1, clock, entropy), prepared: None }
    }

    /// Activates the prepared key, or adds a new active key if there is none. Data that was sealed with the older keys can still be opened.
    #[must_use]
    pub fn rotated(&self, clock: &dyn Clock, entropy: &dyn Entropy) -> Self {
        let mut older = self.older.clone();
        older.push(self.active.clone());
        let active = self.prepared.clone().unwrap_or_else(|| self.next_key(clock, entropy));
        Self { naming: self.naming.clone(), older, active, prepared: None }
    }

    /// Adds a key that only opens until the next rotation activates it. A ring that has one already stays as it is.
    #[must_use]
    pub fn with_prepared_key(&self, clock: &dyn Clock, entropy: &dyn Entropy) -> Self {
        let prepared = self.prepared.clone().unwrap_or_else(|| self.next_key(clock, entropy));
        Self { prepared: Some(prepared), ..self.clone() }
    }

    fn next_key(&self, clock: &dyn Clock, entropy: &dyn Entropy) -> SealingKey {
        new_key(self.active.id.saturating_add(1), clock, entropy)
    }

    /// The same ring without the keys that only open.
    #[cfg(test)]
    pub(crate) fn without_older_keys(self) -> Self {
        Self { older: Vec::new(), ..self }
    }

    /// The id of the key that seals. An operator can see from it whether a rotation has taken effect.
    #[must_use]
    pub fn active_key_id(&self) -> u32 {
        self.active.id
    }

    /// All sealing keys, ascending by id.
    pub(super) fn sealing_keys(&self) -> impl Iterator<Item = &SealingKey> {
        self.older.iter().chain(std::iter::once(&self.active)).chain(&self.prepared)
    }

    /// Checks that every record that was stored with `current` can be found and opened with this key ring.
    pub(super) fn check_can_replace(&self, current: &Self) -> Result<(), KeyRingError> {
        if !equal_in_constant_time(&self.naming, &current.naming) {
            return Err(KeyRingError::OtherNamingKey);
        }
        let has = |key: &SealingKey| {
            self.sealing_keys().any(|own| own.id == key.id && equal_in_constant_time(&own.material, &key.material))
        };
        match current.sealing_keys().find(|key| !has(key)) {
            Some(missing) => Err(KeyRingError::LostKey { key_id: missing.id }),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("KeyRing").field("active", &self.active.id).finish_non_exhaustive()
    }
}

fn equal_in_constant_time(left: &KeyMaterial, right: &KeyMaterial) -> bool {
    left.ct_eq(right.as_slice()).into()
}

fn draw(entropy: &dyn Entropy) -> KeyMaterial {
    let mut material = Zeroizing::new([0; 32]);
    entropy.fill(material.as_mut_slice());
    material
}

fn new_key(id: u32, clock: &dyn Clock, entropy: &dyn Entropy) -> SealingKey {
    // The conversion fails only after the year 9999. The date is for people only, so a wrong one does no harm.
    let created = OffsetDateTime::from_unix_timestamp(clock.now().unix_seconds()).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    SealingKey { id, created, material: draw(entropy) }
}
