//! What becomes of an activity that a client posts.

use serde_json::{Value, json};

use super::chat::{Bot, Chat, message, start_with};
use crate::harness::{Behaviour, Received};

#[tokio::test]
async fn a_started_conversation_is_announced_to_the_bot_once() {
    let harness = start_with(Bot::Recording).await;
    let chat = Chat::with_token(&harness, &json!({"user": "ada"})).await;
    let started = chat.call("POST", "/conversations", r#"{"locale": "fr-FR"}"#).await;
    assert_eq!(started.status, 201, "{}", started.text());
    let opened = started.json();
    assert_eq!((&opened["conversationId"], &opened["expires_in"]), (&json!(chat.id), &json!(1800)));
    let stream = opened["streamUrl"].as_str().unwrap();
    assert!(stream.starts_with(&harness.stage.http_base().replacen("http", "ws", 1)), "an absolute ws:// address");
    assert_eq!(chat.call("POST", "/conversations", "").await.status, 200, "the token's conversation exists");
    assert_eq!(chat.post(&message("a fence")).await.status, 200);

    let received = harness.bot_received(2).await;
    assert_eq!(received.len(), 2);
    let update = received.iter().map(Received::json).find(|update| update["type"] == "conversationUpdate");
    let update = update.unwrap();
    assert_eq!(update["membersAdded"][0]["id"], chat.user_id);
    assert_eq!(update["membersAdded"][1]["id"], harness.bot_app_id("demo"));
    assert_eq!((&update["channelId"], &update["locale"]), (&json!("webchat"), &json!("fr-FR")));
    assert_eq!(update["serviceUrl"], harness.stage.service_url());
}

#[tokio::test]
async fn a_message_comes_back_with_the_id_of_its_post_and_always_from_the_tokens_user() {
    let harness = start_with(Bot::Recording).await;
    let chat = Chat::of_ada(&harness).await;
    let data = json!({"clientActivityID": "c-1", "nested": [1, {"a": null}]});
    let ben = harness.user("Ben");
    let forged = json!({
        "type": "message", "text": "hello", "channelData": data, "id": "chosen", "timestamp": "1999-01-01T00:00:00Z",
        "from": {"id": "dl_somebody-else", "name": "Me", "aadObjectId": ben.oid, "role": "bot"},
        "conversation": {"id": "another", "tenantId": ben.tid}, "channelId": "msteams", "callerId": "urn:x",
        "serviceUrl": "http://127.0.0.1:9/", "recipient": {"id": "another-bot"},
    });
    let posted = chat.post(&forged).await;
    assert_eq!(posted.status, 200, "{}", posted.text());

    let to_bot = harness.bot_received(2).await[1].json();
    let echo = &chat.activities().await[0];
    for activity in [&to_bot, echo] {
        assert_eq!(activity["id"], posted.json()["id"]);
        assert_eq!(activity["from"], json!({"id": chat.user_id, "name": "Me", "role": "user"}));
        assert_eq!(activity["conversation"], json!({"id": chat.id}));
        assert_eq!(activity["channelData"], data);
        assert_eq!((&activity["text"], &activity["channelId"]), (&json!("hello"), &json!("webchat")));
        assert_eq!(activity["recipient"]["id"], harness.bot_app_id("demo"));
        assert!(activity["timestamp"].as_str().unwrap().starts_with("20"));
    }
    assert_eq!(to_bot["serviceUrl"], harness.stage.service_url());
    assert_ne!(to_bot["callerId"], "urn:x");
}

#[tokio::test]
async fn polling_gives_what_is_newer_than_the_watermark() {
    let harness = start_with(Bot::Recording).await;
    let chat = Chat::of_ada(&harness).await;
    assert_eq!(chat.poll("").await["activities"], json!([]));
    chat.post(&message("one")).await;
    let first = chat.poll("").await;
    assert_eq!(first["activities"].as_array().unwrap().len(), 1);
    let watermark = first["watermark"].as_str().unwrap();
    assert_eq!(chat.poll(watermark).await, json!({"activities": [], "watermark": watermark}));
    chat.post(&message("two")).await;
    let second = chat.poll(watermark).await;
    assert_eq!(second["activities"].as_array().unwrap().len(), 1);
    assert_eq!(second["activities"][0]["text"], "two");
    let wrong = chat.call("GET", &chat.path("/activities?watermark=yesterday"), "").await;
    assert_eq!((wrong.status, &wrong.json()["error"]["code"]), (400, &json!("BadArgument")));
}

#[tokio::test]
async fn the_value_of_an_invoke_reaches_the_bot_and_no_client() {
    let harness = start_with(Bot::Recording).await;
    let chat = Chat::of_ada(&harness).await;
    let value = json!({"secret": "for the bot alone"});
    let posted = chat.post(&json!({"type": "invoke", "name": "any/thing", "value": value, "from": {"id": "x"}})).await;
    assert_eq!(posted.status, 200, "{}", posted.text());
    assert_eq!(harness.bot_received(2).await[1].json()["value"], value);
    let seen = chat.poll("").await;
    assert_eq!(seen["activities"][0]["id"], posted.json()["id"]);
    assert_eq!(seen["activities"][0]["name"], "any/thing");
    assert!(!seen.to_string().contains("for the bot alone"));

    let event = json!({"type": "event", "name": "any/thing", "value": "for all", "from": {"id": "x"}});
    assert_eq!(chat.post(&event).await.status, 200);
    assert_eq!(chat.activities().await[1]["value"], "for all", "such an event carries no token");
}

#[tokio::test]
async fn an_activity_that_the_bot_refuses_is_a_bad_gateway_without_the_bots_words() {
    let harness = start_with(Bot::Recording).await;
    let chat = Chat::of_ada(&harness).await;
    for status in [400, 403, 412, 500, 302] {
        harness.bot.behave(Behaviour::answering(status, r#"{"failureDetail": "for operators"}"#));
        let refused = chat.post(&json!({"type": "invoke", "name": "any/thing", "from": {"id": "x"}})).await;
        assert_eq!(refused.status, 502, "{}", refused.text());
        let error = json!({"code": "BotRejectedActivity", "message": "Failed to send activity: bot returned an error"});
        assert_eq!(refused.json(), json!({"error": error, "httpStatusCode": status}));
    }
    assert!(chat.activities().await.is_empty(), "the echo of an invoke says that the bot accepted it");
    let refused = chat.post(&message("hello")).await;
    assert_eq!(refused.status, 502);
    assert_eq!(chat.activities().await.len(), 1, "a message was said");
}

#[tokio::test]
async fn a_bot_that_the_gateway_cannot_reach_or_waits_for_in_vain_is_a_bot_error() {
    let harness = start_with(Bot::Recording).await;
    let chat = Chat::of_ada(&harness).await;
    for (status, reason) in [(502, "bot could not be reached"), (504, "bot timed out")] {
        harness.bot.behave(Behaviour::answering(status, ""));
        let refused = chat.post(&message("hello")).await;
        let error = json!({"code": "BotError", "message": format!("Failed to send activity: {reason}")});
        assert_eq!((refused.status, refused.json()), (502, json!({"error": error, "httpStatusCode": status})));
    }
}

#[tokio::test]
async fn every_refusal_has_the_form_of_the_real_services_errors() {
    let harness = start_with(Bot::Recording).await;
    let chat = Chat::of_ada(&harness).await;
    let large = json!({"type": "message", "text": "a".repeat(600 * 1024)}).to_string();
    for (method, path, body, status, code) in [
        ("GET", "/no/such/path".to_owned(), "", 404, "NotFound"),
        ("DELETE", chat.path("/activities"), "", 404, "NotFound"),
        ("POST", chat.path("/activities"), large.as_str(), 413, "MessageSizeTooBig"),
        ("POST", chat.path("/upload"), "{}", 400, "BadArgument"),
        ("GET", chat.path("/stream"), "", 401, "Unauthorized"),
        ("GET", chat.path(&format!("/stream?t={}", chat.token)), "", 400, "BadArgument"),
    ] {
        let refused = chat.call(method, &path, body).await;
        assert_eq!(refused.status, status, "{method} {path}: {}", refused.text());
        assert_eq!(refused.json()["error"]["code"], code, "{method} {path}");
        assert!(refused.json()["error"]["message"].is_string());
    }
}

#[tokio::test]
async fn a_body_that_is_no_activity_is_refused_with_the_words_of_the_real_service() {
    let harness = start_with(Bot::Recording).await;
    let chat = Chat::of_ada(&harness).await;
    for (body, code) in [
        ("", "BadArgument"),
        ("{", "BadArgument"),
        ("[]", "BadArgument"),
        ("{}", "MissingProperty"),
        (r#"{"type": 7}"#, "MissingProperty"),
        (r#"{"type": "Invoke", "value": {"token": "x"}}"#, "MissingProperty"),
    ] {
        let answer = chat.call("POST", &chat.path("/activities"), body).await;
        assert_eq!((answer.status, &answer.json()["error"]["code"]), (400, &json!(code)), "{body}");
    }
    assert!(chat.activities().await.is_empty());
    assert_eq!(harness.bot.received().len(), 1, "only the start of the conversation");
}

#[tokio::test]
async fn a_session_id_is_given_to_the_tokens_client_alone() {
    let harness = start_with(Bot::Recording).await;
    let chat = Chat::of_ada(&harness).await;
    let session = chat.call("GET", "/session/getsessionid", "").await;
    assert!(session.json()["sessionId"].as_str().is_some_and(|id| id.len() >= 32));
    assert_eq!(chat.call_as("nothing", "GET", "/session/getsessionid", "").await.status, 403);
    let again: Value = chat.call("GET", "/session/getsessionid", "").await.json();
    assert_ne!(again, session.json());
}
