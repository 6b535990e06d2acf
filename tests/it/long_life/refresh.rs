//! An expired token is refreshed while the bot waits.

use bot_sso::dev::{Fault, FaultRule, GrantKind};
use futures_util::future::join_all;

use super::{
    ADA, AFTER_END, UNTIL_EXPIRED, assert_nothing, fail_refreshes_with, get, refreshable, refreshes, requests_with,
    sign_in, token, with_ada,
};
use crate::harness::waiting::wait_until;
use crate::harness::{Options, logs};

#[tokio::test]
async fn an_expired_token_is_refreshed_without_its_user() {
    let harness = with_ada(refreshable()).await;
    let first = token(&harness).await;
    harness.clock.advance(UNTIL_EXPIRED);
    let second = token(&harness).await;
    assert_ne!(first, second);
    assert_eq!(token(&harness).await, second, "and then it is kept");
    let asked = requests_with(&harness, GrantKind::RefreshToken);
    assert_eq!(asked.len(), 1);
    let ada = harness.user("Ada");
    assert_eq!((&asked[0]["tenant"], &asked[0]["user"]), (&ada.tid.into(), &ada.oid.into()));
    assert!(asked[0]["scope"].as_str().unwrap().contains("offline_access"), "{}", asked[0]["scope"]);
    assert_eq!(asked[0]["claims"], serde_json::Value::Null);
    assert_eq!(asked[0]["anchor_mailbox"], format!("oid:{}@{}", ada.oid, ada.tid));
    assert_eq!(harness.exchanges(), 1);
}

#[tokio::test]
async fn ten_simultaneous_requests_cause_one_refresh() {
    let harness = with_ada(refreshable()).await;
    harness.clock.advance(UNTIL_EXPIRED);
    fail_refreshes_with(&harness, Fault::Slow { millis: 300 });
    let answers = join_all((0..10).map(|_| get(&harness))).await;
    let tokens: Vec<_> = answers.iter().map(|answer| answer.json()["token"].clone()).collect();
    assert!(tokens.iter().all(|token| *token == tokens[0] && token.is_string()));
    assert_eq!(refreshes(&harness), 1);
}

#[tokio::test]
async fn a_connection_without_offline_access_never_refreshes() {
    let harness = with_ada(Options { operations: true, ..Options::default() }).await;
    assert!(!requests_with(&harness, GrantKind::OnBehalfOf)[0]["scope"].as_str().unwrap().contains("offline_access"));
    harness.clock.advance(UNTIL_EXPIRED);
    assert_nothing(&get(&harness).await);
    // This holds even if the identity provider issues a refresh token that was not requested.
    let body =
        r#"{"token_type":"Bearer","access_token":"opaque","expires_in":3600,"refresh_token":"unasked"}"#.to_owned();
    let answer = Fault::Answer { status: 200, content_type: "application/json".to_owned(), body };
    harness.stage.faults().add(FaultRule::new(answer));
    assert_eq!(sign_in(&harness, "Ada", "graph", "second").await.status, 200);
    assert_eq!(token(&harness).await, "opaque");
    harness.clock.advance(UNTIL_EXPIRED);
    assert_nothing(&get(&harness).await);
    assert_eq!(refreshes(&harness), 0);
}

#[tokio::test]
async fn a_new_refresh_token_replaces_the_old_one() {
    let harness = with_ada(refreshable()).await;
    harness.stage.sessions().set_single_use_refresh_tokens(true);
    let mut tokens = vec![token(&harness).await];
    for _ in 0..3 {
        harness.clock.advance(UNTIL_EXPIRED);
        tokens.push(token(&harness).await);
    }
    tokens.dedup();
    assert_eq!((tokens.len(), refreshes(&harness)), (4, 3));
}

#[tokio::test]
async fn an_answer_without_a_refresh_token_keeps_the_old_one() {
    let harness = with_ada(refreshable()).await;
    let body = r#"{"token_type":"Bearer","access_token":"opaque","expires_in":3600}"#.to_owned();
    let answer = Fault::Answer { status: 200, content_type: "application/json".to_owned(), body };
    harness.stage.faults().add(FaultRule::new(answer).for_grant(Some(GrantKind::RefreshToken)).times(1));
    harness.clock.advance(UNTIL_EXPIRED);
    assert_eq!(token(&harness).await, "opaque");
    harness.clock.advance(UNTIL_EXPIRED);
    assert_ne!(token(&harness).await, "opaque");
    assert_eq!(refreshes(&harness), 2);
}

