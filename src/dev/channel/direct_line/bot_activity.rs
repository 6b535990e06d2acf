use serde_json::{Map, Value, json};

use super::conversation::Conversation;

/// Gives a bot's activity an id and shows it to the clients of `conversation`. Returns the id. `reply_to` is the activity
/// in the path of the bot's call.
pub(in crate::dev::channel) fn accept_from_bot(
    conversation: &Conversation,
    mut activity: Map<String, Value>,
    reply_to: Option<&str>,
) -> String {
    let id = conversation.next_activity_id();
    if let (Some(reply_to), None) = (reply_to, activity.get("replyToId")) {
        activity.insert("replyToId".to_owned(), json!(reply_to));
    }
    write_channel_members(conversation, &mut activity, &id);
    conversation.append(activity);
    id
}

/// Replaces an activity of a bot; `false` if the conversation does not have it.
pub(in crate::dev::channel) fn change_from_bot(
    conversation: &Conversation,
    mut activity: Map<String, Value>,
    id: &str,
) -> bool {
    write_channel_members(conversation, &mut activity, id);
    conversation.replace(id, activity)
}

/// Web Chat takes an activity for one of the bot's by `from.role`.
fn write_channel_members(conversation: &Conversation, activity: &mut Map<String, Value>, id: &str) {
    let mut from = conversation.bot_account();
    if let Some(Value::Object(named)) = activity.remove("from") {
        from.extend(named);
    }
    from.insert("role".to_owned(), json!("bot"));
    activity.insert("from".to_owned(), Value::Object(from));
    conversation.stamp(activity, id);
}
