use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::setting::{APP_ID, CHANNEL_ISSUER, CLIENT_ID, TENANT, User, v2_issuer};

const KEY_ID: &str = "bench-key-1";
const KEY_FILE: &str = "signing.der";

/// The signing key of every issuer in the bench.
pub struct Signer {
    pair: RsaKeyPair,
    /// How many seconds the clock of the tokens is ahead.
    ahead: AtomicU64,
}

impl Signer {
    /// Creates a key and stores it in `directory` for the other processes.
    pub fn create(directory: &Path) -> Self {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let der = AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&pair).unwrap();
        std::fs::write(directory.join(KEY_FILE), der.as_ref()).unwrap();
        Self::of(pair)
    }

    /// Loads the key that another process created.
    pub fn load(directory: &Path) -> Self {
        Self::of(RsaKeyPair::from_pkcs8(&std::fs::read(directory.join(KEY_FILE)).unwrap()).unwrap())
    }

    fn of(pair: RsaKeyPair) -> Self {
        Self { pair, ahead: AtomicU64::new(0) }
    }

    /// Moves the clock of all further tokens forward.
    pub fn advance(&self, span: Duration) {
        self.ahead.fetch_add(span.as_secs(), Ordering::SeqCst);
    }

    fn now(&self) -> u64 {
        now() + self.ahead.load(Ordering::SeqCst)
    }

    /// The key set with the public key, endorsed for Teams.
    pub fn key_set(&self) -> Value {
        let public = self.pair.public_key();
        let encode = |number: &[u8]| URL_SAFE_NO_PAD.encode(number);
        json!({"keys": [{
            "kty": "RSA", "use": "sig", "kid": KEY_ID, "x5t": KEY_ID, "endorsements": ["msteams"],
            "n": encode(public.modulus().big_endian_without_leading_zero()),
            "e": encode(public.exponent().big_endian_without_leading_zero()),
        }]})
    }

    /// The key with which the compared server verifies signatures.
    pub fn decoding_key(&self) -> jsonwebtoken::DecodingKey {
        jsonwebtoken::DecodingKey::from_rsa_der(self.pair.public_key().as_ref())
    }

    fn sign(&self, claims: &Value) -> String {
        self.sign_as(KEY_ID, claims)
    }

    fn sign_as(&self, key_id: &str, claims: &Value) -> String {
        let header = json!({"typ": "JWT", "alg": "RS256", "x5t": key_id, "kid": key_id});
        let signed =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()));
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// An exchangeable token of `user`, as long as a real one.
    pub fn user_token(&self, user: User) -> String {
        let now = self.now();
        self.sign(&json!({
            "aud": CLIENT_ID, "iss": v2_issuer(TENANT), "iat": now - 60, "nbf": now - 60, "exp": now + 3 * 3600,
            "aio": "AXQAi/8aAAAAv0Y1xYt4mKqRk3pJm3o2m1bqGg8wJw7cN1l3o0XgWm6f4wq8Q6nXcXo1o7tq2m8sQ5o6v4aW0y1h5Kc1u9",
            "azp": "5e3ce6c0-2b1f-4285-8d4b-75ee78787346", "azpacr": "0", "name": user.display_name(),
            "oid": user.object_id(), "preferred_username": user.principal_name(),
            "rh": "1.AXYAWbyQOIxdKkKJ6p0yq1ZQfRERERERERFBERERERERERERAQB2AA.", "scp": "access_as_user",
            "sid": user.session_id(), "sub": user.subject(), "tid": TENANT, "uti": "3x9kqN0mQk2mVn8b0f1hAA",
            "ver": "2.0", "xms_ftd": "kq2Jm0o9c3h0u1T4mZxq7yV5pW8rB6nE3sD1fG2hJ4k",
        }))
    }

    /// The channel's token for the bot, valid for one service URL.
    pub fn channel_token(&self, service_url: &str) -> String {
        self.channel_token_for(APP_ID, service_url)
    }

    /// The same for the bot with the app id `app_id`.
    pub fn channel_token_for(&self, app_id: &str, service_url: &str) -> String {
        self.sign(&self.channel_claims(app_id, service_url))
    }

    /// A token that names a key which the channel does not publish.
    pub fn channel_token_by_key(&self, service_url: &str, key_id: &str) -> String {
        self.sign_as(key_id, &self.channel_claims(APP_ID, service_url))
    }

    fn channel_claims(&self, app_id: &str, service_url: &str) -> Value {
        let now = self.now();
        json!({
            "serviceurl": service_url, "nbf": now - 60, "exp": now + 3 * 3600, "iss": CHANNEL_ISSUER, "aud": app_id,
        })
    }

    /// The token with which the bot calls the Token Service.
    pub fn bot_token(&self) -> String {
        self.app_token(APP_ID, "https://api.botframework.com")
    }

    /// A token of the app `app_id` itself.
    pub fn app_token(&self, app_id: &str, audience: &str) -> String {
        let now = self.now();
        self.sign(&json!({
            "aud": audience, "iss": v2_issuer(TENANT), "iat": now - 60, "nbf": now - 60,
            "exp": now + 3 * 3600, "azp": app_id, "azpacr": "1", "idtyp": "app", "tid": TENANT, "ver": "2.0",
            "oid": "77777777-7777-4777-8777-777777777777", "sub": "77777777-7777-4777-8777-777777777777",
            "roles": [], "uti": "8kqN0mQk2mVn8b0f1h3x9A",
        }))
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}
