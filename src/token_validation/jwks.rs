use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, KeyAlgorithm, PublicKeyUse};
use serde::Deserialize;
use serde_json::Value;

/// Real sets have 10 to 1000 keys (docs/protocols/entra-obo.md §1).
const MAX_KEYS: usize = 1000;
/// Shorter moduli can be factored, longer ones only cost time.
const MODULUS_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// A public key that signatures may be checked with, and what its set says about it.
pub(super) struct VerificationKey {
    /// Ready for use: base64 has been decoded once.
    pub(super) key: DecodingKey,
    /// Entra: whose tokens the key may sign; may hold `{tenantid}`.
    pub(super) issuer: Option<String>,
    /// Bot Framework: the channels the key may speak for.
    pub(super) endorsements: Arc<[String]>,
}

/// The usable keys of one published set by their `kid`.
pub(super) type Keys = HashMap<String, Arc<VerificationKey>>;

/// The members of a discovery document that this room reads.
#[derive(Debug, Deserialize)]
pub(super) struct Metadata {
    pub(super) jwks_uri: String,
    pub(super) cloud_instance_name: Option<String>,
}

#[derive(Deserialize)]
struct WireSet {
    keys: Vec<Value>,
}

/// `Jwk` drops the members it does not know; these are the ones that issuers add.
#[derive(Deserialize)]
struct WireKey {
    issuer: Option<String>,
    endorsements: Option<Vec<String>>,
    cloud_instance_name: Option<String>,
    #[serde(flatten)]
    jwk: Jwk,
}

/// The usable keys of a published set; `None` if it is no key set. A key that cannot be used is ignored, not an error:
/// sets legitimately hold keys for other purposes.
pub(super) fn parse(body: &[u8], cloud_instance_name: Option<&str>) -> Option<Keys> {
    let set: WireSet = serde_json::from_slice(body).ok()?;
    let mut keys = Keys::new();
    for value in set.keys.into_iter().take(MAX_KEYS) {
        if let Some((key_id, key)) = read_usable_key(value, cloud_instance_name) {
            keys.entry(key_id).or_insert_with(|| Arc::new(key));
        }
    }
    Some(keys)
}

/// The names of all keys in a published set, also of those that cannot be used.
pub(super) fn read_key_ids(body: &[u8]) -> HashSet<String> {
    let keys = serde_json::from_slice(body).map_or_else(|_| Vec::new(), |set: WireSet| set.keys);
    let key_id = |key: &Value| key.get("kid").and_then(Value::as_str).map(str::to_owned);
    keys.iter().take(MAX_KEYS).filter_map(key_id).filter(|key_id| !key_id.is_empty()).collect()
}

fn read_usable_key(value: Value, cloud_instance_name: Option<&str>) -> Option<(String, VerificationKey)> {
    let wire: WireKey = serde_json::from_value(value).ok()?;
    let for_signatures = matches!(wire.jwk.common.public_key_use, None | Some(PublicKeyUse::Signature));
    let for_rs256 = matches!(wire.jwk.common.key_algorithm, None | Some(KeyAlgorithm::RS256));
    // A key of another national cloud (docs/protocols/entra-obo.md §1 rule 12).
    let fits_cloud = match (wire.cloud_instance_name.as_deref(), cloud_instance_name) {
        (Some(key_cloud), Some(set_cloud)) => key_cloud == set_cloud,
        _ => true,
    };
    let AlgorithmParameters::RSA(parameters) = &wire.jwk.algorithm else { return None };
    let modulus = URL_SAFE_NO_PAD.decode(&parameters.n).ok()?;
    let long_enough = MODULUS_BITS.contains(&bit_length(&modulus));
    if !(for_signatures && for_rs256 && fits_cloud && long_enough) {
        return None;
    }
    let key = DecodingKey::from_jwk(&wire.jwk).ok()?;
    let key_id = wire.jwk.common.key_id.filter(|key_id| !key_id.is_empty())?;
    let endorsements = wire.endorsements.unwrap_or_default().into();
    Some((key_id, VerificationKey { key, issuer: wire.issuer, endorsements }))
}

