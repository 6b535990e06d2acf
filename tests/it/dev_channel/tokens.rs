//! Direct Line tokens: what they are bound to, and how long they live.

use std::time::Duration;

use serde_json::{Value, json};

use super::chat::{Bot, Chat, direct_line, message, post_json, start_with, token_url};
use crate::harness::tokens::claims_of;
use crate::harness::{Answer, Harness};

const SECRET: &str = "demo-direct-line-secret-of-the-local-stage";

fn code(answer: &Answer) -> Value {
    answer.json()["error"]["code"].clone()
}

#[tokio::test]
async fn the_sites_token_names_bot_conversation_and_user() {
    let harness = start_with(Bot::Recording).await;
    let order = json!({"user": "ada@contoso.example", "bot": "demo-none", "channel": "directline"});
    let before = harness.now();
    let answer = post_json(&harness, &token_url(&harness), &[], &order).await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")));
    let site = answer.json();
    assert_eq!(site["expires_in"], 1800);
    let claims = claims_of(site["token"].as_str().unwrap());
    assert_eq!((&claims["bot"], &claims["conv"]), (&json!("demo-none"), &site["conversationId"]));
    assert_eq!((&claims["user"], &claims["origins"]), (&site["userId"], &json!([])));
    assert!((before + 1800..=harness.now() + 1800).contains(&claims["exp"].as_i64().unwrap()));
    assert!(site["userId"].as_str().unwrap().starts_with("dl_"));

    let again = post_json(&harness, &token_url(&harness), &[], &json!({"user": "ada"})).await.json();
    assert_eq!(again["userId"], site["userId"], "the same user has the same id");
    assert_ne!(again["conversationId"], site["conversationId"]);
    let ben = post_json(&harness, &token_url(&harness), &[], &json!({"user": "ben"})).await.json();
    assert_ne!(ben["userId"], site["userId"]);
    for wrong in [
        json!({"user": "nobody"}),
        json!({"user": "ada", "bot": "none"}),
        json!({"user": "ada", "channel": "slack"}),
        json!([]),
    ] {
        let refused = post_json(&harness, &token_url(&harness), &[], &wrong).await;
        assert_eq!((refused.status, code(&refused)), (400, json!("BadArgument")), "{wrong}");
    }
    let refused = post_json(&harness, &token_url(&harness), &[], &json!({})).await;
    assert_eq!((refused.status, code(&refused)), (400, json!("MissingProperty")));
}

#[tokio::test]
async fn a_token_is_good_for_its_own_conversation_alone() {
    let harness = start_with(Bot::Recording).await;
    let (ada, ben) = (Chat::of_ada(&harness).await, Chat::start(&harness, &json!({"user": "ben"})).await);
    let unstarted = Chat::with_token(&harness, &json!({"user": "ada"})).await;
    let body = message("intruding").to_string();
    for (method, rest) in [("GET", ""), ("GET", "/activities"), ("POST", "/activities"), ("POST", "/upload")] {
        let path = ada.path(rest);
        for other in [&ben.token, &unstarted.token] {
            let refused = ada.call_as(other, method, &path, &body).await;
            assert_eq!((refused.status, code(&refused)), (403, json!("BadArgument")), "{method} {rest}");
        }
        for invalid in ["x", "eyJhbGciOiJub25lIn0.e30.", &harness.bot_token("demo").await] {
            assert_eq!(ada.call_as(invalid, method, &path, &body).await.status, 403, "{method} {rest}");
        }
        let bare = harness.send(method, &format!("{}{path}", direct_line(&harness)), &[], Vec::new()).await;
        assert_eq!((bare.status, code(&bare)), (401, json!("Unauthorized")));
        let path = unstarted.path(rest);
        let missing = unstarted.call("GET", &path.replace("/upload", "/activities"), "").await;
        assert_eq!((missing.status, code(&missing)), (404, json!("NotFound")), "{method} {rest}");
    }
    let stream = format!("{}{}", direct_line(&harness), ada.path("/stream"));
    for (query, status) in [(format!("?t={}", ben.token), 403), ("?t=x".to_owned(), 403), (String::new(), 401)] {
        assert_eq!(harness.send("GET", &format!("{stream}{query}"), &[], Vec::new()).await.status, status);
    }
    assert!(ada.activities().await.is_empty());
}

