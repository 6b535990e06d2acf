//! The answer of each SDK's own sign-in handler when the Token Service refuses an exchange. A client shows its sign-in
//! button only after a 412. The tests send the invoke to the bot without the gateway, which would answer it itself.

use serde_json::Value;

use super::fixture::{Fixture, Setup, id_of};
use crate::harness::activities;
use crate::harness::peers::Program;

/// The bot's answer to the invoke of a user who has not consented.
async fn answer_without_consent(program: Program, settings: &'static str) -> (Fixture, u16, Value) {
    let scenario = if settings.is_empty() { "refused-json400" } else { "refused" };
    let fixture = Fixture::start_with(Setup { program, mode: "none", handler: "teams", settings }, scenario).await;
    let cleo = fixture.harness.user("Cleo");
    let card = fixture.card_for(&activities::message(&fixture.harness, &cleo, "hello")).await;
    let token = fixture.harness.user_token("Cleo", "graph").await;
    let answer = fixture.post_directly(&activities::exchange(&fixture.harness, &cleo, id_of(&card), &token)).await;
    let body = if answer.body.is_empty() { Value::Null } else { answer.json() };
    (fixture, answer.status, body)
}

#[tokio::test]
async fn botbuilders_prompt_for_node_answers_412_when_the_exchange_is_refused() {
    let program = Program { peer: "botbuilder", script: "bot.mjs" };
    let (fixture, status, body) = answer_without_consent(program, "").await;
    assert_eq!(status, 412, "{body}");
    assert_eq!(fixture.state().await["continued"], 0);
}

#[tokio::test]
async fn botbuilders_prompt_for_python_answers_412_when_the_refusal_is_text() {
    let program = Program { peer: "botbuilder-python", script: "bot.py" };
    let (fixture, status, body) = answer_without_consent(program, "refusal_style = \"text400\"").await;
    assert_eq!(status, 412, "{body}");
    assert_eq!(fixture.state().await["errors"], 0);
}

#[tokio::test]
async fn botbuilders_prompt_for_python_fails_when_the_refusal_is_json() {
    let program = Program { peer: "botbuilder-python", script: "bot.py" };
    let (fixture, status, body) = answer_without_consent(program, "").await;
    assert_ne!(status, 412, "{body}");
    assert_eq!(fixture.state().await["errors"], 1);
}

#[tokio::test]
async fn the_agents_sdk_for_node_answers_412_when_the_exchange_succeeds_without_a_token() {
    let program = Program { peer: "agents-js", script: "bot.mjs" };
    let (fixture, status, body) = answer_without_consent(program, "refusal_style = \"ok_without_token\"").await;
    assert_eq!(status, 412, "{body}");
    assert_eq!(fixture.state().await["errors"], 0);
}

#[tokio::test]
async fn the_agents_sdk_for_node_fails_when_the_exchange_is_refused_with_400() {
    let program = Program { peer: "agents-js", script: "bot.mjs" };
    let (fixture, status, body) = answer_without_consent(program, "").await;
    assert_ne!(status, 412, "{body}");
    assert_eq!(fixture.state().await["errors"], 1);
}

#[tokio::test]
async fn the_agents_sdk_for_python_answers_412_when_the_exchange_is_refused() {
    let program = Program { peer: "agents-python", script: "bot.py" };
    let (fixture, status, body) = answer_without_consent(program, "").await;
    assert_eq!(status, 412, "{body}");
    assert_eq!(fixture.state().await["errors"], 0);
}

#[tokio::test]
async fn the_teams_sdk_for_node_answers_412_when_the_exchange_is_refused() {
    let program = Program { peer: "teams-js", script: "bot.mjs" };
    let (fixture, status, body) = answer_without_consent(program, "").await;
    assert_eq!(status, 412, "{body}");
    assert_eq!(fixture.state().await["errors"], 0);
}

#[tokio::test]
async fn the_teams_sdk_for_python_answers_412_when_the_exchange_is_refused() {
    let program = Program { peer: "teams-python", script: "bot.py" };
    let (fixture, status, body) = answer_without_consent(program, "").await;
    assert_eq!(status, 412, "{body}");
    assert_eq!(fixture.state().await["errors"], 0);
}
