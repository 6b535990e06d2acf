use std::sync::{Arc, OnceLock};

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::algorithms::SignaturePolicy;
use super::claims::Claims;
use super::key_set::{AbsenceProof, FoundKey, KeyLookup, KeyLookupError, KeySet};
use super::unverified::UnverifiedToken;
use super::verification_key::VerificationKey;
use crate::domain::{Fingerprint, Fingerprints, Timestamp};

/// The memory that the cached results of one validator may take, in bytes.
const CACHE_BYTES: u64 = 16 * 1024 * 1024;
/// The length in base64 of the shortest signature that an asymmetric algorithm of RFC 7518 §3 makes, 64 bytes.
const SHORTEST_SIGNATURE: usize = 86;
/// The length of a real token, from which the initial size of the cache is computed.
const TYPICAL_TOKEN_BYTES: usize = 2048;

/// A token whose signature is valid; no other check has been made. `D` is what the validator derives from the token and
/// its key alone, so it is derived once. What depends on the time, the policy or the request is not part of `D`.
pub(super) struct VerifiedToken<D> {
    pub(super) claims: Claims,
    pub(super) key: Arc<VerificationKey>,
    key_set: Arc<KeySet>,
    /// That of the key set with which the signature was verified.
    generation: u64,
    /// The length of the token in bytes.
    length: usize,
    derived: OnceLock<D>,
}

impl<D> VerifiedToken<D> {
    /// Returns the derived value; calls `derive` the first time only.
    pub(super) fn derived(&self, derive: impl FnOnce(&Self) -> D) -> &D {
        self.derived.get_or_init(|| derive(self))
    }
}

/// Why a signature could not be verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum VerificationFailure {
    /// The name of the check that failed.
    Refused(&'static str),
    /// The signature cannot be checked without the issuer's keys.
    KeysUnavailable,
    /// The token names a key that may be new.
    KeyNotKnownYet,
}

impl From<KeyLookupError> for VerificationFailure {
    fn from(error: KeyLookupError) -> Self {
        match error {
            KeyLookupError::Unavailable => Self::KeysUnavailable,
            KeyLookupError::NotKnownYet => Self::KeyNotKnownYet,
        }
    }
}

/// A token of whose signature no earlier check serves. It is known by its fingerprint, which is computed once.
pub(super) struct UnknownToken(Fingerprint);

/// Checks signatures for one purpose and remembers the good ones by the fingerprints of their tokens: a repeat of the
/// same bytes costs a fingerprint and a map look-up, and no token stays in memory for it. Everything but the signature
/// is checked by the caller each time (docs/architecture.md §Security rules, rule 11); each validator has a verifier of
/// its own, so a result never serves another purpose.
pub(super) struct SignatureVerifier<D> {
    limit_bytes: usize,
    absence_proof: AbsenceProof,
    policy: SignaturePolicy,
    fingerprints: Fingerprints,
    cache: Cache<Fingerprint, Arc<VerifiedToken<D>>, ByTokenLength>,
}

#[derive(Clone)]
struct ByTokenLength;

impl<D> Weighter<Fingerprint, Arc<VerifiedToken<D>>> for ByTokenLength {
    fn weight(&self, _: &Fingerprint, cached: &Arc<VerifiedToken<D>>) -> u64 {
        // The parsed claims, and what is derived from them, take about as much memory as the token itself.
        u64::try_from(512 + cached.length).unwrap_or(u64::MAX)
    }
}

impl<D> SignatureVerifier<D> {
    /// Tokens above `limit_bytes` are refused unread.
    pub(super) fn new(limit_bytes: usize) -> Self {
        Self::with_policy(limit_bytes, SignaturePolicy::Rs256WithKeyId)
    }

    /// Creates a verifier for tokens of another policy. Its key sets must have the same policy.
    pub(super) fn with_policy(limit_bytes: usize, policy: SignaturePolicy) -> Self {
        let items = usize::try_from(CACHE_BYTES).unwrap_or(usize::MAX) / TYPICAL_TOKEN_BYTES;
        let absence_proof = AbsenceProof::FetchAfterPublication;
        let cache = Cache::with_weighter(items, CACHE_BYTES, ByTokenLength);
        Self { limit_bytes, absence_proof, policy, fingerprints: Fingerprints::new(), cache }
    }

