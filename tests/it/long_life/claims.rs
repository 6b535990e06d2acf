//! Continuous access: tokens with a long lifetime, and the challenge with which a resource rejects one.

use std::time::Duration;

use bot_sso::dev::{Fault, FaultRule, GrantKind};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{
    ADA, assert_nothing, fail_refreshes_with, get, refreshable, refreshes, requests_with, sign_in, token, with_ada,
};
use crate::harness::waiting::wait_until;
use crate::harness::{Answer, Harness, Options, logs};

/// The claims challenge of a resource's `WWW-Authenticate` header, decoded.
const CHALLENGE: &str = r#"{"access_token":{"nbf":{"essential":true, "value":"1735689600"}}}"#;

fn continuous() -> Options {
    Options { connection: "continuous_access = true".to_owned(), ..refreshable() }
}

/// `GetToken` with a challenge.
async fn get_challenged(harness: &Harness, claims: &str) -> Answer {
    harness.get_token_as("demo", &[ADA[0], ADA[1], ADA[2], ("claims", claims)]).await
}

/// `claims` of each request with a grant; `Null` where there were none.
fn claims_sent(harness: &Harness, grant: GrantKind) -> Vec<Value> {
    let read =
        |request: &Value| request["claims"].as_str().map_or(Value::Null, |text| serde_json::from_str(text).unwrap());
    requests_with(harness, grant).iter().map(read).collect()
}

fn challenge() -> Value {
    serde_json::from_str(CHALLENGE).unwrap()
}

#[tokio::test]
async fn a_bot_that_handles_challenges_gets_tokens_for_a_day() {
    let harness = with_ada(continuous()).await;
    let cp1 = json!({"access_token": {"xms_cc": {"values": ["cp1"]}}});
    assert_eq!(claims_sent(&harness, GrantKind::OnBehalfOf), std::slice::from_ref(&cp1));
    let expiration = get(&harness).await.json()["expiration"].as_str().unwrap().to_owned();
    let left = OffsetDateTime::parse(&expiration, &Rfc3339).unwrap().unix_timestamp() - harness.now();
    assert!((25 * 3600..=28 * 3600).contains(&left), "{left} s");
    let first = token(&harness).await;
    harness.clock.advance(Duration::from_hours(12));
    assert_eq!(token(&harness).await, first);
    assert_eq!(refreshes(&harness), 0);
    harness.clock.advance(Duration::from_mins(70));
    assert_eq!(token(&harness).await, first, "past half of its life");
    wait_until("a new token", async || token(&harness).await != first).await;
    assert_eq!(claims_sent(&harness, GrantKind::RefreshToken), [cp1]);
}

#[tokio::test]
async fn a_challenge_skips_the_stored_token_and_obtains_one_that_meets_it() {
    let harness = with_ada(continuous()).await;
    let first = token(&harness).await;
    let answer = get_challenged(&harness, CHALLENGE).await;
    assert_eq!(answer.status, 200);
    let second = answer.json()["token"].as_str().unwrap().to_owned();
    assert_ne!(second, first);
    assert_eq!(token(&harness).await, second, "and it is the user's from now on");
    let merged = json!({"access_token": {
        "xms_cc": {"values": ["cp1"]}, "nbf": {"essential": true, "value": "1735689600"},
    }});
    assert_eq!(claims_sent(&harness, GrantKind::RefreshToken), [merged]);
    assert_eq!(harness.exchanges(), 1);
}

#[tokio::test]
async fn a_challenge_is_sent_unchanged_for_a_connection_without_continuous_access() {
    let harness = with_ada(refreshable()).await;
    assert_eq!(get_challenged(&harness, CHALLENGE).await.status, 200);
    assert_eq!(requests_with(&harness, GrantKind::RefreshToken)[0]["claims"], CHALLENGE);
    assert_eq!(claims_sent(&harness, GrantKind::OnBehalfOf), [Value::Null]);
}

#[tokio::test]
async fn a_challenge_without_a_refresh_token_is_sent_with_the_next_exchange_once() {
    let harness = with_ada(Options::default()).await;
    assert_nothing(&get_challenged(&harness, CHALLENGE).await);
    assert_nothing(&get(&harness).await);
    // The same invoke was answered before. Its token is gone, so it is exchanged again.
    assert_eq!(sign_in(&harness, "Ada", "graph", "first").await.status, 200);
    assert_eq!(claims_sent(&harness, GrantKind::OnBehalfOf), [Value::Null, challenge()]);
    assert_eq!(get(&harness).await.status, 200);
    assert_eq!(sign_in(&harness, "Ada", "graph", "second").await.status, 200);
    assert_eq!(harness.exchanges(), 2, "what was brought by the challenge is recalled as ever");
}