fn bit_length(big_endian: &[u8]) -> usize {
    let significant = big_endian.iter().skip_while(|byte| **byte == 0);
    let bytes = significant.clone().count();
    significant.clone().next().map_or(0, |first| bytes * 8 - usize::try_from(first.leading_zeros()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn rsa(bits: usize) -> String {
        let mut modulus = vec![0xff_u8; bits / 8];
        modulus[0] = 0x80;
        URL_SAFE_NO_PAD.encode(modulus)
    }

    fn key_ids(keys: &Value) -> Vec<String> {
        let mut ids: Vec<String> =
            parse(&serde_json::to_vec(&json!({ "keys": keys })).unwrap(), Some("login")).unwrap().into_keys().collect();
        ids.sort();
        ids
    }

    #[test]
    fn only_rsa_signature_keys_of_2048_bits_and_more_with_a_kid_are_kept() {
        let keys = json!([
            {"kty": "RSA", "kid": "plain", "n": rsa(2048), "e": "AQAB"},
            {"kty": "RSA", "kid": "sig", "use": "sig", "alg": "RS256", "n": rsa(4096), "e": "AQAB", "x5c": ["x"], "x5t": "y"},
            {"kty": "RSA", "kid": "cloud", "cloud_instance_name": "login", "n": rsa(2048), "e": "AQAB"},
            {"kty": "RSA", "kid": "other-cloud", "cloud_instance_name": "elsewhere", "n": rsa(2048), "e": "AQAB"},
            {"kty": "RSA", "kid": "enc", "use": "enc", "n": rsa(2048), "e": "AQAB"},
            {"kty": "RSA", "kid": "ps", "alg": "PS256", "n": rsa(2048), "e": "AQAB"},
            {"kty": "RSA", "kid": "short", "n": rsa(1024), "e": "AQAB"},
            {"kty": "RSA", "kid": "vast", "n": rsa(16384), "e": "AQAB"},
            {"kty": "RSA", "n": rsa(2048), "e": "AQAB"},
            {"kty": "RSA", "kid": "", "n": rsa(2048), "e": "AQAB"},
            {"kty": "RSA", "kid": 7, "n": rsa(2048), "e": "AQAB"},
            {"kty": "EC", "kid": "ec", "crv": "P-256", "x": "AA", "y": "AA"},
            {"kty": "oct", "kid": "oct", "k": "AAAA"},
            {"kty": "RSA", "kid": "no-n", "e": "AQAB"},
            "nonsense",
            null,
        ]);
        assert_eq!(key_ids(&keys), ["cloud", "plain", "sig"]);
    }

    #[test]
    fn leading_zeros_do_not_make_a_modulus_longer() {
        let mut modulus = vec![0_u8; 128];
        modulus.extend([0xff; 128]);
        let keys = json!([{"kty": "RSA", "kid": "k", "n": URL_SAFE_NO_PAD.encode(modulus), "e": "AQAB"}]);
        assert!(key_ids(&keys).is_empty());
    }

    #[test]
    fn issuer_and_endorsements_survive() {
        let body = json!({"keys": [{"kty": "RSA", "kid": "k", "n": rsa(2048), "e": "AQAB",
            "issuer": "https://issuer/{tenantid}", "endorsements": ["msteams", "webchat"]}]});
        let keys = parse(&serde_json::to_vec(&body).unwrap(), None).unwrap();
        assert_eq!(keys["k"].issuer.as_deref(), Some("https://issuer/{tenantid}"));
        assert_eq!(&keys["k"].endorsements[..], ["msteams", "webchat"]);
    }

    #[test]
    fn at_most_a_thousand_keys_are_read() {
        let keys: Vec<Value> =
            (0..1100).map(|n| json!({"kty": "RSA", "kid": n.to_string(), "n": rsa(2048), "e": "AQAB"})).collect();
        assert_eq!(key_ids(&Value::Array(keys)).len(), MAX_KEYS);
    }

    proptest! {
        #[test]
        fn no_body_panics(body in any::<Vec<u8>>(), kid in any::<String>(), n in any::<String>()) {
            let _ = parse(&body, None);
            let shaped = json!({"keys": [{"kty": "RSA", "kid": kid, "n": n, "e": n, "use": kid, "issuer": n}]});
            let _ = parse(&serde_json::to_vec(&shaped).unwrap(), Some("login"));
        }
    }
}
