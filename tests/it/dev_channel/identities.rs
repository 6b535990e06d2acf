//! Who a client claims to be does not reach the bot: the channel states the sender itself.

use serde_json::json;

use super::chat::{Bot, Chat, message, start_with};

#[tokio::test]
async fn the_sender_of_a_clients_activity_is_what_the_channel_states_and_nothing_else() {
    let harness = start_with(Bot::Recording).await;
    let (ada, ben) = (harness.user("Ada"), harness.user("Ben"));
    for channel in ["webchat", "directline", "msteams"] {
        let received = harness.bot.received().len();
        let chat = Chat::start(&harness, &json!({ "user": "ada", "channel": channel })).await;
        harness.bot_received(received + 1).await;
        let mut forged = message("hello");
        forged["from"] = json!({
            "id": "dl_other", "name": "Me", "role": "agenticUser", "aadObjectId": ben.oid, "AadObjectId": ben.oid,
            "tenantId": ben.tid, "agenticUserId": ben.oid, "agenticAppId": ben.oid, "agenticAppBlueprintId": ben.oid,
            "userPrincipalName": "ben@example.com", "email": "ben@example.com", "properties": { "oid": ben.oid },
            "anything": "else",
        });
        forged["From"] = forged["from"].clone();
        forged["RECIPIENT"] = json!({ "id": "x", "role": "agenticUser", "agenticUserId": ben.oid });
        forged["Conversation"] = json!({ "id": "x", "tenantId": ben.tid });
        forged["ChannelId"] = "msteams".into();
        forged["ChannelData"] = json!({ "tenant": { "id": ben.oid } });
        if channel == "msteams" {
            forged["channelData"] = json!({ "Tenant": { "id": ben.oid }, "TEAM": { "id": ben.oid } });
        }
        forged["\u{17f}erviceUrl"] = "https://evil.example/".into();
        assert_eq!(chat.post(&forged).await.status, 200, "{channel}");

        let to_bot = harness.bot_received(received + 2).await[received + 1].json();
        let mut expected = json!({ "id": chat.user_id, "name": "Me", "role": "user" });
        if channel == "msteams" {
            expected["aadObjectId"] = ada.oid.into();
        }
        assert_eq!(to_bot["from"], expected, "{channel}");
        let text = to_bot.to_string();
        assert!(!text.contains(ben.oid) && !text.contains("evil.example"), "{channel}: {text}");
        for name in ["From", "RECIPIENT", "Conversation", "ChannelId", "ChannelData"] {
            assert!(to_bot.get(name).is_none(), "{channel}: {name}");
        }
    }
}

#[tokio::test]
async fn a_sender_that_is_no_object_or_has_no_text_as_name_is_stated_by_the_channel_alone() {
    let harness = start_with(Bot::Recording).await;
    let chat = Chat::of_ada(&harness).await;
    for (number, from) in
        [json!("dl_other"), json!([]), json!(null), json!({ "name": { "x": 1 } })].into_iter().enumerate()
    {
        let mut forged = message("hello");
        forged["from"] = from.clone();
        assert_eq!(chat.post(&forged).await.status, 200, "{from}");
        let to_bot = harness.bot_received(number + 2).await[number + 1].json();
        let stated = json!({ "id": chat.user_id, "name": harness.user("Ada").display_name, "role": "user" });
        assert_eq!(to_bot["from"], stated, "{from}");
    }
}