    /// Changes which fetch proves that the name of a key is made up.
    pub(super) fn with_absence_proof(self, absence_proof: AbsenceProof) -> Self {
        Self { absence_proof, ..self }
    }

    /// Finds the result of an earlier check of the same bytes. It is valid only while the key set has the content that the
    /// signature was verified with.
    pub(super) fn find_verified(&self, raw: &[u8], now: Timestamp) -> Result<Arc<VerifiedToken<D>>, UnknownToken> {
        let fingerprint = self.fingerprints.compute(raw);
        let cached = self.cache.get(&fingerprint).filter(|token| token.key_set.is_current(token.generation, now));
        cached.ok_or(UnknownToken(fingerprint))
    }

    /// Proves the signature of `raw` with the key set that `choose` picks from *unverified* claims out of a fixed
    /// table, unless an earlier check serves.
    pub(super) async fn verify(
        &self,
        raw: &str,
        now: Timestamp,
        choose: impl FnOnce(&Claims) -> Result<Arc<KeySet>, &'static str>,
    ) -> Result<Arc<VerifiedToken<D>>, VerificationFailure> {
        if raw.len() > self.limit_bytes {
            return Err(VerificationFailure::Refused("form"));
        }
        match self.find_verified(raw.as_bytes(), now) {
            Ok(token) => Ok(token),
            Err(unknown) => self.verify_unknown(raw, unknown, choose).await,
        }
    }

    /// Proves the signature of `raw`, for which [`SignatureVerifier::find_verified`] has found no earlier check. `choose` is that
    /// of [`SignatureVerifier::verify`].
    pub(super) async fn verify_unknown(
        &self,
        raw: &str,
        unknown: UnknownToken,
        choose: impl FnOnce(&Claims) -> Result<Arc<KeySet>, &'static str>,
    ) -> Result<Arc<VerifiedToken<D>>, VerificationFailure> {
        let unverified = UnverifiedToken::parse_by(raw, self.limit_bytes, self.policy);
        let unverified = unverified.map_err(VerificationFailure::Refused)?;
        let key_set = choose(&unverified.claims).map_err(VerificationFailure::Refused)?;
        // No key can have made it, so no key set is asked for the name that the token brings.
        if unverified.signature.len() < SHORTEST_SIGNATURE {
            return Err(VerificationFailure::Refused("signature"));
        }
        let found = find_signing_key(&key_set, &unverified, self.absence_proof).await?;
        let token = Arc::new(VerifiedToken {
            claims: unverified.claims,
            key: found.key,
            key_set,
            generation: found.generation,
            length: raw.len(),
            derived: OnceLock::new(),
        });
        self.cache.insert(unknown.0, Arc::clone(&token));
        Ok(token)
    }
}

/// Finds the key that has signed the token. A token that names no key is tried with the only key that fits; if that has
/// not signed it, the issuer may have replaced the key.
async fn find_signing_key(
    key_set: &Arc<KeySet>,
    token: &UnverifiedToken<'_>,
    proof: AbsenceProof,
) -> Result<FoundKey, VerificationFailure> {
    let has_signed = |found: &FoundKey| found.key.has_signed(token.signed, token.signature, token.algorithm);
    let key_id = token.key_id.as_deref();
    let found = match key_set.find_key(key_id, token.algorithm, proof).await? {
        KeyLookup::Found(found) => found,
        KeyLookup::OtherAlgorithm => return Err(VerificationFailure::Refused("alg")),
        KeyLookup::Unknown if key_id.is_none() => return Err(VerificationFailure::Refused("kid")),
        KeyLookup::Unknown => return Err(VerificationFailure::Refused("signature")),
    };
    if has_signed(&found) {
        return Ok(found);
    }
    let replaced = match key_id {
        None => key_set.find_replaced_key(token.algorithm, found.generation).await?,
        Some(_) => None,
    };
    replaced.filter(has_signed).ok_or(VerificationFailure::Refused("signature"))
}