#[tokio::test]
async fn a_challenge_that_the_issuer_answers_with_another_reaches_the_user_once() {
    let harness = with_ada(Options::default()).await;
    assert_nothing(&get_challenged(&harness, CHALLENGE).await);
    let body = json!({
        "error": "invalid_grant", "error_codes": [50076], "suberror": "basic_action",
        "claims": "{\"access_token\":{\"capolids\":{\"essential\":true,\"values\":[\"p\"]}}}",
    });
    let refusal = Fault::Answer { status: 400, content_type: "application/json".to_owned(), body: body.to_string() };
    harness.stage.faults().add(FaultRule::new(refusal).times(2));
    let first = sign_in(&harness, "Ada", "graph", "second").await;
    assert_eq!((first.status, first.json()["failureDetail"].as_str().unwrap().contains("interact")), (412, true));
    assert_eq!(sign_in(&harness, "Ada", "graph", "third").await.status, 412);
    assert_eq!(claims_sent(&harness, GrantKind::OnBehalfOf), [Value::Null, challenge(), Value::Null]);
}

#[tokio::test]
async fn a_challenge_stays_for_the_user_after_a_refused_refresh() {
    let harness = with_ada(continuous()).await;
    harness.stage.sessions().set_demands_mfa(harness.user("Ada").oid, true);
    assert_nothing(&get_challenged(&harness, CHALLENGE).await);
    assert_nothing(&get(&harness).await);
    assert_eq!(refreshes(&harness), 1, "the old token is gone, and what it was refreshed with");
    assert_eq!(sign_in(&harness, "Ada", "graph", "second").await.status, 200);
    let sent = claims_sent(&harness, GrantKind::OnBehalfOf);
    assert_eq!(sent[1]["access_token"]["nbf"]["value"], "1735689600");
    assert_eq!(get(&harness).await.status, 200);
}

#[tokio::test]
async fn a_challenge_during_an_outage_changes_nothing() {
    let harness = with_ada(refreshable()).await;
    let first = token(&harness).await;
    fail_refreshes_with(&harness, super::misconfigured());
    assert_eq!(get_challenged(&harness, CHALLENGE).await.status, 503, "no card for an outage");
    harness.stage.faults().clear();
    assert_eq!(token(&harness).await, first, "whether the resource takes it is the resource's to say");
    assert_eq!(get_challenged(&harness, CHALLENGE).await.status, 200);
}

#[tokio::test]
async fn a_challenge_stays_for_the_next_exchange_after_a_failed_one() {
    let harness = with_ada(Options::default()).await;
    assert_nothing(&get_challenged(&harness, CHALLENGE).await);
    harness.stage.faults().add(FaultRule::new(Fault::Html));
    assert_eq!(sign_in(&harness, "Ada", "graph", "second").await.status, 500);
    harness.stage.faults().clear();
    harness.stage.reset_calls();
    assert_eq!(sign_in(&harness, "Ada", "graph", "third").await.status, 200);
    assert_eq!(claims_sent(&harness, GrantKind::OnBehalfOf), [challenge()]);
}

#[tokio::test]
async fn a_challenge_ends_with_every_kind_of_sign_out() {
    for everywhere in [false, true] {
        let harness = with_ada(Options { operations: true, ..Options::default() }).await;
        assert_nothing(&get_challenged(&harness, CHALLENGE).await);
        let answer = if everywhere {
            harness.sign_out_everywhere(&super::operations::key_of(&harness, "Ada")).await
        } else {
            harness.sign_out(&ADA).await
        };
        assert_eq!(answer.status, 200);
        assert_eq!(sign_in(&harness, "Ada", "graph", "second").await.status, 200);
        assert_eq!(claims_sent(&harness, GrantKind::OnBehalfOf), [Value::Null, Value::Null], "{everywhere}");
    }
}

#[tokio::test]
async fn a_challenge_survives_a_restart_sealed_and_is_not_logged() {
    let mut harness = with_ada(Options::default()).await;
    let telling = r#"{"access_token":{"acrs":{"essential":true,"value":"only-in-the-challenge"}}}"#;
    assert_nothing(&get_challenged(&harness, telling).await);
    harness.restart(&Options::default()).await;
    let stored = std::fs::read(harness.store_path()).unwrap();
    assert!(!String::from_utf8_lossy(&stored).contains("only-in-the-challenge"));
    assert_eq!(sign_in(&harness, "Ada", "graph", "second").await.status, 200);
    assert_eq!(claims_sent(&harness, GrantKind::OnBehalfOf)[1]["access_token"]["acrs"]["essential"], true);
    assert!(!logs::text().contains("only-in-the-challenge"));
}

#[tokio::test]
async fn an_invalid_challenge_is_refused_and_an_empty_one_is_ignored() {
    let harness = with_ada(refreshable()).await;
    let vast = format!(r#"{{"a":"{}"}}"#, "x".repeat(9000));
    for claims in ["x", "[]", "7", "{}", "\"{}\"", "{\"a\":1", vast.as_str()] {
        let answer = get_challenged(&harness, claims).await;
        assert_eq!((answer.status, &answer.json()["error"]["code"]), (400, &json!("BadArgument")), "{claims}");
    }
    let first = token(&harness).await;
    assert_eq!(get_challenged(&harness, "").await.json()["token"], first);
    assert_eq!(refreshes(&harness), 0);
}
