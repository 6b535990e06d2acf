#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::assertions::check_assertion;
use super::{TokenRefusal, UserClaims};
use crate::domain::{Application, Timestamp};
use crate::token_issuer::directory::testing::application;

const ISSUER: &str = "https://sso.example.com/oauth/v4/market";
const NOW: i64 = 1_800_000_000;

struct Signer {
    application: Application,
    key: EncodingKey,
    algorithm: Algorithm,
}

impl Signer {
    fn new(algorithm: Algorithm) -> Self {
        let kind = match algorithm {
            Algorithm::ES256 => &rcgen::PKCS_ECDSA_P256_SHA256,
            Algorithm::ES384 => &rcgen::PKCS_ECDSA_P384_SHA384,
            _ => &rcgen::PKCS_RSA_SHA256,
        };
        let pair = rcgen::KeyPair::generate_for(kind).unwrap();
        let (pem, public) = (pair.serialize_pem(), pair.public_key_pem());
        let key = match algorithm {
            Algorithm::ES256 | Algorithm::ES384 => EncodingKey::from_ec_pem(pem.as_bytes()).unwrap(),
            _ => EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap(),
        };
        Self { application: Application { assertion_key: Some(public), ..application("shop") }, key, algorithm }
    }

    fn check(&self, claims: &Value) -> Result<UserClaims, &'static str> {
        self.check_signed(&Header::new(self.algorithm), claims)
    }

    fn check_signed(&self, header: &Header, claims: &Value) -> Result<UserClaims, &'static str> {
        self.check_text(&jsonwebtoken::encode(header, claims, &self.key).unwrap())
    }

    fn check_text(&self, assertion: &str) -> Result<UserClaims, &'static str> {
        let now = Timestamp::from_unix_seconds(NOW);
        let checked = check_assertion(&self.application, ISSUER, assertion, now);
        checked.map(|checked| checked.claims).map_err(|TokenRefusal(check)| check)
    }
}

fn claims() -> Value {
    json!({"iss": "shop", "aud": ISSUER, "exp": NOW + 300, "sub": "ada", "name": "Ada", "email": "ada@example.com"})
}

fn with(member: &str, value: Value) -> Value {
    let mut changed = claims();
    changed[member] = value;
    changed
}

#[test]
fn assertions_by_rsa_and_p256_keys_are_accepted() {
    for algorithm in [Algorithm::RS256, Algorithm::ES256] {
        let user = Signer::new(algorithm).check(&claims()).unwrap();
        let read = [Some(user.sub.as_str()), user.name.as_deref(), user.email.as_deref()];
        assert_eq!(read, [Some("ada"), Some("Ada"), Some("ada@example.com")]);
    }
}

#[test]
fn the_key_decides_the_algorithm() {
    let rsa = Signer::new(Algorithm::RS256);
    for algorithm in [Algorithm::PS256, Algorithm::RS512] {
        assert_eq!(rsa.check_signed(&Header::new(algorithm), &claims()).unwrap_err(), "alg", "{algorithm:?}");
    }
    let public = rsa.application.assertion_key.clone().unwrap();
    let secret = EncodingKey::from_secret(public.as_bytes());
    let forged = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims(), &secret).unwrap();
    assert_eq!(rsa.check_text(&forged).unwrap_err(), "alg");
    let other = Signer::new(Algorithm::RS256);
    let foreign = jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims(), &other.key).unwrap();
    assert_eq!(rsa.check_text(&foreign).unwrap_err(), "signature");
    let (unsigned, _) = foreign.rsplit_once('.').unwrap();
    assert_eq!(rsa.check_text(&format!("{unsigned}.")).unwrap_err(), "signature");
    assert!(Signer::new(Algorithm::ES384).check(&claims()).is_err(), "P-384 is not supported");
}

#[test]
fn an_application_without_a_key_signs_no_user_in() {
    for key in [None, Some(String::new()), Some("-----BEGIN PUBLIC KEY-----".to_owned())] {
        let mut signer = Signer::new(Algorithm::ES256);
        signer.application.assertion_key = key;
        assert_eq!(signer.check(&claims()).unwrap_err(), "key");
    }
}

#[test]
fn an_assertion_names_its_application_and_this_directory() {
    let signer = Signer::new(Algorithm::ES256);
    for issuer in [json!("mail"), json!("Shop"), json!(""), json!(null), json!(["shop"])] {
        assert_eq!(signer.check(&with("iss", issuer.clone())).unwrap_err(), "iss", "{issuer}");
    }
    let token = format!("{ISSUER}/token");
    for audience in [json!(token), json!([ISSUER]), json!(["https://else.example", token, 7])] {
        assert!(signer.check(&with("aud", audience.clone())).is_ok(), "{audience}");
    }
    let other =
        [json!("https://sso.example.com/oauth/v4/harbour"), json!(format!("{ISSUER}/")), json!(format!("{ISSUER}2"))];
    for audience in other.into_iter().chain([json!([]), json!(null), json!({"0": ISSUER}), json!("")]) {
        assert_eq!(signer.check(&with("aud", audience.clone())).unwrap_err(), "aud", "{audience}");
    }
}

#[test]
fn an_assertion_is_good_for_at_most_an_hour_with_a_minute_of_skew() {
    let signer = Signer::new(Algorithm::ES256);
    for (member, value, is_good) in [
        ("exp", json!(NOW - 59), true),
        ("exp", json!(NOW - 60), false),
        ("exp", json!(NOW + 3660), true),
        ("exp", json!(NOW + 3661), false),
        ("exp", json!(1_800_000_010.5), true),
        ("exp", json!(1e300), false),
        ("exp", json!(-1e300), false),
        ("nbf", json!(NOW + 60), true),
        ("nbf", json!(NOW + 61), false),
        ("iat", json!(NOW + 60), true),
        ("iat", json!(NOW + 61), false),
    ] {
        let checked = signer.check(&with(member, value.clone()));
        assert_eq!(checked.as_ref().err(), if is_good { None } else { Some(&member) }, "{member} {value}");
    }
    assert_eq!(signer.check(&with("exp", json!(null))).unwrap_err(), "exp");
    assert_eq!(signer.check(&with("exp", json!("1800000300"))).unwrap_err(), "form");
}

#[test]
fn a_user_of_an_assertion_has_an_id_of_at_most_255_bytes_without_control_characters() {
    let signer = Signer::new(Algorithm::ES256);
    assert!(signer.check(&with("sub", json!("é".repeat(127)))).is_ok());
    for sub in [json!(""), json!(null), json!(7), json!("a".repeat(256)), json!("a\nb"), json!("a\u{85}b")] {
        assert_eq!(signer.check(&with("sub", sub.clone())).unwrap_err(), "sub", "{sub}");
    }
    assert_eq!(signer.check(&with("email", json!("a\r\nb"))).unwrap_err(), "email");
    assert!(signer.check(&with("name", json!(null))).unwrap().name.is_none());
}
