//! The user has not consented to the skill: its card arrives once, and the user signs in behind it, in a real browser.

use bot_sso::dev::User;
use serde_json::{Value, json};

use super::fixture::{CALENDAR, Call, Pair, Sdk, Setup};
use super::own_instance::BehindItsOwn;
use crate::harness::activities;
use crate::harness::chromium::Visit;
use crate::harness::waiting::wait_until;

/// The user asks for a skill that needs consent; returns the pair, the user and the skill's card.
async fn ask(call: Call, sdk: Sdk, scenario: &str) -> (Pair, User, Value) {
    let pair = Pair::start(Setup { call, sdk, skill: CALENDAR }, scenario).await;
    let ada = pair.harness.user("Ada");
    pair.sign_in_at_parent(&ada).await;
    pair.say(&ada, "ask the skill").await;
    let card = pair.wait_for_card(&ada, pair.connection).await;
    (pair, ada, card)
}

fn link_of(card: &Value) -> &str {
    card["buttons"][0]["value"].as_str().unwrap()
}

/// Signs in behind the card's button, and consents; returns the code that the last page shows.
async fn sign_in_behind(pair: &Pair, user: &User, card: &Value, label: &str) -> String {
    let link = link_of(card);
    let client = if pair.channel == "msteams" { "teams" } else { "browser" };
    let visit = Visit { link, user, decision: "continue", scheme: "light", client };
    pair.harness.visits(label, &visit).await.code().to_owned()
}

async fn continues_when_the_user_types_the_code(call: Call, sdk: Sdk, scenario: &str) {
    let (pair, ada, card) = ask(call, sdk, scenario).await;
    let code = sign_in_behind(&pair, &ada, &card, &format!("real-skills-{scenario}")).await;
    pair.say(&ada, &code).await;
    pair.wait_for_greeting(&ada, 1).await;

    // The user is signed in at the skill now, and has consented.
    pair.say(&ada, "ask the skill again").await;
    wait_until("the second greeting", async || {
        pair.texts(&ada).iter().filter(|text| text.starts_with("Hello, ")).count() == 2
    })
    .await;
    assert_eq!(pair.cards(&ada, pair.connection).len(), 1);
}

#[tokio::test]
async fn a_user_of_web_chat_confirms_the_sign_in_and_types_the_code() {
    let setup = Setup { call: Call::Dialog, sdk: Sdk::BotBuilder, skill: CALENDAR };
    let mut pair = Pair::start(setup, "consent-web-chat").await;
    pair.channel = "webchat";
    let ada = pair.harness.user("Ada");
    pair.sign_in_at_parent(&ada).await;
    pair.say(&ada, "ask the skill").await;
    let card = pair.wait_for_card(&ada, pair.connection).await;
    let code = sign_in_behind(&pair, &ada, &card, "real-skills-consent-web-chat").await;
    pair.say(&ada, &code).await;
    pair.wait_for_greeting(&ada, 1).await;
}

/// The skill's instance knows the user by the parent's word alone, so it has the user confirm and type the code.
#[tokio::test]
async fn a_skill_behind_its_own_instance_continues_when_the_user_types_the_code() {
    let setup = Setup { call: Call::Handler, sdk: Sdk::BotBuilder, skill: CALENDAR };
    let behind = BehindItsOwn::start(setup, "consent-own-instance").await;
    let (pair, ada) = (&behind.pair, behind.pair.harness.user("Ada"));
    pair.sign_in_at_parent(&ada).await;
    pair.say(&ada, "ask the skill").await;
    let card = pair.wait_for_card(&ada, pair.connection).await;
    assert!(link_of(&card).starts_with(&format!("{}/api/oauth/signin", behind.instance.base)), "{card}");
    let visit = Visit { link: link_of(&card), user: &ada, decision: "continue", scheme: "light", client: "browser" };
    let seen = pair.harness.visits("real-skills-consent-own-instance", &visit).await;
    pair.say(&ada, seen.code()).await;
    pair.wait_for_greeting(&ada, 1).await;
}

async fn continues_when_teams_sends_the_code(call: Call, sdk: Sdk, scenario: &str) {
    let (pair, ada, card) = ask(call, sdk, scenario).await;
    let code = sign_in_behind(&pair, &ada, &card, &format!("real-skills-{scenario}")).await;
    let invoke = activities::invoke(&pair.harness, &ada, "signin/verifyState", json!({ "state": code }));
    let answer = pair.post(&ada, invoke).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    pair.wait_for_greeting(&ada, 1).await;
}

#[tokio::test]
async fn a_skill_of_the_handler_continues_when_the_user_types_the_code() {
    continues_when_the_user_types_the_code(Call::Handler, Sdk::BotBuilder, "consent-handler-typed").await;
}

#[tokio::test]
async fn a_skill_of_the_handler_continues_when_teams_sends_the_code() {
    Box::pin(continues_when_teams_sends_the_code(Call::Handler, Sdk::BotBuilder, "consent-handler-sent")).await;
}

#[tokio::test]
async fn a_skill_of_skill_dialog_continues_when_the_user_types_the_code() {
    continues_when_the_user_types_the_code(Call::Dialog, Sdk::BotBuilder, "consent-dialog-typed").await;
}

#[tokio::test]
async fn a_skill_of_skill_dialog_continues_when_teams_sends_the_code() {
    Box::pin(continues_when_teams_sends_the_code(Call::Dialog, Sdk::BotBuilder, "consent-dialog-sent")).await;
}

#[tokio::test]
async fn an_agents_skill_continues_when_the_user_types_the_code() {
    continues_when_the_user_types_the_code(Call::Handler, Sdk::Agents, "consent-agents-typed").await;
}

#[tokio::test]
async fn an_agents_skill_continues_when_teams_sends_the_code() {
    Box::pin(continues_when_teams_sends_the_code(Call::Dialog, Sdk::Agents, "consent-agents-sent")).await;
}
