//! A parent that vouches for the channel's users brings codes: the token is the channel's, and the tries are the parent's.

use serde_json::{Value, json};

use super::{
    Given, ID, PARENT, VOUCHES, by_parent, channel_speaks, given, options, parent_speaks, post_as_parent, start,
};
use crate::harness::{Answer, Harness, activities};

fn wrong(code: &str, distance: u32) -> String {
    format!("{:06}", (code.parse::<u32>().unwrap() + distance) % 1_000_000)
}

/// A gateway whose only parent vouches, and a code that waits for Ada's chat account.
async fn with_code(after_exchange: &'static str) -> (Harness, String) {
    let mut harness = start(after_exchange, &[[PARENT, VOUCHES]]).await;
    harness.sign_in_resource(&activities::teams(&harness, &harness.user("Ada")), "graph").await;
    let token = harness.user_token("Ada", "graph").await;
    let options = options(&harness, after_exchange, &[[PARENT, VOUCHES]]);
    let ada = harness.user("Ada");
    let code = harness.issue_code(&options, &ada, "graph", &token).await;
    (harness, code)
}

fn with_state(harness: &Harness, code: &str) -> Value {
    activities::invoke(harness, &harness.user("Ada"), "signin/verifyState", json!({ "state": code }))
}

async fn redeem(harness: &Harness, code: &str) -> Answer {
    let query = [("userId", ID), ("connectionName", "graph"), ("channelId", "msteams"), ("code", code)];
    harness.get_token_as("demo", &query).await
}

#[tokio::test]
async fn wrong_codes_of_a_parent_that_vouches_leave_the_channels_user_every_try() {
    let (harness, code) = with_code("none").await;
    for distance in 1..=11 {
        let activity = by_parent(with_state(&harness, &wrong(&code, distance)));
        assert_eq!(post_as_parent(&harness, PARENT, &activity).await.status, 404);
    }
    let right = by_parent(with_state(&harness, &code));
    assert_eq!(post_as_parent(&harness, PARENT, &right).await.status, 404, "the parent has no try left");
    assert_eq!(harness.post(&with_state(&harness, &code)).await.status, 200, "the user has");
    assert_eq!(given(&harness).await.token, Given::of(&harness, "Ada").token);
}

#[tokio::test]
async fn many_codes_of_a_parent_that_vouches_leave_the_channels_user_the_rate_of_requests() {
    let (harness, code) = with_code("none").await;
    let activity = by_parent(with_state(&harness, &wrong(&code, 1)));
    let mut statuses = Vec::new();
    while statuses.last() != Some(&429) && statuses.len() < 1000 {
        statuses.push(post_as_parent(&harness, PARENT, &activity).await.status);
    }
    assert_eq!(statuses.last(), Some(&429), "the parent asks too often");
    assert_eq!(harness.post(&with_state(&harness, &code)).await.status, 200);
}

#[tokio::test]
async fn a_right_code_of_a_parent_that_vouches_signs_the_channels_user_in() {
    let (harness, code) = with_code("none").await;
    for _ in 0..2 {
        let activity = by_parent(with_state(&harness, &code));
        assert_eq!(post_as_parent(&harness, PARENT, &activity).await.status, 200, "and the same answer again");
    }
    channel_speaks(&harness).await;
    assert_eq!(given(&harness).await.token, Given::of(&harness, "Ada").token);
}

#[tokio::test]
async fn wrong_codes_that_the_bot_redeems_in_the_turn_of_a_parent_that_vouches_are_the_parents() {
    let (harness, code) = with_code("forward").await;
    parent_speaks(&harness, PARENT).await;
    for distance in 1..=6 {
        assert_eq!(redeem(&harness, &wrong(&code, distance)).await.status, 404);
    }
    assert_eq!(redeem(&harness, &code).await.status, 404, "the parent has no try left");
    channel_speaks(&harness).await;
    assert_eq!(redeem(&harness, &code).await.status, 200, "the channel's user has");
}

#[tokio::test]
async fn wrong_codes_of_the_channels_user_leave_a_parent_that_vouches_every_try() {
    let (harness, code) = with_code("none").await;
    for distance in 1..=5 {
        assert_eq!(harness.post(&with_state(&harness, &wrong(&code, distance))).await.status, 404);
    }
    assert_eq!(harness.post(&with_state(&harness, &code)).await.status, 404, "the user has no try left");
    let activity = by_parent(with_state(&harness, &code));
    assert_eq!(post_as_parent(&harness, PARENT, &activity).await.status, 200);
}
