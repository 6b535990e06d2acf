use std::sync::Arc;

use aws_lc_rs::digest;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use serde_json::{Map, Value, json};
use tokio::sync::OnceCell;

use super::error::StageError;

/// An RSA key that signs tokens. It is parsed only once, because parsing for every signature is too slow for load tests.
pub(super) struct SigningKey {
    kid: String,
    pair: RsaKeyPair,
    modulus: String,
    exponent: String,
    verification: DecodingKey,
}

impl SigningKey {
    /// Generates a new RSA-2048 key. Blocks for about 100 ms.
    pub(super) fn generate() -> Result<Self, StageError> {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(StageError::key_material)?;
        let public = pair.public_key();
        let encode = |number: &[u8]| URL_SAFE_NO_PAD.encode(number);
        Ok(Self {
            kid: encode(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, public.as_ref()).as_ref()),
            modulus: encode(public.modulus().big_endian_without_leading_zero()),
            exponent: encode(public.exponent().big_endian_without_leading_zero()),
            verification: DecodingKey::from_rsa_der(public.as_ref()),
            pair,
        })
    }

    /// Generates `count` keys, each on a separate blocking thread.
    pub(super) async fn generate_many(count: usize) -> Result<Vec<Arc<Self>>, StageError> {
        let running: Vec<_> = (0..count).map(|_| tokio::task::spawn_blocking(Self::generate)).collect();
        let mut keys = Vec::with_capacity(count);
        for task in running {
            keys.push(Arc::new(task.await.map_err(StageError::key_material)??));
        }
        Ok(keys)
    }

    /// Generates one key on a blocking thread.
    pub(super) async fn generate_one() -> Result<Arc<Self>, StageError> {
        let keys = Self::generate_many(1).await?;
        keys.into_iter().next().ok_or_else(|| StageError::KeyMaterial("no key was generated".to_owned()))
    }

    /// The key id; equal to `x5t`, as in Entra's key sets.
    pub(super) fn kid(&self) -> &str {
        &self.kid
    }

    /// The public key that verifies this key's signatures.
    pub(super) fn verification_key(&self) -> &DecodingKey {
        &self.verification
    }

    /// Signs `claims` as a compact JWS (RS256, `typ` JWT).
    ///
    /// This function does not use the JWT crate, because that parses the private key for every signature.
    pub(super) fn sign(&self, claims: &Value) -> Result<String, StageError> {
        let header = json!({"typ": "JWT", "alg": "RS256", "x5t": self.kid, "kid": self.kid});
        let signed =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()));
        let mut signature = vec![0; self.pair.public_modulus_len()];
        // PKCS#1 v1.5 signatures are deterministic, so the call does not use its source of randomness.
        self.pair
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
            .map_err(StageError::key_material)?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// This key's entry of a JWKS, without the members that only one kind of issuer adds.
    pub(super) fn jwk(&self) -> Map<String, Value> {
        let entry = json!({
            "kty": "RSA", "use": "sig", "kid": self.kid, "x5t": self.kid, "n": self.modulus, "e": self.exponent,
        });
        match entry {
            Value::Object(members) => members,
            _ => Map::new(),
        }
    }
}

/// A key that is generated at its first use, because few tests use it.
#[derive(Default)]
pub(super) struct SigningKeyOnDemand(OnceCell<Arc<SigningKey>>);

impl SigningKeyOnDemand {
    /// The key. The first call generates it.
    pub(super) async fn get_or_generate(&self) -> Result<&SigningKey, StageError> {
        Ok(self.0.get_or_try_init(SigningKey::generate_one).await?)
    }

    /// The key, if it has been generated.
    pub(super) fn find(&self) -> Option<&SigningKey> {
        self.0.get().map(Arc::as_ref)
    }
}
