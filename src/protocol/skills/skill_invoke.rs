use bytes::Bytes;

use super::addressing::{conversation_with_id, find, recipient_as_skill};
use super::object_writer::ObjectWriter;
use super::raw_readings::require_object;
use super::readdressing::SkillAddress;
use crate::domain::Timestamp;
use crate::protocol::activity::ActivityError;
use crate::protocol::invoke::InvokeKind;
use crate::protocol::raw_members::members_of;
use crate::protocol::spelling::is_read_as;
use crate::protocol::token_service::iso_8601;

/// What an invoke takes besides its addressing and token.
const USUAL_BYTES: usize = 1024;

/// A `signin/tokenExchange` invoke that a parent would send to its skill (docs/protocols/bot-auth-and-skills.md §5.1).
#[derive(Clone, Copy)]
pub struct SkillInvoke<'a> {
    /// The id of the invoke.
    pub id: &'a str,
    /// How the skill knows the conversation.
    pub address: SkillAddress<'a>,
    /// [`ParentActivity::addressing`](super::ParentActivity::addressing) of the conversation.
    pub addressing: &'a str,
    /// The id of the skill's activity that has the card, if the skill gave it one.
    pub reply_to: Option<&'a str>,
    /// `tokenExchangeResource.id` of the card.
    pub resource_id: &'a str,
    /// `connectionName` of the card.
    pub connection_name: &'a str,
    /// The token for the skill.
    pub token: &'a str,
    /// When the invoke is sent.
    pub timestamp: Timestamp,
}

/// The invoke as JSON, addressed as the parent addresses the skill.
#[must_use]
pub fn token_exchange_invoke(invoke: SkillInvoke<'_>) -> Bytes {
    let addressing = invoke.addressing.as_bytes();
    let mut written = ObjectWriter::with_capacity(USUAL_BYTES + addressing.len() + invoke.token.len());
    written.write_text("type", "invoke");
    written.write_text("id", invoke.id);
    written.write_text("timestamp", &iso_8601(invoke.timestamp));
    written.write_text("name", InvokeKind::TokenExchange.canonical_name());
    written.write_text("serviceUrl", invoke.address.service_url);
    written.write("conversation", &conversation_with_id(addressing, invoke.address.conversation_id));
    written.write("recipient", &recipient_as_skill(addressing));
    for name in ["channelId", "from", "relatesTo", "locale", "channelData"] {
        if let Some(value) = find(addressing, name) {
            written.write(name, value);
        }
    }
    if let Some(reply_to) = invoke.reply_to {
        written.write_text("replyToId", reply_to);
    }
    let mut value = ObjectWriter::with_capacity(USUAL_BYTES + invoke.token.len());
    value.write_text("id", invoke.resource_id);
    value.write_text("connectionName", invoke.connection_name);
    value.write_text("token", invoke.token);
    written.write("value", &value.finish());
    Bytes::from(written.finish())
}

/// A user's invoke as the parent would pass it on to its skill: `body` with `address` and the parent's `addressing`, and
/// without `callerId` and `deliveryMode`. All other members stay as they are written. A parent that gives no `relatesTo`
/// is understood to mean the conversation of the invoke.
///
/// # Errors
/// [`ActivityError`] if `body` is no JSON object.
pub fn readdress_user_invoke(
    body: &Bytes,
    address: SkillAddress<'_>,
    addressing: &str,
) -> Result<Bytes, ActivityError> {
    const NOT_COPIED: [&str; 6] = ["conversation", "recipient", "relatesTo", "serviceUrl", "callerId", "deliveryMode"];
    let (json, addressing) = (require_object(body)?, addressing.as_bytes());
    let mut written = ObjectWriter::with_capacity(USUAL_BYTES + json.len() + addressing.len());
    for member in members_of(json) {
        let name = member.name();
        if !NOT_COPIED.iter().any(|other| is_read_as(&name, other)) {
            written.copy(member);
        }
    }
    written.write_text("serviceUrl", address.service_url);
    written.write("conversation", &conversation_with_id(addressing, address.conversation_id));
    written.write("recipient", &recipient_as_skill(addressing));
    match find(addressing, "relatesTo") {
        Some(relates_to) => written.write("relatesTo", relates_to),
        None => written.write("relatesTo", &compose_relates_to(json)),
    }
    Ok(Bytes::from(written.finish()))
}

