//! The sealer: encrypts, decrypts and names records with the keys of the key ring.
//!
//! Owns the use of the cipher and of the MAC, and the replacement of the key ring while the process runs. It deliberately
//! knows neither the content of a record nor where the key ring was read from.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use zeroize::Zeroizing;

use super::envelope::{Envelope, LAYOUT, NONCE_LEN, length_prefixed};
use super::{KeyMark, KeyRing, KeyRingError, SealError};
use crate::domain::SharedEntropy;

/// Seals and opens data, and computes record names. The whole process shares one sealer. Its key ring can be replaced
/// while other threads use it.
pub struct Sealer {
    /// The naming key never changes, so it is not part of the replaceable keys.
    naming: hmac::Key,
    keys: ArcSwap<ExpandedKeys>,
    entropy: SharedEntropy,
}

/// A key ring with a ready cipher for each key.
struct ExpandedKeys {
    ring: KeyRing,
    ciphers: HashMap<u32, LessSafeKey>,
    marks: HashMap<u32, KeyMark>,
}

impl Sealer {
    /// Makes a sealer with the keys of `ring`. It draws nonces from `entropy`.
    pub fn new(ring: KeyRing, entropy: SharedEntropy) -> Self {
        let naming = hmac::Key::new(hmac::HMAC_SHA256, ring.naming.as_slice());
        Self { naming, keys: ArcSwap::from_pointee(ExpandedKeys::expand(ring)), entropy }
    }

    /// Replaces the key ring for the whole process. Operations that start afterwards use `ring`.
    ///
    /// # Errors
    /// [`KeyRingError::OtherNamingKey`] and [`KeyRingError::LostKey`] if stored records could not be found or opened
    /// with `ring`. The current key ring then stays.
    pub fn replace(&self, ring: KeyRing) -> Result<(), KeyRingError> {
        self.check_replacement(&ring)?;
        self.keys.store(Arc::new(ExpandedKeys::expand(ring)));
        Ok(())
    }

    /// Whether `ring` could replace the key ring.
    ///
    /// # Errors
    /// As [`Sealer::replace`].
    pub fn check_replacement(&self, ring: &KeyRing) -> Result<(), KeyRingError> {
        ring.check_can_replace(&self.keys.load().ring)
    }

    /// Seals `plaintext` (AES-256-GCM) with the active key and binds it to `associated`: it opens only with the same
    /// parts.
    ///
    /// # Errors
    /// [`SealError::Refused`] if the cipher refuses, for instance more than 64 GiB.
    pub fn seal(&self, associated: &[&[u8]], plaintext: &[u8]) -> Result<Vec<u8>, SealError> {
        self.seal_behind(&[], associated, plaintext)
    }

    /// As [`Sealer::seal`]; the envelope stands behind the bytes of `head`, which are not sealed.
    ///
    /// # Errors
    /// As [`Sealer::seal`].
    pub fn seal_behind(&self, head: &[u8], associated: &[&[u8]], plaintext: &[u8]) -> Result<Vec<u8>, SealError> {
        let keys = self.keys.load();
        let key_id = keys.ring.active.id;
        let cipher = keys.ciphers.get(&key_id).ok_or(SealError::UnknownKey { key_id })?;
        let mut nonce = [0; NONCE_LEN];
        self.entropy.fill(&mut nonce);
        // The plaintext is encrypted where it lies, in a buffer that is wiped if the cipher fails and leaves plaintext in it.
        let mut sealed = Zeroizing::new(Envelope::begin(head, key_id, nonce, plaintext.len()));
        let body_at = sealed.len();
        sealed.extend_from_slice(plaintext);
        let body = sealed.get_mut(body_at..).unwrap_or_default();
        let tag = cipher
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), associated_data(key_id, associated), body)
            .map_err(|_| SealError::Refused)?;
        sealed.extend_from_slice(tag.as_ref());
        Ok(std::mem::take(&mut *sealed))
    }

    /// Opens an envelope that [`Sealer::seal`] made with the same `associated` parts and with any key of the key ring.
    ///
    /// # Errors
    /// [`SealError::UnknownKey`] with the id of the missing key; other variants if the bytes are not such an envelope.
    pub fn open(&self, associated: &[&[u8]], envelope: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let Envelope { key_id, nonce, body } = Envelope::read(envelope)?;
        let keys = self.keys.load();
        let cipher = keys.ciphers.get(&key_id).ok_or(SealError::UnknownKey { key_id })?;
        let mut plaintext = Zeroizing::new(body.to_vec());
        let length = cipher
            .open_in_place(Nonce::assume_unique_for_key(nonce), associated_data(key_id, associated), &mut plaintext)
            .map_err(|_| SealError::NotAuthentic)?
            .len();
        plaintext.truncate(length);
        Ok(plaintext)
    }

    /// The mark of the key that sealed `envelope`: that of the key ring's key with this id, else of an unknown one.
    /// `None` if the bytes are no envelope.
    #[must_use]
    pub fn find_mark(&self, envelope: &[u8]) -> Option<KeyMark> {
        let key_id = Envelope::read(envelope).ok()?.key_id;
        let known = self.keys.load().marks.get(&key_id).copied();
        Some(known.unwrap_or_else(|| KeyMark::of_unknown_key(key_id)))
    }

    /// Whether the key ring has the very key with this mark.
    #[must_use]
    pub fn has_key(&self, mark: KeyMark) -> bool {
        self.keys.load().marks.get(&mark.key_id()) == Some(&mark)
    }

    /// Whether the key ring has a key with this id.
    #[must_use]
    pub fn has_key_id(&self, key_id: u32) -> bool {
        self.keys.load().marks.contains_key(&key_id)
    }

    /// Draws 128 random bits for an id.
    #[must_use]
    pub fn draw_id(&self) -> [u8; 16] {
        self.entropy.id_bytes()
    }

    /// Computes a keyed digest (HMAC-SHA-256) of `parts`, which a rotation does not change. It is used for record names
    /// and for stored codes. The digests of different purposes are unrelated.
    #[must_use]
    pub fn mac(&self, purpose: &str, parts: &[&[u8]]) -> [u8; 32] {
        let message = length_prefixed(std::iter::once(purpose.as_bytes()).chain(parts.iter().copied()));
        let mut mac = [0; 32];
        // A digest of HMAC-SHA-256 has exactly 32 bytes.
        for (to, from) in mac.iter_mut().zip(hmac::sign(&self.naming, &message).as_ref()) {
            *to = *from;
        }
        mac
    }
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Sealer(..)")
    }
}

impl ExpandedKeys {
    fn expand(ring: KeyRing) -> Self {
        // Any 32 bytes are a valid AES-256 key. A refused key would be reported as missing, with its id.
        let ciphers = ring
            .sealing_keys()
            .filter_map(|key| {
                Some((key.id, LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key.material.as_slice()).ok()?)))
            })
            .collect();
        let marks = ring.sealing_keys().map(|key| (key.id, key.mark())).collect();
        Self { ring, ciphers, marks }
    }
}

fn associated_data(key_id: u32, associated: &[&[u8]]) -> Aad<Vec<u8>> {
    let key_id = key_id.to_be_bytes();
    let head: [&[u8]; 2] = [&[LAYOUT], &key_id];
    Aad::from(length_prefixed(head.into_iter().chain(associated.iter().copied())))
}
