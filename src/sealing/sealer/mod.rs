#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use zeroize::Zeroizing;

use super::envelope::{Envelope, LAYOUT, NONCE_LEN, length_prefixed};
use super::{KeyRing, KeyRingError, SealError};
use crate::domain::SharedEntropy;

/// Seals, opens and names. Shared by the whole process; its ring can be replaced while others use it.
pub struct Sealer {
    /// Stable for ever, hence outside of what is swapped.
    naming: hmac::Key,
    keys: ArcSwap<ReadyKeys>,
    entropy: SharedEntropy,
}

/// A ring with its keys expanded.
struct ReadyKeys {
    ring: KeyRing,
    ciphers: HashMap<u32, LessSafeKey>,
}

impl Sealer {
    /// A sealer over `ring`; nonces are drawn from `entropy`.
    pub fn new(ring: KeyRing, entropy: SharedEntropy) -> Self {
        let naming = hmac::Key::new(hmac::HMAC_SHA256, ring.naming.as_slice());
        Self { naming, keys: ArcSwap::from_pointee(ReadyKeys::of(ring)), entropy }
    }

    /// Changes to `ring` at once, for everybody.
    ///
    /// # Errors
    /// [`KeyRingError::OtherNamingKey`] and [`KeyRingError::LostKey`] if something kept now could not be found or opened
    /// any more; the present ring then stays.
    pub fn replace(&self, ring: KeyRing) -> Result<(), KeyRingError> {
        ring.check_succeeds(&self.keys.load().ring)?;
        self.keys.store(Arc::new(ReadyKeys::of(ring)));
        Ok(())
    }

    /// Seals `plaintext` (AES-256-GCM) under the active key, bound to `associated`: it opens only with the same parts.
    ///
    /// # Errors
    /// [`SealError::Refused`] if the cipher refuses, for instance more than 64 GiB.
    pub fn seal(&self, associated: &[&[u8]], plaintext: &[u8]) -> Result<Vec<u8>, SealError> {
        let keys = self.keys.load();
        let key_id = keys.ring.active.id;
        let cipher = keys.ciphers.get(&key_id).ok_or(SealError::UnknownKey { key_id })?;
        let mut nonce = [0; NONCE_LEN];
        self.entropy.fill(&mut nonce);
        let mut envelope = Envelope::begin(key_id, nonce, plaintext.len());
        // Encrypted in a buffer that is wiped: a failing cipher must not leave plaintext behind.
        let mut body = Zeroizing::new(plaintext.to_vec());
        let tag = cipher
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), bind(key_id, associated), &mut body)
            .map_err(|_| SealError::Refused)?;
        envelope.extend_from_slice(&body);
        envelope.extend_from_slice(tag.as_ref());
        Ok(envelope)
    }

    /// Opens what [`Sealer::seal`] made with the same `associated` parts, under the active or any older key.
    ///
    /// # Errors
    /// [`SealError::UnknownKey`] naming the key that is missing; the others say that the bytes are no such envelope.
    pub fn open(&self, associated: &[&[u8]], envelope: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let Envelope { key_id, nonce, body } = Envelope::read(envelope)?;
        let keys = self.keys.load();
        let cipher = keys.ciphers.get(&key_id).ok_or(SealError::UnknownKey { key_id })?;
        let mut plaintext = Zeroizing::new(body.to_vec());
        let length = cipher
            .open_in_place(Nonce::assume_unique_for_key(nonce), bind(key_id, associated), &mut plaintext)
            .map_err(|_| SealError::NotAuthentic)?
            .len();
        plaintext.truncate(length);
        Ok(plaintext)
    }

    /// A keyed digest (HMAC-SHA-256) of `parts`, stable across rotations: the name of a record, or what is kept of a code.
    /// MACs of different purposes have nothing to do with each other.
    #[must_use]
    pub fn mac(&self, purpose: &str, parts: &[&[u8]]) -> [u8; 32] {
        let message = length_prefixed(std::iter::once(purpose.as_bytes()).chain(parts.iter().copied()));
        let mut mac = [0; 32];
        // The tag of HMAC-SHA-256 has exactly 32 bytes.
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

impl ReadyKeys {
    fn of(ring: KeyRing) -> Self {
        // 32 bytes are always a key of AES-256; should one ever be refused, it is as good as missing, and said by id.
        let ciphers = ring
            .sealing_keys()
            .filter_map(|key| {
                Some((key.id, LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key.material.as_slice()).ok()?)))
            })
            .collect();
        Self { ring, ciphers }
    }
}

fn bind(key_id: u32, associated: &[&[u8]]) -> Aad<Vec<u8>> {
    let key_id = key_id.to_be_bytes();
    let head: [&[u8]; 2] = [&[LAYOUT], &key_id];
    Aad::from(length_prefixed(head.into_iter().chain(associated.iter().copied())))
}
