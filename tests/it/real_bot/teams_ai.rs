//! An unmodified bot on the Teams AI library: card actions, queries and links, with and without `sign_in_invokes`. The bot
//! exchanges nothing itself; its library does, as soon as it gets a client's token.

use std::fmt::Write as _;

use aws_lc_rs::digest;
use serde_json::{Value, json};

use super::fixture::{Fixture, Setup};
use crate::harness::chromium::Visit;
use crate::harness::peers::Program;
use crate::harness::{Answer, activities, logs};

const BOTH: &str = "sdk = \"teams-ai\"\nsign_in_invokes = [\"adaptive_card\", \"message_extension\"]";
const NEITHER: &str = "sdk = \"teams-ai\"";
const NAMES: [&str; 3] = ["adaptiveCard/action", "composeExtension/query", "composeExtension/queryLink"];
/// Moves an activity to another kind of conversation.
type Move = fn(Value) -> Value;

const PLACES: [(&str, Move); 3] =
    [("personal", |activity| activity), ("group", activities::in_group), ("channel", activities::in_channel)];

async fn start(settings: &'static str, scenario: &str) -> Fixture {
    let program = Program { peer: "teams-ai", script: "bot.mjs" };
    Fixture::start_with(Setup { program, mode: "preset", handler: "teams", settings }, scenario).await
}

/// The invoke `name` of `user`, with `more` members in its value.
fn action(fixture: &Fixture, user: &str, name: &str, more: &Value) -> Value {
    let mut value = match name {
        "adaptiveCard/action" => json!({ "action": { "type": "Action.Execute", "verb": "show", "data": {} } }),
        "composeExtension/query" => json!({ "commandId": "search", "parameters": [{ "name": "q", "value": "x" }] }),
        _ => json!({ "url": "https://items.example.com/7" }),
    };
    value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    activities::invoke(&fixture.harness, &fixture.harness.user(user), name, value)
}

async fn authentication(fixture: &Fixture, user: &str) -> Value {
    let token = fixture.harness.user_token(user, "graph").await;
    let id = format!("28:{}", fixture.harness.bot_app_id("demo"));
    json!({ "authentication": { "id": id, "connectionName": "graph", "token": token } })
}

/// What the bot says in its answer to an action: a text, or the title of what it found.
fn said(answer: &Answer) -> String {
    let body = answer.json();
    let found = body.pointer("/composeExtension/attachments/0/content/title");
    let text = body["value"].as_str().or(found.and_then(Value::as_str));
    text.unwrap_or_else(|| panic!("{} {body}", answer.status)).to_owned()
}

