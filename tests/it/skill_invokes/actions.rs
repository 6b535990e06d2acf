//! Universal actions and message extensions that name a connection of a skill.

use serde_json::json;

use super::{CONNECTION, PARENT, SkilledBot, action, text_of};
use crate::harness::{Behaviour, Options};

const NAMES: [&str; 6] = [
    "adaptiveCard/action",
    "composeExtension/query",
    "composeExtension/queryLink",
    "composeExtension/fetchTask",
    "composeExtension/submitAction",
    "ComposeExtension/Query",
];

#[tokio::test]
async fn an_action_for_a_skills_connection_reaches_the_skill_with_its_token() {
    let settings =
        [PARENT.to_owned(), format!("{PARENT}\nsign_in_invokes = [\"adaptive_card\", \"message_extension\"]")];
    for setting in settings {
        let bot = SkilledBot::with(Options { bot: setting.leak(), ..Options::default() }).await;
        let id = bot.converse("Ada").await;
        bot.skill.behave(Behaviour::answering(200, r#"{"the skill's":1}"#));
        for (number, name) in NAMES.into_iter().enumerate() {
            let sent = action(&bot.harness, "Ada", name, CONNECTION);
            let answer = bot.harness.post(&sent).await;
            assert_eq!(answer.body, br#"{"the skill's":1}"#, "{name}: {}", text_of(&answer));
            let received = bot.skill_invokes()[number].json();
            assert_eq!(received["value"], sent["value"], "{name}");
            assert_eq!((&received["name"], &received["from"]), (&sent["name"], &sent["from"]), "{name}");
            assert_eq!(received["conversation"]["id"], id.as_str(), "{name}");
        }
        assert!(bot.harness.bot.received().is_empty());
        assert_eq!(bot.harness.exchanges(), 0);
    }
}

#[tokio::test]
async fn an_action_that_names_the_connection_without_a_token_reaches_the_skill() {
    let bot = SkilledBot::start().await;
    bot.converse("Ada").await;
    let mut sent = action(&bot.harness, "Ada", "adaptiveCard/action", CONNECTION);
    sent["value"]["authentication"] = json!({ "connectionName": CONNECTION });
    sent["value"]["state"] = "123456".into();
    assert_eq!(bot.harness.post(&sent).await.status, 200);
    assert_eq!(bot.skill_invokes()[0].json()["value"], sent["value"]);
}

#[tokio::test]
async fn invokes_of_other_families_and_messages_go_to_the_bot() {
    let bot = SkilledBot::start().await;
    bot.converse("Ada").await;
    for name in ["task/fetch", "adaptiveCard/actions", "composeExtension", "composeextensions/query"] {
        let sent = action(&bot.harness, "Ada", name, CONNECTION);
        assert_eq!(bot.harness.post(&sent).await.status, 200, "{name}");
        assert_eq!(bot.harness.bot.received().pop().unwrap().json(), sent, "{name}");
    }
    let mut message = action(&bot.harness, "Ada", "adaptiveCard/action", CONNECTION);
    message["type"] = "message".into();
    assert_eq!(bot.harness.post(&message).await.status, 200);
    assert_eq!(bot.harness.bot.received().pop().unwrap().json(), message);
    assert!(bot.skill_invokes().is_empty());
}
