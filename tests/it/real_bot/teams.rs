//! Bots on the Teams SDK for JavaScript and for Python. The SDK's App signs users in with its own handler of the
//! sign-in invokes, so the gateway forwards them (`after_exchange = "forward"`). The bots trust the stage's tokens in
//! the place of Microsoft's.

use serde_json::{Value, json};

use super::fixture::{Fixture, Setup, id_of};
use crate::harness::peers::Program;
use crate::harness::{Answer, activities};

const JAVASCRIPT: Program = Program { peer: "teams-js", script: "bot.mjs" };
const PYTHON: Program = Program { peer: "teams-python", script: "bot.py" };

async fn start_bot(program: Program, scenario: &str) -> Fixture {
    Fixture::start_with(Setup { program, mode: "forward", handler: "", settings: "" }, scenario).await
}

/// Signs the user in silently, and asserts the bot's messages to the user.
async fn sign_in_silently(program: Program) {
    let mut fixture = start_bot(program, "silent").await;
    let ada = fixture.harness.user("Ada");
    let message = activities::message(&fixture.harness, &ada, "hello");
    let card = fixture.card_for(&message).await;
    assert_eq!(card["connectionName"], "graph");

    let token = fixture.harness.user_token("Ada", "graph").await;
    let invoke = activities::exchange(&fixture.harness, &ada, id_of(&card), &token);
    let answer = fixture.harness.post(&invoke).await;
    assert_eq!(answer.status, 200, "{}", text_of(&answer));
    let state = fixture.wait_for_continuation(1).await;
    assert_eq!(state["continuations"][0]["cause"], "signin/tokenExchange", "{state}");
    assert_eq!(
        fixture.messages_said(&message["conversation"]["id"]).await.last().unwrap(),
        "Signed in as Ada Lovelace (#1)"
    );
    // The bot exchanges the token once more and gets the stored one.
    assert_eq!(fixture.harness.exchanges(), 1);

    // For the next message the bot finds the token without a card.
    assert_eq!(fixture.harness.post(&message).await.status, 200);
    let state = fixture.wait_for_continuation(2).await;
    assert_eq!(state["continuations"][1]["cause"], "message", "{state}");
}

#[tokio::test]
async fn an_invoke_signs_the_user_in_to_a_teams_sdk_bot_in_javascript() {
    sign_in_silently(JAVASCRIPT).await;
}

#[tokio::test]
async fn an_invoke_signs_the_user_in_to_a_teams_sdk_bot_in_python() {
    sign_in_silently(PYTHON).await;
}

/// Asserts that the bot itself, with the stage's keys, refuses every caller but the channel.
async fn assert_bot_refuses_forged_tokens(program: Program) {
    let fixture = start_bot(program, "forged").await;
    let message = activities::message(&fixture.harness, &fixture.harness.user("Ada"), "hello");
    let genuine = fixture.harness.channel_token("demo").await;
    let (signed, signature) = genuine.rsplit_once('.').unwrap();
    let forged: String = signature.chars().rev().collect();
    for bearer in [format!("{signed}.{forged}"), genuine.replace('.', "")] {
        assert_eq!(fixture.post_directly_as(&bearer, &message).await.status, 401);
    }
    assert_eq!(fixture.post_directly(&message).await.status, 200);
}

#[tokio::test]
async fn a_teams_sdk_bot_in_javascript_refuses_forged_callers() {
    assert_bot_refuses_forged_tokens(JAVASCRIPT).await;
}

#[tokio::test]
async fn a_teams_sdk_bot_in_python_refuses_forged_callers() {
    assert_bot_refuses_forged_tokens(PYTHON).await;
}

fn text_of(answer: &Answer) -> Value {
    json!(String::from_utf8_lossy(&answer.body))
}
