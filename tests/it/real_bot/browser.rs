//! The silent sign-in fails, and the user signs in behind the card's button: in a real browser, on the real pages, with
//! the code that the page shows. Then the bot acts as the user.

use serde_json::{Value, json};

use super::fixture::{Fixture, Setup, id_of};
use crate::harness::activities;
use crate::harness::chromium::Visit;
use crate::harness::peers::Program;

const BOTBUILDER: Program = Program { peer: "botbuilder", script: "bot.mjs" };
const AGENTS: Program = Program { peer: "agents-js", script: "bot.mjs" };
const TEAMS: Program = Program { peer: "teams-js", script: "bot.mjs" };
const TEAMS_PYTHON: Program = Program { peer: "teams-python", script: "bot.py" };

async fn start_bot(program: Program, mode: &'static str, scenario: &str) -> Fixture {
    let settings = if program.peer == "agents-js" { "refusal_style = \"ok_without_token\"" } else { "" };
    Fixture::start_with(Setup { program, mode, handler: "teams", settings }, scenario).await
}

fn link_of(card: &Value) -> &str {
    card["buttons"][0]["value"].as_str().unwrap()
}

/// Sends a message of Cleo, who has not consented, and signs her in in the browser; returns the message and the code
/// that the last page shows.
async fn code_after_refusal(fixture: &Fixture, label: &str) -> (Value, String) {
    let cleo = fixture.harness.user("Cleo");
    let message = activities::message(&fixture.harness, &cleo, "hello");
    let card = fixture.card_for(&message).await;
    let token = fixture.harness.user_token("Cleo", "graph").await;
    let refused = fixture.harness.post(&activities::exchange(&fixture.harness, &cleo, id_of(&card), &token)).await;
    assert_eq!(refused.status, 412, "{}", refused.json());
    let visit = Visit { link: link_of(&card), user: &cleo, decision: "continue", scheme: "light", client: "teams" };
    let seen = fixture.harness.visits(label, &visit).await;
    // The channel states who she is and she signed in as that user, so no page asks her to confirm.
    assert_eq!(seen.titles(), ["You are signed in"]);
    let code = seen.code().to_owned();
    assert_eq!(seen.told, json!([{ "func": "authentication.authenticate.success", "args": [code] }]));
    (message, code)
}

/// Sends the code in a signin/verifyState invoke, as Teams does when the page tells it the code.
async fn continue_with_verify_state(fixture: &mut Fixture, mode: &str) {
    let label = format!("browser-{mode}-verify-state");
    let (message, code) = code_after_refusal(fixture, &label).await;
    let cleo = fixture.harness.user("Cleo");
    let invoke = activities::invoke(&fixture.harness, &cleo, "signin/verifyState", json!({ "state": code }));
    let answer = fixture.harness.post(&invoke).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    fixture.wait_for_continuation(1).await;
    assert_eq!(
        fixture.messages_said(&message["conversation"]["id"]).await.last().unwrap(),
        "Signed in as Cleo Patra (#1)"
    );
}

async fn continue_with_typed_code(fixture: &mut Fixture, mode: &str) {
    let label = format!("browser-{mode}-typed-code");
    let (message, code) = code_after_refusal(fixture, &label).await;
    let cleo = fixture.harness.user("Cleo");
    let typed = activities::message(&fixture.harness, &cleo, &code);
    assert_eq!(fixture.harness.post(&typed).await.status, 200);
    fixture.wait_for_continuation(1).await;
    assert_eq!(
        fixture.messages_said(&message["conversation"]["id"]).await.last().unwrap(),
        "Signed in as Cleo Patra (#1)"
    );
}

#[tokio::test]
async fn a_botbuilder_bot_continues_when_teams_sends_the_code() {
    for mode in ["notify", "forward"] {
        continue_with_verify_state(&mut start_bot(BOTBUILDER, mode, "verify-state").await, mode).await;
    }
}

#[tokio::test]
async fn a_botbuilder_bot_continues_when_the_user_types_the_code() {
    for mode in ["notify", "forward"] {
        continue_with_typed_code(&mut start_bot(BOTBUILDER, mode, "typed-code").await, mode).await;
    }
}

#[tokio::test]
async fn an_agent_continues_when_teams_sends_the_code() {
    continue_with_verify_state(&mut start_bot(AGENTS, "forward", "verify-state").await, "agents").await;
}

