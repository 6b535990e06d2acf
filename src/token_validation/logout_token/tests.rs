#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
use serde_json::{Value, json};

use super::*;
use crate::domain::Clock as _;
use crate::token_validation::testing::{TestIssuer, header, key, with};

const ISSUER: &str = "https://issuer.example/realm";

struct Provider {
    issuer: TestIssuer,
    validator: LogoutTokenValidator,
}

impl Provider {
    fn start() -> Self {
        let issuer = TestIssuer::start();
        issuer.published.set_keys(&[key(0).jwk("k", &json!({}))]);
        let clients = ["graph", "portal"].map(str::to_owned).into();
        let validator =
            LogoutTokenValidator::new(ISSUER.to_owned(), clients, issuer.openid_key_set(), issuer.clock.clone());
        Self { issuer, validator }
    }

    fn claims(&self) -> Value {
        let now = self.issuer.now();
        json!({
            "iss": ISSUER, "aud": "graph", "iat": now, "exp": now + 120, "jti": "1", "sub": "ada", "sid": "s-1",
            "events": { EVENT: {} },
        })
    }

    async fn validate(&self, header: &Value, changes: Value) -> Result<LogoutToken, LogoutTokenError> {
        let raw = key(0).sign(header, &with(self.claims(), changes));
        self.validator.validate(&Secret::new(raw)).await
    }

    async fn check_of(&self, changes: Value) -> &'static str {
        match self.validate(&header("k"), changes.clone()).await {
            Err(LogoutTokenError::Rejected { check }) => check,
            other => panic!("{changes}: {other:?}"),
        }
    }
}

#[actix_web::test]
async fn a_fresh_token_of_the_provider_for_one_of_our_clients_names_the_person_and_the_session() {
    let provider = Provider::start();
    let token = provider.validate(&header("k"), json!({})).await.unwrap();
    assert_eq!(token.user, Some(UserKey::from_parts(ISSUER, "ada")));
    assert_eq!((token.session_id.as_deref(), token.token_id.as_str()), (Some("s-1"), "1"));
    for changes in
        [json!({"aud": ["other", "portal"]}), json!({"aud": ["graph"]}), json!({"nbf": provider.issuer.now()})]
    {
        assert!(provider.validate(&header("k"), changes).await.is_ok());
    }
    let of_person = provider.validate(&header("k"), json!({"sid": null})).await.unwrap();
    assert_eq!((of_person.user.is_some(), of_person.session_id), (true, None));
    let of_session = provider.validate(&header("k"), json!({"sub": null})).await.unwrap();
    assert_eq!((of_session.user, of_session.session_id.as_deref()), (None, Some("s-1")));
}

#[actix_web::test]
async fn each_wrong_claim_refuses_the_token() {
    let provider = Provider::start();
    let now = provider.issuer.now();
    for (changes, check) in [
        (json!({"iss": "https://issuer.example"}), "iss"),
        (json!({"iss": null}), "iss"),
        (json!({"aud": "other"}), "aud"),
        (json!({"aud": []}), "aud"),
        (json!({"aud": null}), "aud"),
        (json!({"aud": 7}), "aud"),
        (json!({"exp": null}), "exp"),
        (json!({"exp": now - 301, "iat": now - 400}), "exp"),
        (json!({"exp": now + 3 * 24 * 3600}), "exp"),
        (json!({"iat": null}), "iat"),
        (json!({"iat": now - 601, "exp": now + 600}), "iat"),
        (json!({"iat": now + 400, "exp": now + 600}), "iat"),
        (json!({"nbf": now + 400, "exp": now + 600}), "nbf"),
        (json!({"events": null}), "events"),
        (json!({"events": {}}), "events"),
        (json!({"events": EVENT}), "events"),
        (json!({"events": [EVENT]}), "events"),
        (json!({"events": {EVENT: "x"}}), "events"),
        (json!({"events": {EVENT: null}}), "events"),
        (json!({"events": {"http://schemas.openid.net/event/other": {}}}), "events"),
        (json!({"nonce": "n"}), "nonce"),
        (json!({"nonce": ""}), "nonce"),
        (json!({"sub": null, "sid": null}), "sub"),
        (json!({"sub": ""}), "sub"),
        (json!({"sub": 7}), "sub"),
        (json!({"sub": "a".repeat(256)}), "sub"),
        (json!({"sid": 7}), "sid"),
        (json!({"sid": "s".repeat(256)}), "sid"),
        (json!({"jti": null}), "jti"),
        (json!({"jti": ""}), "jti"),
        (json!({"jti": "j".repeat(257)}), "jti"),
    ] {
        assert_eq!(provider.check_of(changes.clone()).await, check, "{changes}");
    }
}

