//! An agent on the Agents SDK for JavaScript. The SDK's authorization handler handles the sign-in invoke itself, so the
//! gateway forwards it (`after_exchange = "forward"`).

use super::fixture::{Fixture, Setup, id_of};
use crate::harness::activities;
use crate::harness::peers::Program;

async fn start_bot(scenario: &str) -> Fixture {
    let program = Program { peer: "agents-js", script: "bot.mjs" };
    let settings = "refusal_style = \"ok_without_token\"";
    Fixture::start_with(Setup { program, mode: "forward", handler: "", settings }, scenario).await
}

#[tokio::test]
async fn an_invoke_signs_the_user_in_and_the_agent_acts_as_the_user() {
    let mut fixture = start_bot("silent").await;
    let ada = fixture.harness.user("Ada");
    let message = activities::message(&fixture.harness, &ada, "hello");
    let card = fixture.card_for(&message).await;
    assert_eq!(card["connectionName"], "graph");

    let token = fixture.harness.user_token("Ada", "graph").await;
    let invoke = activities::exchange(&fixture.harness, &ada, id_of(&card), &token);
    let answer = fixture.harness.post(&invoke).await;
    assert_eq!(answer.status, 200, "{}", answer.json());
    let state = fixture.wait_for_continuation(1).await;
    // The agent handles the message that it stored, in a turn of its own.
    assert_eq!(state["continuations"][0]["cause"], "ContinueConversation", "{state}");
    assert_eq!(
        fixture.messages_said(&message["conversation"]["id"]).await.last().unwrap(),
        "Signed in as Ada Lovelace (#1)"
    );
    assert_eq!(fixture.harness.exchanges(), 1);
}
