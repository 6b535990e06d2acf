#[cfg(test)]
mod tests;

use std::fmt;

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

/// The keys of one store: a naming key that stays for ever (records are found by MACs under it) and sealing keys, of
/// which the newest (greatest id) seals and all open.
///
/// Nonces are random, so one key should not seal more than 2³² records (NIST SP 800-38D §8.3): rotate before that.
#[derive(Clone)]
pub struct KeyRing {
    pub(super) naming: KeyMaterial,
    /// Ascending by id; never empty.
    pub(super) older: Vec<SealingKey>,
    pub(super) active: SealingKey,
}

impl KeyRing {
    /// A new ring: nothing sealed under another can be opened with it.
    pub fn generate(clock: &dyn Clock, entropy: &dyn Entropy) -> Self {
        Self { naming: draw(entropy), older: Vec::new(), active: new_key(1, clock, entropy) }
    }

    /// This ring with a new active key; all old ones still open.
    #[must_use]
    pub fn rotated(&self, clock: &dyn Clock, entropy: &dyn Entropy) -> Self {
        let mut older = self.older.clone();
        older.push(self.active.clone());
        let id = self.active.id.saturating_add(1);
        Self { naming: self.naming.clone(), older, active: new_key(id, clock, entropy) }
    }

    /// The id of the key that seals: what an operator compares after a rotation.
    #[must_use]
    pub fn active_key_id(&self) -> u32 {
        self.active.id
    }

    /// All sealing keys, ascending by id.
    pub(super) fn sealing_keys(&self) -> impl Iterator<Item = &SealingKey> {
        self.older.iter().chain(std::iter::once(&self.active))
    }

    /// Whether everything sealed and named under `present` can be found and opened with this ring.
    pub(super) fn check_succeeds(&self, present: &Self) -> Result<(), KeyRingError> {
        if !same(&self.naming, &present.naming) {
            return Err(KeyRingError::OtherNamingKey);
        }
        let has =
            |key: &SealingKey| self.sealing_keys().any(|own| own.id == key.id && same(&own.material, &key.material));
        match present.sealing_keys().find(|key| !has(key)) {
            Some(lost) => Err(KeyRingError::LostKey { key_id: lost.id }),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("KeyRing").field("active", &self.active.id).finish_non_exhaustive()
    }
}

fn same(left: &KeyMaterial, right: &KeyMaterial) -> bool {
    left.ct_eq(right.as_slice()).into()
}

fn draw(entropy: &dyn Entropy) -> KeyMaterial {
    let mut material = Zeroizing::new([0; 32]);
    entropy.fill(material.as_mut_slice());
    material
}

fn new_key(id: u32, clock: &dyn Clock, entropy: &dyn Entropy) -> SealingKey {
    // A clock beyond the year 9999 is wrong in any case, and the date is there for people only.
    let created = OffsetDateTime::from_unix_timestamp(clock.now().unix_seconds()).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    SealingKey { id, created, material: draw(entropy) }
}
