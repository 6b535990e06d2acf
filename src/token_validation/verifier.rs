use std::sync::{Arc, OnceLock};

use aws_lc_rs::digest::{SHA256, digest};
use jsonwebtoken::Algorithm;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::claims::Claims;
use super::jwks::VerificationKey;
use super::key_set::{KeySet, KeysUnavailable};
use super::unverified::UnverifiedToken;

/// Kept signature results of one validator, by the bytes of their tokens.
const CACHE_BYTES: u64 = 16 * 1024 * 1024;
/// What a real token weighs, for the cache's initial size.
const USUAL_TOKEN_BYTES: usize = 2048;

/// A token whose signature is right. Nothing else is said about it. `D` is what its validator concludes from its bytes
/// and its key alone, and so needs to conclude only once; what depends on the time, the policy or the request is not
/// part of that.
pub(super) struct VerifiedToken<D> {
    pub(super) claims: Claims,
    pub(super) key: Arc<VerificationKey>,
    derived: OnceLock<D>,
}

impl<D> VerifiedToken<D> {
    /// What follows from the token, by `derive` unless it has been derived before.
    pub(super) fn derived(&self, derive: impl FnOnce(&Self) -> D) -> &D {
        self.derived.get_or_init(|| derive(self))
    }
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

/// Checks signatures for one purpose and remembers the good ones by the SHA-256 of their tokens: a repeat of the same
/// bytes costs a digest and a map look-up. Everything but the signature is checked by the caller each time
/// (docs/architecture.md §Security rules, rule 11); each validator has a verifier of its own, so a result never serves
/// another purpose.
pub(super) struct SignatureVerifier<D> {
    limit_bytes: usize,
    proven: Cache<TokenDigest, Proven<D>, ByTokenLength>,
}

type TokenDigest = [u8; 32];

struct Proven<D> {
    token: Arc<VerifiedToken<D>>,
    key_set: Arc<KeySet>,
    generation: u64,
    length: usize,
}

#[derive(Clone)]
struct ByTokenLength;

impl<D> Clone for Proven<D> {
    fn clone(&self) -> Self {
        let (token, key_set) = (Arc::clone(&self.token), Arc::clone(&self.key_set));
        Self { token, key_set, generation: self.generation, length: self.length }
    }
}

impl<D> Weighter<TokenDigest, Proven<D>> for ByTokenLength {
    fn weight(&self, _: &TokenDigest, proven: &Proven<D>) -> u64 {
        // The claims taken apart take about as much as the token that they come from.
        u64::try_from(256 + proven.length).unwrap_or(u64::MAX)
    }
}

impl<D> SignatureVerifier<D> {
    /// Tokens above `limit_bytes` are refused unread.
    pub(super) fn new(limit_bytes: usize) -> Self {
        let items = usize::try_from(CACHE_BYTES).unwrap_or(usize::MAX) / USUAL_TOKEN_BYTES;
        Self { limit_bytes, proven: Cache::with_weighter(items, CACHE_BYTES, ByTokenLength) }
    }

    /// Proves the signature of `raw` with the key set that `choose` picks from *unverified* claims out of a fixed
    /// table.
    pub(super) async fn verify(
        &self,
        raw: &str,
        choose: impl FnOnce(&Claims) -> Result<Arc<KeySet>, &'static str>,
    ) -> Result<Arc<VerifiedToken<D>>, Unproven> {
        if raw.len() > self.limit_bytes {
            return Err(Unproven::Refused("form"));
        }
        let digest = digest_of(raw);
        if let Some(token) = self.remembered(&digest) {
            return Ok(token);
        }
        let unverified = UnverifiedToken::parse(raw, self.limit_bytes).map_err(Unproven::Refused)?;
        let key_set = choose(&unverified.claims).map_err(Unproven::Refused)?;
        let found = key_set.find_key(&unverified.key_id).await?.ok_or(Unproven::Refused("signature"))?;
        let genuine =
            jsonwebtoken::crypto::verify(unverified.signature, unverified.signed, &found.key.key, Algorithm::RS256);
        if !genuine.unwrap_or(false) {
            return Err(Unproven::Refused("signature"));
        }
        let token = Arc::new(VerifiedToken { claims: unverified.claims, key: found.key, derived: OnceLock::new() });
        let proven = Proven { token: Arc::clone(&token), key_set, generation: found.generation, length: raw.len() };
        self.proven.insert(digest, proven);
        Ok(token)
    }

    /// A result holds only as long as the key set's content that it was made with.
    fn remembered(&self, digest: &TokenDigest) -> Option<Arc<VerifiedToken<D>>> {
        let proven = self.proven.get(digest)?;
        let generation = proven.key_set.current()?.generation;
        (generation == proven.generation).then_some(proven.token)
    }
}

fn digest_of(raw: &str) -> TokenDigest {
    let mut bytes = TokenDigest::default();
    bytes.copy_from_slice(digest(&SHA256, raw.as_bytes()).as_ref());
    bytes
}