#[tokio::test]
async fn a_bot_on_the_teams_sdk_continues_when_teams_sends_the_code() {
    for (program, label) in [(TEAMS, "teams-js"), (TEAMS_PYTHON, "teams-python")] {
        continue_with_verify_state(&mut start_bot(program, "forward", "verify-state").await, label).await;
    }
}

#[tokio::test]
async fn an_agent_continues_when_the_user_types_the_code() {
    continue_with_typed_code(&mut start_bot(AGENTS, "forward", "typed-code").await, "agents").await;
}

/// Starts a bot on webchat, where the channel does not prove who the user is; returns it with the user's message and
/// card.
async fn on_webchat(scenario: &str) -> (Fixture, Value, Value) {
    let setup = Setup { program: BOTBUILDER, mode: "notify", handler: "plain", settings: "" };
    let fixture = Fixture::start_with(setup, scenario).await;
    let ada = fixture.harness.user("Ada");
    let message = activities::on_channel(activities::message(&fixture.harness, &ada, "hello"), "webchat", "dl_5f1c");
    let card = fixture.card_for(&message).await;
    (fixture, message, card)
}

#[tokio::test]
async fn a_web_chat_user_confirms_the_sign_in_and_types_the_code() {
    let (mut fixture, mut message, card) = on_webchat("browser").await;
    let ada = fixture.harness.user("Ada");
    let visit = Visit { link: link_of(&card), user: &ada, decision: "continue", scheme: "dark", client: "browser" };
    let seen = fixture.harness.visits("browser-webchat", &visit).await;
    assert_eq!(seen.titles(), ["Continue signing in?", "Type the code into the chat"]);
    for told in ["ada@contoso.example", "demo", "Web Chat"] {
        assert!(seen.pages[0]["text"].as_str().unwrap().contains(told), "{told}: {:?}", seen.pages[0]);
    }
    assert_eq!((&seen.pages[1]["codeVisible"], &seen.told), (&json!(true), &json!([])));
    assert_eq!(seen.pages[1]["copied"], json!({ "says": "Copied", "same": true }));
    // No account gets the token before the user types the code.
    fixture.assert_waits_after(&json!([{ "type": "message" }])).await;
    assert_eq!(fixture.harness.get_token("webchat", "dl_5f1c", "graph").await.status, 404);

    message["text"] = seen.code().into();
    assert_eq!(fixture.harness.post(&message).await.status, 200);
    fixture.wait_for_continuation(1).await;
    assert_eq!(
        fixture.messages_said(&message["conversation"]["id"]).await.last().unwrap(),
        "Signed in as Ada Lovelace (#1)"
    );
}

#[tokio::test]
async fn a_user_who_clicks_twice_reloads_and_goes_back_sees_the_same_valid_code_again() {
    let (mut fixture, mut message, card) = on_webchat("browser-repeats").await;
    let ada = fixture.harness.user("Ada");
    let decision = "continue over and over";
    let visit = Visit { link: link_of(&card), user: &ada, decision, scheme: "light", client: "browser" };
    let seen = fixture.harness.visits("browser-repeats", &visit).await;
    let (asked, shown) = ("Continue signing in?", "Type the code into the chat");
    assert_eq!(seen.titles(), [asked, shown, shown, shown]);
    assert!(seen.pages[1..].iter().all(|page| page["codeVisible"] == true), "{:?}", seen.pages);
    message["text"] = seen.code().into();
    assert_eq!(fixture.harness.post(&message).await.status, 200);
    fixture.wait_for_continuation(1).await;
    assert_eq!(
        fixture.messages_said(&message["conversation"]["id"]).await.last().unwrap(),
        "Signed in as Ada Lovelace (#1)"
    );
}

#[tokio::test]
async fn a_user_who_received_another_users_link_cancels_and_no_account_is_signed_in() {
    let (fixture, _, card) = on_webchat("browser-cancel").await;
    let ben = fixture.harness.user("Ben");
    let visit = Visit { link: link_of(&card), user: &ben, decision: "cancel", scheme: "light", client: "browser" };
    let seen = fixture.harness.visits("browser-cancel", &visit).await;
    assert_eq!(seen.titles(), ["Continue signing in?", "You have cancelled"]);
    fixture.assert_waits_after(&json!([{ "type": "message" }])).await;
    assert_eq!(fixture.harness.get_token("webchat", "dl_5f1c", "graph").await.status, 404);
}