/// The reference to the conversation of the activity that well-formed `json` consists of.
fn compose_relates_to(json: &[u8]) -> Vec<u8> {
    let mut written = ObjectWriter::with_capacity(USUAL_BYTES);
    for (name, source) in [
        ("activityId", "id"),
        ("channelId", "channelId"),
        ("conversation", "conversation"),
        ("serviceUrl", "serviceUrl"),
    ] {
        if let Some(value) = find(json, source) {
            written.write(name, value);
        }
    }
    written.finish()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use serde_json::{Value, json};

    use super::*;

    const ADDRESS: SkillAddress<'_> =
        SkillAddress { conversation_id: "0123", service_url: "https://sso.example/api/skills/s/" };

    fn addressing() -> Value {
        json!({
            "from": { "id": "u", "role": "user", "aadObjectId": "o" }, "recipient": { "id": "b", "Role": "bot" },
            "conversation": { "id": "k", "ID": "k", "tenantId": "t" }, "channelId": "msteams", "locale": "de-AT",
            "relatesTo": { "conversation": { "id": "a:1" }, "serviceUrl": "https://smba.example/" },
            "channelData": { "tenant": { "id": "t" } },
        })
    }

    fn invoke(addressing: &str, reply_to: Option<&str>) -> Value {
        let timestamp = Timestamp::from_unix_seconds(1_800_000_000);
        let invoke = SkillInvoke {
            id: "i",
            address: ADDRESS,
            addressing,
            reply_to,
            resource_id: "r\"1",
            connection_name: "c",
            token: "t.t.t",
            timestamp,
        };
        serde_json::from_slice(&token_exchange_invoke(invoke)).unwrap()
    }

    #[test]
    fn a_token_is_sent_as_the_parent_would_send_it() {
        let mut expected = addressing();
        expected["conversation"] = json!({ "id": "0123", "tenantId": "t" });
        expected["recipient"] = json!({ "id": "b", "role": "skill" });
        for (name, value) in [
            ("type", json!("invoke")),
            ("name", json!("signin/tokenExchange")),
            ("id", json!("i")),
            ("timestamp", json!("2027-01-15T08:00:00Z")),
            ("serviceUrl", json!("https://sso.example/api/skills/s/")),
            ("replyToId", json!("a1")),
            ("value", json!({ "id": "r\"1", "connectionName": "c", "token": "t.t.t" })),
        ] {
            expected[name] = value;
        }
        assert_eq!(invoke(&addressing().to_string(), Some("a1")), expected);
    }

    #[test]
    fn what_the_parent_did_not_send_is_not_made_up() {
        let sent = invoke(r#"{"channelId":"c"}"#, None);
        for name in ["from", "relatesTo", "locale", "channelData", "replyToId", "deliveryMode", "callerId"] {
            assert_eq!(sent.get(name), None, "{name}");
        }
        assert_eq!((&sent["recipient"], &sent["conversation"]), (&json!({"role": "skill"}), &json!({"id": "0123"})));
    }

    const USERS: &str = r#"{ "type":"invoke","name":"adaptiveCard/action","id":"f:1","channelId":"msteams","ServiceUrl":"https://smba.example/", "serviceUrl":"https://smba.example/","from":{"id":"u"},"recipient":{"id":"28:b"},"conversation":{"id":"a:1","isGroup":false},"value":{"n":1.0},"callerId":"urn:x","DeliveryMode":"expectReplies","deliveryMode":"expectReplies","locale":"en","channelData":{"big":12345678901234567890123} }"#;

    #[test]
    fn a_users_invoke_reaches_the_skill_as_the_parent_would_pass_it_on() {
        let written = readdress_user_invoke(&Bytes::from(USERS), ADDRESS, &addressing().to_string()).unwrap();
        let text = std::str::from_utf8(&written).unwrap();
        assert!(text.contains(r#""value":{"n":1.0}"#) && text.contains("12345678901234567890123"), "{text}");
        let read: Value = serde_json::from_slice(&written).unwrap();
        let kept: Value = serde_json::from_str(USERS).unwrap();
        for name in ["type", "name", "id", "channelId", "from", "value", "locale", "channelData"] {
            assert_eq!(read[name], kept[name], "{name}");
        }
        assert_eq!(read["conversation"], json!({ "id": "0123", "tenantId": "t" }));
        assert_eq!(read["recipient"], json!({ "id": "b", "role": "skill" }));
        assert_eq!(read["relatesTo"], addressing()["relatesTo"]);
        assert_eq!(read["serviceUrl"], "https://sso.example/api/skills/s/");
        for name in ["callerId", "deliveryMode", "DeliveryMode", "ServiceUrl"] {
            assert_eq!(read.get(name), None, "{name}");
        }
    }

    #[test]
    fn a_parent_without_relates_to_means_the_conversation_of_the_user() {
        let written = readdress_user_invoke(&Bytes::from(USERS), ADDRESS, "{}").unwrap();
        let read: Value = serde_json::from_slice(&written).unwrap();
        let expected = json!({ "activityId": "f:1", "channelId": "msteams", "serviceUrl": "https://smba.example/",
            "conversation": { "id": "a:1", "isGroup": false } });
        assert_eq!(read["relatesTo"], expected);
        assert!(readdress_user_invoke(&Bytes::from("[]"), ADDRESS, "{}").is_err());
    }
}
