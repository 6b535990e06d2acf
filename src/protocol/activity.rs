use std::cell::OnceCell;

use super::json::{JsonDocument, JsonError, Node};
use super::member_index::MemberIndex;
use super::members::{Member, Place};
use super::regularize::regularize;
use crate::domain::ConversationId;

/// Longest accepted `channelId`, and longest `type` of sign-in traffic, in bytes (docs/architecture.md §Security rules, rule 13).
pub(super) const MAX_NAME_BYTES: usize = 256;
/// Longest accepted `serviceUrl`, in bytes.
const MAX_URL_BYTES: usize = 2048;

/// Why a body is not accepted as an activity.
#[derive(Debug, thiserror::Error)]
pub enum ActivityError {
    /// The body is not JSON that [`JsonDocument`] accepts; or the activity is a sign-in invoke with a member that occurs
    /// twice or is spelled in another letter case.
    #[error("the body is not acceptable JSON: {0}")]
    Json(#[from] JsonError),
    /// A required member is missing, empty or not a string.
    #[error("the activity has no usable '{0}'")]
    Missing(&'static str),
    /// A member is too long.
    #[error("the activity's '{0}' is too long")]
    TooLong(&'static str),
    /// A member has a value of another kind than the one that it is read as.
    #[error("the activity's '{0}' has a value of the wrong kind")]
    WrongKind(&'static str),
    /// Two readers of the same bytes may find two values.
    #[error("the activity's '{0}' can be read in two ways")]
    Ambiguous(&'static str),
    /// A sign-in invoke is written as [`regularize`](super::regularize) describes.
    #[error("the body has a byte-order mark, half of a surrogate pair, or a number out of range")]
    Irregular,
}

/// How the ids end that Teams gives to conversations of several people, in lower case.
const THREADS: [(&str, ConversationType); 4] = [
    ("@thread.tacv2", ConversationType::Channel),
    ("@thread.skype", ConversationType::Channel),
    ("@thread.v2", ConversationType::Group),
    ("@unq.gbl.spaces", ConversationType::Group),
];

/// The kinds of conversation that sign-in distinguishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConversationType {
    /// One user and the bot.
    Personal,
    /// Several users who see each other's cards.
    Group,
    /// A Teams channel, where clients cannot sign in silently (docs/protocols/invoke-protocol.md §1.6).
    Channel,
}

/// A parsed activity, with access to the members that decide how it is handled.
///
/// Any activity that a caller can be authenticated for is accepted, since most are only passed on. The members that
/// sign-in depends on may be read only after [`Activity::require_sign_in_form`].
#[derive(Debug)]
pub struct Activity<'a> {
    pub(super) document: JsonDocument<'a>,
    pub(super) index: MemberIndex,
    /// Whether the parsed text is the body itself, and not a copy that [`regularize`](super::regularize) made of it.
    pub(super) is_regular: bool,
}

impl<'a> Activity<'a> {
    /// Reads an activity from a request body.
    ///
    /// # Errors
    /// [`ActivityError`] if the body is no JSON object; or if `channelId` or `serviceUrl`, by which the caller is
    /// authenticated, is unusable or may be read in two ways (docs/protocols/bot-auth-and-skills.md §2 rules 2 and 3).
    pub fn parse(body: &'a [u8]) -> Result<Self, ActivityError> {
        let document = JsonDocument::parse(body)?;
        if !document.root().is_object() {
            return Err(ActivityError::Missing("type"));
        }
        let activity = Self { index: MemberIndex::of(&document), document, is_regular: true };
        for (member, limit) in [(Member::ChannelId, MAX_NAME_BYTES), (Member::ServiceUrl, MAX_URL_BYTES)] {
            let mut readings = activity.readings(member);
            let first = readings.next();
            if readings.any(|other| !first.is_some_and(|first| is_same_text(first, other))) {
                return Err(ActivityError::Ambiguous(member.name()));
            }
            require_length(first.and_then(Node::as_str).unwrap_or(""), member.name(), limit)?;
        }
        if activity.channel_id().is_empty() { Err(ActivityError::Missing("channelId")) } else { Ok(activity) }
    }

    /// Reads an activity from `body`, also one that is written as [`regularize`](super::regularize) describes: then a regularized
    /// copy is parsed, which is kept in `regularized`.
    ///
    /// # Errors
    /// As [`Activity::parse`].
    pub fn parse_leniently(body: &'a [u8], regularized: &'a OnceCell<Vec<u8>>) -> Result<Self, ActivityError> {
        let unacceptable = match Self::parse(body) {
            Err(ActivityError::Json(error)) => error,
            parsed => return parsed,
        };
        let Some(copy) = regularize(body) else { return Err(unacceptable.into()) };
        Self::parse_regularized(regularized.get_or_init(|| copy))
    }

    /// Reads an activity from the copy of a request body that [`regularize`](super::regularize) made.
    ///
    /// # Errors
    /// As [`Activity::parse`].
    pub fn parse_regularized(copy: &'a [u8]) -> Result<Self, ActivityError> {
        Ok(Self { is_regular: false, ..Self::parse(copy)? })
    }

    /// The whole document.
    #[must_use]
    pub fn root(&self) -> Node<'_> {
        self.document.root()
    }

    /// `type`, in the spelling of the sender.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.text(Member::Type).unwrap_or("")
    }

    /// Whether `type` is `kind`, ignoring ASCII case (the published documentation prints `Invoke`).
    #[must_use]
    pub fn is(&self, kind: &str) -> bool {
        self.kind().eq_ignore_ascii_case(kind)
    }

    /// `name`, in the spelling of the sender.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.text(Member::Name)
    }

