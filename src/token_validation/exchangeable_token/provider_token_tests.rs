//! Access tokens of a provider that is not Entra.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::time::Duration;

use serde_json::{Value, json};

use super::ProviderTokenValidator;
use crate::domain::{AudienceRule, ExchangePolicy, ExchangeableToken, Secret, SubjectIssuer, TenantPolicy, UserKey};
use crate::token_validation::ExchangeableTokenError;
use crate::token_validation::testing::{TestIssuer, key, with};

const ISSUER: &str = "https://login.example/realm";

struct Fixture {
    issuer: TestIssuer,
    validator: ProviderTokenValidator,
    policy: ExchangePolicy,
}

impl Fixture {
    fn new() -> Self {
        let issuer = TestIssuer::start();
        issuer.published.set_keys(&[key(0).jwk("k", &json!({}))]);
        let validator = ProviderTokenValidator::new(ISSUER.to_owned(), issuer.openid_key_set(), issuer.clock.clone());
        let policy = ExchangePolicy {
            subject: Some(SubjectIssuer::Own { issuer: ISSUER.to_owned() }),
            tenants: TenantPolicy::Listed(vec![]),
            audiences: vec![AudienceRule::Uri("api".to_owned()), AudienceRule::Uri("https://api.example".to_owned())],
            required_scopes: vec![],
            authorized_clients: vec![],
            allow_v1: false,
        };
        Self { issuer, validator, policy }
    }

    fn claims(&self) -> Value {
        let now = self.issuer.now();
        json!({"iss": ISSUER, "aud": "api", "exp": now + 3600, "iat": now - 60, "sub": "ada", "client_id": "page",
            "scope": "chat openid", "jti": "1"})
    }

    async fn validate_with(&self, header: &Value, changes: Value) -> Result<ExchangeableToken, ExchangeableTokenError> {
        let raw = Secret::new(key(0).sign(header, &with(self.claims(), changes)));
        self.validator.validate(&raw, &self.policy).await
    }

    async fn validate(&self, changes: Value) -> Result<ExchangeableToken, ExchangeableTokenError> {
        self.validate_with(&json!({"alg": "RS256", "typ": "at+jwt", "kid": "k"}), changes).await
    }

    async fn refusal(&self, changes: Value) -> ExchangeableTokenError {
        self.validate(changes.clone()).await.map(|_| changes).expect_err("a refusal")
    }
}

fn rejected(check: &'static str) -> ExchangeableTokenError {
    ExchangeableTokenError::Rejected { check }
}

#[actix_web::test]
async fn a_users_access_token_becomes_an_exchangeable_token() {
    let fixture = Fixture::new();
    let token = fixture.validate(json!({})).await.unwrap();
    assert_eq!(token.user, UserKey::from_parts(ISSUER, "ada"));
    assert_eq!(token.expires_at.unix_seconds(), fixture.issuer.now() + 3600);
    for accepted in [
        json!({"aud": ["other", "https://api.example"]}),
        // Keycloak's tokens.
        json!({"client_id": null, "azp": "page", "typ": "Bearer", "nonce": "n"}),
        // Okta's tokens.
        json!({"client_id": null, "scope": null, "scp": ["chat"]}),
        json!({"oid": "a", "tid": "t", "nbf": fixture.issuer.now()}),
    ] {
        assert!(fixture.validate(accepted.clone()).await.is_ok(), "{accepted}");
    }
    for header in [json!({"alg": "RS256", "kid": "k"}), json!({"alg": "RS256", "typ": "JWT"})] {
        assert!(fixture.validate_with(&header, json!({})).await.is_ok(), "{header}");
    }
}

