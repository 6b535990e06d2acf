#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::atomic::Ordering;

use serde_json::json;

use super::super::test_issuer::{Stand, key};
use super::*;

fn plain(key_id: &str) -> serde_json::Value {
    key(0).jwk(key_id, &json!({}))
}

async fn finds(set: &Arc<KeySet>, key_id: &str) -> Result<bool, KeysUnavailable> {
    set.find_key(key_id).await.map(|found| found.is_some())
}

/// Lets a background refresh finish.
async fn settle(set: &Arc<KeySet>) {
    for _ in 0..200 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        if !set.refreshing.load(Ordering::SeqCst) {
            return;
        }
    }
    panic!("the refresh did not finish");
}

#[actix_web::test]
async fn many_who_need_keys_share_one_fetch() {
    let stand = Stand::start();
    stand.published.set_keys(&[plain("a")]);
    stand.published.delay_millis.store(100, Ordering::SeqCst);
    let set = stand.key_set();
    let all = futures_util::future::join_all((0..50).map(|_| finds(&set, "a"))).await;
    assert!(all.into_iter().all(|found| found == Ok(true)));
    assert_eq!(stand.published.fetches(), 1);
}

#[actix_web::test]
async fn a_failure_is_shared_too_and_not_repeated_at_once() {
    let stand = Stand::start();
    stand.published.set_status(500);
    stand.published.delay_millis.store(50, Ordering::SeqCst);
    let set = stand.key_set();
    let all = futures_util::future::join_all((0..20).map(|_| finds(&set, "a"))).await;
    assert!(all.into_iter().all(|found| found == Err(KeysUnavailable)));
    assert_eq!(finds(&set, "a").await, Err(KeysUnavailable));
    assert_eq!(stand.published.fetches(), 1);

    stand.published.set_status(200);
    stand.published.set_keys(&[plain("a")]);
    stand.clock.advance(PAUSE_AFTER_FAILURE);
    assert_eq!(finds(&set, "a").await, Ok(true));
}

#[actix_web::test]
async fn a_rotated_key_is_found_by_the_first_token_that_needs_it() {
    let stand = Stand::start();
    stand.published.set_keys(&[plain("old")]);
    let set = stand.key_set();
    assert_eq!(finds(&set, "old").await, Ok(true));
    let before = set.current().unwrap().generation;
    stand.published.set_keys(&[plain("new")]);
    assert_eq!(finds(&set, "new").await, Ok(true));
    assert_eq!(finds(&set, "old").await, Ok(false), "a withdrawn key no longer counts");
    assert!(set.current().unwrap().generation > before);
}

#[actix_web::test]
async fn unknown_keys_cause_one_fetch_in_five_minutes() {
    let stand = Stand::start();
    stand.published.set_keys(&[plain("a")]);
    let set = stand.key_set();
    assert!(set.warm().await);
    for n in 0..500 {
        assert_eq!(finds(&set, &format!("made-up-{n}")).await, Ok(false));
    }
    assert_eq!(stand.published.fetches(), 2);
    stand.clock.advance(UNKNOWN_KEY_PAUSE);
    assert_eq!(finds(&set, "made-up-1").await, Ok(false));
    assert_eq!(stand.published.fetches(), 3);
    assert!(set.unknown.len() <= REMEMBERED_UNKNOWN_KEYS);
}

#[actix_web::test]
async fn an_unknown_key_during_an_outage_is_not_called_a_forgery() {
    let stand = Stand::start();
    stand.published.set_keys(&[plain("a")]);
    let set = stand.key_set();
    assert!(set.warm().await);
    stand.published.set_status(503);
    assert_eq!(finds(&set, "new").await, Err(KeysUnavailable));
    assert_eq!(finds(&set, "a").await, Ok(true), "known keys serve on");
}

#[actix_web::test]
async fn kept_keys_serve_five_days_through_an_outage_and_no_longer() {
    let stand = Stand::start();
    stand.published.set_keys(&[plain("a")]);
    let set = stand.key_set();
    assert!(set.warm().await);
    stand.published.set_status(500);
    stand.clock.advance(Duration::from_hours(25));
    assert_eq!(finds(&set, "a").await, Ok(true));
    settle(&set).await;
    assert_eq!(stand.published.fetches(), 2, "a refresh was due and tried");
    assert_eq!(finds(&set, "a").await, Ok(true));
    settle(&set).await;
    assert_eq!(stand.published.fetches(), 2, "not again at once");
    stand.clock.advance(Duration::from_hours(96));
    assert_eq!(finds(&set, "a").await, Err(KeysUnavailable));
}

#[actix_web::test]
async fn a_refresh_happens_in_the_background_between_12_and_24_hours() {
    let stand = Stand::start();
    stand.published.set_keys(&[plain("a")]);
    let set = stand.key_set();
    assert!(set.warm().await);
    let generation = set.current().unwrap().generation;
    stand.clock.advance(Duration::from_hours(11));
    assert_eq!(finds(&set, "a").await, Ok(true));
    assert_eq!(stand.published.fetches(), 1);
    stand.clock.advance(Duration::from_hours(13));
    assert_eq!(finds(&set, "a").await, Ok(true));
    settle(&set).await;
    assert_eq!(stand.published.fetches(), 2);
    assert_eq!(set.current().unwrap().generation, generation, "the same content is the same generation");
}

#[actix_web::test]
async fn nonsense_does_not_replace_good_keys() {
    let stand = Stand::start();
    stand.published.set_keys(&[plain("a")]);
    let set = stand.key_set();
    assert!(set.warm().await);
    for body in ["", "<html>", "[]", r#"{"keys": []}"#, r#"{"keys": [{"kty": "EC", "kid": "a"}]}"#] {
        *stand.published.body.lock().unwrap() = body.into();
        stand.clock.advance(Duration::from_hours(1));
        assert_eq!(finds(&set, "b").await, Err(KeysUnavailable), "{body}");
        assert_eq!(finds(&set, "a").await, Ok(true), "{body}");
    }
    *stand.published.body.lock().unwrap() = " ".repeat(DOCUMENT_LIMIT_BYTES + 1);
    stand.clock.advance(Duration::from_hours(1));
    assert_eq!(finds(&set, "b").await, Err(KeysUnavailable));
}

#[actix_web::test]
async fn a_discovery_document_must_name_keys_on_its_own_host() {
    let stand = Stand::start();
    let set = stand.key_set_of(KeySetSource::Metadata(stand.base.join("elsewhere").unwrap()));
    assert_eq!(finds(&set, "a").await, Err(KeysUnavailable));
    assert_eq!(stand.published.fetches(), 1, "the foreign host was not called");
}

#[test]
fn a_key_set_url_keeps_host_and_does_not_lose_tls() {
    let fits = |document: &str, jwks_uri: &str| {
        let metadata = Metadata { jwks_uri: jwks_uri.into(), cloud_instance_name: None };
        key_set_url(&Url::parse(document).unwrap(), &metadata).is_some()
    };
    assert!(fits("https://login.example/a/.well-known/openid-configuration", "https://login.example/keys"));
    assert!(!fits("https://login.example/a", "https://login.example.evil/keys"));
    assert!(!fits("https://login.example/a", "http://login.example/keys"));
    assert!(!fits("https://login.example/a", "file:///keys"));
    assert!(!fits("https://login.example/a", "keys"));
    assert!(fits("http://127.0.0.1:1/a", "http://127.0.0.1:2/keys"));
}
