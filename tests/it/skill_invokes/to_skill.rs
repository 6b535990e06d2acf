//! A token exchange for a connection of a skill reaches the skill as if its parent had passed it on.

use serde_json::json;

use super::{CONNECTION, SkilledBot, exchange, text_of};
use crate::harness::tokens::claims_of;
use crate::harness::{Behaviour, activities};

#[tokio::test]
async fn a_token_exchange_for_a_skills_connection_reaches_the_skill_as_its_parent_addresses_it() {
    let bot = SkilledBot::start().await;
    let id = bot.converse("Ada").await;
    let opened = bot.skill.received()[0].json();
    bot.skill.behave(Behaviour::answering(200, r#"{"id":"the skill's card","connectionName":"weather-graph"}"#));
    let mut sent = exchange(&bot.harness, "Ada", CONNECTION);
    sent["callerId"] = "urn:botframework:azure".into();
    sent["deliveryMode"] = "normal".into();
    let answer = bot.harness.post(&sent).await;
    assert_eq!(answer.status, 200, "{}", text_of(&answer));
    assert_eq!(answer.json()["connectionName"], CONNECTION);
    let received = &bot.skill_invokes()[0];
    assert_eq!(received.path, "/api/messages");
    let activity = received.json();
    assert_eq!(activity["conversation"]["id"], id.as_str());
    assert_eq!(activity["serviceUrl"], "http://127.0.0.1:1/api/skills/weather/");
    assert_eq!(activity["recipient"], opened["recipient"]);
    assert_eq!(activity["relatesTo"]["conversation"]["id"], "a:ada");
    for unchanged in ["type", "name", "id", "channelId", "from", "value", "channelData", "locale"] {
        assert_eq!(activity[unchanged], sent[unchanged], "{unchanged}");
    }
    for left_out in ["callerId", "deliveryMode"] {
        assert!(activity.get(left_out).is_none(), "{left_out}");
    }
    assert!(bot.harness.bot.received().is_empty(), "the parent is not asked");
    assert_eq!(bot.harness.exchanges(), 0, "the token is the skill's to exchange");
}

#[tokio::test]
async fn the_skill_gets_the_parents_own_token_and_never_the_channels() {
    let bot = SkilledBot::start().await;
    let id = bot.converse("Ada").await;
    let channels = bot.harness.channel_token("demo").await;
    let body = exchange(&bot.harness, "Ada", CONNECTION).to_string();
    let authorization = format!("Bearer {channels}");
    let headers = [
        ("authorization", authorization.as_str()),
        ("content-type", "application/json"),
        ("x-ms-conversation-id", "a:ada"),
        ("ms-cv", "kept"),
        ("x-forwarded-for", "203.0.113.7"),
    ];
    let answer = bot.harness.send("POST", "/bots/demo/api/messages", &headers, body.into_bytes()).await;
    assert_eq!(answer.status, 200, "{}", text_of(&answer));
    let received = &bot.skill_invokes()[0];
    let bearers: Vec<_> = received.headers.iter().filter(|(name, _)| name == "authorization").collect();
    assert_eq!(bearers.len(), 1);
    let token = bearers[0].1.strip_prefix("Bearer ").unwrap();
    let claims = claims_of(token);
    assert_eq!(claims["aud"], bot.harness.bot_app_id("demo-forward"), "{claims}");
    let caller = claims.get("azp").or_else(|| claims.get("appid")).unwrap();
    assert_eq!(caller, bot.harness.bot_app_id("demo"));
    let all = format!("{:?} {}", received.headers, String::from_utf8_lossy(&received.body));
    assert!(!all.contains(&channels), "the channel's bearer");
    assert_eq!(received.header("x-ms-conversation-id"), Some(id.as_str()));
    assert_eq!(received.header("ms-cv"), Some("kept"));
    assert_eq!(received.header("x-forwarded-for"), None);
}

#[tokio::test]
async fn every_duplicate_of_a_token_exchange_reaches_the_skill() {
    let bot = SkilledBot::start().await;
    bot.converse("Ada").await;
    let sent = exchange(&bot.harness, "Ada", CONNECTION);
    let (one, other, third) = tokio::join!(bot.harness.post(&sent), bot.harness.post(&sent), bot.harness.post(&sent));
    assert_eq!([one.status, other.status, third.status], [200; 3]);
    assert_eq!(bot.skill_invokes().len(), 3);
}

#[tokio::test]
async fn a_token_exchange_in_another_spelling_reaches_the_skill_in_that_of_the_sdks() {
    let bot = SkilledBot::start().await;
    bot.converse("Ada").await;
    let mut sent = exchange(&bot.harness, "Ada", CONNECTION);
    sent["type"] = "Invoke".into();
    sent["name"] = "signin/TokenExchange".into();
    sent["value"] = json!({ "Id": "x", "ConnectionName": CONNECTION, "Token": "t" });
    assert_eq!(bot.harness.post(&sent).await.status, 200);
    let received = bot.skill_invokes()[0].json();
    assert_eq!((&received["type"], &received["name"]), (&json!("invoke"), &json!("signin/tokenExchange")));
    assert_eq!(received["value"], json!({ "id": "x", "connectionName": CONNECTION, "token": "t" }));
}

#[tokio::test]
async fn the_skills_answer_goes_back_to_the_user_unchanged() {
    let bot = SkilledBot::start().await;
    bot.converse("Ada").await;
    let sent = exchange(&bot.harness, "Ada", CONNECTION);
    for (status, body) in
        [(200, ""), (200, r#"{"a":1}"#), (412, r#"{"failureDetail":"consent"}"#), (400, "{}"), (501, ""), (500, "oops")]
    {
        let headers = vec![("x-of-the-skill", "1")];
        bot.skill.behave(Behaviour { headers, ..Behaviour::answering(status, body) });
        let answer = bot.harness.post(&sent).await;
        assert_eq!((answer.status, answer.body.as_slice()), (status, body.as_bytes()), "{status}");
        assert!(answer.headers.iter().any(|(name, _)| name == "x-of-the-skill"), "{status}");
    }
}

#[tokio::test]
async fn a_user_in_a_thread_of_a_channel_is_found_by_the_conversation_without_the_thread() {
    let bot = SkilledBot::start().await;
    let ada = bot.harness.user("Ada");
    let message = activities::in_channel(activities::message(&bot.harness, &ada, "what is the weather?"));
    let id = bot.converse_about(&message).await;
    let mut sent = activities::in_channel(exchange(&bot.harness, "Ada", CONNECTION));
    sent["conversation"]["id"] = "19:channel@thread.tacv2".into();
    assert_eq!(bot.harness.post(&sent).await.status, 200);
    assert_eq!(bot.skill_invokes()[0].json()["conversation"]["id"], id.as_str());
}

#[tokio::test]
async fn a_token_exchange_for_the_bots_own_connection_does_not_reach_the_skill() {
    let bot = SkilledBot::start().await;
    bot.converse("Ada").await;
    let token = bot.harness.user_token("Ada", "graph").await;
    let sent = activities::exchange(&bot.harness, &bot.harness.user("Ada"), "x", &token);
    let answer = bot.harness.post(&sent).await;
    assert_eq!(answer.status, 200, "{}", text_of(&answer));
    assert_eq!((bot.harness.exchanges(), bot.skill_invokes().len()), (1, 0));
}
