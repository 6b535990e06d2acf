use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::algorithms::{SignaturePolicy, name_asymmetric};
use super::verification_key::VerificationKey;
use crate::domain::read_bounded_object;

/// Real sets have 10 to 1000 keys (docs/protocols/entra-obo.md §1).
const MAX_KEYS: usize = 1000;
/// Shorter moduli can be factored, longer ones only cost time.
const MODULUS_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// The usable keys of one published set.
#[derive(Default)]
pub(super) struct Keys {
    /// A provider may give keys of different types the same name.
    by_id: HashMap<String, Vec<Arc<VerificationKey>>>,
    without_id: Vec<Arc<VerificationKey>>,
}

impl Keys {
    pub(super) fn len(&self) -> usize {
        self.by_id.values().map(Vec::len).sum::<usize>() + self.without_id.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The key for a signature by `algorithm`. A token that names its key gets the key of this name, else the only
    /// fitting key without a name. A token that names none gets the only fitting key of all (`OpenID` Connect Core
    /// §10.1 requires a name only of an issuer with several keys).
    pub(super) fn find(&self, key_id: Option<&str>, algorithm: Algorithm) -> Option<&Arc<VerificationKey>> {
        let unnamed = self.without_id.iter().filter(|key| key.verifies(algorithm));
        match key_id {
            Some(key_id) => {
                let named = self.by_id.get(key_id).into_iter().flatten();
                only(named.filter(|key| key.verifies(algorithm)).take(1)).or_else(|| only(unnamed))
            }
            None => only(self.by_id.values().flatten().filter(|key| key.verifies(algorithm)).chain(unnamed)),
        }
    }

    /// The names of the algorithms that at least one key may verify; repeated, and in no particular order.
    pub(super) fn algorithms(&self) -> impl Iterator<Item = &'static str> {
        let keys = self.by_id.values().flatten().chain(&self.without_id);
        keys.flat_map(|key| &key.algorithms).filter_map(|algorithm| name_asymmetric(*algorithm))
    }

    /// Whether a key has this name, for whatever algorithm.
    pub(super) fn has_id(&self, key_id: &str) -> bool {
        self.by_id.contains_key(key_id)
    }
}

fn only<T>(mut items: impl Iterator<Item = T>) -> Option<T> {
    let first = items.next()?;
    items.next().is_none().then_some(first)
}

/// The members of a discovery document that this room reads.
#[derive(Debug, Deserialize)]
pub(super) struct Metadata {
    pub(super) jwks_uri: String,
    pub(super) cloud_instance_name: Option<String>,
    pub(super) id_token_signing_alg_values_supported: Option<Vec<String>>,
}

impl Metadata {
    /// The address of the key set; `None` unless `document`, where these metadata are published, has the same origin.
    /// Another port of the host may be another service.
    pub(super) fn key_set_url(&self, document: &Url) -> Option<Url> {
        let url = Url::parse(&self.jwks_uri).ok()?;
        (url.origin() == document.origin()).then_some(url)
    }
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
///
/// If `announced` is given, keys serve for these algorithms only; a key that serves for none is known by its name.
pub(super) fn parse(
    body: &[u8],
    policy: SignaturePolicy,
    announced: Option<&[Algorithm]>,
    cloud_instance_name: Option<&str>,
) -> Option<Keys> {
    let set: WireSet = read_bounded_object(body).ok()?;
    let mut keys = Keys::default();
    for value in set.keys.into_iter().take(MAX_KEYS) {
        let Some((key_id, mut key)) = read_usable_key(value, policy, cloud_instance_name) else { continue };
        key.algorithms.retain(|algorithm| announced.is_none_or(|announced| announced.contains(algorithm)));
        match key_id {
            Some(key_id) => keys.by_id.entry(key_id).or_default().push(Arc::new(key)),
            None => keys.without_id.push(Arc::new(key)),
        }
    }
    Some(keys)
}

/// The names of all keys in a published set, also of those that cannot be used.
pub(super) fn read_key_ids(body: &[u8]) -> HashSet<String> {
    let keys = read_bounded_object(body).map_or_else(|_| Vec::new(), |set: WireSet| set.keys);
    let key_id = |key: &Value| key.get("kid").and_then(Value::as_str).map(str::to_owned);
    keys.iter().take(MAX_KEYS).filter_map(key_id).filter(|key_id| !key_id.is_empty()).collect()
}

/// What a published key set holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySetContent {
    /// The names of all keys, also of those that cannot be used.
    pub key_ids: HashSet<String>,
    /// The number of keys that may verify RS256 signatures of tokens which name their key.
    pub rs256_keys: usize,
    /// The number of keys that may verify signatures by any asymmetric algorithm.
    pub asymmetric_keys: usize,
    /// The names of the asymmetric algorithms that at least one key may verify.
    pub algorithms: BTreeSet<&'static str>,
}