#[actix_web::test]
async fn another_token_is_rejected_by_the_check_that_it_fails() {
    let mut fixture = Fixture::new();
    for (changes, check) in [
        (json!({"iss": "https://login.example/realm/"}), "iss"),
        (json!({"iss": null}), "iss"),
        (json!({"aud": "API"}), "aud"),
        (json!({"aud": "api/"}), "aud"),
        (json!({"aud": ["page"]}), "aud"),
        (json!({"aud": null}), "aud"),
        (json!({"aud": ["api", 7]}), "aud"),
        (json!({"exp": null}), "time"),
        (json!({"iat": null}), "time"),
        (json!({"sub": null}), "sub"),
        (json!({"sub": "a".repeat(256)}), "sub"),
        (json!({"sub": "page"}), "app_only"),
        (json!({"sub": "x", "azp": "x"}), "app_only"),
        (json!({"sub": "page@clients"}), "app_only"),
        (json!({"gty": "client-credentials"}), "app_only"),
        (json!({"preferred_username": "service-account-page"}), "app_only"),
        (json!({"cnf": {"jkt": "x"}}), "cnf"),
        // ID tokens.
        (json!({"client_id": null, "scope": null}), "typ"),
        (json!({"nonce": "n"}), "typ"),
        (json!({"at_hash": "h"}), "typ"),
        (json!({"typ": "ID"}), "typ"),
    ] {
        assert_eq!(fixture.refusal(changes.clone()).await, rejected(check), "{changes}");
        assert!(!explain(&fixture, changes, check).contains("report a bug"), "{check}");
    }
    fixture.policy.required_scopes = vec!["chat".to_owned(), "write".to_owned()];
    assert_eq!(fixture.refusal(json!({})).await, rejected("scp"));
    assert_eq!(fixture.refusal(json!({"scope": "chat writes"})).await, rejected("scp"));
    assert!(fixture.validate(json!({"scope": "write chat"})).await.is_ok());
    fixture.policy.authorized_clients = vec!["page".to_owned()];
    assert!(fixture.validate(json!({"scope": "write chat"})).await.is_ok());
    for (client_id, azp) in [(json!("other"), Value::Null), (Value::Null, Value::Null), (json!("page"), json!("other"))]
    {
        let changes = json!({"scope": "write chat", "client_id": client_id, "azp": azp});
        assert_eq!(fixture.refusal(changes.clone()).await, rejected("azp"), "{changes}");
    }
}

fn explain(fixture: &Fixture, changes: Value, check: &'static str) -> &'static str {
    let raw = Secret::new(key(0).sign(&json!({"alg": "RS256", "kid": "k"}), &with(fixture.claims(), changes)));
    fixture.validator.explain(&raw, &fixture.policy, &rejected(check)).hint
}

#[actix_web::test]
async fn a_token_outside_its_lifetime_is_expired_and_a_forged_or_opaque_one_is_rejected() {
    let fixture = Fixture::new();
    let now = fixture.issuer.now();
    for changes in [json!({"exp": now + 29}), json!({"exp": now - 1}), json!({"nbf": now + 600})] {
        assert_eq!(fixture.refusal(changes.clone()).await, ExchangeableTokenError::Expired, "{changes}");
    }
    let raw = key(1).sign(&json!({"alg": "RS256", "typ": "at+jwt", "kid": "k"}), &fixture.claims());
    let forged = fixture.validator.validate(&Secret::new(raw), &fixture.policy).await;
    assert_eq!(forged.unwrap_err(), rejected("signature"));
    for opaque in ["opaque", "a.b", ""] {
        let raw = Secret::from(opaque);
        let refused = fixture.validator.validate(&raw, &fixture.policy).await.unwrap_err();
        assert_eq!(refused, rejected("form"));
        assert!(fixture.validator.explain(&raw, &fixture.policy, &refused).hint.contains("opaque"));
    }
    let raw = Secret::new(key(0).sign(&json!({"alg": "RS256", "kid": "k"}), &fixture.claims()));
    fixture.validator.validate(&raw, &fixture.policy).await.unwrap();
    fixture.issuer.clock.advance(Duration::from_hours(1));
    let later = fixture.validator.validate(&raw, &fixture.policy).await;
    assert_eq!(later.unwrap_err(), ExchangeableTokenError::Expired, "a cached signature does not extend the lifetime");
}
