//! In which of a user's conversations with a skill an invoke arrives, by where the parent said that the user speaks.

use serde_json::{Value, json};

use super::to_parent::{UNKNOWN, assert_at_parent};
use super::{CONNECTION, PARENT, SkilledBot, action, exchange, text_of};
use crate::harness::{Options, activities};

/// Invokes for the skill's connection, as `user` sends them.
fn invokes(bot: &SkilledBot, user: &str) -> [Value; 2] {
    [exchange(&bot.harness, user, CONNECTION), action(&bot.harness, user, "adaptiveCard/action", CONNECTION)]
}

/// `sent` by a client of Direct Line that has chosen the user id `ada`.
fn of_client(sent: Value, conversation: &str) -> Value {
    let mut sent = activities::on_channel(sent, "directline", "ada");
    sent["conversation"]["id"] = conversation.into();
    sent
}

fn message(bot: &SkilledBot) -> Value {
    activities::message(&bot.harness, &bot.harness.user("Ada"), "what is the weather?")
}

/// Posts `sent`, which reaches the skill in the conversation `id`.
async fn assert_at_skill(bot: &SkilledBot, sent: &Value, id: &str) {
    let before = bot.skill_invokes().len();
    let answer = bot.harness.post(sent).await;
    assert_eq!(answer.status, 200, "{}", text_of(&answer));
    let received = bot.skill_invokes().split_off(before);
    assert_eq!(received.len(), 1, "{sent}");
    assert_eq!(received[0].json()["conversation"]["id"], id, "{sent}");
}

#[tokio::test]
async fn a_client_that_chooses_somebody_elses_user_id_does_not_reach_their_conversation_with_the_skill() {
    let bot = SkilledBot::start().await;
    let adas = of_client(message(&bot), "adas-chat");
    bot.converse_relating_to(&Value::Null, &adas).await;
    for sent in invokes(&bot, "Ada") {
        for conversation in ["another-chat", "adas-chat"] {
            assert_at_parent(&bot, &of_client(sent.clone(), conversation), UNKNOWN).await;
        }
    }
    let id = bot.converse_about(&adas).await;
    for sent in invokes(&bot, "Ada") {
        assert_at_parent(&bot, &of_client(sent.clone(), "another-chat"), UNKNOWN).await;
        assert_at_skill(&bot, &of_client(sent, "adas-chat"), &id).await;
    }
}

#[tokio::test]
async fn a_client_whose_user_id_is_verified_reaches_the_users_conversation_wherever_it_speaks() {
    let identity = "verified_user_ids = \"all\"".to_owned();
    let bot = SkilledBot::with(Options { bot: PARENT, identity, ..Options::default() }).await;
    let id = bot.converse_relating_to(&Value::Null, &of_client(message(&bot), "adas-chat")).await;
    for sent in invokes(&bot, "Ada") {
        assert_at_skill(&bot, &of_client(sent, "another-chat"), &id).await;
    }
}

#[tokio::test]
async fn a_user_who_answers_a_card_elsewhere_reaches_the_only_conversation_with_the_skill() {
    let bot = SkilledBot::start().await;
    let id = bot.converse("Ada").await;
    for mut sent in invokes(&bot, "Ada") {
        sent["conversation"]["id"] = "a:another".into();
        assert_at_skill(&bot, &sent, &id).await;
    }
}

#[tokio::test]
async fn a_message_whose_relation_cannot_be_read_reaches_the_skill_and_its_user_too() {
    let bot = SkilledBot::start().await;
    for relates_to in
        [json!("x"), json!([]), json!(5), json!({ "conversation": "x" }), json!({ "conversation": { "id": 5 } })]
    {
        let id = bot.converse_relating_to(&relates_to, &message(&bot)).await;
        for sent in invokes(&bot, "Ada") {
            assert_at_skill(&bot, &sent, &id).await;
        }
    }
}

#[tokio::test]
async fn a_message_with_more_addressing_than_is_kept_reaches_the_skill_and_its_users_invoke_the_parent() {
    let bot = SkilledBot::start().await;
    bot.converse_relating_to(&json!({ "more": "x".repeat(17 * 1024) }), &message(&bot)).await;
    for sent in invokes(&bot, "Ada") {
        assert_at_parent(&bot, &sent, UNKNOWN).await;
    }
    let id = bot.converse("Ada").await;
    for sent in invokes(&bot, "Ada") {
        assert_at_skill(&bot, &sent, &id).await;
    }
}

#[tokio::test]
async fn a_message_of_a_user_with_too_long_an_id_is_refused() {
    let bot = SkilledBot::start().await;
    let mut sent = message(&bot);
    sent["from"]["id"] = "x".repeat(257).into();
    let answer = bot.pass_on(&Value::Null, &sent).await;
    assert_eq!(answer.status, 400, "{}", text_of(&answer));
    assert!(bot.skill.received().is_empty());
}
