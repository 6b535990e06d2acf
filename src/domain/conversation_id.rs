use std::fmt;

use memchr::memchr_iter;

/// What Teams adds to the id of a channel for the thread of one message, in any letter case.
const MESSAGE_SUFFIX: &str = ";messageid=";

/// The id of a conversation, in the form in which offers, pending cards, reports of clients and exchanges are matched.
///
/// In a Teams channel the same conversation is stated with `;messageid=…` and without: an activity has the suffix, and the
/// reference that a bot keeps may lack it. So the suffix is left out (docs/protocols/sign-in-invokes.md §5).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ConversationId(String);

impl ConversationId {
    /// The conversation that a channel or a bot calls `id`.
    #[must_use]
    pub fn new(id: &str) -> Self {
        let is_suffix = |start: &usize| {
            let part = id.as_bytes().get(*start..start + MESSAGE_SUFFIX.len());
            part.is_some_and(|part| part.eq_ignore_ascii_case(MESSAGE_SUFFIX.as_bytes()))
        };
        let start = memchr_iter(b';', id.as_bytes()).find(is_suffix);
        // The suffix is ASCII, so it begins at the boundary of a character. A suffix of nothing is an id of its own.
        let conversation = start.and_then(|start| id.get(..start)).filter(|conversation| !conversation.is_empty());
        Self(conversation.unwrap_or(id).to_owned())
    }

    /// The id without the suffix.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ConversationId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thread_of_a_message_is_no_conversation_of_its_own() {
        for (id, conversation) in [
            ("19:abc@thread.tacv2;messageid=1481567603816", "19:abc@thread.tacv2"),
            ("19:abc@thread.tacv2;MessageId=1;x=2", "19:abc@thread.tacv2"),
            ("19:abc@thread.skype", "19:abc@thread.skype"),
            ("a:1;message", "a:1;message"),
            ("é;messageid=1", "é"),
            (";messageid=1", ";messageid=1"),
            ("", ""),
        ] {
            assert_eq!(ConversationId::new(id).as_str(), conversation, "{id}");
        }
        assert_eq!(ConversationId::new("19:a;messageid=1"), ConversationId::new("19:a;messageid=2"));
        assert_ne!(ConversationId::new("19:a"), ConversationId::new("19:A"));
    }
}
