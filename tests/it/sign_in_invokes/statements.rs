//! `exchange` of the Token Service without a card, for a person that the channel itself has stated.

use std::time::Duration;

use serde_json::{Value, json};

use super::{ACTIONS, authentication, is_kept, parents};
use crate::harness::{Answer, Harness, Options, activities};

const ADA: &str = "userId=29:ada&connectionName=graph&channelId=msteams";

async fn exchange(harness: &Harness, query: &str, user: &str) -> Answer {
    let token = harness.user_token(user, "graph").await;
    let authorization = format!("Bearer {}", harness.bot_token("demo").await);
    let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
    let body = json!({ "token": token }).to_string().into_bytes();
    harness.send("POST", &format!("/api/usertoken/exchange?{query}"), &headers, body).await
}

fn code_of(answer: &Answer) -> Value {
    answer.json()["error"]["code"].clone()
}

fn message(harness: &Harness, user: &str) -> Value {
    activities::message(harness, &harness.user(user), "hello")
}

#[tokio::test]
async fn a_bot_that_gets_the_tokens_of_actions_exchanges_them_without_a_card() {
    let harness = Harness::start().await;
    let places: [fn(Value) -> Value; 3] = [|activity| activity, activities::in_group, activities::in_channel];
    for (action, place) in ACTIONS.into_iter().zip(places) {
        let activity = place(action.of(&harness, "Ada", &authentication(&harness, "Ada").await));
        assert_eq!(harness.post(&activity).await.status, 200);
        assert_eq!(harness.bot.received().pop().unwrap().body, activity.to_string().into_bytes());
        let answer = exchange(&harness, ADA, "Ada").await;
        assert_eq!(answer.status, 200, "{}", answer.json());
        assert!(is_kept(&harness, "Ada").await);
        harness.sign_out(&[("userId", "29:ada"), ("channelId", "msteams")]).await;
    }
    assert_eq!(harness.exchanges(), 3);
}

#[tokio::test]
async fn only_the_token_of_the_stated_person_is_exchanged() {
    let harness = Harness::start().await;
    assert_eq!(code_of(&exchange(&harness, ADA, "Ada").await), "SignInRequired", "nothing is stated");
    harness.post(&message(&harness, "Ada")).await;
    assert_eq!(code_of(&exchange(&harness, ADA, "Ben").await), "IdentityMismatch");
    assert_eq!(code_of(&exchange(&harness, &ADA.replace("29:ada", "29:ben"), "Ada").await), "SignInRequired");
    let other_channel = ADA.replace("msteams", "directline");
    assert_eq!(code_of(&exchange(&harness, &other_channel, "Ada").await), "SignInRequired");
    assert_eq!(harness.exchanges(), 0);
    assert_eq!(exchange(&harness, ADA, "Ada").await.status, 200);
}

#[tokio::test]
async fn a_statement_ends_after_an_hour_and_survives_a_restart() {
    let mut harness = Harness::start().await;
    let cleo = ADA.replace("29:ada", "29:cleo");
    for _ in 0..2 {
        harness.post(&message(&harness, "Cleo")).await;
        harness.clock.advance(Duration::from_mins(59));
    }
    assert_eq!(code_of(&exchange(&harness, &cleo, "Cleo").await), "ConsentRequired", "the provider is asked");
    harness.restart(&Options::default()).await;
    assert_eq!(code_of(&exchange(&harness, &cleo, "Cleo").await), "ConsentRequired", "also after a restart");
    harness.clock.advance(Duration::from_mins(2));
    assert_eq!(code_of(&exchange(&harness, &cleo, "Cleo").await), "SignInRequired");
}

#[tokio::test]
async fn a_sign_out_ends_the_statement_until_the_channel_makes_it_again() {
    let harness = Harness::start().await;
    harness.post(&message(&harness, "Ada")).await;
    assert_eq!(exchange(&harness, ADA, "Ada").await.status, 200);
    harness.sign_out(&[("userId", "29:ada"), ("channelId", "msteams"), ("connectionName", "graph")]).await;
    assert_eq!(code_of(&exchange(&harness, ADA, "Ada").await), "SignInRequired");
    harness.post(&message(&harness, "Ada")).await;
    assert_eq!(exchange(&harness, ADA, "Ada").await.status, 200);
}

#[tokio::test]
async fn a_sign_out_everywhere_ends_what_the_channel_has_stated_also_after_a_restart() {
    let mut harness = Harness::with(Options { operations: true, ..Options::default() }).await;
    let ada = harness.user("Ada");
    harness.post(&message(&harness, "Ada")).await;
    assert_eq!(exchange(&harness, ADA, "Ada").await.status, 200);
    assert_eq!(harness.sign_out_everywhere(&format!("{}@{}", ada.oid, ada.tid)).await.status, 200);
    assert_eq!(code_of(&exchange(&harness, ADA, "Ada").await), "SignInRequired");
    harness.restart(&Options { operations: true, ..Options::default() }).await;
    assert_eq!(code_of(&exchange(&harness, ADA, "Ada").await), "SignInRequired");
    harness.post(&message(&harness, "Ada")).await;
    assert_eq!(exchange(&harness, ADA, "Ada").await.status, 200, "the channel has stated it again");
}

#[tokio::test]
async fn an_incomplete_or_ambiguous_statement_is_none() {
    let harness = Harness::start().await;
    let mut without_tenant = message(&harness, "Ada");
    without_tenant["conversation"].as_object_mut().unwrap().remove("tenantId");
    without_tenant.as_object_mut().unwrap().remove("channelData");
    let mut without_id = message(&harness, "Ada");
    without_id["from"].as_object_mut().unwrap().remove("aadObjectId");
    for activity in [without_tenant, without_id] {
        assert_eq!(harness.post(&activity).await.status, 200);
    }
    let bearer = harness.channel_token("demo").await;
    let text = message(&harness, "Ada").to_string();
    let twice = text.replacen("\"from\":", "\"from\":{\"id\":\"29:x\"},\"from\":", 1);
    assert_eq!(harness.post_bytes("demo", &bearer, twice.into_bytes()).await.status, 200);
    assert_eq!(code_of(&exchange(&harness, ADA, "Ada").await), "SignInRequired");
}

#[tokio::test]
async fn a_parents_word_is_not_the_channels() {
    let harness = parents::harness("").await;
    let mut told = message(&harness, "Ada");
    told["serviceUrl"] = parents::SERVICE_URL.into();
    assert_eq!(parents::post(&harness, &told).await.status, 200);
    assert_eq!(code_of(&exchange(&harness, ADA, "Ada").await), "SignInRequired");
    // Two accounts that speak within fifteen minutes get no token.
    harness.clock.advance(Duration::from_mins(16));
    assert_eq!(harness.post(&message(&harness, "Ada")).await.status, 200);
    assert_eq!(exchange(&harness, ADA, "Ada").await.status, 200);
}
