//! Conversations that have the form of personal chats in Teams.

use serde_json::json;

use super::chat::{Bot, Chat, message, start_with};

#[tokio::test]
async fn activities_of_a_teams_conversation_state_the_users_entra_identity() {
    let harness = start_with(Bot::Recording).await;
    let chat = Chat::start(&harness, &json!({"user": "fay", "channel": "msteams"})).await;
    let (fay, ben) = (harness.user("Fay"), harness.user("Ben"));
    assert_eq!(chat.user_id, format!("29:{}", fay.oid));
    let update = harness.bot_received(1).await[0].json();
    let mut forged = message("hello");
    forged["from"]["aadObjectId"] = ben.oid.into();
    forged["channelData"] = json!({"tenant": {"id": ben.tid}, "clientActivityID": "c"});
    forged["conversation"] = json!({"tenantId": ben.tid});
    assert_eq!(chat.post(&forged).await.status, 200);

    let to_bot = harness.bot_received(2).await[1].json();
    for activity in [&update, &to_bot] {
        assert_eq!(activity["channelId"], "msteams");
        assert_eq!(activity["from"]["id"], chat.user_id);
        assert_eq!(activity["from"]["aadObjectId"], fay.oid);
        assert_eq!(activity["recipient"]["id"], format!("28:{}", harness.bot_app_id("demo")));
        let conversation = json!({"id": chat.id, "conversationType": "personal", "tenantId": fay.tid});
        assert_eq!(activity["conversation"], conversation);
        assert_eq!(activity["channelData"]["tenant"]["id"], fay.tid);
    }
    assert_eq!(chat.activities().await[0]["channelData"], forged["channelData"], "the client's own data");
    let members = chat.as_bot("demo", "GET", "/members", "").await.json();
    assert_eq!((members.as_array().unwrap().len(), &members[0]["aadObjectId"]), (1, &json!(fay.oid)));
    assert_eq!(members[0]["tenantId"], fay.tid);
}

#[tokio::test]
async fn a_user_signs_in_silently_in_a_teams_conversation() {
    let harness = start_with(Bot::OfStage).await;
    let chat = Chat::start(&harness, &json!({"user": "ada", "channel": "msteams"})).await;
    assert_eq!(chat.post(&message("hello")).await.status, 200);
    let card = chat.wait_for("the card", |activity| activity["attachments"].is_array()).await;
    let id = &card["attachments"][0]["content"]["tokenExchangeResource"]["id"];
    let token = harness.user_token("Ada", "graph").await;
    let invoke = json!({
        "type": "invoke", "name": "signin/tokenExchange", "from": {"id": "x"},
        "value": {"id": id, "connectionName": "graph", "token": token},
    });
    let posted = chat.post(&invoke).await;
    assert_eq!(posted.status, 200, "{}", posted.text());
    chat.wait_for("the bot's greeting", |activity| activity["text"] == "You are signed in as Ada Lovelace").await;
    assert!(!chat.poll("").await.to_string().contains(&token));

    let of_ben = harness.user_token("Ben", "graph").await;
    let invoke = json!({
        "type": "invoke", "name": "signin/tokenExchange", "from": {"id": "x"},
        "value": {"id": "another", "connectionName": "graph", "token": of_ben},
    });
    assert_eq!(chat.post(&invoke).await.status, 502, "the token's user is not the chat's user");
}