    /// `id`, unless absent or empty.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.text(Member::Id).filter(|id| !id.is_empty())
    }

    /// `channelId`, in the spelling of the sender. All readers find this value or none.
    #[must_use]
    pub fn channel_id(&self) -> &str {
        self.readings(Member::ChannelId).next().and_then(Node::as_str).unwrap_or("")
    }

    /// Whether `channelId` is exactly `emulator`, the channel of the Bot Framework Emulator.
    #[must_use]
    pub fn is_on_emulator(&self) -> bool {
        self.channel_id() == "emulator"
    }

    /// `serviceUrl`, unless absent or empty. All readers find this value or none.
    #[must_use]
    pub fn service_url(&self) -> Option<&str> {
        self.readings(Member::ServiceUrl).next().and_then(Node::as_str).filter(|url| !url.is_empty())
    }

    /// `from.id`.
    #[must_use]
    pub fn from_id(&self) -> &str {
        self.text(Member::FromId).unwrap_or("")
    }

    /// `from.aadObjectId`, unless absent or empty.
    #[must_use]
    pub fn aad_object_id(&self) -> Option<&str> {
        self.text(Member::FromAadObjectId).filter(|id| !id.is_empty())
    }

    /// `conversation.id`.
    #[must_use]
    pub fn conversation_id(&self) -> &str {
        self.text(Member::ConversationId).unwrap_or("")
    }

    /// The tenants the activity names: `conversation.tenantId` and `channelData.tenant.id`.
    pub fn tenant_ids(&self) -> impl Iterator<Item = &str> {
        let named = [Member::ConversationTenantId, Member::TenantId].into_iter();
        named.filter_map(|member| self.text(member)).filter(|id| !id.is_empty())
    }

    /// Whether the caller wants the replies in the body of the answer (`deliveryMode` is `expectReplies`).
    #[must_use]
    pub fn expects_replies(&self) -> bool {
        self.text(Member::DeliveryMode).is_some_and(|mode| mode.eq_ignore_ascii_case("expectReplies"))
    }

    /// Personal, group or channel. Neither `isGroup` nor the id alone makes a Microsoft 365 Copilot conversation a group
    /// (docs/protocols/invoke-protocol.md §8 item 14).
    #[must_use]
    pub fn conversation_type(&self) -> ConversationType {
        let stated = self.text(Member::ConversationType);
        if let Some(kind) = stated.and_then(ConversationType::from_name) {
            return kind;
        }
        let is_group = self.get(Member::ConversationIsGroup).and_then(Node::as_bool).unwrap_or(false);
        let id = ConversationId::new(self.conversation_id());
        match ConversationType::from_members(stated, is_group, &id) {
            ConversationType::Group if self.is_copilot() => ConversationType::Personal,
            kind => kind,
        }
    }

    /// `value`.
    #[must_use]
    pub fn value(&self) -> Option<Node<'_>> {
        self.get(Member::Value)
    }

    fn is_copilot(&self) -> bool {
        let by_channel = self.channel_id().eq_ignore_ascii_case("msteams:COPILOT");
        let on_teams = self.channel_id().eq_ignore_ascii_case("msteams");
        let product_context = self.text(Member::ProductContext);
        let by_context = || product_context.is_some_and(|context| context.eq_ignore_ascii_case("COPILOT"));
        by_channel || on_teams && (by_context() || self.get(Member::Entities).is_some_and(names_copilot))
    }

    /// The value of `member`: of its first occurrence, spelled exactly.
    pub(super) fn get(&self, member: Member) -> Option<Node<'_>> {
        if self.index.is_plain(member.place()) {
            return self.index.find(&self.document, member);
        }
        self.object(member.place()).and_then(|object| object.get(member.name()))
    }

    /// The text of `member`, as [`Activity::get`] finds it.
    pub(super) fn text(&self, member: Member) -> Option<&str> {
        self.get(member).and_then(Node::as_str)
    }

    /// The object at `place`: in the first occurrence of each member that leads to it.
    pub(super) fn object(&self, place: Place) -> Option<Node<'_>> {
        place.holder().map_or_else(|| Some(self.root()), |holder| self.get(holder))
    }

    /// The same activity, in which each member is searched for: what the index is compared with.
    #[cfg(test)]
    pub(super) fn without_index(mut self) -> Self {
        self.index = MemberIndex::of_nothing();
        self
    }
}

