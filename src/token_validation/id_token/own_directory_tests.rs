//! ID tokens of our own directories: no key set is fetched, and everything else is checked as for other issuers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::*;
use crate::domain::{OffsetClock, UserKey};

const ISSUER: &str = "https://sso.example.com/oauth/v4/market";

/// Takes the signature `signed` of the key `k1` alone.
struct OneSignature;

impl DirectorySignatures for OneSignature {
    fn is_signed(&self, key_id: &str, message: &[u8], signature: &str) -> bool {
        key_id == "k1" && !message.is_empty() && signature == "signed"
    }
}

fn validate(token: &str) -> Result<IdentifiedUser, IdTokenError> {
    let trust = OwnDirectory { issuer: ISSUER.into(), tenant: "market".into(), signatures: Arc::new(OneSignature) };
    let validator = IdTokenValidator::new(TrustedIdTokenIssuer::Directory(trust), Arc::new(OffsetClock::default()));
    let (token, nonce, tenants) = (Secret::from(token), Secret::from("n"), TenantPolicy::Listed(Vec::new()));
    let validated = validator.validate(&token, "bot-sso.demo.market", &nonce, &tenants);
    futures_util::FutureExt::now_or_never(validated).expect("nothing is fetched")
}

fn token(header: &Value, change: impl FnOnce(&mut Value)) -> String {
    let now = crate::domain::Clock::now(&OffsetClock::default()).unix_seconds();
    let mut claims = json!({
        "iss": ISSUER, "aud": ["bot-sso.demo.market"], "azp": "bot-sso.demo.market", "sub": "u-1", "nonce": "n",
        "iat": now, "exp": now + 600, "name": "Ada", "preferred_username": "ada@contoso.example",
    });
    change(&mut claims);
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.signed", part(header), part(&claims))
}

fn header() -> Value {
    json!({"alg": "RS256", "typ": "JWT", "kid": "k1", "ver": 4})
}

#[test]
fn a_user_of_a_directory_has_the_key_of_the_directory() {
    let identified = validate(&token(&header(), |_| {})).unwrap();
    assert_eq!(identified.user, UserKey::of_directory("market", "u-1"));
    assert_eq!(identified.user.to_string(), "cloud_directory:market/u-1");
    assert_eq!(identified.display_name.as_deref(), Some("Ada"));
    assert_eq!((identified.object_id, identified.tenant_id), (None, None));
}

#[test]
fn every_check_of_an_id_token_is_made() {
    let refused = |token: String, check: &'static str| {
        assert_eq!(validate(&token).unwrap_err(), IdTokenError::Rejected { check }, "{check}");
    };
    let set = |name: &'static str, value: Value| token(&header(), move |claims| claims[name] = value);
    refused(set("iss", json!("https://sso.example.com/oauth/v4/campus")), "iss");
    refused(set("aud", json!(["shop"])), "aud");
    refused(set("azp", json!("shop")), "azp");
    refused(set("nonce", json!("another")), "nonce");
    refused(set("nonce", Value::Null), "nonce");
    refused(set("exp", json!(1)), "exp");
    refused(set("sub", json!("")), "sub");
    refused(token(&json!({"alg": "RS256", "kid": "k2"}), |_| {}), "signature");
    refused(token(&json!({"alg": "RS256"}), |_| {}), "kid");
    refused(token(&json!({"alg": "none", "kid": "k1"}), |_| {}), "alg");
    refused(token(&json!({"alg": "HS256", "kid": "k1"}), |_| {}), "alg");
    refused(token(&header(), |_| {}).replace(".signed", ".forged"), "signature");
}
