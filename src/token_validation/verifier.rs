use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use jsonwebtoken::Algorithm;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::claims::Claims;
use super::jwks::VerificationKey;
use super::key_set::{KeySet, KeysUnavailable};
use super::unverified;

/// Kept signature results of one validator, by the bytes of their tokens.
const CACHE_BYTES: u64 = 16 * 1024 * 1024;
/// What a real token weighs, for the cache's initial size.
const USUAL_TOKEN_BYTES: usize = 2048;

/// A token whose signature is right. Nothing else is said about it.
pub(super) struct VerifiedToken {
    pub(super) claims: Claims,
    pub(super) key: Arc<VerificationKey>,
}

/// Why the signature was not found right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unproven {
    /// A check failed, by name.
    Refused(&'static str),
    /// Nothing can be said.
    KeysUnavailable,
}

impl From<KeysUnavailable> for Unproven {
    fn from(_: KeysUnavailable) -> Self {
        Self::KeysUnavailable
    }
}

/// Checks signatures for one purpose and remembers the good ones: a repeat of the same bytes costs a SHA-256 and a map
/// look-up. Everything but the signature is checked by the caller each time (DESIGN §5.11); each validator has a
/// verifier of its own, so a result never serves another purpose.
pub(super) struct SignatureVerifier {
    limit_bytes: usize,
    proven: Cache<[u8; 32], Proven, ByTokenLength>,
}

#[derive(Clone)]
struct Proven {
    token: Arc<VerifiedToken>,
    key_set: Arc<KeySet>,
    generation: u64,
    length: usize,
}

#[derive(Clone)]
struct ByTokenLength;

impl Weighter<[u8; 32], Proven> for ByTokenLength {
    fn weight(&self, _: &[u8; 32], proven: &Proven) -> u64 {
        u64::try_from(proven.length).unwrap_or(u64::MAX)
    }
}

impl SignatureVerifier {
    /// Tokens above `limit_bytes` are refused unread.
    pub(super) fn new(limit_bytes: usize) -> Self {
        let items = usize::try_from(CACHE_BYTES).unwrap_or(usize::MAX) / USUAL_TOKEN_BYTES;
        Self { limit_bytes, proven: Cache::with_weighter(items, CACHE_BYTES, ByTokenLength) }
    }

    /// Proves the signature of `raw` with the key set that `choose` picks from *unverified* claims out of a fixed table.
    pub(super) async fn verify(
        &self,
        raw: &str,
        choose: impl FnOnce(&Claims) -> Result<Arc<KeySet>, &'static str>,
    ) -> Result<Arc<VerifiedToken>, Unproven> {
        if raw.len() > self.limit_bytes {
            return Err(Unproven::Refused("form"));
        }
        let mut name = [0_u8; 32];
        name.copy_from_slice(digest(&SHA256, raw.as_bytes()).as_ref());
        if let Some(token) = self.remembered(&name) {
            return Ok(token);
        }
        let unverified = unverified::parse(raw, self.limit_bytes).map_err(Unproven::Refused)?;
        let key_set = choose(&unverified.claims).map_err(Unproven::Refused)?;
        let found = key_set.find_key(&unverified.key_id).await?.ok_or(Unproven::Refused("signature"))?;
        let genuine =
            jsonwebtoken::crypto::verify(unverified.signature, unverified.signed, &found.key.key, Algorithm::RS256);
        if !genuine.unwrap_or(false) {
            return Err(Unproven::Refused("signature"));
        }
        let token = Arc::new(VerifiedToken { claims: unverified.claims, key: found.key });
        let proven = Proven { token: Arc::clone(&token), key_set, generation: found.generation, length: raw.len() };
        self.proven.insert(name, proven);
        Ok(token)
    }

    /// A result holds only as long as the key set's content that it was made with.
    fn remembered(&self, name: &[u8; 32]) -> Option<Arc<VerifiedToken>> {
        let proven = self.proven.get(name)?;
        let generation = proven.key_set.current()?.generation;
        (generation == proven.generation).then_some(proven.token)
    }
}