#[tokio::test]
async fn a_refused_refresh_token_yields_no_token_and_is_not_tried_again() {
    let harness = with_ada(refreshable()).await;
    let before = logs::length();
    harness.stage.revoke_refresh_tokens(harness.user("Ada").oid);
    harness.clock.advance(UNTIL_EXPIRED);
    for _ in 0..3 {
        assert_nothing(&get(&harness).await);
    }
    assert_eq!(refreshes(&harness), 1);
    let lines = logs::since(before);
    let line = lines.lines().find(|line| line.contains("a token was not refreshed") && line.contains("50173")).unwrap();
    assert!(line.contains("dropped") && line.contains("bad_token"), "{line}");
    assert_eq!(sign_in(&harness, "Ada", "graph", "second").await.status, 200, "the user signs in again");
    assert_eq!(get(&harness).await.status, 200);
}

#[tokio::test]
async fn an_outage_is_503_after_the_tokens_end_and_keeps_the_refresh_token() {
    let harness = with_ada(refreshable()).await;
    harness.clock.advance(AFTER_END);
    for fault in [Fault::Unavailable { retry_after: None }, Fault::Html, Fault::Empty, super::misconfigured()] {
        fail_refreshes_with(&harness, fault.clone());
        let before = logs::length();
        assert_eq!(get(&harness).await.status, 503, "{fault:?}");
        let lines = logs::since(before);
        let said = lines.lines().any(|line| line.contains("a token was not refreshed") && line.contains("\"kept\""));
        assert!(said, "{fault:?}");
        harness.stage.faults().clear();
    }
    assert_eq!(get(&harness).await.status, 200);
}

#[tokio::test]
async fn a_refresh_at_a_hanging_identity_provider_ends() {
    let harness = with_ada(refreshable()).await;
    harness.clock.advance(AFTER_END);
    fail_refreshes_with(&harness, Fault::Hang);
    assert_eq!(get(&harness).await.status, 503);
    harness.stage.faults().clear();
    // The refresh ends at about the same time as its caller's wait: a request in between still gets its outage.
    wait_until("the hanging refresh has ended", async || get(&harness).await.status == 200).await;
}

#[tokio::test]
async fn a_restart_keeps_the_refresh_token() {
    let mut harness = with_ada(refreshable()).await;
    harness.stage.sessions().set_single_use_refresh_tokens(true);
    for _ in 0..2 {
        harness.clock.advance(UNTIL_EXPIRED);
        harness.restart(&refreshable()).await;
        assert_eq!(get(&harness).await.status, 200);
    }
    assert_eq!((refreshes(&harness), harness.exchanges()), (2, 1));
    let stored = std::fs::read(harness.store_path()).unwrap();
    assert!(!stored.windows(7).any(|bytes| bytes == b"refresh"), "sealed");
}

#[tokio::test]
async fn a_valid_token_is_used_instead_of_a_refresh() {
    let harness = with_ada(refreshable()).await;
    harness.clock.advance(UNTIL_EXPIRED);
    assert_eq!(sign_in(&harness, "Ada", "graph", "second").await.status, 200);
    assert_eq!((refreshes(&harness), harness.exchanges()), (0, 2));
}

#[tokio::test]
async fn an_exchange_by_the_bot_itself_is_answered_with_a_refreshed_token() {
    let harness = with_ada(refreshable()).await;
    harness.clock.advance(UNTIL_EXPIRED);
    let authorization = format!("Bearer {}", harness.bot_token("demo").await);
    let query: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(ADA).finish();
    let assertion = harness.user_token("Ada", "graph").await;
    let body = serde_json::json!({ "token": assertion }).to_string().into_bytes();
    let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
    let answer = harness.send("POST", &format!("/api/usertoken/exchange?{query}"), &headers, body).await;
    assert_eq!((answer.status, refreshes(&harness)), (200, 1));
    assert_eq!(answer.json()["token"], token(&harness).await);
}

#[tokio::test]
async fn a_connection_that_drops_offline_access_does_not_refresh_its_old_tokens() {
    let mut harness = with_ada(refreshable()).await;
    harness.clock.advance(UNTIL_EXPIRED);
    harness.restart(&Options { operations: true, ..Options::default() }).await;
    assert_nothing(&get(&harness).await);
    assert_eq!(refreshes(&harness), 0, "the connection asks for it no more");
    harness.restart(&refreshable()).await;
    assert_eq!(get(&harness).await.status, 200);
}
