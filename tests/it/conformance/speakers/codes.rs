//! Magic codes of a bot with parents: the account that brings a code, or that spoke last, has the tries and gets the token.

use serde_json::json;

use super::{Given, ID, OVER, PARENT, by_parent, channel_speaks, given, options, parent_speaks, post_as_parent, start};
use crate::harness::{Answer, Harness, activities};

fn wrong(code: &str, distance: u32) -> String {
    format!("{:06}", (code.parse::<u32>().unwrap() + distance) % 1_000_000)
}

/// A gateway, and a code of `user` that waits for Ada's chat account.
async fn with_code(after_exchange: &'static str, user: &str) -> (Harness, String) {
    let mut harness = start(after_exchange, &[[PARENT, ""]]).await;
    let mut activity = activities::teams(&harness, &harness.user("Ada"));
    // The bot states no identity, as it knows none from a parent.
    activity["from"] = json!({ "id": ID });
    harness.sign_in_resource(&activity, "graph").await;
    let token = harness.user_token(user, "graph").await;
    let options = options(&harness, after_exchange, &[[PARENT, ""]]);
    let whose = bot_sso::dev::User { name: "ada", ..harness.user(user) };
    let code = harness.issue_code(&options, &whose, "graph", &token).await;
    (harness, code)
}

async fn redeem(harness: &Harness, code: &str) -> Answer {
    let query = [("userId", ID), ("connectionName", "graph"), ("channelId", "msteams"), ("code", code)];
    harness.get_token_as("demo", &query).await
}

#[tokio::test]
async fn wrong_codes_that_the_bot_redeems_in_a_parents_turn_leave_the_channels_user_every_try() {
    let (harness, code) = with_code("forward", "Ada").await;
    parent_speaks(&harness, PARENT).await;
    for distance in 1..=6 {
        assert_eq!(redeem(&harness, &wrong(&code, distance)).await.status, 404);
    }
    assert_eq!(redeem(&harness, &code).await.status, 404, "the parent has no try left");
    // The code ends after ten minutes, so a new one takes its place.
    let mut harness = harness;
    harness.clock.advance(OVER);
    channel_speaks(&harness).await;
    let token = harness.user_token("Ada", "graph").await;
    let options = options(&harness, "forward", &[[PARENT, ""]]);
    harness.sign_in_resource(&activities::teams(&harness, &harness.user("Ada")), "graph").await;
    let code = harness.issue_code(&options, &harness.user("Ada"), "graph", &token).await;
    assert_eq!(redeem(&harness, &code).await.status, 200);
}

#[tokio::test]
async fn a_code_that_the_bot_redeems_in_a_parents_turn_brings_the_channels_account_no_token() {
    let (harness, code) = with_code("forward", "Ben").await;
    parent_speaks(&harness, PARENT).await;
    for _ in 0..2 {
        assert_eq!(redeem(&harness, &code).await.status, 200, "and the same answer again");
    }
    assert_eq!(given(&harness).await.token, Given::of(&harness, "Ben").token);
    harness.clock.advance(OVER);
    channel_speaks(&harness).await;
    assert_eq!(given(&harness).await, Given::NOTHING);
}

#[tokio::test]
async fn a_code_that_a_parent_passes_on_brings_the_channels_account_no_token() {
    let (harness, code) = with_code("none", "Ben").await;
    let invoke = activities::invoke(&harness, &harness.user("Ada"), "signin/verifyState", json!({ "state": code }));
    for _ in 0..2 {
        assert_eq!(post_as_parent(&harness, PARENT, &by_parent(invoke.clone())).await.status, 200);
    }
    assert_eq!(given(&harness).await.token, Given::of(&harness, "Ben").token);
    harness.clock.advance(OVER);
    channel_speaks(&harness).await;
    assert_eq!(given(&harness).await, Given::NOTHING);
}

#[tokio::test]
async fn a_code_is_not_redeemed_while_two_accounts_speak_and_counts_no_try() {
    let (harness, code) = with_code("forward", "Ada").await;
    channel_speaks(&harness).await;
    parent_speaks(&harness, PARENT).await;
    for distance in 0..=6 {
        assert_eq!(redeem(&harness, &wrong(&code, distance)).await.status, 404);
    }
    let invoke = activities::invoke(&harness, &harness.user("Ada"), "signin/verifyState", json!({ "state": code }));
    let mut harness = harness;
    harness.restart(&options(&harness, "none", &[[PARENT, ""]])).await;
    assert_eq!(harness.post(&invoke).await.status, 200, "the invoke says whose code it is");
}
