//! What a bot does in a conversation through the connector.

use serde_json::{Value, json};

use super::chat::{Bot, Chat, message, start_with};

async fn say(chat: &Chat<'_>, rest: &str, activity: &Value) -> String {
    let answer = chat.as_bot("demo", "POST", rest, &activity.to_string()).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_the_bot_sends_reaches_the_client_with_an_id_of_its_own() {
    let harness = start_with(Bot::Recording).await;
    let chat = Chat::of_ada(&harness).await;
    let posted = chat.post(&message("hello")).await.json()["id"].as_str().unwrap().to_owned();
    let reply = say(&chat, &format!("/activities/{}", posted.replace('|', "%7C")), &json!({"type": "message"})).await;
    let typing = json!({"type": "typing", "replyToId": "x", "from": {"name": "Bot", "role": "user"}});
    let other = say(&chat, "/activities", &typing).await;
    let seen = chat.activities().await;
    assert_eq!(seen.len(), 3);
    assert_eq!((&seen[1]["id"], &seen[1]["replyToId"]), (&json!(reply), &json!(posted)));
    assert_eq!((&seen[2]["id"], &seen[2]["replyToId"]), (&json!(other), &json!("x")));
    let app_id = harness.bot_app_id("demo");
    assert_eq!(seen[1]["from"], json!({"id": app_id, "name": "demo", "role": "bot"}));
    assert_eq!(seen[2]["from"], json!({"id": app_id, "name": "Bot", "role": "bot"}));
    assert_eq!(seen[1]["conversation"]["id"], chat.id);
    let ids: std::collections::BTreeSet<_> = seen.iter().map(|activity| activity["id"].to_string()).collect();
    assert_eq!(ids.len(), 3);
    assert_eq!(harness.stage.connector_calls(Some(&chat.id)).len(), 2, "the stage still lists what bots have sent");
}

#[tokio::test]
async fn the_bot_changes_and_removes_what_it_has_sent() {
    let harness = start_with(Bot::Recording).await;
    let chat = Chat::of_ada(&harness).await;
    let id = say(&chat, "/activities", &json!({"type": "message", "text": "before"})).await;
    let path = format!("/activities/{}", id.replace('|', "%7C"));
    let changed = json!({"type": "message", "text": "after"}).to_string();
    assert_eq!(chat.as_bot("demo", "PUT", &path, &changed).await.status, 200);
    assert_eq!(chat.activities().await[0]["text"], "after");
    assert_eq!(chat.activities().await[0]["id"], id);
    assert_eq!(chat.as_bot("demo", "DELETE", &path, "").await.status, 200);
    assert!(chat.activities().await.is_empty());
    assert_eq!(chat.as_bot("demo", "DELETE", &path, "").await.status, 404);
    assert_eq!(chat.as_bot("demo", "PUT", &path, &changed).await.status, 404);
}

#[tokio::test]
async fn another_bot_and_a_caller_without_a_token_have_no_part_in_the_conversation() {
    let harness = start_with(Bot::Recording).await;
    let chat = Chat::of_ada(&harness).await;
    let body = json!({"type": "message", "text": "intruding"}).to_string();
    for (method, rest) in [("POST", "/activities"), ("PUT", "/activities/x"), ("GET", "/members")] {
        assert_eq!(chat.as_bot("demo-none", method, rest, &body).await.status, 403, "{method} {rest}");
        let url = format!("{}v3/conversations/{}{rest}", harness.stage.service_url(), chat.id);
        for bearer in ["", "Bearer x", &format!("Bearer {}", chat.token)] {
            let answer = harness.send(method, &url, &[("authorization", bearer)], body.clone().into_bytes()).await;
            assert_eq!(answer.status, 401, "{method} {rest}");
        }
    }
    assert!(chat.activities().await.is_empty());
    assert!(harness.stage.connector_calls(Some(&chat.id)).is_empty());
}

#[tokio::test]
async fn the_member_of_the_conversation_is_its_user() {
    let harness = start_with(Bot::Recording).await;
    let chat = Chat::of_ada(&harness).await;
    let ada = json!({"id": chat.user_id, "name": "Ada Lovelace", "role": "user"});
    assert_eq!(chat.as_bot("demo", "GET", "/members", "").await.json(), json!([ada]));
    assert_eq!(chat.as_bot("demo", "GET", "/pagedmembers", "").await.json(), json!({ "members": [ada] }));
    assert_eq!(chat.as_bot("demo", "GET", &format!("/members/{}", chat.user_id), "").await.json(), ada);
    assert_eq!(chat.as_bot("demo", "GET", "/members/dl_another", "").await.status, 404);
}

#[tokio::test]
async fn a_bot_that_opens_a_conversation_with_a_known_user_gets_the_users_conversation() {
    let harness = start_with(Bot::Recording).await;
    let chat = Chat::of_ada(&harness).await;
    let open = async |bot: &str, user: &str| {
        let authorization = format!("Bearer {}", harness.bot_token(bot).await);
        let order = json!({"members": [{"id": user}], "activity": {"type": "message", "text": "good morning"}});
        let url = format!("{}v3/conversations", harness.stage.service_url());
        let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
        let answer = harness.send("POST", &url, &headers, order.to_string().into_bytes()).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()["id"].clone()
    };
    assert_ne!(open("demo", "dl_another").await, json!(chat.id));
    assert_ne!(open("demo-none", &chat.user_id).await, json!(chat.id));
    assert!(chat.activities().await.is_empty());
    assert_eq!(open("demo", &chat.user_id).await, json!(chat.id));
    assert_eq!(chat.activities().await[0]["text"], "good morning");
}
