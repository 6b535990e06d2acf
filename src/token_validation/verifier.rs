use std::hash::{Hash, Hasher};
use std::sync::{Arc, OnceLock};

use jsonwebtoken::Algorithm;
use quick_cache::sync::Cache;
use quick_cache::{Equivalent, Weighter};

use super::claims::Claims;
use super::jwks::VerificationKey;
use super::key_set::{KeySet, KeysUnavailable};
use super::unverified;
use crate::domain::Secret;

/// Kept signature results of one validator, by the bytes of their tokens.
const CACHE_BYTES: u64 = 16 * 1024 * 1024;
/// What a real token weighs, for the cache's initial size.
const USUAL_TOKEN_BYTES: usize = 4096;
/// So much of a token's end is hashed to find it: part of the signature, which differs wherever anything does.
const HASHED_BYTES: usize = 32;

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

/// Checks signatures for one purpose and remembers the good ones: a repeat of the same bytes costs a map look-up and a
/// comparison. Everything but the signature is checked by the caller each time (DESIGN §5.11); each validator has a
/// verifier of its own, so a result never serves another purpose.
///
/// Tokens are found by their very bytes. A SHA-256 of them would cost more than everything else that is done for a
/// repeat where the processor has no instructions for it. What is remembered is wiped when it goes, and is worth less
/// than the tokens beside it in the vault's memory: only the holder of the client's credential can exchange it.
pub(super) struct SignatureVerifier<D> {
    limit_bytes: usize,
    proven: Cache<Proved, Proven<D>, ByTokenLength>,
}

/// A token whose signature is right, as a name of that result.
#[derive(Clone)]
struct Proved(Secret);

/// The bytes of a token that may be one of them.
struct Presented<'a>(&'a str);

impl Hash for Presented<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Only genuine tokens are remembered, so nobody can fill the map with equal ends.
        let bytes = self.0.as_bytes();
        bytes.get(bytes.len().saturating_sub(HASHED_BYTES)..).hash(state);
    }
}

impl Hash for Proved {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Presented(self.0.expose()).hash(state);
    }
}

impl PartialEq for Proved {
    fn eq(&self, other: &Self) -> bool {
        self.0.expose() == other.0.expose()
    }
}

impl Eq for Proved {}

impl Equivalent<Proved> for Presented<'_> {
    fn equivalent(&self, proved: &Proved) -> bool {
        self.0 == proved.0.expose()
    }
}

struct Proven<D> {
    token: Arc<VerifiedToken<D>>,
    key_set: Arc<KeySet>,
    generation: u64,
}

#[derive(Clone)]
struct ByTokenLength;

impl<D> Clone for Proven<D> {
    fn clone(&self) -> Self {
        Self { token: Arc::clone(&self.token), key_set: Arc::clone(&self.key_set), generation: self.generation }
    }
}

impl<D> Weighter<Proved, Proven<D>> for ByTokenLength {
    fn weight(&self, token: &Proved, _: &Proven<D>) -> u64 {
        // The text, and its claims taken apart.
        u64::try_from(2 * token.0.expose().len()).unwrap_or(u64::MAX)
    }
}

impl<D> SignatureVerifier<D> {
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
    ) -> Result<Arc<VerifiedToken<D>>, Unproven> {
        if raw.len() > self.limit_bytes {
            return Err(Unproven::Refused("form"));
        }
        if let Some(token) = self.remembered(raw) {
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
        let token = Arc::new(VerifiedToken { claims: unverified.claims, key: found.key, derived: OnceLock::new() });
        let proven = Proven { token: Arc::clone(&token), key_set, generation: found.generation };
        self.proven.insert(Proved(Secret::from(raw)), proven);
        Ok(token)
    }

    /// A result holds only as long as the key set's content that it was made with.
    fn remembered(&self, raw: &str) -> Option<Arc<VerifiedToken<D>>> {
        let proven = self.proven.get(&Presented(raw))?;
        let generation = proven.key_set.current()?.generation;
        (generation == proven.generation).then_some(proven.token)
    }
}
