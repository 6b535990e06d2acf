//! Two accounts speak under one user id within fifteen minutes: no token is given.

use std::time::Duration;

use serde_json::json;

use super::{
    Given, OTHER_PARENT, OVER, PARENT, by_parent, channel_signs_in, channel_speaks, disputes, given, options,
    parent_signs_in, parent_speaks, post_as_parent, post_to_token_service, start, with_parent,
};
use crate::harness::{activities, logs};

#[tokio::test]
async fn a_parents_turn_and_the_channels_at_once_get_no_token_and_one_security_event() {
    let harness = with_parent().await;
    channel_signs_in(&harness).await;
    harness.clock.advance(OVER);
    parent_signs_in(&harness, PARENT, "Ada").await;
    harness.clock.advance(OVER);
    let before = logs::length();
    tokio::join!(parent_speaks(&harness, PARENT), channel_speaks(&harness));
    for _ in 0..2 {
        assert_eq!(given(&harness).await, Given::NOTHING);
    }
    let events = disputes(&harness, before);
    let [event] = events.as_slice() else { panic!("not one event: {events:#?}") };
    let speakers = [&event["last_speaker"], &event["other_speaker"]];
    assert!(speakers.contains(&&json!("the channel")), "{event}");
    assert!(speakers.contains(&&json!(harness.bot_app_id(PARENT))), "{event}");
    assert_eq!((event["bot"].clone(), event["channel"].clone()), (json!("demo"), json!("msteams")));
    assert!(event["hint"].as_str().unwrap().contains("vouches_for_channel_users"), "{event}");
}

#[tokio::test]
async fn tokens_are_given_again_fifteen_minutes_after_the_other_account_spoke() {
    let harness = with_parent().await;
    channel_signs_in(&harness).await;
    harness.clock.advance(Duration::from_mins(14));
    parent_signs_in(&harness, PARENT, "Ada").await;
    assert_eq!(given(&harness).await, Given::NOTHING, "the channel spoke fourteen minutes ago");
    harness.clock.advance(Duration::from_mins(2));
    assert_eq!(given(&harness).await, Given::of(&harness, "Ada"), "and now sixteen");
}

#[tokio::test]
async fn a_dispute_goes_on_while_both_go_on_speaking_and_is_reported_once_in_fifteen_minutes() {
    let harness = with_parent().await;
    channel_signs_in(&harness).await;
    let before = logs::length();
    for (minutes, reported) in [(0, 1), (5, 1), (5, 1), (6, 2)] {
        harness.clock.advance(Duration::from_mins(minutes));
        parent_speaks(&harness, PARENT).await;
        channel_speaks(&harness).await;
        assert_eq!(given(&harness).await, Given::NOTHING);
        assert_eq!(disputes(&harness, before).len(), reported, "after {minutes} more minutes");
    }
}

#[tokio::test]
async fn each_pair_of_accounts_is_reported() {
    let harness = start("none", &[[PARENT, ""], [OTHER_PARENT, ""]]).await;
    let before = logs::length();
    parent_signs_in(&harness, PARENT, "Ada").await;
    parent_signs_in(&harness, OTHER_PARENT, "Ada").await;
    assert_eq!(given(&harness).await, Given::NOTHING);
    assert_eq!(disputes(&harness, before).len(), 1);
    channel_speaks(&harness).await;
    assert_eq!(given(&harness).await, Given::NOTHING);
    assert_eq!(disputes(&harness, before).len(), 3, "the channel with each parent");
}

#[tokio::test]
async fn a_restart_ends_no_dispute_and_reports_none_again() {
    let mut harness = with_parent().await;
    channel_signs_in(&harness).await;
    parent_speaks(&harness, PARENT).await;
    let before = logs::length();
    assert_eq!(given(&harness).await, Given::NOTHING);
    harness.restart(&options(&harness, "none", &[[PARENT, ""]])).await;
    assert_eq!(given(&harness).await, Given::NOTHING);
    assert_eq!(disputes(&harness, before).len(), 1);
}

#[tokio::test]
async fn everything_that_a_bot_receives_counts_as_speaking() {
    let harness = with_parent().await;
    for name in ["signin/verifyState", "signin/failure", "composeExtension/query", "adaptiveCard/action"] {
        harness.clock.advance(OVER);
        channel_signs_in(&harness).await;
        assert_eq!(given(&harness).await, Given::of(&harness, "Ada"), "before {name}");
        let invoke = activities::invoke(&harness, &harness.user("Ada"), name, json!({ "state": "123456" }));
        assert!(post_as_parent(&harness, PARENT, &by_parent(invoke)).await.status < 500);
        assert_eq!(given(&harness).await, Given::NOTHING, "{name}");
    }
}

#[tokio::test]
async fn an_activity_that_is_not_admitted_does_not_count_as_speaking() {
    let harness = with_parent().await;
    channel_signs_in(&harness).await;
    let message = by_parent(activities::message(&harness, &harness.user("Ada"), "hello"));
    assert_eq!(post_as_parent(&harness, OTHER_PARENT, &message).await.status, 403, "not listed");
    let mut elsewhere = message;
    elsewhere["serviceUrl"] = "https://elsewhere.example/".into();
    assert_eq!(post_as_parent(&harness, PARENT, &elsewhere).await.status, 403);
    assert_eq!(given(&harness).await, Given::of(&harness, "Ada"));
}

#[tokio::test]
async fn exchange_neither_gives_nor_keeps_a_token_while_two_accounts_speak() {
    let harness = with_parent().await;
    channel_signs_in(&harness).await;
    parent_speaks(&harness, PARENT).await;
    super::get_token_or_card(&harness).await;
    let (calls, token) = (harness.exchanges(), harness.user_token("Ada", "graph").await);
    let exchanged = post_to_token_service(&harness, "exchange", json!({ "token": token })).await;
    assert_eq!(exchanged.status, 400, "{}", String::from_utf8_lossy(&exchanged.body));
    let for_resource = json!({ "uri": "https://graph.microsoft.com/Mail.Read" });
    assert_eq!(post_to_token_service(&harness, "exchange", for_resource).await.status, 404);
    assert_eq!(harness.exchanges(), calls);
}

#[tokio::test]
async fn a_claims_challenge_ends_no_token_while_two_accounts_speak() {
    let harness = with_parent().await;
    channel_signs_in(&harness).await;
    harness.clock.advance(Duration::from_mins(14));
    parent_speaks(&harness, PARENT).await;
    let claims = r#"{"access_token":{"acrs":{"essential":true,"value":"c1"}}}"#;
    let query = [("userId", super::ID), ("connectionName", "graph"), ("channelId", "msteams"), ("claims", claims)];
    assert_eq!(harness.get_token_as("demo", &query).await.status, 404);
    harness.clock.advance(OVER);
    channel_speaks(&harness).await;
    assert_eq!(given(&harness).await, Given::of(&harness, "Ada"));
}
