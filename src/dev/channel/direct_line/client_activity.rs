use serde_json::{Map, Value, json};

use super::chat_channel::ChatChannel;
use super::conversation::Conversation;
use super::refusal::DirectLineRefusal;
use crate::dev::jwt::text_member;

/// An activity that a client posted.
pub(super) struct ClientActivity(Map<String, Value>);

/// The two forms of an activity that a client posted: for the bot, and for the client.
pub(super) struct AddressedActivity {
    pub(super) for_bot: Value,
    /// What clients get. It has no `value` if the activity is an invoke, because that of a sign-in is a token of the user.
    pub(super) echo: Map<String, Value>,
    pub(super) is_invoke: bool,
}

impl ClientActivity {
    /// Parses the body of a post.
    pub(super) fn parse(body: &[u8]) -> Result<Self, DirectLineRefusal> {
        let activity = serde_json::from_slice(body).unwrap_or_default();
        let Value::Object(members) = activity else {
            return Err(DirectLineRefusal::BadArgument("The body is not a JSON object."));
        };
        Self::from_members(members)
    }

    /// The activity with these members. The real service refuses an `Invoke` in the spelling that some documentation
    /// prints (docs/protocols/bot-auth-and-skills.md §6.1).
    pub(super) fn from_members(members: Map<String, Value>) -> Result<Self, DirectLineRefusal> {
        match members.get("type").and_then(Value::as_str) {
            None | Some("") => Err(DirectLineRefusal::MissingProperty("type")),
            Some(kind) if kind != "invoke" && kind.eq_ignore_ascii_case("invoke") => {
                Err(DirectLineRefusal::MissingProperty("type"))
            }
            Some(_) => Ok(Self(members)),
        }
    }

    /// Writes what the channel states into the activity: the user is always the conversation's user.
    pub(super) fn address(self, conversation: &Conversation, id: &str, service_url: &str) -> AddressedActivity {
        let mut members = self.0;
        let is_invoke = members.get("type").is_some_and(|kind| kind == "invoke");
        members.remove("callerId");
        let from = sender(conversation, members.remove("from"));
        members.insert("from".to_owned(), Value::Object(from));
        members.insert("recipient".to_owned(), Value::Object(conversation.bot_account()));
        members.insert("serviceUrl".to_owned(), json!(service_url));
        conversation.stamp(&mut members, id);
        let value = if is_invoke { members.remove("value") } else { None };
        let echo = members.clone();
        members.extend(value.map(|value| ("value".to_owned(), value)));
        state_tenant(conversation, &mut members);
        AddressedActivity { for_bot: Value::Object(members), echo, is_invoke }
    }
}

/// `from` of a client's activity. The client chooses its name and its own members; ids and the Entra identity are the
/// channel's statements.
fn sender(conversation: &Conversation, claimed: Option<Value>) -> Map<String, Value> {
    let mut from = match claimed {
        Some(Value::Object(members)) => members,
        _ => Map::new(),
    };
    from.remove("aadObjectId");
    let mut account = conversation.user.account(conversation.channel);
    if from.contains_key("name") {
        account.remove("name");
    }
    from.extend(account);
    from
}

/// Writes the tenant into `channelData`, as Teams does.
pub(super) fn state_tenant(conversation: &Conversation, members: &mut Map<String, Value>) {
    if conversation.channel != ChatChannel::Teams {
        return;
    }
    let tenant = members.get("conversation").and_then(|reference| text_member(reference, "tenantId"));
    let Some(tenant) = tenant.map(|id| json!({ "id": id })) else { return };
    match members.get_mut("channelData") {
        Some(Value::Object(data)) => {
            data.insert("tenant".to_owned(), tenant);
        }
        _ => {
            members.insert("channelData".to_owned(), json!({ "tenant": tenant }));
        }
    }
}
