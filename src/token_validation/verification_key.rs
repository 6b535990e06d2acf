use std::sync::{Arc, OnceLock};

use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind};

/// A public key that signatures may be checked with, and what its set says about it.
pub(super) struct VerificationKey {
    /// Ready for use: base64 has been decoded once.
    key: DecodingKey,
    /// The key for RS256, made ready for its modulus at its first use. `None` if it is none of RSA, or none that can be used.
    rs256: OnceLock<Option<ParsedPublicKey>>,
    /// The algorithms that the key may verify.
    pub(super) algorithms: Vec<Algorithm>,
    /// Entra: whose tokens the key may sign; may hold `{tenantid}`.
    pub(super) issuer: Option<String>,
    /// Bot Framework: the channels the key may speak for.
    pub(super) endorsements: Arc<[String]>,
}

impl VerificationKey {
    pub(super) fn new(
        key: DecodingKey,
        algorithms: Vec<Algorithm>,
        issuer: Option<String>,
        endorsements: Arc<[String]>,
    ) -> Self {
        Self { key, rs256: OnceLock::new(), algorithms, issuer, endorsements }
    }

    pub(super) fn verifies(&self, algorithm: Algorithm) -> bool {
        self.algorithms.contains(&algorithm)
    }

    /// Whether `signature`, in base64url, is a signature of `signed` by this key and `algorithm`.
    ///
    /// `jsonwebtoken` builds the key anew for each signature, and with it what the arithmetic needs of its modulus. For
    /// RS256, which nearly all tokens have, the key is built once.
    pub(super) fn has_signed(&self, signed: &[u8], signature: &str, algorithm: Algorithm) -> bool {
        if algorithm != Algorithm::RS256 {
            return jsonwebtoken::crypto::verify(signature, signed, &self.key, algorithm).unwrap_or(false);
        }
        let Some(key) = self.rs256.get_or_init(|| parse_rs256(&self.key)) else { return false };
        URL_SAFE_NO_PAD.decode(signature).is_ok_and(|signature| key.verify_sig(signed, &signature).is_ok())
    }
}

fn parse_rs256(key: &DecodingKey) -> Option<ParsedPublicKey> {
    let DecodingKeyKind::RsaModulusExponent { n, e } = key.kind() else { return None };
    RsaPublicKeyComponents { n, e }.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use serde_json::json;

    use super::*;
    use crate::token_validation::testing::{header, key};

    #[test]
    fn a_signature_is_verified_as_the_jwt_crate_verifies_it() {
        let decoding = DecodingKey::from_rsa_components(&key(0).modulus, &key(0).exponent).unwrap();
        let public = VerificationKey::new(decoding, vec![Algorithm::RS256], None, Arc::default());
        let sign = |number: usize| key(number).sign(&header("k"), &json!({"sub": "ada"}));
        let (genuine, of_other_key) = (sign(0), sign(1));
        let (signed, signature) = genuine.rsplit_once('.').unwrap();
        let (_, foreign) = of_other_key.rsplit_once('.').unwrap();
        let padded = format!("{signature}=");
        let short = &signature[..signature.len() - 4];
        for (signed, signature, is_genuine) in [
            (signed, signature, true),
            (signed, foreign, false),
            (&signed[1..], signature, false),
            (signed, short, false),
            (signed, padded.as_str(), false),
            (signed, "", false),
            (signed, "+/+/", false),
        ] {
            let by_crate = jsonwebtoken::crypto::verify(signature, signed.as_bytes(), &public.key, Algorithm::RS256);
            assert_eq!(public.has_signed(signed.as_bytes(), signature, Algorithm::RS256), is_genuine, "{signature}");
            assert_eq!(by_crate.unwrap_or(false), is_genuine, "{signature}");
        }
    }
}
