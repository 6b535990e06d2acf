//! Each SDK's bot with nothing but `sdk` in its section: it signs a user in silently, and answers 412 when the Token
//! Service refuses an exchange, so that the client shows its sign-in button.

use super::fixture::{Fixture, Setup, id_of};
use crate::harness::activities;
use crate::harness::peers::Program;

async fn start(program: Program, settings: &'static str, scenario: &str) -> Fixture {
    Fixture::start_with(Setup { program, mode: "preset", handler: "teams", settings }, scenario).await
}

async fn sign_in_and_be_refused(program: Program, settings: &'static str) {
    let mut fixture = start(program, settings, "preset").await;
    let (ada, cleo) = (fixture.harness.user("Ada"), fixture.harness.user("Cleo"));
    let message = activities::message(&fixture.harness, &ada, "hello");
    let card = fixture.card_for(&message).await;
    let token = fixture.harness.user_token("Ada", "graph").await;
    let answer = fixture.harness.post(&activities::exchange(&fixture.harness, &ada, id_of(&card), &token)).await;
    assert_eq!(answer.status, 200, "{settings}: {}", String::from_utf8_lossy(&answer.body));
    fixture.wait_for_continuation(1).await;
    let said = fixture.messages_said(&message["conversation"]["id"]).await;
    assert_eq!(said.last().unwrap(), "Signed in as Ada Lovelace (#1)", "{settings}");

    // The gateway would answer the refused invoke itself; its Token Service answers the bot's own exchange.
    let card = fixture.card_for(&activities::message(&fixture.harness, &cleo, "hello")).await;
    let token = fixture.harness.user_token("Cleo", "graph").await;
    let refused = activities::exchange(&fixture.harness, &cleo, id_of(&card), &token);
    let answer = fixture.post_directly(&refused).await;
    assert_eq!(answer.status, 412, "{settings}: {}", String::from_utf8_lossy(&answer.body));
    assert_eq!(fixture.state().await["errors"], 0, "{settings}");
}

#[tokio::test]
async fn the_preset_for_botbuilder_serves_its_bot_for_node() {
    sign_in_and_be_refused(Program { peer: "botbuilder", script: "bot.mjs" }, "sdk = \"botbuilder\"").await;
}

#[tokio::test]
async fn the_preset_for_botbuilder_python_serves_its_bot() {
    let program = Program { peer: "botbuilder-python", script: "bot.py" };
    sign_in_and_be_refused(program, "sdk = \"botbuilder-python\"").await;
}

#[tokio::test]
async fn the_preset_for_agents_serves_its_bot_for_python() {
    sign_in_and_be_refused(Program { peer: "agents-python", script: "bot.py" }, "sdk = \"agents\"").await;
}

#[tokio::test]
async fn the_preset_for_agents_js_serves_its_bot() {
    sign_in_and_be_refused(Program { peer: "agents-js", script: "bot.mjs" }, "sdk = \"agents-js\"").await;
}

#[tokio::test]
async fn the_preset_for_teams_serves_its_bot_for_node() {
    sign_in_and_be_refused(Program { peer: "teams-js", script: "bot.mjs" }, "sdk = \"teams\"").await;
}

#[tokio::test]
async fn the_preset_for_teams_serves_its_bot_for_python() {
    sign_in_and_be_refused(Program { peer: "teams-python", script: "bot.py" }, "sdk = \"teams\"").await;
}
