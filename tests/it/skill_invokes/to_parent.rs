//! What stays the parent's: invokes without a conversation of their user with the skill, and codes that are not its own.

use serde_json::{Value, json};

use super::{CONNECTION, SkilledBot, action, exchange, text_of};
use crate::harness::tokens::claims_of;
use crate::harness::{Behaviour, Harness, Options, activities, logs};

const SETTING_WITHOUT_CREDENTIALS: &str = "skill_host_urls = [\"http://127.0.0.1:9/\"]";

/// Posts `sent`, which reaches the parent byte for byte, under the channel's bearer. The log says why.
pub async fn assert_at_parent(bot: &SkilledBot, sent: &Value, reason: &str) {
    let (length, before) = (logs::length(), bot.harness.bot.received().len());
    let skills = bot.skill_invokes().len();
    bot.harness.bot.behave(Behaviour::answering(200, r#"{"the parent's":1}"#));
    let answer = bot.harness.post(sent).await;
    assert_eq!(answer.body, br#"{"the parent's":1}"#, "{reason}: {}", text_of(&answer));
    let received = bot.harness.bot.received().split_off(before);
    assert_eq!(received.len(), 1, "{reason}");
    assert_eq!(String::from_utf8(received[0].body.clone()).unwrap(), sent.to_string(), "{reason}");
    let bearer = received[0].header("authorization").unwrap().strip_prefix("Bearer ").unwrap();
    assert_eq!(claims_of(bearer)["aud"], bot.harness.bot_app_id("demo"), "{reason}");
    assert_eq!(bot.skill_invokes().len(), skills, "{reason}");
    let lines = logs::since(length);
    let mut told =
        lines.lines().filter(|line| line.contains(&bot.harness.tag) && line.contains("goes to the parent bot"));
    assert!(told.any(|line| line.contains(reason)), "{reason}: {lines}");
}

pub const UNKNOWN: &str = "opened no conversation";

#[tokio::test]
async fn without_a_conversation_of_the_user_with_the_skill_an_invoke_is_the_parents() {
    let bot = SkilledBot::start().await;
    let invokes = |user: &str, connection: &str| {
        let (harness, name) = (&bot.harness, "adaptiveCard/action");
        [exchange(harness, user, connection), action(harness, user, name, connection)]
    };
    for sent in invokes("Ada", CONNECTION) {
        assert_at_parent(&bot, &sent, UNKNOWN).await;
    }
    bot.converse("Ada").await;
    for sent in invokes("Ben", CONNECTION) {
        assert_at_parent(&bot, &sent, UNKNOWN).await;
    }
    for sent in invokes("Ada", CONNECTION) {
        let mut elsewhere = activities::on_channel(sent, "directline", "29:ada");
        elsewhere["conversation"]["id"] = "a:ada".into();
        assert_at_parent(&bot, &elsewhere, UNKNOWN).await;
    }
    // Ben's words in Ada's conversation do not make it his.
    let mut bens = exchange(&bot.harness, "Ben", CONNECTION);
    bens["conversation"]["id"] = "a:ada".into();
    assert_at_parent(&bot, &bens, UNKNOWN).await;
}

#[tokio::test]
async fn without_the_parents_credentials_an_invoke_is_the_parents() {
    let bot = SkilledBot::with(Options { bot: SETTING_WITHOUT_CREDENTIALS, ..Options::default() }).await;
    bot.converse("Ada").await;
    assert_at_parent(&bot, &exchange(&bot.harness, "Ada", CONNECTION), "no credentials").await;
    let sent = action(&bot.harness, "Ada", "composeExtension/query", CONNECTION);
    assert_at_parent(&bot, &sent, "no credentials").await;
}

/// The callers of `demo`: the bot `demo-none`, a parent of the parent.
fn callers(harness: &Harness, vouches: bool) -> String {
    format!(
        "[[bots.demo.callers]]\napp_id = \"{}\"\ntenant = \"{}\"\nservice_urls = [\"https://grandparent.example/\"]\n\
         channels = [\"msteams\"]\nvouches_for_channel_users = {vouches}\n",
        harness.bot_app_id("demo-none"),
        harness.stage.directory().main_tenant_id(),
    )
}

#[tokio::test]
async fn an_invoke_that_a_parent_of_the_parent_passes_on_is_the_parents() {
    let plain = Harness::start().await;
    for (vouches, delivery, reason) in [
        (false, "normal", "users are not the channel's"),
        (false, "expectReplies", "expects the replies"),
        (true, "expectReplies", "expects the replies"),
    ] {
        let appended = callers(&plain, vouches);
        let bot = SkilledBot::with(Options { bot: super::PARENT, appended, ..Options::default() }).await;
        bot.converse("Ada").await;
        let mut sent = exchange(&bot.harness, "Ada", CONNECTION);
        sent["serviceUrl"] = "https://grandparent.example/".into();
        sent["deliveryMode"] = delivery.into();
        let scope = format!("{}/.default", bot.harness.bot_app_id("demo"));
        let bearer = bot.harness.app_token(bot.harness.bot_app_id("demo-none"), &scope).await;
        let length = logs::length();
        assert_eq!(bot.harness.post_as("demo", &bearer, &sent).await.status, 200);
        assert_eq!(bot.harness.bot.received().len(), 1, "{vouches} {delivery}");
        assert!(bot.skill_invokes().is_empty(), "{vouches} {delivery}");
        assert!(logs::since(length).contains(reason), "{vouches} {delivery}");
    }
}

#[tokio::test]
async fn a_code_that_is_not_the_parents_reaches_the_parent() {
    let bot = SkilledBot::start().await;
    bot.converse("Ada").await;
    let ada = bot.harness.user("Ada");
    let verify = activities::invoke(&bot.harness, &ada, "signin/verifyState", json!({ "state": "123456" }));
    bot.harness.bot.behave(Behaviour::answering(200, "{}"));
    assert_eq!(bot.harness.post(&verify).await.status, 200);
    // A card of the parent's own, which the user has not answered, changes nothing.
    bot.harness.sign_in_resource(&activities::teams(&bot.harness, &ada), "graph").await;
    bot.harness.bot.behave(Behaviour::answering(404, ""));
    assert_eq!(bot.harness.post(&verify).await.status, 404, "the parent's answer");
    let received: Vec<_> = bot.harness.bot.received().iter().map(super::Received::json).collect();
    assert_eq!(received, [verify.clone(), verify]);
    assert!(bot.skill_invokes().is_empty());
}

#[tokio::test]
async fn a_code_of_the_parents_own_is_redeemed_although_it_has_skills() {
    let mut bot = SkilledBot::start().await;
    let ada = bot.harness.user("Ada");
    bot.harness.sign_in_resource(&activities::teams(&bot.harness, &ada), "graph").await;
    let code = bot.harness.issue_code(&bot.options, &ada, "graph", "behind-a-code").await;
    let verify = activities::invoke(&bot.harness, &ada, "signin/verifyState", json!({ "state": code }));
    assert_eq!(bot.harness.post(&verify).await.status, 200);
    let event = bot.harness.received_once_settled().await;
    assert_eq!(event.len(), 1);
    assert_eq!(event[0].json()["name"], "tokens/response");
    assert_eq!(bot.harness.get_token("msteams", "29:ada", "graph").await.json()["token"], "behind-a-code");
}

#[tokio::test]
async fn for_a_bot_that_may_not_call_the_skill_its_connection_is_unknown() {
    let bot = SkilledBot::start().await;
    bot.converse("Ada").await;
    let before = bot.harness.bot.received().len();
    for connection in [CONNECTION, "Weather-Graph"] {
        let mut sent = exchange(&bot.harness, "Ada", connection);
        sent["recipient"]["id"] = format!("28:{}", bot.harness.bot_app_id("demo-none")).into();
        assert_eq!(bot.harness.post_to("demo-none", &sent).await.status, 200);
        let text = action(&bot.harness, "Ada", "composeExtension/query", connection).to_string();
        let odd = text.replacen("\"authentication\":", "\"authentication\":{},\"authentication\":", 1);
        let bearer = bot.harness.channel_token("demo-none").await;
        assert_eq!(bot.harness.post_bytes("demo-none", &bearer, odd.into_bytes()).await.status, 200, "{connection}");
    }
    assert_eq!(bot.harness.bot.received().len(), before + 4);
    assert!(bot.skill_invokes().is_empty());
}
