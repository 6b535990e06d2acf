//! Silence fails, and the user takes the way behind the card's button: in a real browser, through the real pages, with the code that comes
//! of it. Then the bot acts as the user.

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

/// A message of Cleo, who has not consented, and the code that the browser shows her in the end.
async fn code_after_refusal(fixture: &Fixture, label: &str) -> (Value, String) {
    let cleo = fixture.harness.user("Cleo");
    let message = activities::message(&fixture.harness, &cleo, "hello");
    let card = fixture.card_for(&message).await;
    let token = fixture.harness.user_token("Cleo", "graph").await;
    let refused = fixture.harness.post(&activities::exchange(&fixture.harness, &cleo, id_of(&card), &token)).await;
    assert_eq!(refused.status, 412, "{}", refused.json());
    let visit = Visit { link: link_of(&card), user: &cleo, decision: "continue", scheme: "light", client: "teams" };
    let seen = fixture.harness.visits(label, &visit).await;
    // The channel vouches for who she is, and she is who signed in: she is asked for nothing.
    assert_eq!(seen.titles(), ["You are signed in"]);
    let code = seen.code().to_owned();
    assert_eq!(seen.told, json!([{ "func": "authentication.authenticate.success", "args": [code] }]));
    (message, code)
}

/// What Teams does with the code it is told.
async fn verify_state(fixture: &mut Fixture, mode: &str) {
    let label = format!("browser-{mode}-verify-state");
    let (message, code) = code_after_refusal(fixture, &label).await;
    let cleo = fixture.harness.user("Cleo");
    let invoke = activities::invoke(&fixture.harness, &cleo, "signin/verifyState", json!({ "state": code }));
    let answer = fixture.harness.post(&invoke).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    fixture.continued(1).await;
    assert_eq!(fixture.said(&message["conversation"]["id"]).await.last().unwrap(), "Signed in as Cleo Patra (#1)");
}

async fn typed_code(fixture: &mut Fixture, mode: &str) {
    let label = format!("browser-{mode}-typed-code");
    let (message, code) = code_after_refusal(fixture, &label).await;
    let cleo = fixture.harness.user("Cleo");
    let typed = activities::message(&fixture.harness, &cleo, &code);
    assert_eq!(fixture.harness.post(&typed).await.status, 200);
    fixture.continued(1).await;
    assert_eq!(fixture.said(&message["conversation"]["id"]).await.last().unwrap(), "Signed in as Cleo Patra (#1)");
}

#[tokio::test]
async fn a_botbuilder_bot_goes_on_when_teams_hands_in_the_code() {
    for mode in ["notify", "forward"] {
        verify_state(&mut start_bot(BOTBUILDER, mode, "verify-state").await, mode).await;
    }
}

#[tokio::test]
async fn a_botbuilder_bot_goes_on_when_the_code_is_typed() {
    for mode in ["notify", "forward"] {
        typed_code(&mut start_bot(BOTBUILDER, mode, "typed-code").await, mode).await;
    }
}

#[tokio::test]
async fn an_agent_goes_on_when_teams_hands_in_the_code() {
    verify_state(&mut start_bot(AGENTS, "forward", "verify-state").await, "agents").await;
}

#[tokio::test]
async fn a_bot_on_the_teams_sdk_goes_on_when_teams_hands_in_the_code() {
    for (program, label) in [(TEAMS, "teams-js"), (TEAMS_PYTHON, "teams-python")] {
        verify_state(&mut start_bot(program, "forward", "verify-state").await, label).await;
    }
}

#[tokio::test]
async fn an_agent_goes_on_when_the_code_is_typed() {
    typed_code(&mut start_bot(AGENTS, "forward", "typed-code").await, "agents").await;
}

/// On webchat nobody vouches for who the user is.
async fn on_webchat(scenario: &str) -> (Fixture, Value, Value) {
    let setup = Setup { program: BOTBUILDER, mode: "notify", handler: "plain", settings: "" };
    let fixture = Fixture::start_with(setup, scenario).await;
    let ada = fixture.harness.user("Ada");
    let message = activities::on_channel(activities::message(&fixture.harness, &ada, "hello"), "webchat", "dl_5f1c");
    let card = fixture.card_for(&message).await;
    (fixture, message, card)
}

#[tokio::test]
async fn outside_teams_the_user_is_asked_and_types_the_code() {
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
    // Until it is typed, the token is nobody's.
    fixture.waits_after(&json!([{ "type": "message" }])).await;
    assert_eq!(fixture.harness.get_token("webchat", "dl_5f1c", "graph").await.status, 404);

    message["text"] = seen.code().into();
    assert_eq!(fixture.harness.post(&message).await.status, 200);
    fixture.continued(1).await;
    assert_eq!(fixture.said(&message["conversation"]["id"]).await.last().unwrap(), "Signed in as Ada Lovelace (#1)");
}

#[tokio::test]
async fn who_clicks_twice_reloads_and_goes_back_sees_the_code_again_which_is_still_good() {
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
    fixture.continued(1).await;
    assert_eq!(fixture.said(&message["conversation"]["id"]).await.last().unwrap(), "Signed in as Ada Lovelace (#1)");
}

#[tokio::test]
async fn who_was_sent_the_link_by_somebody_else_cancels_and_nobody_is_signed_in() {
    let (fixture, _, card) = on_webchat("browser-cancel").await;
    let ben = fixture.harness.user("Ben");
    let visit = Visit { link: link_of(&card), user: &ben, decision: "cancel", scheme: "light", client: "browser" };
    let seen = fixture.harness.visits("browser-cancel", &visit).await;
    assert_eq!(seen.titles(), ["Continue signing in?", "You have cancelled"]);
    fixture.waits_after(&json!([{ "type": "message" }])).await;
    assert_eq!(fixture.harness.get_token("webchat", "dl_5f1c", "graph").await.status, 404);
}
