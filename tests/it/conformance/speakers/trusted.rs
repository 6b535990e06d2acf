//! `vouches_for_channel_users = true`: a parent's accounts are the channel's.

use serde_json::Value;

use super::{
    Given, ID, OTHER_PARENT, OVER, PARENT, VOUCHES, by_parent, channel_signs_in, channel_speaks, disputes, given,
    options, parent_signs_in, parent_speaks, post_as_parent, start,
};
use crate::conformance::exchange_of;
use crate::harness::refusals::assert_mismatch;
use crate::harness::{activities, logs};

#[tokio::test]
async fn a_parent_that_vouches_and_the_channel_have_one_account_and_no_dispute() {
    let harness = start("none", &[[PARENT, VOUCHES]]).await;
    let before = logs::length();
    channel_signs_in(&harness).await;
    parent_speaks(&harness, PARENT).await;
    assert_eq!(given(&harness).await, Given::of(&harness, "Ada"), "the channel's token, in the parent's turn");
    let calls = harness.exchanges();
    parent_signs_in(&harness, PARENT, "Ada").await;
    assert_eq!(harness.exchanges(), calls, "the kept token serves");
    channel_speaks(&harness).await;
    assert_eq!(given(&harness).await, Given::of(&harness, "Ada"));
    assert_eq!(disputes(&harness, before), [Value::Null; 0]);
}

#[tokio::test]
async fn a_parent_that_vouches_signs_the_channels_user_in_without_stating_an_identity() {
    let harness = start("none", &[[PARENT, VOUCHES]]).await;
    parent_signs_in(&harness, PARENT, "Ada").await;
    channel_speaks(&harness).await;
    assert_eq!(given(&harness).await, Given::of(&harness, "Ada"));
    assert_eq!(harness.sign_out(&[("userId", ID), ("channelId", "msteams")]).await.status, 200);
    assert_eq!(given(&harness).await, Given::NOTHING);
}

#[tokio::test]
async fn a_parent_that_vouches_is_refused_another_person_than_the_one_of_the_account() {
    let harness = start("none", &[[PARENT, VOUCHES]]).await;
    channel_signs_in(&harness).await;
    let mut bens = by_parent(exchange_of(&harness, "Ben", "y").await);
    bens["value"]["connectionName"] = "mail".into();
    assert_mismatch("pin", &post_as_parent(&harness, PARENT, &bens).await, "pin");
}

#[tokio::test]
async fn only_the_parent_that_vouches_speaks_for_the_channels_account() {
    let harness = start("none", &[[PARENT, VOUCHES], [OTHER_PARENT, ""]]).await;
    parent_signs_in(&harness, PARENT, "Ada").await;
    harness.clock.advance(OVER);
    parent_speaks(&harness, OTHER_PARENT).await;
    assert_eq!(given(&harness).await, Given::NOTHING);
    let before = logs::length();
    parent_speaks(&harness, PARENT).await;
    assert_eq!(given(&harness).await, Given::NOTHING, "the other parent and the channel's account");
    let events = disputes(&harness, before);
    assert_eq!((events.len(), events[0]["last_speaker"].clone()), (1, "the channel".into()));
}

#[tokio::test]
async fn a_parent_that_begins_to_vouch_has_spoken_for_the_channels_account() {
    let mut harness = start("none", &[[PARENT, ""], [OTHER_PARENT, ""]]).await;
    channel_signs_in(&harness).await;
    parent_speaks(&harness, PARENT).await;
    assert_eq!(given(&harness).await, Given::NOTHING);
    harness.restart(&options(&harness, "none", &[[PARENT, VOUCHES], [OTHER_PARENT, ""]])).await;
    assert_eq!(given(&harness).await, Given::of(&harness, "Ada"));
}

#[tokio::test]
async fn a_parent_that_vouches_brings_no_token_for_an_id_that_a_client_may_have_chosen() {
    let mut harness = start("none", &[]).await;
    let mut options = options(&harness, "none", &[[PARENT, VOUCHES]]);
    options.appended = options.appended.replace("\"msteams\"", "\"webchat\"");
    harness.restart(&options).await;
    let exchange = exchange_of(&harness, "Ada", "x").await;
    let mut chosen = activities::on_channel(by_parent(exchange), "webchat", "chosen");
    chosen["serviceUrl"] = crate::conformance::parents::SERVICE_URL.into();
    assert_mismatch("chosen", &post_as_parent(&harness, PARENT, &chosen).await, "unverified_id");
    chosen["from"]["id"] = "dl_ada".into();
    assert_eq!(post_as_parent(&harness, PARENT, &chosen).await.status, 200);
}
