//! Bots on the Teams SDK for JavaScript and for Python, which sign users in by the handler that their App brings: it wants to see the
//! invokes, and so it gets them (`forward`). They take the stage's tokens as other bots take Microsoft's.

use serde_json::{Value, json};

use super::fixture::{Fixture, Setup, id_of};
use crate::harness::peers::Program;
use crate::harness::{Answer, activities};

const JAVASCRIPT: Program = Program { peer: "teams-js", script: "bot.mjs" };
const PYTHON: Program = Program { peer: "teams-python", script: "bot.py" };

async fn start_bot(program: Program, scenario: &str) -> Fixture {
    Fixture::start_with(Setup { program, mode: "forward", handler: "", settings: "" }, scenario).await
}

/// The user's silent sign-in, and what the user is told of it.
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
    let state = fixture.continued(1).await;
    assert_eq!(state["continuations"][0]["cause"], "signin/tokenExchange", "{state}");
    assert_eq!(fixture.said(&message["conversation"]["id"]).await.last().unwrap(), "Signed in as Ada Lovelace (#1)");
    // The bot redeems the token once more, and gets what was kept.
    assert_eq!(fixture.harness.exchanges(), 1);

    // The next message finds the token without a card.
    assert_eq!(fixture.harness.post(&message).await.status, 200);
    let state = fixture.continued(2).await;
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

/// Nobody but the channel may speak to the bot: its own check is at work, with the stage's keys.
async fn refuse_forged_tokens(program: Program) {
    let fixture = start_bot(program, "forged").await;
    let message = activities::message(&fixture.harness, &fixture.harness.user("Ada"), "hello");
    let genuine = fixture.harness.channel_token("demo").await;
    let (signed, signature) = genuine.rsplit_once('.').unwrap();
    let forged: String = signature.chars().rev().collect();
    for bearer in [format!("{signed}.{forged}"), genuine.replace('.', "")] {
        assert_eq!(fixture.post_past_as(&bearer, &message).await.status, 401);
    }
    assert_eq!(fixture.post_past(&message).await.status, 200);
}

#[tokio::test]
async fn a_teams_sdk_bot_in_javascript_refuses_forged_callers() {
    refuse_forged_tokens(JAVASCRIPT).await;
}

#[tokio::test]
async fn a_teams_sdk_bot_in_python_refuses_forged_callers() {
    refuse_forged_tokens(PYTHON).await;
}

fn text_of(answer: &Answer) -> Value {
    json!(String::from_utf8_lossy(&answer.body))
}
