use super::addressing::compose_addressing;
use crate::protocol::activity::{Activity, ActivityError};
use crate::protocol::json::Node;
use crate::protocol::sign_in_form::MAX_ID_BYTES;
use crate::protocol::spelling::is_read_as;

/// How a parent bot wants the answer to an activity (docs/protocols/bot-auth-and-skills.md §4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The skill posts its activities to `serviceUrl`.
    Normal,
    /// `expectReplies`: the answer is `{"activities": […]}`.
    ExpectReplies,
    /// `stream`: the answer is a stream of server-sent events.
    Stream,
}

/// What a parent's activity says of its conversation. All readers of the activity find each of these values, or none.
#[derive(Clone, Debug)]
pub struct ParentActivity<'a> {
    /// `conversation.id`, of 512 bytes at most.
    pub conversation_id: &'a str,
    /// `serviceUrl`: where the parent's skill host is.
    pub service_url: &'a str,
    /// `channelId`: the channel of the user.
    pub channel_id: &'a str,
    /// `from.id`, unless absent or empty.
    pub from_id: Option<&'a str>,
    /// Whether some reader takes this for a `conversationUpdate`, whose sender may be the parent itself.
    pub is_conversation_update: bool,
    /// `relatesTo.conversation.id`: the conversation of the user and the parent. `None` if absent, empty, longer than 512
    /// bytes or no text: it only helps to find the conversation.
    pub relates_to_conversation: Option<&'a str>,
    /// `deliveryMode`.
    pub delivery: Delivery,
    /// The members with which the parent addresses the skill, as a JSON object: `from`, `recipient`, `conversation`,
    /// `relatesTo`, `channelId`, `locale`, and `channelData.tenant`. Empty if it is longer than 16 KiB.
    pub addressing: String,
}

impl<'a> ParentActivity<'a> {
    /// Reads `activity`, which a parent bot sends to a skill.
    ///
    /// # Errors
    /// [`ActivityError`] names what is missing, too long, of the wrong kind, or read by two readers in two ways.
    pub fn read(activity: &'a Activity<'_>) -> Result<Self, ActivityError> {
        let root = activity.root();
        let conversation_id = agreed_text(root, &["conversation", "id"], "conversation.id")?
            .ok_or(ActivityError::Missing("conversation.id"))?;
        if conversation_id.len() > 2 * MAX_ID_BYTES {
            return Err(ActivityError::TooLong("conversation.id"));
        }
        let from_id = agreed_text(root, &["from", "id"], "from.id")?;
        if from_id.is_some_and(|id| id.len() > MAX_ID_BYTES) {
            return Err(ActivityError::TooLong("from.id"));
        }
        let service_url = activity.service_url().ok_or(ActivityError::Missing("serviceUrl"))?;
        // In a regularized copy, the replacement character stands for several texts.
        let is_legible = |text: &str| activity.is_regular || !text.contains('\u{fffd}');
        let read = [Some(conversation_id), Some(service_url), Some(activity.channel_id()), from_id];
        if !read.into_iter().flatten().all(is_legible) {
            return Err(ActivityError::Irregular);
        }
        // Without addressing the message goes on all the same, but no one addresses the skill in the parent's name.
        let addressing = compose_addressing(activity.document.text().as_bytes());
        let types = root.readings("type").filter_map(Node::as_str);
        Ok(Self {
            conversation_id,
            service_url,
            channel_id: activity.channel_id(),
            from_id,
            is_conversation_update: types.into_iter().any(|kind| is_read_as(kind, "conversationUpdate")),
            relates_to_conversation: read_relates_to(root)?.filter(|id| is_legible(id)),
            delivery: read_delivery(root)?,
            addressing: addressing.unwrap_or_default(),
        })
    }
}

