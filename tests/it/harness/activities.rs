//! Activities as channels send them.

use base64::Engine;
use bot_sso::dev::User;
use serde_json::{Value, json};

use super::Harness;

/// A Teams activity of `user` in a personal conversation.
pub fn teams(harness: &Harness, user: &User) -> Value {
    json!({
        "id": "f:6b2c1b6e-1111-4c1c-9a57-5d9d3a0c0001",
        "channelId": "msteams",
        "serviceUrl": harness.stage.service_url(),
        "from": { "id": format!("29:{}", user.name), "name": user.display_name, "aadObjectId": user.oid },
        "recipient": { "id": format!("28:{}", harness.bot_app_id("demo")), "name": "demo" },
        "conversation": { "id": format!("a:{}", user.name), "conversationType": "personal", "tenantId": user.tid },
        "channelData": { "tenant": { "id": user.tid }, "source": { "name": "message" } },
        "locale": "en-GB",
    })
}

/// A message.
pub fn message(harness: &Harness, user: &User, text: &str) -> Value {
    let mut activity = teams(harness, user);
    activity["type"] = "message".into();
    activity["text"] = text.into();
    activity
}

/// An invoke.
pub fn invoke(harness: &Harness, user: &User, name: &str, value: Value) -> Value {
    let mut activity = teams(harness, user);
    activity["type"] = "invoke".into();
    activity["name"] = name.into();
    activity["value"] = value;
    activity
}

/// A `signin/tokenExchange` invoke for the connection `graph`.
pub fn exchange(harness: &Harness, user: &User, id: &str, token: &str) -> Value {
    let value = json!({ "id": id, "connectionName": "graph", "token": token });
    invoke(harness, user, "signin/tokenExchange", value)
}

/// The activity on another channel, from a user who has only a channel id there.
pub fn on_channel(mut activity: Value, channel: &str, user_id: &str) -> Value {
    activity["channelId"] = channel.into();
    activity["from"] = json!({ "id": user_id, "name": "someone" });
    activity["conversation"] = json!({ "id": format!("conversation-of-{user_id}") });
    activity.as_object_mut().unwrap().remove("channelData");
    activity
}

/// The activity in a group chat.
pub fn in_group(mut activity: Value) -> Value {
    activity["conversation"]["id"] = "19:group@thread.v2".into();
    activity["conversation"]["conversationType"] = "groupChat".into();
    activity["conversation"]["isGroup"] = true.into();
    activity
}

/// The activity in a channel of a Teams team.
pub fn in_channel(mut activity: Value) -> Value {
    activity["conversation"]["id"] = "19:channel@thread.tacv2;messageid=1".into();
    activity["conversation"]["conversationType"] = "channel".into();
    activity["conversation"]["isGroup"] = true.into();
    activity["channelData"]["team"] = json!({ "id": "19:team@thread.tacv2" });
    activity
}

/// The `state` that an SDK bot sends for a card in answer to `activity`.
pub fn state_of(activity: &Value, connection: &str) -> String {
    let state = json!({
        "connectionName": connection,
        "conversation": {
            "activityId": activity["id"],
            "bot": activity["recipient"],
            "channelId": activity["channelId"],
            "conversation": activity["conversation"],
            "locale": activity["locale"],
            "serviceUrl": activity["serviceUrl"],
            "user": activity["from"],
        },
        "msAppId": "",
    });
    base64::engine::general_purpose::STANDARD.encode(state.to_string())
}