#[actix_web::test]
async fn a_token_of_another_algorithm_type_or_key_is_refused() {
    let provider = Provider::start();
    for typ in [Some("JWT"), Some("logout+jwt"), Some("application/logout+jwt"), None] {
        let header = with(header("k"), json!({ "typ": typ }));
        assert!(provider.validate(&header, json!({})).await.is_ok(), "{typ:?}");
    }
    for (changes, check) in [
        (json!({"alg": "none"}), "alg"),
        (json!({"alg": "HS256"}), "alg"),
        (json!({"alg": "ES256"}), "alg"),
        (json!({"typ": "at+jwt"}), "typ"),
        (json!({"typ": "client-authentication+jwt"}), "typ"),
        (json!({"crit": ["b64"]}), "crit"),
    ] {
        let refused = provider.validate(&with(header("k"), changes.clone()), json!({})).await;
        assert_eq!(refused, Err(LogoutTokenError::Rejected { check }), "{changes}");
    }
    let forged = key(1).sign(&header("k"), &provider.claims());
    let refused = provider.validator.validate(&Secret::new(forged)).await;
    assert_eq!(refused, Err(LogoutTokenError::Rejected { check: "signature" }));
    let unsigned = format!("{}.", key(0).sign(&json!({"alg": "none"}), &provider.claims()).rsplit_once('.').unwrap().0);
    for text in ["", "a.b.c", "{}", unsigned.as_str(), &"x".repeat(9000)] {
        assert!(provider.validator.validate(&Secret::from(text)).await.is_err(), "{text}");
    }
}

#[actix_web::test]
async fn a_token_is_kept_as_used_for_as_long_as_it_would_be_accepted() {
    let provider = Provider::start();
    // The clock goes on meanwhile, so it is read after each token was made.
    let now = || provider.issuer.clock.now();
    let short = provider.validate(&header("k"), json!({})).await.unwrap();
    assert!(now().until(short.ends_at) <= Duration::from_mins(7), "two minutes, and the skew of clocks");
    let long = provider.validate(&header("k"), json!({"exp": provider.issuer.now() + 3600, "jti": "2"})).await.unwrap();
    assert!(now().until(long.ends_at) <= Duration::from_mins(10), "the age counts, too");
    let raw = key(0).sign(&header("k"), &provider.claims());
    provider.issuer.clock.advance(Duration::from_secs(430));
    let expired = provider.validator.validate(&Secret::new(raw)).await;
    assert_eq!(expired, Err(LogoutTokenError::Rejected { check: "exp" }));
}

#[actix_web::test]
async fn a_key_that_is_not_known_may_be_new_and_is_told_from_an_outage() {
    let provider = Provider::start();
    assert!(provider.validate(&header("k"), json!({})).await.is_ok());
    assert_eq!(provider.validate(&header("made-up"), json!({})).await, Err(LogoutTokenError::KeyNotKnownYet));
}

#[actix_web::test]
async fn keys_that_cannot_be_fetched_are_no_refusal() {
    let provider = Provider::start();
    provider.issuer.published.set_status(503);
    assert_eq!(provider.validate(&header("k"), json!({})).await, Err(LogoutTokenError::KeysUnavailable));
}
