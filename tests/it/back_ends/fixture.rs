//! The back ends `orders`, `billing` and `ledger`, which exchange the tokens of the stage's users.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bot_sso::domain::SecretHash;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::harness::{Answer, Harness, Options};

pub const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
pub const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
pub const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// Has characters that the encodings of credentials treat differently.
pub const ORDERS_SECRET: &str = "orders-secret:with%2Fall~kinds+of&characters=é ";
pub const BILLING_SECRET: &str = "the-secret-of-the-back-end-billing";
pub const APP_SCOPE: &str = "https://graph.microsoft.com/.default";
pub const GRAPH: &str = "https://graph.microsoft.com";

/// The application with three back ends. `orders` may have tokens as itself; `ledger` authenticates by a key.
pub struct BackEnds {
    pub harness: Harness,
    /// The key of `ledger`.
    pub key: AssertionKey,
    keys: tempfile::TempDir,
}

/// A key by which a client signs its assertions.
pub struct AssertionKey {
    pub pem: String,
    pub key: EncodingKey,
}

impl AssertionKey {
    pub fn new() -> Self {
        let pem = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap().serialize_pem();
        let key = EncodingKey::from_ec_pem(pem.as_bytes()).unwrap();
        Self { pem, key }
    }

    /// The text of a key set with the public key.
    pub fn jwks(&self) -> String {
        let mut jwk = Jwk::from_encoding_key(&self.key, Algorithm::ES256).unwrap();
        jwk.common.key_id = Some("ledger-1".to_owned());
        json!({ "keys": [jwk] }).to_string()
    }

    pub fn sign(&self, claims: &Value) -> String {
        let header = Header { kid: Some("ledger-1".to_owned()), ..Header::new(Algorithm::ES256) };
        jsonwebtoken::encode(&header, claims, &self.key).unwrap()
    }
}

pub fn hash(secret: &str) -> String {
    SecretHash::of(secret).to_text()
}

pub fn basic(client_id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{client_id}:{secret}")))
}

/// As RFC 6749 §2.3.1 has it, and as oauth4webapi does: everything is encoded but letters and digits.
pub fn encode_all(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b' ' => "+".to_owned(),
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

impl BackEnds {
    pub async fn start() -> Self {
        Self::with(Options::default()).await
    }

    pub async fn with(options: Options) -> Self {
        let (keys, key) = (tempfile::tempdir().unwrap(), AssertionKey::new());
        std::fs::write(keys.path().join("ledger.jwks"), key.jwks()).unwrap();
        let options = Self::options(options, &keys.path().join("ledger.jwks"));
        let harness = Harness::with(options).await;
        Self { harness, key, keys }
    }

    fn options(options: Options, jwks: &std::path::Path) -> Options {
        let exchange = "exchange = { connection = \"demo-graph\" }";
        // The main tenant of the stage.
        let tenant = "8c1e0f2a-5b3d-4c6e-9f7a-0b1c2d3e4f50";
        let appended = format!(
            "[back_ends.orders]\nclient_id = \"orders-app\"\nsecret_sha256 = [\"{}\", \"{}\"]\n{exchange}\n\
             app_token = {{ scopes = [\"{APP_SCOPE}\"], tenant = \"{tenant}\" }}\n\
             [back_ends.billing]\nclient_id = \"billing\"\nsecret_sha256 = [\"{}\"]\n{exchange}\n\
             [back_ends.ledger]\nclient_id = \"ledger\"\njwks_file = \"{}\"\n{exchange}\n",
            hash("an-older-secret"),
            hash(ORDERS_SECRET),
            hash(BILLING_SECRET),
            jwks.display(),
        );
        Options { reachable: true, operations: true, appended: options.appended + &appended, ..options }
    }

    pub fn jwks_file(&self) -> PathBuf {
        self.keys.path().join("ledger.jwks")
    }

    /// Restarts the application with the same store.
    pub async fn restart(&mut self) {
        let options = Self::options(Options::default(), &self.jwks_file());
        self.harness.restart(&options).await;
    }

    /// A token of `user` that a back end may exchange.
    pub async fn subject(&self, user: &str) -> String {
        self.harness.user_token(user, "graph").await
    }

    /// Posts a form without credentials, unless `authorization` is the header.
    pub async fn post(&self, path: &str, authorization: Option<&str>, form: &[(&str, &str)]) -> Answer {
        let body: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let mut headers = vec![("content-type", "application/x-www-form-urlencoded")];
        headers.extend(authorization.map(|value| ("authorization", value)));
        self.harness.send("POST", path, &headers, body.into_bytes()).await
    }

    /// Posts a form as `orders`.
    pub async fn post_as_orders(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        self.post(path, Some(&basic("orders-app", &encode_all(ORDERS_SECRET))), form).await
    }

    /// Posts a form as `billing`.
    pub async fn post_as_billing(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        self.post(path, Some(&basic("billing", BILLING_SECRET)), form).await
    }

    /// Exchanges a token as `orders`.
    pub async fn exchange(&self, subject: &str, more: &[(&str, &str)]) -> Answer {
        let form = [&exchange_form(subject)[..], more].concat();
        self.post_as_orders("/oauth2/token", &form).await
    }

    /// The token that `orders` gets for a token of `user`.
    pub async fn exchanged(&self, user: &str) -> String {
        let answer = self.exchange(&self.subject(user).await, &[]).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["access_token"].as_str().unwrap().to_owned()
    }

    /// What an introspection as `orders` says of a token.
    pub async fn introspect(&self, token: &str) -> Value {
        let answer = self.post_as_orders("/oauth2/introspect", &[("token", token)]).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }
}

/// The parameters of an exchange of `subject`.
pub fn exchange_form(subject: &str) -> [(&str, &str); 3] {
    [("grant_type", TOKEN_EXCHANGE), ("subject_token", subject), ("subject_token_type", ACCESS_TOKEN)]
}

pub fn assert_error(answer: &Answer, status: u16, error: &str) {
    assert_eq!((answer.status, answer.json()["error"].as_str()), (status, Some(error)), "{}", answer.text());
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{}", answer.text());
    assert!(answer.json()["error_description"].is_string(), "{}", answer.text());
}
