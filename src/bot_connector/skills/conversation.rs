use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::domain::{Account, BotName, ChannelId, ConversationId, SkillName, Timestamp};
use crate::records::{Content, Kind, Plaintext, catalogue, encode_json};

/// A conversation of a parent bot with a skill. It has no `Debug`, because its addressing names people.
#[derive(Clone, PartialEq, Eq)]
pub struct SkillConversation {
    /// The id by which the skill knows the conversation: 128 random bits as 32 hexadecimal digits.
    pub id: String,
    /// The bot that opened the conversation.
    pub parent: BotName,
    /// The skill.
    pub skill: SkillName,
    /// The id by which the parent knows the conversation.
    pub parent_conversation_id: String,
    /// The `serviceUrl` at which the parent receives what the skill sends, as its last activity states it.
    pub parent_service_url: String,
    /// The channel's account of the user at the parent: that of the first activity that a user caused. `None` until then.
    pub account: Option<Account>,
    /// The conversation in which the user speaks to the parent; `None` if the parent has not said it.
    pub user_conversation: Option<ConversationId>,
    /// How the parent addresses the skill in this user's name, as the text of a JSON object; empty if that was too long to
    /// be kept so far. Without it no one can address the skill in the parent's name.
    pub addressing: String,
    /// Whether several users have spoken in this conversation. What the skill asks for may then be meant for any of them, so
    /// no token is exchanged in it.
    pub is_shared: bool,
}

/// What an activity that a parent sends to a skill says of its conversation.
#[derive(Clone)]
pub struct SkillConversationOpening {
    /// The bot that sends the activity.
    pub parent: BotName,
    /// The skill that it is for.
    pub skill: SkillName,
    /// The parent's id of the conversation.
    pub parent_conversation_id: String,
    /// The parent's own `serviceUrl`.
    pub parent_service_url: String,
    /// The user's account at the parent; `None` if no user caused the activity (`conversationUpdate`).
    pub account: Option<Account>,
    /// The conversation in which the user speaks to the parent, if the activity names it.
    pub user_conversation: Option<ConversationId>,
    /// How the activity addresses the skill, as the text of a JSON object; empty if that is too long to be kept.
    pub addressing: String,
}

impl SkillConversation {
    /// Whether it is known how the parent addresses the skill.
    #[must_use]
    pub const fn has_addressing(&self) -> bool {
        !self.addressing.is_empty()
    }

    /// The conversation that `opening` opens.
    pub(super) fn opened(id: &str, opening: SkillConversationOpening) -> Self {
        let SkillConversationOpening { parent, skill, parent_conversation_id, parent_service_url, .. } = opening;
        Self {
            id: id.to_owned(),
            parent,
            skill,
            parent_conversation_id,
            parent_service_url,
            account: opening.account.map(|account| account.as_channel_account().into_owned()),
            user_conversation: opening.user_conversation,
            addressing: opening.addressing,
            is_shared: false,
        }
    }

    /// The conversation after the activity `opening`; `None` if the activity changes nothing. The user stays that of the
    /// first activity, and a conversation that is shared stays so.
    pub(super) fn after(&self, opening: &SkillConversationOpening) -> Option<Self> {
        let is_elsewhere = self.parent_service_url != opening.parent_service_url;
        let Some(speaking) = opening.account.as_ref().map(Account::as_channel_account) else {
            return is_elsewhere
                .then(|| Self { parent_service_url: opening.parent_service_url.clone(), ..self.clone() });
        };
        if self.account.as_ref().is_some_and(|known| *known != *speaking) {
            let parent_service_url = opening.parent_service_url.clone();
            return (is_elsewhere || !self.is_shared).then(|| Self {
                parent_service_url,
                is_shared: true,
                ..self.clone()
            });
        }
        let is_moved = opening.user_conversation.is_some() && opening.user_conversation != self.user_conversation;
        let is_addressed = !self.has_addressing() && !opening.addressing.is_empty();
        (is_elsewhere || is_moved || is_addressed || self.account.is_none()).then(|| Self {
            parent_service_url: opening.parent_service_url.clone(),
            account: Some(speaking.into_owned()),
            user_conversation: opening.user_conversation.clone().or_else(|| self.user_conversation.clone()),
            addressing: self.addressing_after(opening),
            ..self.clone()
        })
    }

    /// The addressing after the activity `opening` of the conversation's user. An addressing that is too long to be kept does not
    /// replace that of an earlier activity of the user. The addressing of a `conversationUpdate`, which no user has caused, is
    /// replaced in any case.
    fn addressing_after(&self, opening: &SkillConversationOpening) -> String {
        let is_kept = opening.addressing.is_empty() && self.account.is_some();
        if is_kept { self.addressing.clone() } else { opening.addressing.clone() }
    }

