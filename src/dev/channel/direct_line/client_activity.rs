use serde_json::{Map, Value, json};

use super::conversation::Conversation;
use super::refusal::DirectLineRefusal;
use crate::dev::jwt::text_member;

/// The beginnings of the names of activities whose values are tokens.
const TOKEN_CARRIERS: [&str; 2] = ["signin/", "tokens/"];

/// The members that the channel states itself, in lower case.
const STATED_MEMBERS: [&str; 8] =
    ["from", "recipient", "serviceurl", "callerid", "id", "timestamp", "channelid", "conversation"];

/// An activity that a client posted.
pub(super) struct ClientActivity(Map<String, Value>);

/// The two forms of an activity that a client posted: for the bot, and for the client.
pub(super) struct AddressedActivity {
    pub(super) for_bot: Value,
    /// What clients get. It has no `value` if that may be a token of the user.
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
        let from = sender(conversation, members.get("from"));
        // A bot may read members in another letter case, so none of them stays.
        members.retain(|name, _| {
            let folded = name.to_uppercase().to_lowercase();
            !STATED_MEMBERS.contains(&&*folded) && (folded != "channeldata" || name == "channelData")
        });
        members.insert("from".to_owned(), Value::Object(from));
        members.insert("recipient".to_owned(), Value::Object(conversation.bot_account()));
        members.insert("serviceUrl".to_owned(), json!(service_url));
        conversation.stamp(&mut members, id);
        let echo = echo(&members);
        conversation.state_teams_data(&mut members);
        AddressedActivity { for_bot: Value::Object(members), echo, is_invoke }
    }
}

/// What clients get of an activity. A bot may read members in another letter case, and several of one name, so a value stays
/// only where nothing can make the activity anything but a message or an event that carries no token.
fn echo(members: &Map<String, Value>) -> Map<String, Value> {
    let is_named = |name: &str, wanted: &str| name.trim().eq_ignore_ascii_case(wanted);
    let all = |wanted: &str, fits: fn(&str) -> bool| {
        members.iter().filter(|(name, _)| is_named(name, wanted)).all(|(_, value)| value.as_str().is_some_and(fits))
    };
    let carries_no_token = |name: &str| {
        let name = name.trim().to_ascii_lowercase();
        !TOKEN_CARRIERS.iter().any(|carrier| name.starts_with(carrier))
    };
    let shows_value = all("type", |kind| matches!(kind, "message" | "event")) && all("name", carries_no_token);
    let kept = members.iter().filter(|(name, _)| shows_value || !is_named(name, "value"));
    kept.map(|(name, member)| (name.clone(), member.clone())).collect()
}

/// `from` of a client's activity: the channel's own statement. The client chooses the shown name and nothing else, since a
/// bot may believe any other member.
fn sender(conversation: &Conversation, claimed: Option<&Value>) -> Map<String, Value> {
    let mut from = conversation.user.account(conversation.place.channel);
    if let Some(name) = claimed.and_then(|claimed| text_member(claimed, "name")) {
        from.insert("name".to_owned(), json!(name));
    }
    from
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn what_some_reader_takes_for_the_carrier_of_a_token_has_no_value_in_the_echo() {
        let shown = |text: &str| echo(serde_json::from_str::<Value>(text).unwrap().as_object().unwrap());
        assert!(shown(r#"{"type":"message","text":"hello","value":{"choice":1}}"#).contains_key("value"));
        assert!(shown(r#"{"type":"event","name":"site/join","value":1}"#).contains_key("value"));
        for hidden in [
            r#"{"type":"invoke","value":{"token":"t"}}"#,
            r#"{"type":"invoke ","value":{"token":"t"}}"#,
            r#"{"type":"event","name":"tokens/response","value":{"token":"t"}}"#,
            r#"{"type":"message","Type":"invoke","value":{"token":"t"}}"#,
            r#"{"type":"invoke","Value":{"token":"t"}}"#,
            r#"{"type":null,"value":{"token":"t"}}"#,
        ] {
            assert!(!json!(shown(hidden)).to_string().contains("token\""), "{hidden}");
        }
    }
}