impl ConversationType {
    /// The type that a channel or a bot states; where it states none that is known, the one that Teams' id shows; else
    /// the one that `isGroup` says (docs/protocols/sign-in-invokes.md §5).
    #[must_use]
    pub fn from_members(stated: Option<&str>, is_group: bool, id: &ConversationId) -> Self {
        let by_flag = if is_group { Self::Group } else { Self::Personal };
        stated.and_then(Self::from_name).or_else(|| Self::from_id(id)).unwrap_or(by_flag)
    }

    fn from_name(name: &str) -> Option<Self> {
        let names = [("channel", Self::Channel), ("groupChat", Self::Group), ("personal", Self::Personal)];
        names.into_iter().find_map(|(known, kind)| known.eq_ignore_ascii_case(name).then_some(kind))
    }

    /// The type of a conversation whose id has one of the forms in which Teams writes ids of channels and of chats of
    /// several people.
    fn from_id(id: &ConversationId) -> Option<Self> {
        let thread = id.as_str().strip_prefix("19:")?.as_bytes();
        let ends_with = |ending: &str| {
            let rest = thread.len().checked_sub(ending.len());
            rest.and_then(|rest| thread.get(rest..)).is_some_and(|end| end.eq_ignore_ascii_case(ending.as_bytes()))
        };
        THREADS.into_iter().find_map(|(ending, kind)| ends_with(ending).then_some(kind))
    }
}

/// Whether a `productInfo` entity names Copilot.
fn names_copilot(entities: Node<'_>) -> bool {
    entities.elements().any(|entity| {
        let is_product =
            entity.get("type").and_then(Node::as_str).is_some_and(|kind| kind.eq_ignore_ascii_case("productInfo"));
        is_product && entity.get("id").and_then(Node::as_str).is_some_and(|id| id.eq_ignore_ascii_case("COPILOT"))
    })
}

/// Whether both are the same text, or both `null`.
fn is_same_text(one: Node<'_>, other: Node<'_>) -> bool {
    match (one, other) {
        (Node::String(one), Node::String(other)) => one == other,
        (Node::Null, Node::Null) => true,
        _ => false,
    }
}

fn require_length(text: &str, name: &'static str, limit: usize) -> Result<(), ActivityError> {
    if text.len() > limit { Err(ActivityError::TooLong(name)) } else { Ok(()) }
}
