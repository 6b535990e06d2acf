//! A bot asks after one account spoke.

use std::time::Duration;

use super::{
    Given, ID, OTHER_PARENT, OVER, PARENT, SERVICE_URL, by_parent, channel_signs_in, channel_speaks, given, options,
    parent_signs_in, parent_speaks, post_as_parent, post_to_token_service, start, with_parent,
};
use crate::harness::{Behaviour, activities};

#[tokio::test]
async fn after_a_parent_spoke_the_bot_gets_the_parents_token_and_never_the_channels() {
    let harness = with_parent().await;
    channel_signs_in(&harness).await;
    assert_eq!(given(&harness).await, Given::of(&harness, "Ada"));
    harness.clock.advance(OVER);
    parent_speaks(&harness, PARENT).await;
    assert_eq!(given(&harness).await, Given::NOTHING, "the parent has brought no token");
    let calls = harness.exchanges();
    parent_signs_in(&harness, PARENT, "Ada").await;
    assert_eq!(harness.exchanges(), calls + 1, "the channel's token does not serve the parent");
    assert_eq!(given(&harness).await, Given::of(&harness, "Ada"));
}

#[tokio::test]
async fn a_parent_plants_no_token_where_the_user_of_the_channel_finds_it() {
    let harness = with_parent().await;
    parent_signs_in(&harness, PARENT, "Ben").await;
    assert_eq!(given(&harness).await, Given::of(&harness, "Ben"), "in the parent's own turn");
    harness.clock.advance(OVER);
    channel_speaks(&harness).await;
    assert_eq!(given(&harness).await, Given::NOTHING);
}

#[tokio::test]
async fn a_bot_that_answers_202_and_asks_two_seconds_later_gets_the_token_of_the_account_that_spoke() {
    let harness = with_parent().await;
    channel_signs_in(&harness).await;
    harness.clock.advance(OVER);
    harness.bot.behave(Behaviour::answering(202, ""));
    parent_speaks(&harness, PARENT).await;
    harness.clock.advance(Duration::from_secs(2));
    assert_eq!(given(&harness).await, Given::NOTHING, "not the channel's");
    harness.clock.advance(OVER);
    channel_speaks(&harness).await;
    harness.clock.advance(Duration::from_secs(2));
    assert_eq!(given(&harness).await, Given::of(&harness, "Ada"));
}

#[tokio::test]
async fn a_parent_that_spoke_an_hour_ago_is_still_the_last_one_until_the_channel_speaks() {
    let harness = with_parent().await;
    channel_signs_in(&harness).await;
    harness.clock.advance(OVER);
    parent_signs_in(&harness, PARENT, "Ada").await;
    harness.clock.advance(Duration::from_hours(1));
    let refreshed = given(&harness).await;
    assert_eq!(refreshed, Given::of(&harness, "Ada"));
    harness.sign_out(&[("userId", ID), ("connectionName", "graph"), ("channelId", "msteams")]).await;
    channel_signs_in(&harness).await;
    assert_eq!(given(&harness).await, Given::of(&harness, "Ada"), "the parent spoke an hour ago: no dispute");
}

#[tokio::test]
async fn without_a_record_the_bot_gets_the_channels_token() {
    let mut harness = start("none", &[]).await;
    channel_signs_in(&harness).await;
    harness.restart(&options(&harness, "none", &[[PARENT, ""]])).await;
    assert_eq!(given(&harness).await, Given::of(&harness, "Ada"));
}

#[tokio::test]
async fn a_restart_does_not_change_who_spoke_last() {
    let mut harness = with_parent().await;
    channel_signs_in(&harness).await;
    harness.clock.advance(OVER);
    parent_speaks(&harness, PARENT).await;
    harness.restart(&options(&harness, "none", &[[PARENT, ""]])).await;
    assert_eq!(given(&harness).await, Given::NOTHING);
    harness.clock.advance(Duration::from_hours(24 * 80));
    assert_eq!(given(&harness).await, Given::NOTHING, "the record lives as long as a token that can be refreshed");
}

#[tokio::test]
async fn a_record_that_the_bot_uses_outlives_the_tokens_that_it_refreshes() {
    let mut harness = with_parent().await;
    channel_signs_in(&harness).await;
    harness.clock.advance(OVER);
    parent_signs_in(&harness, PARENT, "Ada").await;
    for _ in 0..3 {
        harness.clock.advance(Duration::from_hours(24 * 60));
        assert_eq!(given(&harness).await.token, Given::of(&harness, "Ada").token, "refreshed after sixty days");
    }
    // Only the parent's token can still be refreshed, so what is found is not the channel's.
    harness.restart(&options(&harness, "none", &[[PARENT, ""]])).await;
    harness.clock.advance(Duration::from_hours(24 * 60));
    assert_eq!(given(&harness).await.token, Given::of(&harness, "Ada").token);
}

