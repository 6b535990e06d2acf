//! The demo assistant with its two demo skills: one sign-in for all of them.

use serde_json::{Value, json};

use super::observed_stage::ObservedStage;
use super::silent_user::SilentUser;
use crate::harness::peers::{Peer, Program};
use crate::harness::waiting::wait_for;

/// A user who is signed in silently at the assistant.
async fn signed_in(observed: &ObservedStage) -> SilentUser<'_> {
    let user = SilentUser::start_with(observed, "ada", "assistant").await;
    assert_eq!(user.sign_in().await.status, 200);
    user.hears("You are signed in as Ada Lovelace").await;
    user
}

/// The cards of a skill's connection that the user got.
async fn cards_of(user: &SilentUser<'_>, connection: &str) -> Vec<Value> {
    user.cards().await.into_iter().filter(|card| card["connectionName"] == connection).collect()
}

/// What became of each card that a skill has sent: the skill, the outcome and the reason.
async fn outcomes(observed: &ObservedStage) -> Vec<Value> {
    let events = observed.events().await.into_iter().filter(|event| event["kind"] == "skill_card");
    events.map(|event| json!([event["skill"], event["outcome"]])).collect()
}

/// Follows the link of a card in a real browser, signs Ada in with her consent, and returns the code on the last page.
async fn code_behind(card: &Value) -> String {
    let directory = tempfile::tempdir().unwrap();
    let (home, outcome) = (directory.path().display().to_string(), directory.path().join("outcome.json"));
    let environment = [
        ("LINK", card["buttons"][0]["value"].as_str().unwrap().to_owned()),
        ("USERNAME", "ada".to_owned()),
        ("PASSWORD", "ada-password".to_owned()),
        ("DECISION", "continue".to_owned()),
        ("SCHEME", "light".to_owned()),
        ("CLIENT", "browser".to_owned()),
        ("SCREENSHOTS", directory.path().join("page").display().to_string()),
        ("OUTCOME", outcome.display().to_string()),
        ("HOME", home),
    ];
    Peer::start(&Program { peer: "browser", script: "sign_in.mjs" }, "demo-skill-browser", &environment).finish().await;
    let outcome: Value = serde_json::from_slice(&std::fs::read(outcome).unwrap()).unwrap();
    outcome["code"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_user_who_is_signed_in_at_the_assistant_is_greeted_by_a_skill_without_a_card() {
    let observed = ObservedStage::start().await;
    let user = signed_in(&observed).await;
    user.say("What is the weather like?").await;
    user.hears("Hello Ada Lovelace, this is weather.").await;
    assert_eq!(cards_of(&user, "weather-graph").await, Vec::<Value>::new());
    assert_eq!(outcomes(&observed).await, [json!(["weather", "swallowed"])]);
    let received = observed.stage.received_activities("weather");
    let names: Vec<_> = received.iter().map(|one| one["name"].as_str().unwrap_or("message")).collect();
    assert_eq!(names, ["message", "signin/tokenExchange"]);
    // From now on the skill has a token of its own.
    user.say("weather").await;
    assert_eq!(outcomes(&observed).await.len(), 1);
    assert_eq!(cards_of(&user, "weather-graph").await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_skill_without_consent_shows_its_card_once_and_the_code_behind_it_signs_the_user_in() {
    let observed = ObservedStage::start().await;
    let user = signed_in(&observed).await;
    user.say("my calendar").await;
    let cards = cards_of(&user, "calendar-graph").await;
    assert_eq!(cards.len(), 1);
    assert_eq!(outcomes(&observed).await, [json!(["calendar", "passed_on"])]);
    // Another skill is not spoken to before the code is.
    let code = code_behind(&cards[0]).await;
    user.say(&code).await;
    user.hears("Hello Ada Lovelace, this is calendar.").await;
    user.say("calendar").await;
    assert_eq!(cards_of(&user, "calendar-graph").await.len(), 1, "it has a token of its own now");
    user.say("hello").await;
    let said = wait_for("the assistant", async || Some(observed.stage.connector_calls(None))).await;
    let last = said.last().unwrap();
    assert_eq!(last["activity"]["text"], "You are signed in as Ada Lovelace");
}

#[tokio::test]
async fn a_user_who_is_not_signed_in_at_the_assistant_sees_the_skills_card() {
    let observed = ObservedStage::start().await;
    let user = SilentUser::start_with(&observed, "ada", "assistant").await;
    user.say("weather").await;
    assert_eq!(cards_of(&user, "weather-graph").await.len(), 1);
    assert_eq!(outcomes(&observed).await, [json!(["weather", "passed_on"])]);
}