#[tokio::test]
async fn a_token_is_refreshed_while_it_lives_and_refused_afterwards() {
    let harness = start_with(Bot::Recording).await;
    let chat = Chat::of_ada(&harness).await;
    harness.clock.advance(Duration::from_secs(1000));
    let refreshed = chat.call("POST", "/tokens/refresh", "").await;
    assert_eq!(refreshed.status, 200, "{}", refreshed.text());
    assert_eq!(refreshed.json()["conversationId"], chat.id);
    let younger = refreshed.json()["token"].as_str().unwrap().to_owned();
    let without_time = |token: &str| {
        let mut claims = claims_of(token);
        claims.as_object_mut().unwrap().remove("exp");
        claims
    };
    assert_eq!(without_time(&younger), without_time(&chat.token), "the bindings stay");

    harness.clock.advance(Duration::from_secs(800));
    for (method, path) in [
        ("POST", "/tokens/refresh".to_owned()),
        ("POST", "/conversations".to_owned()),
        ("GET", chat.path("")),
        ("GET", chat.path("/activities")),
        ("POST", chat.path("/activities")),
        ("GET", "/session/getsessionid".to_owned()),
        ("GET", chat.path(&format!("/stream?t={}", chat.token))),
    ] {
        let expired = chat.call(method, &path, "").await;
        assert_eq!((expired.status, code(&expired)), (403, json!("TokenExpired")), "{method} {path}");
    }
    assert_eq!(chat.call_as(&younger, "GET", &chat.path("/activities"), "").await.status, 200);
}

/// Asks for a token as the back end of another site does.
async fn generate(harness: &Harness, bearer: Option<&str>, order: &str) -> Answer {
    let authorization = bearer.map(|bearer| format!("Bearer {bearer}"));
    let headers: Vec<_> = authorization.iter().map(|value| ("authorization", value.as_str())).collect();
    let url = format!("{}/tokens/generate", direct_line(harness));
    harness.send("POST", &url, &headers, order.as_bytes().to_vec()).await
}

#[tokio::test]
async fn a_site_gets_tokens_for_its_users_with_the_secret_of_the_bot() {
    let harness = start_with(Bot::Recording).await;
    let order = r#"{"user": {"id": "dl_of-a-site"}, "trustedOrigins": ["http://localhost:4000"]}"#;
    assert_eq!(generate(&harness, None, order).await.status, 401);
    let token = Chat::with_token(&harness, &json!({"user": "ada"})).await.token;
    for bearer in [&token, "direct-line-secret-of-the-local-stage", "no-direct-line-secret-of-the-local-stage"] {
        assert_eq!(generate(&harness, Some(bearer), order).await.status, 403);
    }
    for (wrong, expected) in [
        ("", "MissingProperty"),
        (r#"{"user": {"name": "Ada"}}"#, "MissingProperty"),
        (r#"{"user": {"id": "ada"}}"#, "BadArgument"),
        ("[", "BadArgument"),
    ] {
        let refused = generate(&harness, Some(SECRET), wrong).await;
        assert_eq!((refused.status, code(&refused)), (400, json!(expected)), "{wrong}");
    }
    let answer = generate(&harness, Some(SECRET), order).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let given = answer.json();
    let claims = claims_of(given["token"].as_str().unwrap());
    assert_eq!((&claims["user"], &claims["bot"]), (&json!("dl_of-a-site"), &json!("demo")));
    let chat = Chat {
        harness: &harness,
        token: given["token"].as_str().unwrap().to_owned(),
        id: given["conversationId"].as_str().unwrap().to_owned(),
        user_id: "dl_of-a-site".to_owned(),
    };
    assert_eq!(chat.call("GET", &chat.path("/activities"), "").await.status, 404, "the conversation is not started");
    assert_eq!(chat.call("POST", "/conversations", "").await.status, 201);
    assert_eq!(harness.bot_received(1).await[0].json()["channelId"], "directline");

    let authorization = format!("Bearer {}", chat.token);
    let url = format!("{}{}", direct_line(&harness), chat.path("/activities"));
    for (origin, status) in [("http://localhost:4000", 200), ("http://localhost:4001", 403)] {
        let headers = [("authorization", authorization.as_str()), ("origin", origin)];
        assert_eq!(harness.send("GET", &url, &headers, Vec::new()).await.status, status, "{origin}");
    }
}

#[tokio::test]
async fn the_secret_of_a_bot_is_good_for_the_conversations_of_this_bot() {
    let harness = start_with(Bot::Recording).await;
    let chat = Chat::of_ada(&harness).await;
    assert_eq!(chat.call_as(SECRET, "GET", &chat.path("/activities"), "").await.status, 200);
    let other = "demo-none-direct-line-secret-of-the-local-stage";
    assert_eq!(chat.call_as(other, "GET", &chat.path("/activities"), "").await.status, 403);
    let started = chat.call_as(SECRET, "POST", "/conversations", r#"{"user": {"id": "dl_x"}}"#).await;
    assert_eq!(started.status, 201, "{}", started.text());
    assert_ne!(started.json()["conversationId"], chat.id);
    let reopened = chat.call_as(SECRET, "GET", &chat.path("?watermark="), "").await.json();
    let token = reopened["token"].as_str().unwrap();
    assert_eq!(chat.call_as(token, "GET", &chat.path("/activities"), "").await.status, 200);
}