#[tokio::test]
async fn two_parents_have_an_account_each_under_one_user_id() {
    let harness = start("none", &[[PARENT, ""], [OTHER_PARENT, ""]]).await;
    parent_signs_in(&harness, PARENT, "Ada").await;
    harness.clock.advance(OVER);
    parent_signs_in(&harness, OTHER_PARENT, "Ben").await;
    assert_eq!(given(&harness).await, Given::of(&harness, "Ben"));
    harness.clock.advance(OVER);
    parent_speaks(&harness, PARENT).await;
    assert_eq!(given(&harness).await, Given::of(&harness, "Ada"));
}

#[tokio::test]
async fn a_parent_that_is_no_longer_listed_gets_neither_its_own_token_nor_the_channels() {
    let mut harness = start("none", &[[PARENT, ""], [OTHER_PARENT, ""]]).await;
    channel_signs_in(&harness).await;
    harness.clock.advance(OVER);
    parent_signs_in(&harness, PARENT, "Ada").await;
    harness.restart(&options(&harness, "none", &[[OTHER_PARENT, ""]])).await;
    assert_eq!(given(&harness).await, Given::NOTHING);
    harness.clock.advance(OVER);
    channel_speaks(&harness).await;
    assert_eq!(given(&harness).await, Given::of(&harness, "Ada"), "the channel's");
}

#[tokio::test]
async fn exchange_keeps_and_finds_the_token_under_the_account_that_spoke_last() {
    let harness = with_parent().await;
    let token = harness.user_token("Ada", "graph").await;
    parent_speaks(&harness, PARENT).await;
    super::get_token_or_card(&harness).await;
    let exchanged = post_to_token_service(&harness, "exchange", serde_json::json!({ "token": token })).await;
    assert_eq!(exchanged.status, 200, "{}", String::from_utf8_lossy(&exchanged.body));
    assert_eq!(given(&harness).await, Given::of(&harness, "Ada"));
    harness.clock.advance(OVER);
    channel_speaks(&harness).await;
    assert_eq!(given(&harness).await, Given::NOTHING, "what a parent's turn brought is not the channel's");
}

#[tokio::test]
async fn exchange_for_a_resource_uses_the_token_of_the_account_that_spoke_last() {
    let harness = with_parent().await;
    let exchange_uri = async || {
        let body = serde_json::json!({ "uri": "https://graph.microsoft.com/Mail.Read" });
        post_to_token_service(&harness, "exchange", body).await.status
    };
    channel_signs_in(&harness).await;
    assert_eq!(exchange_uri().await, 200);
    harness.clock.advance(OVER);
    parent_speaks(&harness, PARENT).await;
    assert_eq!(exchange_uri().await, 404);
    parent_signs_in(&harness, PARENT, "Ada").await;
    assert_eq!(exchange_uri().await, 200);
}

#[tokio::test]
async fn a_parent_whose_activity_names_its_user_in_two_ways_is_refused() {
    let harness = with_parent().await;
    channel_signs_in(&harness).await;
    harness.clock.advance(OVER);
    channel_speaks(&harness).await;
    let scope = format!("{}/.default", harness.bot_app_id("demo"));
    let bearer = harness.app_token(harness.bot_app_id(PARENT), &scope).await;
    let received = harness.bot.received().len();
    for from in [
        r#""from":{"id":"29:mallory","id":"29:ada"}"#,
        r#""from":{"id":"29:mallory","Id":"29:ada"}"#,
        r#""from":{"Id":"29:ada"}"#,
        r#""from":{"id":29}"#,
        r#""from":{"id":["29:ada"]}"#,
        r#""From":{"id":"29:ada"}"#,
        r#""from":{"id":"29:mallory"},"From":{"id":"29:ada"}"#,
        r#""from":{"id":"29:mallory"},"from":{"id":"29:ada"}"#,
    ] {
        let body = format!(
            r#"{{"type":"message","text":"hello","channelId":"msteams","serviceUrl":"{SERVICE_URL}","conversation":{{"id":"c"}},{from}}}"#
        );
        assert_eq!(harness.post_bytes("demo", &bearer, body.into_bytes()).await.status, 400, "{from}");
    }
    assert_eq!(harness.bot.received().len(), received, "the bot got none of them");
    assert_eq!(given(&harness).await, Given::of(&harness, "Ada"), "in the channel's turn");
}

#[tokio::test]
async fn a_parents_activity_that_does_not_reach_the_bot_is_no_turn() {
    let harness = with_parent().await;
    channel_signs_in(&harness).await;
    let mut forged = by_parent(activities::message(&harness, &harness.user("Ada"), "hello"));
    forged["type"] = "event".into();
    forged["name"] = "tokens/response".into();
    forged["value"] = serde_json::json!({"connectionName": "graph", "token": "x"});
    assert_eq!(post_as_parent(&harness, PARENT, &forged).await.status, 200);
    assert_eq!(given(&harness).await, Given::of(&harness, "Ada"));
}