    /// How well the conversation fits a user who speaks to the parent in `conversation`; `None` if nothing can be sent into it
    /// in this user's name, or if `rule` does not allow the place.
    pub(super) fn place_for(&self, conversation: &ConversationId, rule: PlaceRule) -> Option<ConversationPlace> {
        if self.is_shared || !self.has_addressing() {
            return None;
        }
        let place = match &self.user_conversation {
            Some(known) if known == conversation => ConversationPlace::Exact,
            None => ConversationPlace::Unknown,
            Some(_) => ConversationPlace::Other,
        };
        (rule == PlaceRule::Any || place == ConversationPlace::Exact).then_some(place)
    }

    /// The bytes that the conversation occupies in memory beside its fixed size.
    pub(super) fn text_bytes(&self) -> usize {
        let user = self.account.as_ref().map_or(0, |account| account.subject.as_str().len());
        let conversation = self.user_conversation.as_ref().map_or(0, |conversation| conversation.as_str().len());
        let parents = self.parent_conversation_id.len() + self.parent_service_url.len();
        self.id.len() + parents + user + conversation + self.addressing.len()
    }
}

/// How exactly the place where a user speaks to the parent now has to be the place that the parent named when it opened the
/// conversation with the skill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaceRule {
    /// The two have to be the same conversation. This holds for a user whose id a client has chosen: another person can choose
    /// the same id, but cannot speak in the user's conversation.
    Exact,
    /// Every place will do; a better one goes first.
    Any,
}

/// How a conversation fits the place where its user speaks to the parent now. A better fit compares as less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ConversationPlace {
    /// The parent has said that the user speaks there.
    Exact,
    /// The parent has not said where the user speaks.
    Unknown,
    /// The parent has said that the user speaks elsewhere.
    Other,
}

/// The stored form of a conversation, and when it was written.
pub(super) struct WrittenConversation {
    pub(super) conversation: SkillConversation,
    pub(super) written_at: Timestamp,
}

/// The content of the record.
#[derive(Serialize, Deserialize)]
struct RecordText<'t> {
    id: Cow<'t, str>,
    parent: Cow<'t, str>,
    skill: Cow<'t, str>,
    parent_conversation_id: Cow<'t, str>,
    parent_service_url: Cow<'t, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user: Option<RecordedUser<'t>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user_conversation: Option<Cow<'t, str>>,
    addressing: Cow<'t, str>,
    #[serde(default)]
    is_shared: bool,
    /// In milliseconds since the Unix epoch.
    written_at: i64,
}

/// The user of the channel.
#[derive(Serialize, Deserialize)]
struct RecordedUser<'t> {
    channel: Cow<'t, str>,
    id: Cow<'t, str>,
}

impl Content for WrittenConversation {
    const KIND: &'static Kind = &catalogue::SKILL_CONVERSATION;

    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        let conversation = &self.conversation;
        let user = |account: &'_ Account| {
            let channel = account.realm.channel()?.as_str().to_owned();
            Some(RecordedUser { channel: channel.into(), id: account.subject.as_str().to_owned().into() })
        };
        encode_json(&RecordText {
            id: conversation.id.as_str().into(),
            parent: conversation.parent.as_str().into(),
            skill: conversation.skill.as_str().into(),
            parent_conversation_id: conversation.parent_conversation_id.as_str().into(),
            parent_service_url: conversation.parent_service_url.as_str().into(),
            user: conversation.account.as_ref().and_then(user),
            user_conversation: conversation.user_conversation.as_ref().map(|id| id.as_str().into()),
            addressing: conversation.addressing.as_str().into(),
            is_shared: conversation.is_shared,
            written_at: self.written_at.unix_millis(),
        })
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        let text: RecordText<'_> = plain.json(Self::KIND)?;
        let parent = BotName::new(&text.parent);
        let account = |user: RecordedUser<'_>| Account::of_channel(&parent, ChannelId::new(&user.channel), &user.id);
        let conversation = SkillConversation {
            account: text.user.map(account),
            id: text.id.into_owned(),
            skill: SkillName::new(&text.skill),
            parent_conversation_id: text.parent_conversation_id.into_owned(),
            parent_service_url: text.parent_service_url.into_owned(),
            user_conversation: text.user_conversation.map(|id| ConversationId::new(&id)),
            addressing: text.addressing.into_owned(),
            is_shared: text.is_shared,
            parent,
        };
        Some(Self { conversation, written_at: Timestamp::from_unix_millis(text.written_at) })
    }
}

/// The id by which a skill knows a conversation of its parent.
pub(super) struct ConversationName {
    pub(super) id: String,
}

impl Content for ConversationName {
    const KIND: &'static Kind = &catalogue::SKILL_CONVERSATION_NAME;

    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        Some(Zeroizing::new(self.id.as_bytes().to_vec()))
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        let id = std::str::from_utf8(plain.bytes()).ok()?;
        Some(Self { id: id.to_owned() }).filter(|name| is_conversation_id(&name.id))
    }
}

/// Whether `text` has the form of the ids that bot-sso draws.
pub(super) fn is_conversation_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'))
}
