//! A sign-out by the bot ends what the account that speaks has: a parent's word does not count as the channel's.

use super::{
    Given, ID, OTHER_PARENT, OVER, PARENT, channel_signs_in, channel_speaks, given, parent_signs_in, parent_speaks,
    start, with_parent,
};
use crate::harness::Harness;

const ALL: [(&str, &str); 2] = [("userId", ID), ("channelId", "msteams")];
const GRAPH: [(&str, &str); 3] = [("userId", ID), ("channelId", "msteams"), ("connectionName", "graph")];

/// How many tokens of Ada a sign-out everywhere removes.
async fn count_tokens(harness: &Harness) -> serde_json::Value {
    let ada = harness.user("Ada");
    let ended = harness.sign_out_everywhere(&format!("{}@{}", ada.oid, ada.tid)).await.json();
    ended["tokensRemoved"].clone()
}

#[tokio::test]
async fn a_sign_out_in_a_parents_turn_leaves_the_channels_user_signed_in() {
    for query in [&ALL[..], &GRAPH[..]] {
        let harness = with_parent().await;
        channel_signs_in(&harness).await;
        harness.clock.advance(OVER);
        parent_signs_in(&harness, PARENT, "Ada").await;
        assert_eq!(harness.sign_out(query).await.status, 200);
        assert_eq!(given(&harness).await, Given::NOTHING, "the parent's token");
        harness.clock.advance(OVER);
        channel_speaks(&harness).await;
        assert_eq!(given(&harness).await, Given::of(&harness, "Ada"), "the channel's");
    }
}

#[tokio::test]
async fn a_sign_out_in_a_parents_turn_leaves_what_another_parent_brought() {
    let harness = start("none", &[[PARENT, ""], [OTHER_PARENT, ""]]).await;
    parent_signs_in(&harness, PARENT, "Ada").await;
    harness.clock.advance(OVER);
    parent_signs_in(&harness, OTHER_PARENT, "Ben").await;
    assert_eq!(harness.sign_out(&ALL).await.status, 200);
    harness.clock.advance(OVER);
    parent_speaks(&harness, PARENT).await;
    assert_eq!(given(&harness).await, Given::of(&harness, "Ada"));
    harness.clock.advance(OVER);
    parent_signs_in(&harness, OTHER_PARENT, "Ada").await;
    assert_eq!(given(&harness).await, Given::of(&harness, "Ada"), "the pin to Ben ended with the sign-out");
}

#[tokio::test]
async fn a_sign_out_in_the_channels_turn_ends_the_tokens_of_all_accounts_under_the_user_id() {
    let harness = start("none", &[[PARENT, ""], [OTHER_PARENT, ""]]).await;
    for parent in [PARENT, OTHER_PARENT] {
        parent_signs_in(&harness, parent, "Ada").await;
        harness.clock.advance(OVER);
    }
    channel_signs_in(&harness).await;
    assert_eq!(harness.sign_out(&ALL).await.status, 200);
    assert_eq!(given(&harness).await, Given::NOTHING);
    assert_eq!(count_tokens(&harness).await, 0);
}

#[tokio::test]
async fn of_two_accounts_that_dispute_a_user_id_a_sign_out_ends_both() {
    for parent_is_last in [true, false] {
        let harness = with_parent().await;
        channel_signs_in(&harness).await;
        parent_signs_in(&harness, PARENT, "Ada").await;
        if !parent_is_last {
            channel_speaks(&harness).await;
        }
        assert_eq!(harness.sign_out(&ALL).await.status, 200);
        assert_eq!(count_tokens(&harness).await, 0, "{parent_is_last}");
    }
}

#[tokio::test]
async fn a_sign_out_before_anybody_spoke_ends_what_the_channels_account_has() {
    let mut harness = start("none", &[]).await;
    channel_signs_in(&harness).await;
    harness.restart(&super::options(&harness, "none", &[[PARENT, ""]])).await;
    assert_eq!(given(&harness).await, Given::of(&harness, "Ada"));
    assert_eq!(harness.sign_out(&ALL).await.status, 200);
    assert_eq!(given(&harness).await, Given::NOTHING);
}
