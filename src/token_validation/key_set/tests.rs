#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use serde_json::json;

use super::*;
use crate::token_validation::testing::{TestIssuer, key};

fn plain(key_id: &str) -> serde_json::Value {
    key(0).jwk(key_id, &json!({}))
}

async fn finds(set: &Arc<KeySet>, key_id: &str) -> Result<bool, KeyLookupError> {
    let found = set.find_key(Some(key_id), Algorithm::RS256, AbsenceProof::FetchAfterPublication).await;
    found.map(|found| matches!(found, KeyLookup::Found(_)))
}

/// Waits for the background refresh, if one is under way.
async fn settle(set: &Arc<KeySet>) {
    if let Ok(fetch) = set.fetches.try_join((), || Err::<std::future::Ready<bool>, ()>(())) {
        fetch.outcome().await;
    }
}

/// `count` callers that need the key `a`, all of which wait before the listener answers.
async fn ask_together(issuer: &TestIssuer, set: &Arc<KeySet>, count: usize) -> Vec<Result<bool, KeyLookupError>> {
    issuer.published.hold();
    let callers = futures_util::future::join_all((0..count).map(|_| finds(set, "a")));
    // `join` polls its futures in order: every caller has asked when the listener is released.
    futures_util::future::join(callers, async { issuer.published.release() }).await.0
}

#[actix_web::test]
async fn many_callers_that_need_keys_share_one_fetch() {
    let issuer = TestIssuer::start();
    issuer.published.set_keys(&[plain("a")]);
    let set = issuer.key_set();
    let all = ask_together(&issuer, &set, 50).await;
    assert!(all.into_iter().all(|found| found == Ok(true)));
    assert_eq!(issuer.published.fetches(), 1);
}

#[actix_web::test]
async fn a_failure_is_shared_too_and_not_repeated_at_once() {
    let issuer = TestIssuer::start();
    issuer.published.set_status(500);
    let set = issuer.key_set();
    let all = ask_together(&issuer, &set, 20).await;
    assert!(all.into_iter().all(|found| found == Err(KeyLookupError::Unavailable)));
    assert_eq!(finds(&set, "a").await, Err(KeyLookupError::Unavailable));
    assert_eq!(issuer.published.fetches(), 1);

    issuer.published.set_status(200);
    issuer.published.set_keys(&[plain("a")]);
    issuer.clock.advance(PAUSE_AFTER_FAILURE);
    assert_eq!(finds(&set, "a").await, Ok(true));
}

#[actix_web::test]
async fn a_rotated_key_is_found_by_the_first_token_that_needs_it() {
    let issuer = TestIssuer::start();
    issuer.published.set_keys(&[plain("old")]);
    let set = issuer.key_set();
    assert_eq!(finds(&set, "old").await, Ok(true));
    let before = set.current().unwrap().generation;
    issuer.published.set_keys(&[plain("new")]);
    assert_eq!(finds(&set, "new").await, Ok(true));
    assert_ne!(finds(&set, "old").await, Ok(true), "a withdrawn key no longer counts");
    assert!(set.current().unwrap().generation > before);
}

#[actix_web::test]
async fn an_unknown_key_during_an_outage_is_not_called_a_forgery() {
    let issuer = TestIssuer::start();
    issuer.published.set_keys(&[plain("a")]);
    let set = issuer.key_set();
    assert!(set.warm().await);
    issuer.published.set_status(503);
    assert_eq!(finds(&set, "new").await, Err(KeyLookupError::Unavailable));
    assert_eq!(finds(&set, "a").await, Ok(true), "known keys serve on");
}

