//! What the Agent 365 platform states about a person counts as the channel's word, so it serves `exchange` for an hour
//! (docs/protocols/agent-identity.md §6 rule 1, docs/protocols/sign-in-invokes.md §6).

use std::time::Duration;

use serde_json::{Value, json};

use super::Fixture;
use super::fixture::{CONTOSO, SERVICE_URL};
use crate::harness::Answer;

const BOT_API: &str = "https://botapi.skype.com/.default";

/// `exchange` with the token of `user` for Ada's account on `channel`.
async fn exchange(fixture: &Fixture, bearer: &str, user: &str, channel: &str) -> Answer {
    let token = fixture.harness.user_token(user, "graph").await;
    let authorization = format!("Bearer {bearer}");
    let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
    let path = format!("/api/usertoken/exchange?userId=29:ada&connectionName=graph&channelId={channel}");
    fixture.harness.send("POST", &path, &headers, json!({ "token": token }).to_string().into_bytes()).await
}

fn code_of(answer: &Answer) -> Value {
    answer.json()["error"]["code"].clone()
}

#[tokio::test]
async fn the_platforms_statement_serves_exchange_of_the_bot_and_of_its_listed_agent_for_an_hour() {
    for channel in ["msteams", "agents"] {
        let fixture = Fixture::with_helper().await;
        let bot = fixture.harness.bot_token("demo").await;
        let agent = fixture.agent_users_token("helper", BOT_API).await;
        for bearer in [&bot, &agent] {
            assert_eq!(code_of(&exchange(&fixture, bearer, "Ada", channel).await), "SignInRequired", "{channel}");
        }
        let mut message = fixture.message();
        message["channelId"] = channel.into();
        assert_eq!(fixture.post(&message).await.status, 200, "{channel}");
        assert_eq!(code_of(&exchange(&fixture, &bot, "Ben", channel).await), "IdentityMismatch", "{channel}");
        for bearer in [&bot, &agent] {
            let answer = exchange(&fixture, bearer, "Ada", channel).await;
            assert_eq!(answer.status, 200, "{channel}: {}", answer.json());
            fixture.harness.sign_out(&[("userId", "29:ada"), ("channelId", channel)]).await;
            assert_eq!(fixture.post(&message).await.status, 200, "stated again after the sign-out");
        }
        fixture.harness.clock.advance(Duration::from_mins(61));
        let bot = fixture.harness.bot_token("demo").await;
        assert_eq!(code_of(&exchange(&fixture, &bot, "Ada", channel).await), "SignInRequired", "{channel}: later");
    }
}

#[tokio::test]
async fn an_agent_that_calls_as_a_parent_bot_states_nobody() {
    let parent = format!(
        "[[bots.demo.callers]]\napp_id = \"{}\"\ntenant = \"{CONTOSO}\"\nservice_urls = [\"https://parent.example/\"]\n\
         channels = [\"msteams\"]\nvouches_for_channel_users = true\n",
        super::fixture::HELPER
    );
    let fixture = Fixture::with_appended(format!("{parent}{}", super::fixture::EVERY_AGENT)).await;
    let token = fixture.agent_token("helper", &format!("{}/.default", fixture.blueprint())).await;
    let mut message = fixture.message();
    message["serviceUrl"] = "https://parent.example/".into();
    assert_eq!(fixture.harness.post_as("demo", &token, &message).await.status, 200);
    let bot = fixture.harness.bot_token("demo").await;
    assert_eq!(code_of(&exchange(&fixture, &bot, "Ada", "msteams").await), "SignInRequired");
}

#[tokio::test]
async fn an_activity_of_the_platform_that_is_refused_states_nobody() {
    let fixture = Fixture::with_helper().await;
    let mut message = fixture.message();
    message["serviceUrl"] = SERVICE_URL.replace("botapi.skype.com", "evil.example").into();
    assert_eq!(fixture.post(&message).await.status, 403);
    let bot = fixture.harness.bot_token("demo").await;
    assert_eq!(code_of(&exchange(&fixture, &bot, "Ada", "msteams").await), "SignInRequired");
}
