//! The sign-in invokes of a Teams client in every kind of conversation, and the answers that the client gets. The bot of the
//! card actions and message extensions is an unmodified one on the Teams AI library.

use serde_json::{Value, json};

use super::chat::{Bot, Chat, message, start_with};
use crate::harness::peers::{Peer, Program};
use crate::harness::{Harness, Options, Surroundings};

const KINDS: [&str; 3] = ["personal", "group", "channel"];

fn invoke(name: &str, value: &Value) -> Value {
    json!({"type": "invoke", "name": name, "from": {"id": "x"}, "value": value})
}

/// The gateway with the bot on the Teams AI library behind it.
async fn start_teams_ai() -> (Harness, Peer) {
    let surroundings = Surroundings::start().await;
    surroundings.stage.attach_gateway(&surroundings.base);
    let mut environment = surroundings.sdk_environment();
    environment.extend([
        ("GRAPH_URL", format!("{}/graph/v1.0/me", surroundings.stage.http_base())),
        ("TOKEN_EXCHANGE_URI", surroundings.stage.directory().connections[0].token_exchange_uri.clone()),
    ]);
    let program = Program { peer: "teams-ai", script: "bot.mjs" };
    let mut bot = Peer::start(&program, "dev-channel-teams-ai", &environment);
    let endpoint = Some(format!("http://127.0.0.1:{}/api/messages", bot.port().await));
    let settings = "sdk = \"teams-ai\"\nsign_in_invokes = [\"adaptive_card\", \"message_extension\"]";
    let options = Options { after_exchange: "preset", endpoint, bot: settings, reachable: true, ..Options::default() };
    (surroundings.run(&options).await, bot)
}

async fn start_chat<'h>(harness: &'h Harness, user: &str, kind: &str) -> Chat<'h> {
    Chat::start(harness, &json!({"user": user, "channel": "msteams", "conversation": kind})).await
}

#[tokio::test]
async fn a_client_of_teams_gets_the_answers_to_its_sign_in_invokes() {
    let harness = start_with(Bot::OfStage).await;
    let chat = start_chat(&harness, "cleo", "personal").await;
    assert_eq!(chat.post(&message("hello")).await.status, 200);
    let card = chat.wait_for("the card", |activity| activity["attachments"].is_array()).await;
    let id = &card["attachments"][0]["content"]["tokenExchangeResource"]["id"];
    let token = harness.user_token("Cleo", "graph").await;
    let exchange =
        |id: &Value| invoke("signin/tokenExchange", &json!({"id": id, "connectionName": "graph", "token": token}));
    let refused = chat.post(&exchange(id)).await;
    let body = refused.json();
    let told = (refused.status, &body["httpStatusCode"], &body["error"]["code"]);
    assert_eq!(told, (502, &json!(412), &json!("BotRejectedActivity")), "{body}");
    assert_eq!((&body["invokeResponse"]["status"], &body["invokeResponse"]["body"]["id"]), (&json!(412), id));
    let detail = body["invokeResponse"]["body"]["failureDetail"].as_str().unwrap();
    assert!(detail.starts_with("consent_required"), "{detail}");

    harness.stage.consent("cleo", harness.bot_app_id("demo")).unwrap();
    let another = json!("another");
    let accepted = chat.post(&exchange(&another)).await;
    let body = accepted.json();
    assert_eq!((accepted.status, &body["invokeResponse"]["status"]), (200, &json!(200)), "{body}");
    assert_eq!(body["invokeResponse"]["body"], json!({"id": another, "connectionName": "graph"}));
    assert!(chat.activities().await.iter().any(|activity| activity["id"] == body["id"]), "the invoke comes back");

    let failure = invoke("signin/failure", &json!({"code": "resourcematchfailed", "message": "x"}));
    let answer = chat.post(&failure).await;
    assert_eq!((answer.status, &answer.json()["invokeResponse"]["status"]), (200, &json!(200)), "{}", answer.text());
    let wrong = chat.post(&invoke("signin/verifyState", &json!({"state": "000000"}))).await;
    assert!(wrong.json()["invokeResponse"]["status"].is_number(), "{}", wrong.text());
}

#[tokio::test]
async fn a_client_of_web_chat_gets_no_answer_of_the_bot() {
    let harness = start_with(Bot::OfStage).await;
    let chat = Chat::start(&harness, &json!({"user": "ada"})).await;
    let exchange = invoke("signin/tokenExchange", &json!({"id": "x", "connectionName": "graph", "token": "x"}));
    let refused = chat.post(&exchange).await;
    assert_eq!((refused.status, refused.json().get("invokeResponse")), (502, None));
    let accepted = chat.post(&invoke("signin/failure", &json!({"code": "x"}))).await;
    assert_eq!(accepted.json().get("invokeResponse"), None, "{}", accepted.text());
}

#[tokio::test]
async fn a_real_bot_answers_card_actions_and_message_extensions_in_every_kind_of_conversation() {
    let (harness, _bot) = start_teams_ai().await;
    for kind in KINDS {
        for user in ["Ada", "Cleo"] {
            let chat = start_chat(&harness, user, kind).await;
            let token = harness.user_token(user, "graph").await;
            for (name, value) in [
                ("adaptiveCard/action", json!({"action": {"type": "Action.Execute", "verb": "show", "data": {}}})),
                ("composeExtension/query", json!({"commandId": "search", "parameters": [{"name": "q", "value": "x"}]})),
                ("composeExtension/queryLink", json!({"url": "https://items.example.com/7"})),
            ] {
                let case = format!("{name} of {user} in {kind}");
                let mut value = value;
                value["authentication"] = json!({"id": "x", "connectionName": "graph", "token": token});
                let answer = chat.post(&invoke(name, &value)).await;
                let (body, is_card) = (answer.json(), name == "adaptiveCard/action");
                let response = &body["invokeResponse"];
                match (user, is_card) {
                    ("Ada", _) => {
                        assert_eq!((answer.status, &response["status"]), (200, &json!(200)), "{case}: {body}");
                        assert!(response.to_string().contains("Signed in as Ada Lovelace"), "{case}: {body}");
                    }
                    (_, true) => {
                        assert_eq!(
                            (answer.status, &response["body"]["statusCode"]),
                            (200, &json!(412)),
                            "{case}: {body}"
                        );
                    }
                    (_, false) => {
                        assert_eq!((answer.status, &response["status"]), (502, &json!(412)), "{case}: {body}");
                    }
                }
            }
            assert!(!chat.poll("").await.to_string().contains(&token), "no echo has the token");
        }
    }
}

#[tokio::test]
async fn a_user_signs_in_silently_in_a_group_where_the_bot_has_offered_it() {
    let harness = start_with(Bot::OfStage).await;
    let chat = start_chat(&harness, "ada", "group").await;
    let token = harness.user_token("Ada", "graph").await;
    let exchange =
        |id: &Value| invoke("signin/tokenExchange", &json!({"id": id, "connectionName": "graph", "token": token}));
    let unasked = chat.post(&exchange(&json!("unasked"))).await;
    assert_ne!(unasked.json()["invokeResponse"]["status"], 200, "no card was issued to this user: {}", unasked.text());
    assert_eq!(chat.post(&message("hello")).await.status, 200);
    let card = chat.wait_for("the card", |activity| activity["attachments"].is_array()).await;
    let answer = chat.post(&exchange(&card["attachments"][0]["content"]["tokenExchangeResource"]["id"])).await;
    assert_eq!(answer.json()["invokeResponse"]["status"], 200, "{}", answer.text());
    chat.wait_for("the bot's greeting", |activity| activity["text"] == "You are signed in as Ada Lovelace").await;
}