/// Whether the bot's library has asked the Token Service for an exchange since the log had `length` bytes.
fn has_exchanged(fixture: &Fixture, length: usize) -> bool {
    let tag = &fixture.harness.tag;
    logs::since(length).lines().any(|line| line.contains(tag.as_str()) && line.contains("/api/usertoken/exchange"))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

async fn sign_out(fixture: &Fixture, user: &str) {
    let user = format!("29:{}", user.to_lowercase());
    fixture.harness.sign_out(&[("userId", &user), ("channelId", "msteams")]).await;
}

/// Every action in every place: without a sign-in the bot asks for one, and with the client's token it acts as the user.
async fn act_everywhere(settings: &'static str, scenario: &str, exchanges_itself: bool) {
    let fixture = start(settings, scenario).await;
    let mut count = 0;
    for (place_name, place) in PLACES {
        for name in NAMES {
            let case = format!("{name} in {place_name}");
            let first = fixture.harness.post(&place(action(&fixture, "Ada", name, &json!({})))).await;
            let body = first.json();
            let asks = match name {
                "adaptiveCard/action" => body["type"] == "application/vnd.microsoft.activity.loginRequest",
                "composeExtension/query" => body["composeExtension"]["type"] == "silentAuth",
                _ => body["composeExtension"]["type"] == "auth",
            };
            assert!(asks, "{case}: {body}");
            let length = logs::length();
            let activity = place(action(&fixture, "Ada", name, &authentication(&fixture, "Ada").await));
            let answer = fixture.harness.post(&activity).await;
            count += 1;
            assert_eq!(said(&answer), format!("Signed in as Ada Lovelace (#{count})"), "{case}");
            assert_eq!(has_exchanged(&fixture, length), exchanges_itself, "{case}");
            sign_out(&fixture, "Ada").await;
        }
    }
    let state = fixture.state().await;
    assert_eq!((&state["errors"], &state["noToken"]), (&json!(0), &json!(0)), "{state}");
    assert_eq!(fixture.harness.exchanges(), count);
}

#[tokio::test]
async fn a_bot_without_exchange_code_answers_every_action_as_signed_in() {
    act_everywhere(BOTH, "invokes", false).await;
}

#[tokio::test]
async fn a_bot_with_exchange_code_answers_every_action_as_signed_in_without_the_setting() {
    act_everywhere(NEITHER, "own-exchange", true).await;
}

#[tokio::test]
async fn without_the_setting_the_bot_gets_the_bytes_that_were_sent() {
    let fixture = start(NEITHER, "bytes").await;
    for name in NAMES {
        let activity = action(&fixture, "Ada", name, &authentication(&fixture, "Ada").await);
        // Spaces that no serialiser writes.
        let body = activity.to_string().replacen('{', "{ \n", 1).into_bytes();
        let digest = hexadecimal(digest::digest(&digest::SHA256, &body).as_ref());
        let bearer = fixture.harness.channel_token("demo").await;
        assert_eq!(fixture.harness.post_bytes("demo", &bearer, body).await.status, 200);
        let state = fixture.state().await;
        assert_eq!(state["activities"].as_array().unwrap().last().unwrap()["digest"], digest, "{name}");
    }
}

#[tokio::test]
async fn a_refused_exchange_asks_the_user_to_sign_in_in_the_form_of_the_action() {
    // By bot-sso with the setting, and by the library without it.
    for (settings, scenario) in [(BOTH, "refused"), (NEITHER, "refused-by-library")] {
        let fixture = start(settings, scenario).await;
        for name in NAMES {
            let activity =
                activities::in_channel(action(&fixture, "Cleo", name, &authentication(&fixture, "Cleo").await));
            let answer = fixture.harness.post(&activity).await;
            if name == "adaptiveCard/action" {
                let body = answer.json();
                assert_eq!((answer.status, &body["statusCode"]), (200, &json!(412)), "{scenario}: {body}");
                assert_eq!(body["type"], "application/vnd.microsoft.error.preconditionFailed", "{scenario}");
                assert_eq!(body["value"]["code"], "412", "{scenario}");
            } else {
                assert_eq!((answer.status, answer.body.len()), (412, 0), "{scenario} {name}");
            }
        }
        assert_eq!(fixture.state().await["continued"], 0, "{scenario}");
    }
}

#[tokio::test]
async fn a_user_who_signs_in_in_the_window_goes_on_with_the_code_as_state() {
    for (settings, scenario) in [(BOTH, "code"), (NEITHER, "code-by-library")] {
        let fixture = start(settings, scenario).await;
        let cleo = fixture.harness.user("Cleo");
        for (number, name) in NAMES.into_iter().enumerate() {
            let first = fixture.harness.post(&action(&fixture, "Cleo", name, &json!({}))).await.json();
            let pointers = ["/value/buttons/0/value", "/composeExtension/suggestedActions/actions/0/value"];
            let link = pointers.into_iter().find_map(|pointer| first.pointer(pointer)).unwrap().as_str().unwrap();
            let visit = Visit { link, user: &cleo, decision: "continue", scheme: "light", client: "teams" };
            let seen = fixture.harness.visits(&format!("teams-ai-{scenario}-{number}"), &visit).await;
            let again = action(&fixture, "Cleo", name, &json!({ "state": seen.code() }));
            let answer = fixture.harness.post(&again).await;
            assert_eq!(said(&answer), format!("Signed in as Cleo Patra (#{})", number + 1), "{scenario} {name}");
            sign_out(&fixture, "Cleo").await;
        }
    }
}

#[tokio::test]
async fn a_message_still_signs_in_by_the_sign_in_invoke() {
    let mut fixture = start(BOTH, "message").await;
    let ada = fixture.harness.user("Ada");
    let card = fixture.card_for(&activities::message(&fixture.harness, &ada, "hello")).await;
    let token = fixture.harness.user_token("Ada", "graph").await;
    let id = card["tokenExchangeResource"]["id"].as_str().unwrap();
    let invoke = activities::exchange(&fixture.harness, &ada, id, &token);
    assert_eq!(fixture.harness.post(&invoke).await.status, 200);
    fixture.wait_for_continuation(1).await;
}
