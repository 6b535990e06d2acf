//! Invokes in which one reader finds a connection of a skill and another may find something else.

use serde_json::{Value, json};

use super::{CONNECTION, SkilledBot, action, exchange, text_of};
use crate::harness::{Answer, logs};

/// The status of the outcome: a card's is in the body.
fn outcome(name: &str, answer: &Answer) -> u64 {
    if name == "adaptiveCard/action" {
        assert_eq!(answer.status, 200, "{}", text_of(answer));
        return answer.json()["statusCode"].as_u64().unwrap();
    }
    u64::from(answer.status)
}

async fn assert_refused(bot: &SkilledBot, case: &str, name: &str, body: String) {
    let bearer = bot.harness.channel_token("demo").await;
    let answer = bot.harness.post_bytes("demo", &bearer, body.into_bytes()).await;
    assert_eq!(outcome(name, &answer), 400, "{case}: {}", text_of(&answer));
    assert!(bot.harness.bot.received().is_empty(), "{case}: the parent was asked");
    assert!(bot.skill_invokes().is_empty(), "{case}: the skill was asked");
}

#[tokio::test]
async fn a_name_in_another_letter_case_is_refused_and_the_log_has_the_right_one() {
    let bot = SkilledBot::start().await;
    bot.converse("Ada").await;
    let near = "Weather-Graph";
    for sent in [
        exchange(&bot.harness, "Ada", near),
        action(&bot.harness, "Ada", "adaptiveCard/action", near),
        action(&bot.harness, "Ada", "composeExtension/query", near),
    ] {
        let (name, length) = (sent["name"].as_str().unwrap(), logs::length());
        assert_refused(&bot, name, name, sent.to_string()).await;
        let complaints = logs::complaints_of(&bot.harness.tag, length);
        assert!(complaints.iter().any(|line| line["near"] == CONNECTION), "{complaints:?}");
    }
}

/// `sent` with the text `more` after the member `before` of its value, which has this text.
fn with_more(sent: &Value, before: &str, more: &str) -> String {
    let text = sent.to_string();
    assert!(text.contains(before), "{text}");
    text.replacen(before, &format!("{before},{more}"), 1)
}

#[tokio::test]
async fn a_token_exchange_whose_connection_two_readers_may_find_differently_is_refused() {
    let bot = SkilledBot::start().await;
    bot.converse("Ada").await;
    let sent = exchange(&bot.harness, "Ada", CONNECTION);
    let of_skill = format!("\"connectionName\":\"{CONNECTION}\"");
    let other = exchange(&bot.harness, "Ada", "the-bots-own");
    for more in [
        "\"connectionName\":\"the-bots-own\"",
        "\"connectionName\":\"graph\"",
        "\"ConnectionName\":\"the-bots-own\"",
        "\"connectionName\":7",
        "\"CONNECTIONNAME\":null",
    ] {
        assert_refused(&bot, more, "", with_more(&sent, &of_skill, more)).await;
        let hidden = with_more(&other, "\"connectionName\":\"the-bots-own\"", &of_skill.replace("con", "Con"));
        assert_refused(&bot, "hidden", "", hidden).await;
    }
    for (case, from, to) in [
        ("a second name", "\"name\":\"signin/tokenExchange\"", "\"name\":\"signin/tokenExchange\",\"Name\":\"x\""),
        ("a second value", "\"value\":", "\"Value\":{},\"value\":"),
        ("a second user", "\"from\":", "\"From\":{\"id\":\"29:ben\"},\"from\":"),
        ("a second conversation", "\"conversation\":", "\"Conversation\":{\"id\":\"a:ben\"},\"conversation\":"),
    ] {
        assert_refused(&bot, case, "", sent.to_string().replacen(from, to, 1)).await;
    }
}

#[tokio::test]
async fn an_action_whose_connection_two_readers_may_find_differently_is_refused() {
    let bot = SkilledBot::start().await;
    bot.converse("Ada").await;
    for name in ["adaptiveCard/action", "composeExtension/query", "composeExtension/fetchTask"] {
        let sent = action(&bot.harness, "Ada", name, CONNECTION);
        let of_skill = format!("\"connectionName\":\"{CONNECTION}\"");
        for more in ["\"connectionName\":\"the-bots-own\"", "\"ConnectionName\":\"graph\"", "\"connectionname\":7"] {
            assert_refused(&bot, more, name, with_more(&sent, &of_skill, more)).await;
        }
        let named = format!("\"name\":\"{name}\"");
        for (case, from, to) in [
            ("a second authentication", "\"authentication\":", "\"Authentication\":{},\"authentication\":"),
            ("a second name", named.as_str(), &format!("{named},\"NAME\":\"task/fetch\"")),
            ("a second value", "\"value\":", "\"Value\":{},\"value\":"),
            ("a second type", "\"type\":\"invoke\"", "\"type\":\"invoke\",\"Type\":\"message\""),
            ("a second user", "\"from\":", "\"From\":{\"id\":\"29:ben\"},\"from\":"),
            ("a second conversation", "\"conversation\":", "\"Conversation\":{\"id\":\"a:ben\"},\"conversation\":"),
            ("a Kelvin sign", "\"type\":\"invoke\"", "\"type\":\"invo\u{212a}e\""),
        ] {
            assert_refused(&bot, case, name, sent.to_string().replacen(from, to, 1)).await;
        }
    }
}

#[tokio::test]
async fn a_token_exchange_without_a_user_or_a_conversation_is_refused() {
    let bot = SkilledBot::start().await;
    for member in ["from", "conversation"] {
        let mut sent = exchange(&bot.harness, "Ada", CONNECTION);
        sent[member] = json!({});
        assert_refused(&bot, member, "", sent.to_string()).await;
    }
}