/// `relatesTo.conversation.id`; `None` if it is not a text that fits.
fn read_relates_to(root: Node<'_>) -> Result<Option<&str>, ActivityError> {
    match agreed_text(root, &["relatesTo", "conversation", "id"], "relatesTo") {
        Ok(id) => Ok(id.filter(|id| id.len() <= 2 * MAX_ID_BYTES)),
        Err(ActivityError::WrongKind(_)) => Ok(None),
        Err(ambiguous) => Err(ambiguous),
    }
}

fn read_delivery(root: Node<'_>) -> Result<Delivery, ActivityError> {
    let mode = agreed_text(root, &["deliveryMode"], "deliveryMode")?.unwrap_or("");
    let modes = [("expectReplies", Delivery::ExpectReplies), ("stream", Delivery::Stream)];
    let known = modes.into_iter().find_map(|(name, delivery)| name.eq_ignore_ascii_case(mode).then_some(delivery));
    Ok(known.unwrap_or(Delivery::Normal))
}

/// The text at `path` inside `node`, unless it is absent, `null` or empty. Every occurrence of the members in the path,
/// in any letter case, must lead to the same.
fn agreed_text<'d>(
    node: Node<'d>,
    path: &[&'static str],
    label: &'static str,
) -> Result<Option<&'d str>, ActivityError> {
    match (path, node) {
        (_, Node::Null) => Ok(None),
        ([], Node::String(text)) => Ok(Some(text).filter(|text| !text.is_empty())),
        ([name, rest @ ..], Node::Object(_)) => {
            let mut texts = node.readings(name).map(|reading| agreed_text(reading, rest, label));
            let first = texts.next().unwrap_or(Ok(None))?;
            for text in texts {
                if text? != first {
                    return Err(ActivityError::Ambiguous(label));
                }
            }
            Ok(first)
        }
        _ => Err(ActivityError::WrongKind(label)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use crate::protocol::regularize;

    const ADDRESS: &str = r#""channelId":"msteams","serviceUrl":"https://p.example/api/skills/""#;

    fn read(members: &str) -> Result<String, ActivityError> {
        let body = format!("{{{ADDRESS},{members}}}");
        let copy = regularize(body.as_bytes());
        let activity = match &copy {
            Some(copy) => Activity::parse_regularized(copy),
            None => Activity::parse(body.as_bytes()),
        }?;
        let read = ParentActivity::read(&activity)?;
        let ParentActivity {
            conversation_id, from_id, relates_to_conversation, is_conversation_update, delivery, ..
        } = read;
        Ok(format!("{conversation_id} {from_id:?} {relates_to_conversation:?} {is_conversation_update} {delivery:?}"))
    }

    #[test]
    fn a_parents_activity_tells_conversation_user_and_delivery() {
        let longest = "x".repeat(256);
        for (members, expected) in [
            (
                r#""conversation":{"id":"k"},"from":{"id":"u"},"relatesTo":{"conversation":{"id":"a:1"}},"deliveryMode":"ExpectReplies""#,
                r#"k Some("u") Some("a:1") false ExpectReplies"#,
            ),
            (
                r#""type":"ConversationUpdate","conversation":{"id":"k"},"deliveryMode":"stream""#,
                "k None None true Stream",
            ),
            (
                r#""type":"message","Type":"conversationUpdate","Conversation":{"Id":"k"},"relatesTo":null,"from":null"#,
                "k None None true Normal",
            ),
            (
                r#""conversation":{"id":"k","ID":"k"},"conversation":{"id":"k"},"from":{"id":""},"relatesTo":{},"deliveryMode":"notification""#,
                "k None None false Normal",
            ),
            (
                &format!(r#""conversation":{{"id":"k"}},"from":{{"id":"{longest}"}},"text":"\ud83d""#),
                &format!("k Some(\"{longest}\") None false Normal"),
            ),
        ] {
            assert_eq!(read(members).unwrap(), expected);
        }
    }

    /// A user without a name would not be noticed as the second one of a conversation.
    #[test]
    fn a_user_whose_id_is_too_long_is_refused_and_not_left_out() {
        for id in ["x".repeat(257), "\u{e4}".repeat(129)] {
            let read = read(&format!(r#""conversation":{{"id":"k"}},"from":{{"id":"{id}"}}"#));
            assert!(matches!(read, Err(ActivityError::TooLong("from.id"))), "{read:?}");
        }
    }

    #[test]
    fn a_relates_to_that_cannot_be_read_names_no_conversation() {
        for relates_to in [
            r#""x""#,
            "[]",
            "5",
            r#"{"conversation":"x"}"#,
            r#"{"conversation":[]}"#,
            r#"{"conversation":{"id":5}}"#,
            r#"{"conversation":{"id":{}}}"#,
            r#"{"conversation":{"id":"a\ud83d"}}"#,
        ] {
            let members = format!(r#""conversation":{{"id":"k"}},"from":{{"id":"u"}},"relatesTo":{relates_to}"#);
            assert_eq!(read(&members).unwrap(), "k Some(\"u\") None false Normal", "{relates_to}");
        }
    }

    #[test]
    fn what_two_readers_may_read_in_two_ways_is_refused() {
        let long = format!(r#""conversation":{{"id":"{}"}}"#, "x".repeat(513));
        for members in [
            r#""type":"message""#,
            r#""conversation":{"id":"k"},"conversation":{"id":"j"}"#,
            r#""conversation":{"id":"k"},"CONVERSATION":{}"#,
            r#""conversation":{"id":"k","Id":"j"}"#,
            r#""conversation":{"id":"k"},"conver\u017fation":{"id":"j"}"#,
            r#""conversation":{"id":5}"#,
            r#""conversation":"k""#,
            r#""conversation":{"id":"k"},"from":{"id":"u","ID":"v"}"#,
            r#""conversation":{"id":"k"},"from":{"id":"u"},"From":{"id":"v"}"#,
            r#""conversation":{"id":"k"},"from":{"id":7}"#,
            r#""conversation":{"id":"k"},"relatesTo":{"conversation":{"id":"a","Id":"b"}}"#,
            r#""conversation":{"id":"k"},"relatesTo":{"conversation":{"id":"a"},"Conversation":{"id":"b"}}"#,
            r#""conversation":{"id":"k"},"relatesTo":{"conversation":{"id":"a"}},"relatesTo":{}"#,
            r#""conversation":{"id":"k"},"deliveryMode":"stream","DeliveryMode":"normal""#,
            r#""conversation":{"id":"k\ud83d"}"#,
            r#""conversation":{"id":"k"},"from":{"id":"u\ud83d"}"#,
            &long,
        ] {
            assert!(read(members).is_err(), "{members}");
        }
    }

    #[test]
    fn the_addressing_holds_what_the_parent_sent_as_it_was_written() {
        let body = format!(
            r#"{{{ADDRESS},"From":{{"id":"u", "n":1.0}},"conversation":{{"id":"k"}},"recipient":null,"value":{{}},"channelData":{{"x":1,"tenant":{{"id":"t"}}}},"locale":"de-AT"}}"#
        );
        let activity = Activity::parse(body.as_bytes()).unwrap();
        assert_eq!(
            ParentActivity::read(&activity).unwrap().addressing,
            r#"{"from":{"id":"u", "n":1.0},"conversation":{"id":"k"},"channelId":"msteams","locale":"de-AT","channelData":{"tenant":{"id":"t"}}}"#
        );
        let much =
            format!(r#"{{{ADDRESS},"conversation":{{"id":"k"}},"relatesTo":{{"x":"{}"}}}}"#, "x".repeat(16 * 1024));
        let activity = Activity::parse(much.as_bytes()).unwrap();
        let read = ParentActivity::read(&activity).unwrap();
        assert_eq!(
            (read.conversation_id, read.addressing.as_str()),
            ("k", ""),
            "it is not kept, and the message goes on"
        );
    }
}
