//! A user who is signed in at the parent asks for the skill: the skill greets the user by the name that it reads with its
//! own token, and no card of the skill reaches the user.

use super::fixture::{Call, Pair, Sdk, Setup, WEATHER};
use crate::harness::activities;

/// Ada asks for the skill twice, and then Ben. Each is greeted by name without a card, and Ben's greeting does not reach Ada.
async fn greets_without_a_card(call: Call, sdk: Sdk, scenario: &str) {
    let pair = Pair::start(Setup { call, sdk, skill: WEATHER }, scenario).await;
    let ada = pair.harness.user("Ada");
    pair.sign_in_at_parent(&ada).await;
    let before = pair.harness.exchanges();
    pair.say(&ada, "ask the skill").await;
    pair.wait_for_greeting(&ada, 0).await;
    let exchanges = pair.harness.exchanges();
    assert_eq!(exchanges, before + 1, "the skill's own");
    pair.say(&ada, "ask the skill").await;
    pair.wait_for_greetings(&ada, 2, 0).await;
    assert_eq!(pair.harness.exchanges(), exchanges, "the skill has its token");

    let ben = pair.harness.user("Ben");
    pair.sign_in_at_parent(&ben).await;
    pair.say(&ben, "ask the skill").await;
    pair.wait_for_greeting(&ben, 0).await;
    assert_eq!(pair.texts(&ada).iter().filter(|text| text.contains("Ben")).count(), 0);
}

#[tokio::test]
async fn a_botbuilder_skill_greets_a_user_of_a_parent_with_the_handler_for_skills() {
    greets_without_a_card(Call::Handler, Sdk::BotBuilder, "handler").await;
}

#[tokio::test]
async fn a_botbuilder_skill_greets_a_user_of_a_parent_with_skill_dialog_and_expect_replies() {
    greets_without_a_card(Call::Dialog, Sdk::BotBuilder, "dialog").await;
}

#[tokio::test]
async fn a_skill_greets_a_user_of_web_chat_who_has_only_a_channel_id() {
    let setup = Setup { call: Call::Handler, sdk: Sdk::BotBuilder, skill: WEATHER };
    let mut pair = Pair::start(setup, "web-chat").await;
    pair.channel = "webchat";
    let ada = pair.harness.user("Ada");
    pair.sign_in_at_parent(&ada).await;
    pair.say(&ada, "ask the skill").await;
    pair.wait_for_greeting(&ada, 0).await;
}

#[tokio::test]
async fn an_agents_skill_greets_a_user_of_a_parent_with_the_handler_for_skills() {
    greets_without_a_card(Call::Handler, Sdk::Agents, "agents-handler").await;
}

#[tokio::test]
async fn an_agents_skill_greets_a_user_of_a_parent_with_skill_dialog_and_expect_replies() {
    greets_without_a_card(Call::Dialog, Sdk::Agents, "agents-dialog").await;
}

/// The SDK's authorization handler stores the waiting sign-in only after its card has left, and refuses what arrives before. So
/// the card arrives, and the user's client answers it silently.
#[tokio::test]
async fn the_client_answers_the_card_of_an_agents_skill_that_is_not_ready_before_its_card_leaves() {
    let setup = Setup { call: Call::Handler, sdk: Sdk::AgentsAuthorization, skill: WEATHER };
    let pair = Pair::start(setup, "agents-authorization").await;
    let ada = pair.harness.user("Ada");
    pair.sign_in_at_parent(&ada).await;
    pair.say(&ada, "ask the skill").await;
    let card = pair.wait_for_card(&ada, pair.connection).await;
    let scope = card["tokenExchangeResource"]["uri"].as_str().unwrap();
    let token = pair.harness.user_token_with_scope("Ada", scope).await;
    let mut invoke =
        activities::exchange(&pair.harness, &ada, card["tokenExchangeResource"]["id"].as_str().unwrap(), &token);
    invoke["value"]["connectionName"] = pair.connection.into();
    let answer = pair.post(&ada, invoke).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    pair.wait_for_greeting(&ada, 1).await;
}

#[tokio::test]
async fn without_the_skill_host_the_skills_card_reaches_the_user() {
    for (call, scenario) in [(Call::Handler, "direct-handler"), (Call::Dialog, "direct-dialog")] {
        let setup = Setup { call, sdk: Sdk::BotBuilder, skill: WEATHER };
        let pair = Pair::start_without_host(setup, scenario).await;
        let ada = pair.harness.user("Ada");
        pair.sign_in_at_parent(&ada).await;
        pair.say(&ada, "ask the skill").await;
        pair.wait_for_card(&ada, pair.connection).await;
    }
}