/// Reads a published key set as this room reads it for Entra and the channels, and for other providers. `None` if the
/// bytes are no key set.
#[must_use]
pub fn read_key_set(body: &[u8]) -> Option<KeySetContent> {
    let asymmetric = parse(body, SignaturePolicy::AnnouncedAsymmetric, None, None)?;
    Some(KeySetContent {
        key_ids: read_key_ids(body),
        rs256_keys: parse(body, SignaturePolicy::Rs256WithKeyId, None, None)?.len(),
        asymmetric_keys: asymmetric.len(),
        algorithms: asymmetric.algorithms().collect(),
    })
}

fn read_usable_key(
    value: Value,
    policy: SignaturePolicy,
    cloud_instance_name: Option<&str>,
) -> Option<(Option<String>, VerificationKey)> {
    let wire: WireKey = serde_json::from_value(value).ok()?;
    let for_signatures = matches!(wire.jwk.common.public_key_use, None | Some(PublicKeyUse::Signature));
    let algorithms = policy.algorithms_of(&wire.jwk);
    // A key of another national cloud (docs/protocols/entra-obo.md §1 rule 12).
    let fits_cloud = match (wire.cloud_instance_name.as_deref(), cloud_instance_name) {
        (Some(key_cloud), Some(set_cloud)) => key_cloud == set_cloud,
        _ => true,
    };
    let long_enough = match &wire.jwk.algorithm {
        AlgorithmParameters::RSA(parameters) => {
            MODULUS_BITS.contains(&bit_length(&URL_SAFE_NO_PAD.decode(&parameters.n).ok()?))
        }
        // The curve decides the length.
        _ => true,
    };
    if !for_signatures || algorithms.is_empty() || !fits_cloud || !long_enough {
        return None;
    }
    let key = DecodingKey::from_jwk(&wire.jwk).ok()?;
    let key_id = wire.jwk.common.key_id.filter(|key_id| !key_id.is_empty());
    if key_id.is_none() && policy.needs_key_id() {
        return None;
    }
    let endorsements = wire.endorsements.unwrap_or_default().into();
    Some((key_id, VerificationKey::new(key, algorithms, wire.issuer, endorsements)))
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
        let body = serde_json::to_vec(&json!({ "keys": keys })).unwrap();
        let keys = parse(&body, SignaturePolicy::Rs256WithKeyId, None, Some("login")).unwrap();
        assert!(keys.without_id.is_empty());
        let mut ids: Vec<String> = keys.by_id.into_keys().collect();
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
        let keys = parse(&serde_json::to_vec(&body).unwrap(), SignaturePolicy::Rs256WithKeyId, None, None).unwrap();
        let key = keys.find(Some("k"), Algorithm::RS256).unwrap();
        assert_eq!(key.issuer.as_deref(), Some("https://issuer/{tenantid}"));
        assert_eq!(&key.endorsements[..], ["msteams", "webchat"]);
        assert!(keys.find(Some("k"), Algorithm::RS384).is_none(), "no other algorithm is considered");
    }

    fn ec(curve: &str, more: &Value) -> Value {
        let (x, y) = match curve {
            // The base points of the curves, which are valid public keys.
            "P-256" => ("axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY", "T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU"),
            _ => (
                "qofKIr6LBTeOscce8yCtdG4dO2KLp5uYWfdB4IJUKjhVAvJdv1UpbDpUXjhydgq3",
                "NhfeSpYmLG9dnpi_kpLcKfj0Hb0omhR86doxE7XwuMAKYLHOHX6BnXpDHXyQ6g5f",
            ),
        };
        let mut key = json!({"kty": "EC", "crv": curve, "x": x, "y": y});
        key.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        key
    }

    fn asymmetric(keys: &Value) -> Keys {
        let body = serde_json::to_vec(&json!({ "keys": keys })).unwrap();
        parse(&body, SignaturePolicy::AnnouncedAsymmetric, None, None).unwrap()
    }

    #[test]
    fn a_key_verifies_only_the_algorithms_of_its_type_curve_and_alg() {
        use Algorithm::{ES256, ES384, EdDSA, PS256, RS256, RS512};
        let keys = asymmetric(&json!([
            {"kty": "RSA", "kid": "rsa", "n": rsa(2048), "e": "AQAB"},
            {"kty": "RSA", "kid": "ps", "alg": "PS256", "n": rsa(2048), "e": "AQAB"},
            {"kty": "RSA", "kid": "oaep", "alg": "RSA-OAEP", "n": rsa(2048), "e": "AQAB"},
            {"kty": "RSA", "kid": "short", "n": rsa(1024), "e": "AQAB"},
            ec("P-256", &json!({"kid": "p256"})),
            ec("P-384", &json!({"kid": "p384"})),
            ec("P-256", &json!({"kid": "wrong", "alg": "ES384"})),
            ec("P-256", &json!({"kid": "enc", "use": "enc"})),
            {"kty": "OKP", "kid": "ed", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
            {"kty": "oct", "kid": "oct", "k": "AAAA"},
        ]));
        for (key_id, fits) in [
            ("rsa", &[RS256, RS512, PS256][..]),
            ("ps", &[PS256]),
            ("oaep", &[]),
            ("short", &[]),
            ("p256", &[ES256]),
            ("p384", &[ES384]),
            ("wrong", &[]),
            ("enc", &[]),
            ("ed", &[EdDSA]),
            ("oct", &[]),
        ] {
            for algorithm in [RS256, RS512, PS256, ES256, ES384, EdDSA, Algorithm::HS256] {
                let found = keys.find(Some(key_id), algorithm).is_some();
                assert_eq!(found, fits.contains(&algorithm), "{key_id} {algorithm:?}");
            }
        }
    }

    #[test]
    fn a_key_serves_only_for_announced_algorithms() {
        let body = json!({"keys": [{"kty": "RSA", "kid": "k", "n": rsa(2048), "e": "AQAB"}, ec("P-256", &json!({"kid": "ec"}))]});
        let body = serde_json::to_vec(&body).unwrap();
        let announced = [Algorithm::RS256];
        let keys = parse(&body, SignaturePolicy::AnnouncedAsymmetric, Some(&announced), None).unwrap();
        assert!(keys.find(Some("k"), Algorithm::RS256).is_some());
        assert!(keys.find(Some("k"), Algorithm::PS256).is_none());
        assert!(keys.find(Some("ec"), Algorithm::ES256).is_none() && keys.has_id("ec"));
    }

    #[test]
    fn a_token_without_a_key_id_gets_the_only_key_that_fits() {
        let p256 = ec("P-256", &json!({"kid": "a"}));
        let unnamed = ec("P-256", &json!({}));
        let rsa = json!({"kty": "RSA", "kid": "a", "n": rsa(2048), "e": "AQAB"});
        for (keys, key_id, found) in [
            (json!([p256, rsa]), None, true),
            (json!([unnamed, rsa]), None, true),
            (json!([unnamed, rsa]), Some("a"), true),
            (json!([p256, unnamed]), None, false),
            (json!([unnamed, unnamed]), Some("x"), false),
            (json!([rsa]), None, false),
            (json!([p256]), Some("x"), false),
            (json!([rsa, p256]), Some("a"), true),
        ] {
            assert_eq!(asymmetric(&keys).find(key_id, Algorithm::ES256).is_some(), found, "{key_id:?} {keys}");
        }
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
            for policy in [SignaturePolicy::Rs256WithKeyId, SignaturePolicy::AnnouncedAsymmetric] {
                let _ = parse(&body, policy, None, None);
            }
            let shaped = json!({"keys": [{"kty": "RSA", "kid": kid, "n": n, "e": n, "use": kid, "issuer": n}]});
            let _ = parse(&serde_json::to_vec(&shaped).unwrap(), SignaturePolicy::Rs256WithKeyId, None, Some("login"));
        }
    }
}
