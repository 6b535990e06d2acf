//! The last parent of a bot is removed from the configuration.

use super::{
    Given, ID, OTHER_PARENT, OVER, PARENT, VOUCHES, channel_signs_in, channel_speaks, given, options, parent_signs_in,
    parent_speaks, start, with_parent,
};

#[tokio::test]
async fn after_its_last_parent_is_removed_a_bot_gets_no_token_until_the_channel_speaks() {
    let mut harness = with_parent().await;
    channel_signs_in(&harness).await;
    harness.clock.advance(OVER);
    parent_speaks(&harness, PARENT).await;
    harness.restart(&options(&harness, "none", &[])).await;
    assert_eq!(given(&harness).await, Given::NOTHING, "the turn was the parent's");
    harness.restart(&options(&harness, "none", &[])).await;
    assert_eq!(given(&harness).await, Given::NOTHING, "also after another restart");
    harness.clock.advance(OVER);
    channel_speaks(&harness).await;
    assert_eq!(given(&harness).await, Given::of(&harness, "Ada"));
    harness.restart(&options(&harness, "none", &[])).await;
    assert_eq!(given(&harness).await, Given::of(&harness, "Ada"), "the channel's word is kept");
}

#[tokio::test]
async fn a_removed_parent_gets_no_token_where_all_other_parents_vouch() {
    let mut harness = start("none", &[[PARENT, ""], [OTHER_PARENT, VOUCHES]]).await;
    channel_signs_in(&harness).await;
    harness.clock.advance(OVER);
    parent_signs_in(&harness, PARENT, "Ada").await;
    harness.restart(&options(&harness, "none", &[[OTHER_PARENT, VOUCHES]])).await;
    assert_eq!(given(&harness).await, Given::NOTHING);
    harness.clock.advance(OVER);
    parent_speaks(&harness, OTHER_PARENT).await;
    assert_eq!(given(&harness).await, Given::of(&harness, "Ada"), "the parent that vouches speaks for the channel");
}

#[tokio::test]
async fn a_sign_out_in_the_turn_of_a_removed_parent_leaves_the_channels_user_signed_in() {
    let mut harness = with_parent().await;
    channel_signs_in(&harness).await;
    harness.clock.advance(OVER);
    parent_signs_in(&harness, PARENT, "Ada").await;
    harness.restart(&options(&harness, "none", &[])).await;
    assert_eq!(harness.sign_out(&[("userId", ID), ("channelId", "msteams")]).await.status, 200);
    harness.clock.advance(OVER);
    channel_speaks(&harness).await;
    assert_eq!(given(&harness).await, Given::of(&harness, "Ada"));
    harness.restart(&options(&harness, "none", &[[PARENT, ""]])).await;
    harness.clock.advance(OVER);
    parent_speaks(&harness, PARENT).await;
    assert_eq!(given(&harness).await, Given::NOTHING, "what the parent had brought was signed out");
}

#[tokio::test]
async fn a_parent_that_spoke_before_the_channel_and_is_removed_changes_nothing() {
    let mut harness = with_parent().await;
    parent_speaks(&harness, PARENT).await;
    harness.clock.advance(OVER);
    channel_signs_in(&harness).await;
    harness.restart(&options(&harness, "none", &[])).await;
    assert_eq!(given(&harness).await, Given::of(&harness, "Ada"));
}
