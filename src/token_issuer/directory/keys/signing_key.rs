use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{
    KeyPair as _, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, UnparsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use zeroize::Zeroizing;

/// An RSA key that signs the tokens of one directory. It is parsed once: the JWT crate would parse it for every signature, which
/// doubles the time.
pub(in crate::token_issuer::directory) struct SigningKey {
    pair: KeyPair,
    verification: ParsedPublicKey,
    public: PublicKeyJson,
}

/// A public key as a JSON Web Key (RFC 7517).
#[derive(Clone, Debug, Serialize)]
pub struct PublicKeyJson {
    /// Always `RSA`.
    pub kty: &'static str,
    /// Always `sig`.
    #[serde(rename = "use")]
    pub key_use: &'static str,
    /// Always `RS256`.
    pub alg: &'static str,
    /// The key's id.
    pub kid: String,
    /// The modulus, base64url.
    pub n: String,
    /// The exponent, base64url.
    pub e: String,
}

impl SigningKey {
    /// Generates an RSA-2048 key. Returns it with its PKCS#8 form. Blocks for some 100 ms.
    pub(super) fn generate() -> Result<(Self, Zeroizing<Vec<u8>>), Unspecified> {
        let pair = KeyPair::generate(KeySize::Rsa2048)?;
        let pkcs8: Pkcs8V1Der<'static> = pair.as_der()?;
        let pkcs8 = Zeroizing::new(pkcs8.as_ref().to_vec());
        let key = Self::of(pair).ok_or(Unspecified)?;
        Ok((key, pkcs8))
    }

    /// Reads a key from its PKCS#8 form; `None` if it is none.
    pub(super) fn from_pkcs8(pkcs8: &[u8]) -> Option<Self> {
        Self::of(KeyPair::from_pkcs8(pkcs8).ok()?)
    }

    fn of(pair: KeyPair) -> Option<Self> {
        let public = pair.public_key();
        let encode = |number: &[u8]| URL_SAFE_NO_PAD.encode(number);
        Some(Self {
            verification: UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public.as_ref()).parse().ok()?,
            public: PublicKeyJson {
                kty: "RSA",
                key_use: "sig",
                alg: "RS256",
                kid: encode(digest(&SHA256, public.as_ref()).as_ref()),
                n: encode(public.modulus().big_endian_without_leading_zero()),
                e: encode(public.exponent().big_endian_without_leading_zero()),
            },
            pair,
        })
    }

    /// The key's id: the digest of the public key, so that no two keys share one.
    pub(in crate::token_issuer::directory) fn kid(&self) -> &str {
        &self.public.kid
    }

    /// The public key.
    pub(super) fn public(&self) -> &PublicKeyJson {
        &self.public
    }

    /// The RS256 signature of `message`, base64url. Takes about a millisecond.
    pub(in crate::token_issuer::directory) fn sign(&self, message: &str) -> Result<String, Unspecified> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair.sign_digest(&RSA_PKCS1_SHA256, &digest(&SHA256, message.as_bytes()), &mut signature)?;
        Ok(URL_SAFE_NO_PAD.encode(signature))
    }

    /// Whether `signature` (base64url) is this key's RS256 signature of `message`.
    pub(in crate::token_issuer::directory) fn verifies(&self, message: &[u8], signature: &str) -> bool {
        URL_SAFE_NO_PAD.decode(signature).is_ok_and(|bytes| self.verification.verify_sig(message, &bytes).is_ok())
    }
}
