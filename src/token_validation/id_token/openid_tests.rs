//! ID tokens of providers of kind `oidc`: their algorithms, keys without a name, long tokens, names of another source.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use super::*;
use crate::token_validation::testing::{TestIssuer, key};

const ISSUER: &str = "https://issuer.example/realm";

/// A key on the curve P-256.
struct EcKey(EncodingKey);

impl EcKey {
    fn generate() -> Self {
        let pair = rcgen::KeyPair::generate().unwrap();
        Self(EncodingKey::from_ec_der(&pair.serialize_der()))
    }

    fn jwk(&self, key_id: Option<&str>) -> Value {
        let mut jwk = serde_json::to_value(Jwk::from_encoding_key(&self.0, Algorithm::ES256).unwrap()).unwrap();
        let members = jwk.as_object_mut().unwrap();
        members.remove("kid");
        members.extend(key_id.map(|key_id| ("kid".to_owned(), json!(key_id))));
        jwk
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        format!("{signed}.{}", jsonwebtoken::crypto::sign(signed.as_bytes(), &self.0, Algorithm::ES256).unwrap())
    }
}

struct Provider {
    issuer: TestIssuer,
    validator: IdTokenValidator,
}

impl Provider {
    fn new(keys: &[Value]) -> Self {
        let issuer = TestIssuer::start();
        issuer.published.set_keys(keys);
        let trust = TrustedIdTokenIssuer::OpenIdConnect { issuer: ISSUER.into(), key_set: issuer.openid_key_set() };
        let validator = IdTokenValidator::new(trust, issuer.clock.clone());
        Self { issuer, validator }
    }

    fn claims(&self) -> Value {
        let now = self.issuer.now();
        json!({"iss": ISSUER, "aud": "client", "sub": "ada", "exp": now + 600, "iat": now, "nonce": "n"})
    }

    async fn validate(&self, raw: String) -> Result<IdentifiedUser, IdTokenError> {
        let any = TenantPolicy::AnyOrganization;
        self.validator.validate(&Secret::new(raw), "client", &Secret::from("n"), &any).await
    }
}

fn rejected_by(check: &'static str) -> Result<IdentifiedUser, IdTokenError> {
    Err(IdTokenError::Rejected { check })
}

#[actix_web::test]
async fn es256_token_is_accepted_with_a_named_and_with_an_unnamed_key() {
    let own = EcKey::generate();
    let rsa = key(0).jwk("rsa", &json!({}));
    for (published, header) in [
        (own.jwk(Some("ec")), json!({"alg": "ES256", "kid": "ec"})),
        (own.jwk(Some("ec")), json!({"alg": "ES256"})),
        (own.jwk(None), json!({"alg": "ES256"})),
        (own.jwk(None), json!({"alg": "ES256", "kid": "ec"})),
    ] {
        let provider = Provider::new(&[rsa.clone(), published]);
        let user = provider.validate(own.sign(&header, &provider.claims())).await.unwrap();
        assert_eq!(user.user, UserKey::from_parts(ISSUER, "ada"), "{header}");
    }
}

#[actix_web::test]
async fn token_is_rejected_if_another_key_signed_it_or_its_algorithm_is_not_its_keys() {
    let (own, other) = (EcKey::generate(), EcKey::generate());
    let provider = Provider::new(&[key(0).jwk("rsa", &json!({})), own.jwk(Some("ec"))]);
    let claims = provider.claims();
    for (token, check) in [
        (other.sign(&json!({"alg": "ES256", "kid": "ec"}), &claims), "signature"),
        (other.sign(&json!({"alg": "ES256"}), &claims), "signature"),
        (own.sign(&json!({"alg": "ES256", "kid": "rsa"}), &claims), "alg"),
        (own.sign(&json!({"alg": "RS256", "kid": "ec"}), &claims), "alg"),
        (own.sign(&json!({"alg": "HS256", "kid": "ec"}), &claims), "alg"),
        (own.sign(&json!({"alg": "none"}), &claims), "alg"),
        (own.sign(&json!({"alg": "ES384"}), &claims), "kid"),
    ] {
        assert_eq!(provider.validate(token).await, rejected_by(check));
    }
}

#[actix_web::test]
async fn unnamed_key_that_was_replaced_is_fetched_again() {
    let (old, new) = (EcKey::generate(), EcKey::generate());
    let provider = Provider::new(&[old.jwk(None)]);
    let header = json!({"alg": "ES256"});
    provider.validate(old.sign(&header, &provider.claims())).await.unwrap();
    provider.issuer.published.set_keys(&[new.jwk(None)]);
    provider.validate(new.sign(&header, &provider.claims())).await.unwrap();
    assert_eq!(provider.issuer.published.fetches(), 2);
}

#[actix_web::test]
async fn unnamed_token_is_rejected_where_two_keys_fit() {
    let own = EcKey::generate();
    let provider = Provider::new(&[own.jwk(Some("a")), EcKey::generate().jwk(Some("b"))]);
    let token = own.sign(&json!({"alg": "ES256"}), &provider.claims());
    assert_eq!(provider.validate(token).await, rejected_by("kid"));
}

#[actix_web::test]
async fn token_with_many_groups_is_accepted_up_to_64_kib_and_then_too_long() {
    let provider = Provider::new(&[key(0).jwk("k", &json!({}))]);
    let with_groups = |count: usize| {
        let mut claims = provider.claims();
        claims["groups"] = json!(vec!["g".repeat(44); count]);
        key(0).sign(&json!({"alg": "RS256", "kid": "k"}), &claims)
    };
    let long = with_groups(1000);
    assert!(long.len() > 60_000 && long.len() < 65_536);
    assert!(provider.validate(long).await.is_ok());
    assert_eq!(provider.validate(with_groups(1100)).await, rejected_by("too_long"));
}

#[actix_web::test]
async fn names_of_another_source_are_cleaned_as_those_of_the_token() {
    let provider = Provider::new(&[key(0).jwk("k", &json!({}))]);
    let user = provider.validate(key(0).sign(&json!({"alg": "RS256", "kid": "k"}), &provider.claims())).await.unwrap();
    assert!(!user.has_name());
    let named = user.with_names(Some("Ada\u{202e}\n"), Some("  "));
    assert_eq!((named.display_name.as_deref(), named.account_name), (Some("Ada"), None));
}
