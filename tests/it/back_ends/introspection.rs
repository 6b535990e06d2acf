//! RFC 7662: which tokens are active for a back end, and what is said of them.

use std::time::Duration;

use serde_json::json;

use super::fixture::{BackEnds, assert_error};
use crate::harness::tokens::claims_of;

#[tokio::test]
async fn a_users_token_for_the_connection_is_active_with_its_claims() {
    let back_ends = BackEnds::start().await;
    let subject = back_ends.subject("Ada").await;
    let (said, claims) = (back_ends.introspect(&subject).await, claims_of(&subject));
    let ada = back_ends.harness.user("Ada");
    assert_eq!(said["active"], true, "{said}");
    for name in ["iss", "sub", "aud", "exp", "iat", "nbf"] {
        assert_eq!(said[name], claims[name], "{name}");
    }
    assert_eq!((&said["scope"], &said["client_id"]), (&claims["scp"], &claims["azp"]), "{said}");
    assert_eq!((&said["oid"], &said["tid"]), (&json!(ada.oid), &json!(ada.tid)));
    assert_eq!(said["username"], ada.principal_name);
    assert_eq!(said.get("token_type"), None);
}

#[tokio::test]
async fn a_given_token_is_active_while_it_is_kept_also_after_a_restart() {
    let mut back_ends = BackEnds::start().await;
    let token = back_ends.exchanged("Ada").await;
    let ada = back_ends.harness.user("Ada");
    let said = back_ends.introspect(&token).await;
    assert_eq!((&said["active"], &said["token_type"]), (&json!(true), &json!("Bearer")), "{said}");
    assert_eq!((&said["oid"], &said["tid"], &said["sub"]), (&json!(ada.oid), &json!(ada.tid), &json!(ada.oid)));
    assert!(said["scope"].as_str().unwrap().contains("User.Read"), "{said}");
    // The end is computed from `expires_in`, which is a second or two older than the answer.
    let ends = |json: &serde_json::Value| json["exp"].as_i64().unwrap();
    assert!((ends(&said) - ends(&claims_of(&token))).abs() <= 5, "{said}");
    back_ends.restart().await;
    assert_eq!(back_ends.introspect(&token).await, said);
    back_ends.harness.clock.advance(Duration::from_hours(2));
    assert_eq!(back_ends.introspect(&token).await, json!({"active": false}));
}

#[tokio::test]
async fn every_other_token_is_inactive_and_nothing_else_is_said() {
    let back_ends = BackEnds::start().await;
    let harness = &back_ends.harness;
    let kept = back_ends.exchanged("Ada").await;
    let subject = back_ends.subject("Ada").await;
    let of_the_bot = harness.user_token_with_scope("Ada", "https://graph.microsoft.com/User.Read").await;
    let expired = harness.forge(bot_sso::dev::Signer::Tenant, &subject, |claims| {
        claims["exp"] = json!(claims["iat"].as_i64().unwrap() - 60);
    });
    let application = harness.app_token(harness.bot_app_id("demo"), "https://api.botframework.com/.default").await;
    let long = "x".repeat(60_000);
    for token in ["x", "", "x.y.z", &of_the_bot, &expired, &application, &format!("{kept}x"), &long] {
        let answer = back_ends.post_as_orders("/oauth2/introspect", &[("token", token)]).await;
        if token.is_empty() {
            assert_error(&answer, 400, "invalid_request");
        } else {
            assert_eq!((answer.status, answer.json()), (200, json!({"active": false})), "{}", answer.text());
            assert_eq!(answer.header("cache-control"), Some("no-store"));
        }
    }
    let of_another = back_ends.post_as_billing("/oauth2/introspect", &[("token", &kept)]).await;
    assert_eq!(of_another.json(), json!({"active": false}), "the token of another back end");
}

#[tokio::test]
async fn a_given_token_is_inactive_after_a_sign_out_everywhere() {
    let back_ends = BackEnds::start().await;
    let (of_ada, of_ben) = (back_ends.exchanged("Ada").await, back_ends.exchanged("Ben").await);
    let ada = back_ends.harness.user("Ada");
    let answer = back_ends.harness.sign_out_everywhere(&format!("{}@{}", ada.oid, ada.tid)).await;
    assert_eq!((answer.status, &answer.json()["tokensRemoved"]), (200, &json!(1)), "{}", answer.text());
    assert_eq!(back_ends.introspect(&of_ada).await, json!({"active": false}));
    assert_eq!(back_ends.introspect(&of_ben).await["active"], true);
    assert_eq!(back_ends.harness.exchanges(), 2);
    assert_ne!(back_ends.exchanged("Ada").await, of_ada);
    assert_eq!(back_ends.harness.exchanges(), 3);
}
