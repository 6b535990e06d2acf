//! The token of a parent's exchange is stored in the parent's account, where the bot finds it in the parent's turn.

use std::time::Duration;

use serde_json::Value;

use super::exchange_of;
use super::parents::{from_parent, harness, options, post};
use crate::harness::tokens::claims_of;
use crate::harness::{Harness, activities};

/// A parent's exchange with a token of `user` for the Teams user `id`, without `expectReplies`.
async fn parent_exchange(harness: &Harness, user: &str, exchange: &str, id: &str) -> Value {
    let mut activity = from_parent(exchange_of(harness, user, exchange).await, id);
    activity.as_object_mut().unwrap().remove("deliveryMode");
    activity
}

/// The object id of the person whose token the bot gets for the Teams user `id`.
async fn token_owner(harness: &Harness, id: &str) -> Option<String> {
    let answer = harness.get_token("msteams", id, "graph").await;
    match answer.status {
        404 => None,
        status => {
            assert_eq!(status, 200, "{}", String::from_utf8_lossy(&answer.body));
            Some(claims_of(answer.json()["token"].as_str().unwrap())["oid"].as_str().unwrap().to_owned())
        }
    }
}

#[tokio::test]
async fn the_bot_finds_the_token_of_a_parents_exchange_until_the_user_is_signed_out() {
    let harness = harness("none").await;
    assert_eq!(post(&harness, &parent_exchange(&harness, "Ada", "x", "29:ada").await).await.status, 200);
    assert_eq!(token_owner(&harness, "29:ada").await.as_deref(), Some(harness.user("Ada").oid));
    let status = harness.token_service("demo", "/api/usertoken/GetTokenStatus?userId=29:ada&channelId=msteams").await;
    let statuses = status.json();
    let graph = statuses.as_array().unwrap().iter().find(|status| status["connectionName"] == "graph").unwrap();
    assert_eq!(graph["hasToken"], true);
    let account = [("userId", "29:ada"), ("channelId", "msteams"), ("connectionName", "graph")];
    assert_eq!(harness.sign_out(&account).await.status, 200);
    assert_eq!(token_owner(&harness, "29:ada").await, None);
}

#[tokio::test]
async fn an_exchange_from_the_channel_removes_another_persons_token_that_a_parent_brought() {
    let harness = harness("none").await;
    assert_eq!(post(&harness, &parent_exchange(&harness, "Ben", "x", "29:ada").await).await.status, 200);
    assert_eq!(token_owner(&harness, "29:ada").await.as_deref(), Some(harness.user("Ben").oid));
    let token = harness.user_token("Ada", "graph").await;
    let ada = activities::exchange(&harness, &harness.user("Ada"), "y", &token);
    assert_eq!(harness.post(&ada).await.status, 200);
    harness.clock.advance(Duration::from_mins(16));
    assert_eq!(token_owner(&harness, "29:ada").await.as_deref(), Some(harness.user("Ada").oid));
    let ben = harness.user("Ben");
    let ended = harness.sign_out_everywhere(&format!("{}@{}", ben.oid, ben.tid)).await.json();
    assert_eq!(ended["tokensRemoved"], 0, "no token of Ben is left: {ended}");
}

#[tokio::test]
async fn a_code_of_another_person_in_the_channels_account_does_not_concern_the_parents_account() {
    let mut harness = harness("none").await;
    let (ada, token) = (harness.user("Ada"), harness.user_token("Ada", "graph").await);
    harness.sign_in_resource(&activities::exchange(&harness, &ada, "x", &token), "graph").await;
    let options = options(&harness, "none");
    let code = harness.issue_code(&options, &ada, "graph", &token).await;
    let user = format!("29:{}", ada.name);
    let query = [("userId", user.as_str()), ("connectionName", "graph"), ("channelId", "msteams"), ("code", &code)];
    assert_eq!(harness.get_token_as("demo", &query).await.status, 200);
    assert_eq!(post(&harness, &parent_exchange(&harness, "Ben", "y", &user).await).await.status, 200);
    assert_eq!(token_owner(&harness, &user).await.as_deref(), Some(harness.user("Ben").oid), "in the parent's turn");
}

#[tokio::test]
async fn the_channels_token_does_not_answer_a_parents_exchange_for_the_same_person() {
    let harness = harness("none").await;
    let token = harness.user_token("Ada", "graph").await;
    let ada = activities::exchange(&harness, &harness.user("Ada"), "x", &token);
    assert_eq!(harness.post(&ada).await.status, 200);
    let calls = harness.exchanges();
    assert_eq!(post(&harness, &parent_exchange(&harness, "Ada", "y", "29:ada").await).await.status, 200);
    assert_eq!(harness.exchanges(), calls + 1);
}
