//! Group chats and channels of Teams.

use serde_json::{Value, json};

use super::chat::{Bot, Chat, message, post_json, start_with, token_url};

#[tokio::test]
async fn activities_of_a_group_and_of_a_channel_state_what_teams_states() {
    let harness = start_with(Bot::Recording).await;
    let fay = harness.user("Fay");
    for (kind, conversation_type, ending) in
        [("group", "groupChat", "@thread.v2"), ("channel", "channel", "@thread.tacv2")]
    {
        let before = harness.bot.received().len();
        let order = json!({"user": "fay", "channel": "msteams", "conversation": kind});
        let chat = Chat::start(&harness, &order).await;
        let thread = chat.id.split(';').next().unwrap();
        assert!(chat.id.starts_with("19:") && thread.ends_with(ending), "{}", chat.id);
        assert_eq!(chat.id.contains(";messageid="), kind == "channel");
        let update = harness.bot_received(before + 1).await[before].json();
        let mut forged = message("hello");
        forged["channelData"] = json!({"team": {"id": "x"}, "teamsChannelId": "x", "clientActivityID": "c"});
        assert_eq!(chat.post(&forged).await.status, 200);
        let to_bot = harness.bot_received(before + 2).await[before + 1].json();
        for activity in [&update, &to_bot] {
            let conversation =
                json!({"id": chat.id, "conversationType": conversation_type, "isGroup": true, "tenantId": fay.tid});
            assert_eq!(activity["conversation"], conversation);
            assert_eq!(
                (&activity["from"]["aadObjectId"], &activity["from"]["id"]),
                (&json!(fay.oid), &json!(chat.user_id))
            );
            let data = &activity["channelData"];
            assert_eq!(data["tenant"]["id"], fay.tid);
            if kind == "channel" {
                assert_eq!((&data["channel"]["id"], &data["teamsChannelId"]), (&json!(thread), &json!(thread)));
                assert!(data["team"]["id"].as_str().unwrap().starts_with("19:"), "{data}");
                assert_eq!(data["teamsTeamId"], data["team"]["id"]);
            } else {
                assert!(data.get("team").is_none() && data.get("teamsChannelId").is_none(), "{data}");
            }
        }
        assert_eq!(to_bot["channelData"]["clientActivityID"], "c");
    }
}

#[tokio::test]
async fn the_members_of_a_group_are_the_people_of_the_users_tenant() {
    let harness = start_with(Bot::Recording).await;
    let chat = Chat::start(&harness, &json!({"user": "ben", "channel": "msteams", "conversation": "group"})).await;
    let members = chat.as_bot("demo", "GET", "/members", "").await.json();
    let members = members.as_array().unwrap();
    let ids: Vec<&Value> = members.iter().map(|member| &member["aadObjectId"]).collect();
    let (ada, ben, fay) = (harness.user("Ada"), harness.user("Ben"), harness.user("Fay"));
    assert_eq!(ids[0], ben.oid, "the user comes first");
    assert!(ids.contains(&&json!(ada.oid)) && !ids.contains(&&json!(fay.oid)), "{ids:?}");
    let of_ben = members.iter().filter(|member| member["aadObjectId"] == ben.oid).count();
    assert_eq!((of_ben, members.len()), (1, 6));
    let one = chat.as_bot("demo", "GET", &format!("/members/29:{}", ada.oid), "").await;
    assert_eq!((one.status, &one.json()["aadObjectId"]), (200, &json!(ada.oid)));
}

#[tokio::test]
async fn only_conversations_of_teams_have_kinds() {
    let harness = start_with(Bot::Recording).await;
    for (order, status) in [
        (json!({"user": "ada", "conversation": "group"}), 400),
        (json!({"user": "ada", "channel": "directline", "conversation": "channel"}), 400),
        (json!({"user": "ada", "channel": "msteams", "conversation": "team"}), 400),
        (json!({"user": "ada", "conversation": "personal"}), 200),
        (json!({"user": "ada", "channel": "msteams", "conversation": "personal"}), 200),
    ] {
        assert_eq!(post_json(&harness, &token_url(&harness), &[], &order).await.status, status, "{order}");
    }
}

#[tokio::test]
async fn a_bot_that_writes_to_a_user_alone_does_not_write_into_the_users_group() {
    let harness = start_with(Bot::Recording).await;
    let chat = Chat::start(&harness, &json!({"user": "ada", "channel": "msteams", "conversation": "group"})).await;
    let authorization = format!("Bearer {}", harness.bot_token("demo").await);
    let order = json!({"members": [{"id": chat.user_id}], "activity": {"type": "message", "text": "for you alone"}});
    let url = format!("{}v3/conversations", harness.stage.service_url());
    let answer = post_json(&harness, &url, &[("authorization", authorization.as_str())], &order).await;
    assert_ne!(answer.json()["id"], json!(chat.id));
    assert!(chat.activities().await.is_empty());
}
