use std::collections::VecDeque;
use std::sync::Mutex;

use serde_json::Value;

use crate::dev::jwt::text_member;
use crate::dev::lock::lock_ignoring_poison;
use crate::domain::SharedEntropy;

/// The most conversations with skills that are kept; a further one replaces the one that was used longest ago.
const MAX_CONVERSATIONS: usize = 1_000;

/// A conversation between an assistant and one of its skills. For each conversation with the assistant, a user has one
/// conversation with each skill.
#[derive(Clone)]
pub(super) struct HostedConversation {
    /// Its id, which is random: a skill must not be able to guess that of another one.
    pub(super) id: String,
    /// Name of the assistant.
    bot: &'static str,
    /// Name of the skill.
    pub(super) skill: &'static str,
    /// The user's latest activity that was passed on. What the skill says is an answer to it.
    pub(super) activity: Value,
    /// Whether this is the skill to which the user spoke last.
    is_last: bool,
}

/// The conversations of the stage's assistants with their skills.
pub(in crate::dev) struct HostedConversations {
    /// The one that was used last is at the end.
    conversations: Mutex<VecDeque<HostedConversation>>,
    entropy: SharedEntropy,
}

impl HostedConversations {
    pub(in crate::dev) fn new(entropy: SharedEntropy) -> Self {
        Self { conversations: Mutex::default(), entropy }
    }

    /// The id of the conversation in which `activity` is passed on to `skill`. It is always the same for the same user,
    /// conversation and skill.
    pub(super) fn open(&self, bot: &'static str, skill: &'static str, activity: &Value) -> String {
        let mut conversations = lock_ignoring_poison(&self.conversations);
        for other in conversations.iter_mut().filter(|known| known.is_of(bot, activity)) {
            other.is_last = false;
        }
        let known = conversations.iter().position(|known| known.skill == skill && known.is_of(bot, activity));
        let known = known.and_then(|index| conversations.remove(index));
        let id = known.map_or_else(|| self.entropy.hex_id(), |known| known.id);
        if conversations.len() == MAX_CONVERSATIONS {
            conversations.pop_front();
        }
        let activity = activity.clone();
        conversations.push_back(HostedConversation { id: id.clone(), bot, skill, activity, is_last: true });
        id
    }

    /// Forgets to which skill the sender of `activity` spoke last, because the assistant itself asks the user for a code now.
    pub(super) fn forget_last_skill(&self, bot: &str, activity: &Value) {
        for known in lock_ignoring_poison(&self.conversations).iter_mut().filter(|known| known.is_of(bot, activity)) {
            known.is_last = false;
        }
    }

    /// The skill to which the sender of `activity` spoke last in its conversation with `bot`.
    pub(super) fn find_last_skill(&self, bot: &str, activity: &Value) -> Option<&'static str> {
        let conversations = lock_ignoring_poison(&self.conversations);
        conversations.iter().find(|known| known.is_last && known.is_of(bot, activity)).map(|known| known.skill)
    }

    /// The conversation of `bot` with this id.
    pub(super) fn find(&self, bot: &str, id: &str) -> Option<HostedConversation> {
        let conversations = lock_ignoring_poison(&self.conversations);
        conversations.iter().find(|known| known.bot == bot && known.id == id).cloned()
    }

    /// An id for an activity that is sent nowhere.
    pub(super) fn new_activity_id(&self) -> String {
        self.entropy.hex_id()
    }
}

impl HostedConversation {
    /// Whether it is a conversation of `bot` with the sender of `activity`, in the same conversation with the user.
    fn is_of(&self, bot: &str, activity: &Value) -> bool {
        let same = |member| id_of_member(&self.activity, member) == id_of_member(activity, member);
        self.bot == bot
            && same("conversation")
            && same("from")
            && text_member(&self.activity, "channelId") == text_member(activity, "channelId")
    }
}

/// The `id` in the member `member` of an activity; empty if there is none.
pub(super) fn id_of_member<'a>(activity: &'a Value, member: &str) -> &'a str {
    activity.get(member).and_then(|member| text_member(member, "id")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::domain::SystemEntropy;

    fn of_user(user: &str) -> Value {
        json!({"channelId": "webchat", "from": {"id": user}, "conversation": {"id": "the conversation"}})
    }

    #[test]
    fn a_user_has_one_conversation_with_each_skill_and_speaks_to_one_of_them() {
        let hosted = HostedConversations::new(Arc::new(SystemEntropy));
        let (ada, ben) = (of_user("ada"), of_user("ben"));
        let weather = hosted.open("assistant", "weather", &ada);
        let calendar = hosted.open("assistant", "calendar", &ada);
        let of_ben = hosted.open("assistant", "weather", &ben);
        assert!(weather != calendar && weather != of_ben && weather.len() >= 32, "{weather}");
        assert_eq!(hosted.find_last_skill("assistant", &ada), Some("calendar"));
        assert_eq!(hosted.open("assistant", "weather", &ada), weather);
        assert_eq!(hosted.find_last_skill("assistant", &ada), Some("weather"));
        assert_eq!(hosted.find("assistant", &of_ben).unwrap().activity, ben);
        assert!(hosted.find("another", &weather).is_none());
        hosted.forget_last_skill("assistant", &ada);
        assert_eq!(hosted.find_last_skill("assistant", &ada), None);
        assert_eq!(hosted.find_last_skill("assistant", &ben), Some("weather"));
    }

    #[test]
    fn the_conversation_that_was_used_longest_ago_is_forgotten_first() {
        let hosted = HostedConversations::new(Arc::new(SystemEntropy));
        let first = hosted.open("assistant", "weather", &of_user("0"));
        let second = hosted.open("assistant", "weather", &of_user("1"));
        hosted.open("assistant", "weather", &of_user("0"));
        for user in 2..=MAX_CONVERSATIONS {
            hosted.open("assistant", "weather", &of_user(&user.to_string()));
        }
        assert!(hosted.find("assistant", &first).is_some());
        assert!(hosted.find("assistant", &second).is_none());
    }
}
