//! Tokens that fail their validation count against the limit of the user who sends them, and of nobody else.

use std::time::Duration;

use serde_json::{Value, json};

use super::Fixture;
use crate::harness::{Answer, activities, refusals};

async fn with_two_a_minute() -> Fixture {
    Fixture::with_appended("[limits]\nuser_exchanges_per_minute = 2\n".to_owned()).await
}

/// Ada's exchange for `graph`, with a token for another connection's audience.
async fn wrong_audience(fixture: &Fixture) -> Value {
    let token = fixture.harness.user_token_for("demo-none", "Ada", "graph").await;
    fixture.exchange_with(|activity| activity["value"]["token"] = token.into())
}

async fn exchange_at_token_service(fixture: &Fixture, user_id: &str, channel: &str, token: &Value) -> Answer {
    let authorization = format!("Bearer {}", fixture.harness.bot_token("demo").await);
    let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
    let path = format!("/api/usertoken/exchange?userId={user_id}&connectionName=graph&channelId={channel}");
    fixture.harness.send("POST", &path, &headers, json!({ "token": token }).to_string().into_bytes()).await
}

#[tokio::test]
async fn a_token_for_another_audience_counts_against_its_users_limit() {
    let fixture = with_two_a_minute().await;
    let wrong = wrong_audience(&fixture).await;
    for _ in 0..2 {
        refusals::assert_refused("a guess", &fixture.harness.post(&wrong).await, 400, "assertion_rejected:aud");
    }
    refusals::assert_refused("a third", &fixture.harness.post(&wrong).await, 429, "too_many_requests");
    let right = fixture.harness.post(&fixture.exchange).await;
    refusals::assert_refused("the limit is the one of redemptions", &right, 429, "too_many_requests");
    let token = &wrong["value"]["token"];
    let asked = exchange_at_token_service(&fixture, "29:ada", "msteams", token).await;
    assert_eq!(asked.status, 429, "at the Token Service, too");
    let gus = exchange_at_token_service(&fixture, "29:gus", "msteams", token).await;
    assert_eq!(gus.status, 400, "another user has a limit of his own");
    fixture.assert_no_effect();
    fixture.harness.clock.advance(Duration::from_secs(61));
    assert_eq!(fixture.harness.post(&fixture.exchange).await.status, 200);
}

#[tokio::test]
async fn a_stranger_who_states_a_chosen_user_id_does_not_use_up_the_limit_of_its_user() {
    let fixture = with_two_a_minute().await;
    let wrong = activities::on_channel(wrong_audience(&fixture).await, "webchat", "ada");
    let in_conversation = |activity: &Value, id: &str| {
        let mut activity = activity.clone();
        activity["conversation"]["id"] = id.into();
        activity
    };
    let strangers = in_conversation(&wrong, "a stranger's conversation");
    for _ in 0..2 {
        refusals::assert_refused("a guess", &fixture.harness.post(&strangers).await, 400, "assertion_rejected:aud");
    }
    refusals::assert_refused("a third", &fixture.harness.post(&strangers).await, 429, "too_many_requests");
    // The genuine user of this id tries a code and sends a token, in another conversation.
    let genuine = in_conversation(&wrong, "the user's conversation");
    refusals::assert_refused("genuine", &fixture.harness.post(&genuine).await, 400, "assertion_rejected:aud");
    let query = [("userId", "ada"), ("connectionName", "graph"), ("channelId", "webchat"), ("code", "123456")];
    assert_eq!(fixture.harness.get_token_as("demo", &query).await.status, 404, "the code is tried");
}

#[tokio::test]
async fn a_verified_user_id_has_a_limit_of_its_own_on_each_channel() {
    let fixture = with_two_a_minute().await;
    let wrong = activities::on_channel(wrong_audience(&fixture).await, "webchat", "dl_ada");
    for status in [400, 400, 429] {
        assert_eq!(fixture.harness.post(&wrong).await.status, status);
    }
    let elsewhere = activities::on_channel(wrong.clone(), "directline", "dl_ada");
    assert_eq!(fixture.harness.post(&elsewhere).await.status, 400);
}
