//! docs/architecture.md §Security rules, rule 6, and case 54 of docs/protocols/invoke-protocol.md §10: all members of a
//! group see the card, so only the user who began a sign-in may complete it.

use std::time::Duration;

use serde_json::Value;

use super::{Change, assert_mismatch, assert_refused, exchange_of, is_kept};
use crate::harness::{Harness, activities};

/// An exchange of `user` in the group chat that answers a card issued for `user`.
async fn with_card(harness: &Harness, user: &str) -> Value {
    let mut activity = activities::in_group(exchange_of(harness, user, "").await);
    activity["value"]["id"] = harness.card(&activity, "graph").await.into();
    activity
}

#[tokio::test]
async fn a_group_exchange_is_refused_when_its_user_has_no_pending_sign_in() {
    let harness = Harness::start().await;
    let kinds: [(&str, Change); 4] = [
        ("group chat", |_| {}),
        ("group chat without conversationType", |activity| {
            activity["conversation"].as_object_mut().unwrap().remove("conversationType");
        }),
        ("channel", |activity| activity["conversation"]["conversationType"] = "channel".into()),
        ("without an id", |activity| drop(activity["value"].as_object_mut().unwrap().remove("id"))),
    ];
    for (case, change) in kinds {
        let mut activity = activities::in_group(exchange_of(&harness, "Ada", "x").await);
        change(&mut activity);
        assert_mismatch(case, &harness.post(&activity).await, "no_pending_sign_in");
    }
    assert_eq!(harness.exchanges(), 0);
    assert!(harness.received_once_settled().await.is_empty());
}

#[tokio::test]
async fn a_user_answers_their_own_card_in_a_group_and_duplicates_get_the_same_answer() {
    let harness = Harness::start().await;
    let activity = with_card(&harness, "Ada").await;
    let first = harness.post(&activity).await;
    assert_eq!(first.status, 200, "{}", first.detail());
    harness.clock.advance(Duration::from_mins(1));
    for _ in 0..2 {
        let duplicate = harness.post(&activity).await;
        assert_eq!((duplicate.status, &duplicate.body), (200, &first.body));
    }
    assert_eq!(harness.exchanges(), 1);
    assert_eq!(harness.received_once_settled().await.len(), 1);
    harness.clock.advance(Duration::from_mins(16));
    assert_mismatch("the card is used up", &harness.post(&activity).await, "no_pending_sign_in");
}

#[tokio::test]
async fn a_group_exchange_without_an_id_needs_a_pending_sign_in_too() {
    let harness = Harness::start().await;
    let mut activity = with_card(&harness, "Ada").await;
    activity["value"].as_object_mut().unwrap().remove("id");
    assert_eq!(harness.post(&activity).await.status, 200);
}

#[tokio::test]
async fn another_users_valid_token_does_not_complete_the_first_users_sign_in() {
    let harness = Harness::start().await;
    let ada = with_card(&harness, "Ada").await;
    let mut ben = activities::in_group(exchange_of(&harness, "Ben", "").await);
    ben["value"]["id"] = ada["value"]["id"].clone();
    assert_mismatch("another user", &harness.post(&ben).await, "card");
    ben["from"]["id"] = ada["from"]["id"].clone();
    ben["from"]["aadObjectId"] = ada["from"]["aadObjectId"].clone();
    assert_mismatch("another user's token", &harness.post(&ben).await, "oid");
    assert_eq!(harness.exchanges(), 0);
    assert!(harness.received_once_settled().await.is_empty());
    assert_eq!(harness.post(&ada).await.status, 200);
    let received = harness.received_once_settled().await;
    assert_eq!((received.len(), received[0].json()["from"]["id"].clone()), (1, "29:ada".into()));
}

#[tokio::test]
async fn another_users_token_is_refused_as_a_duplicate_of_a_success() {
    let harness = Harness::start().await;
    let ada = with_card(&harness, "Ada").await;
    assert_eq!(harness.post(&ada).await.status, 200);
    let mut ben = activities::in_group(exchange_of(&harness, "Ben", "").await);
    ben["value"]["id"] = ada["value"]["id"].clone();
    // The check `card` refuses the token while the card is stored, the check `no_pending_sign_in` afterwards.
    assert_refused("after success", &harness.post(&ben).await, 400, "identity_mismatch");
    assert_eq!(harness.exchanges(), 1);
    assert!(!is_kept(&harness, &ben, "graph").await);
}

#[tokio::test]
async fn two_users_of_one_group_both_succeed_with_their_own_cards() {
    let harness = Harness::start().await;
    let (ada, ben) = (with_card(&harness, "Ada").await, with_card(&harness, "Ben").await);
    let (first, second) = tokio::join!(harness.post(&ada), harness.post(&ben));
    assert_eq!((first.status, second.status), (200, 200));
    assert_eq!(harness.exchanges(), 2);
    assert_eq!(harness.received_once_settled().await.len(), 2);
}

#[tokio::test]
async fn case_54_a_sign_in_pending_in_one_conversation_is_not_found_in_another() {
    let harness = Harness::start().await;
    let here = with_card(&harness, "Ada").await;
    let mut there = here.clone();
    there["conversation"]["id"] = "19:elsewhere@thread.v2".into();
    assert_mismatch("54", &harness.post(&there).await, "no_pending_sign_in");
    let mut message = activities::in_group(activities::message(&harness, &harness.user("Ada"), "in k2"));
    message["conversation"]["id"] = there["conversation"]["id"].clone();
    assert_eq!(harness.post(&message).await.status, 200, "a message is the bot's affair");
    assert_eq!(harness.bot.received()[0].json(), message);
    assert!(!is_kept(&harness, &here, "graph").await, "the bot that asks is told to sign in");
    assert_eq!(harness.post(&here).await.status, 200, "the sign-in in k1 has survived");
}

#[tokio::test]
async fn a_card_is_refused_for_another_connection_and_after_fifteen_minutes() {
    let harness = Harness::start().await;
    let activity = with_card(&harness, "Ada").await;
    let mut other = activity.clone();
    other["value"]["connectionName"] = "mail".into();
    assert_mismatch("another connection", &harness.post(&other).await, "no_pending_sign_in");
    harness.clock.advance(Duration::from_mins(15));
    assert_mismatch("too late", &harness.post(&activity).await, "no_pending_sign_in");
    assert_eq!(harness.exchanges(), 0);
}

#[tokio::test]
async fn a_refused_card_works_after_the_user_has_consented() {
    let harness = Harness::start().await;
    let activity = with_card(&harness, "Cleo").await;
    assert_eq!(harness.post(&activity).await.status, 412);
    harness.stage.consent("Cleo", harness.bot_app_id("demo")).unwrap();
    harness.clock.advance(Duration::from_millis(3100));
    assert_eq!(harness.post(&activity).await.status, 200);
    assert_eq!(harness.received_once_settled().await.len(), 1);
}