#[actix_web::test]
async fn kept_keys_serve_five_days_through_an_outage_and_no_longer() {
    let issuer = TestIssuer::start();
    issuer.published.set_keys(&[plain("a")]);
    let set = issuer.key_set();
    assert!(set.warm().await);
    issuer.published.set_status(500);
    issuer.clock.advance(Duration::from_hours(25));
    assert_eq!(finds(&set, "a").await, Ok(true));
    settle(&set).await;
    assert_eq!(issuer.published.fetches(), 2, "a refresh was due and tried");
    assert_eq!(finds(&set, "a").await, Ok(true));
    settle(&set).await;
    assert_eq!(issuer.published.fetches(), 2, "not again at once");
    issuer.clock.advance(Duration::from_hours(96));
    assert_eq!(finds(&set, "a").await, Err(KeyLookupError::Unavailable));
}

#[actix_web::test]
async fn a_refresh_happens_in_the_background_between_12_and_24_hours() {
    let issuer = TestIssuer::start();
    issuer.published.set_keys(&[plain("a")]);
    let set = issuer.key_set();
    assert!(set.warm().await);
    let generation = set.current().unwrap().generation;
    issuer.clock.advance(Duration::from_hours(11));
    assert_eq!(finds(&set, "a").await, Ok(true));
    assert_eq!(issuer.published.fetches(), 1);
    issuer.clock.advance(Duration::from_hours(13));
    assert_eq!(finds(&set, "a").await, Ok(true));
    settle(&set).await;
    assert_eq!(issuer.published.fetches(), 2);
    assert_eq!(set.current().unwrap().generation, generation, "the same content is the same generation");
}

#[actix_web::test]
async fn a_document_without_usable_keys_does_not_replace_good_keys() {
    let issuer = TestIssuer::start();
    issuer.published.set_keys(&[plain("a")]);
    let set = issuer.key_set();
    assert!(set.warm().await);
    for body in ["", "<html>", "[]", r#"{"keys": []}"#, r#"{"keys": [{"kty": "EC", "kid": "a"}]}"#] {
        *issuer.published.body.lock().unwrap() = body.into();
        issuer.clock.advance(Duration::from_hours(1));
        assert_eq!(finds(&set, "b").await, Err(KeyLookupError::Unavailable), "{body}");
        assert_eq!(finds(&set, "a").await, Ok(true), "{body}");
    }
    *issuer.published.body.lock().unwrap() = " ".repeat(DOCUMENT_LIMIT_BYTES + 1);
    issuer.clock.advance(Duration::from_hours(1));
    assert_eq!(finds(&set, "b").await, Err(KeyLookupError::Unavailable));
}

#[actix_web::test]
async fn a_discovery_document_must_name_keys_on_its_own_origin() {
    let issuer = TestIssuer::start();
    let set = issuer.key_set_from(KeySetSource::Metadata(issuer.base.join("elsewhere").unwrap()));
    assert_eq!(finds(&set, "a").await, Err(KeyLookupError::Unavailable));
    assert_eq!(issuer.published.fetches(), 1, "the foreign host was not called");
}

#[test]
fn a_key_set_url_keeps_scheme_host_and_port() {
    let fits = |document: &str, jwks_uri: &str| {
        let metadata = Metadata {
            jwks_uri: jwks_uri.into(),
            cloud_instance_name: None,
            id_token_signing_alg_values_supported: None,
        };
        metadata.key_set_url(&Url::parse(document).unwrap()).is_some()
    };
    assert!(fits("https://login.example/a/.well-known/openid-configuration", "https://login.example/keys"));
    assert!(!fits("https://login.example/a", "https://login.example.evil/keys"));
    assert!(!fits("https://login.example/a", "http://login.example/keys"));
    assert!(!fits("https://login.example/a", "file:///keys"));
    assert!(!fits("https://login.example/a", "keys"));
    assert!(fits("https://login.example/a", "https://login.example:443/keys"));
    assert!(!fits("https://login.example/a", "https://login.example:8443/keys"));
    assert!(fits("http://127.0.0.1:1/a", "http://127.0.0.1:1/keys"));
    assert!(!fits("http://127.0.0.1:1/a", "http://127.0.0.1:2/keys"));
}
