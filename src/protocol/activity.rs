use super::json::{JsonError, Node};

/// Longest accepted id, in bytes (docs/architecture.md §Security rules, rule 13).
const MAX_ID_BYTES: usize = 256;
/// Longest accepted `serviceUrl`, in bytes.
const MAX_URL_BYTES: usize = 2048;

/// The members that decide how an activity is handled, by the object that contains them. They are accepted in this
/// spelling only.
const EXACTLY_SPELLED_MEMBERS: [(&str, &[&str]); 5] = [
    (
        "",
        &[
            "type",
            "name",
            "value",
            "id",
            "channelId",
            "serviceUrl",
            "from",
            "conversation",
            "recipient",
            "deliveryMode",
            "channelData",
            "entities",
            "callerId",
        ],
    ),
    ("from", &["id", "aadObjectId"]),
    ("conversation", &["id", "tenantId", "conversationType", "isGroup"]),
    ("recipient", &["id"]),
    ("channelData", &["tenant"]),
];

/// Why a body is not accepted as an activity.
#[derive(Debug, thiserror::Error)]
pub enum ActivityError {
    /// The body is not JSON that [`Node`] accepts, or spells a member in another letter case.
    #[error("the body is not acceptable JSON: {0}")]
    Json(#[from] JsonError),
    /// A required member is missing, empty or not a string.
    #[error("the activity has no usable '{0}'")]
    Missing(&'static str),
    /// A member is too long.
    #[error("the activity's '{0}' is too long")]
    TooLong(&'static str),
}

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
#[derive(Debug)]
pub struct Activity<'a> {
    root: Node<'a>,
}

impl<'a> Activity<'a> {
    /// Reads an activity from a request body.
    ///
    /// # Errors
    /// [`ActivityError`] names what is missing, too long or ambiguous (docs/protocols/bot-auth-and-skills.md §2 rules 2
    /// and 3).
    pub fn parse(body: &'a [u8]) -> Result<Self, ActivityError> {
        let root = Node::parse(body)?;
        if root.members().is_none() {
            return Err(ActivityError::Missing("type"));
        }
        for (object, members) in EXACTLY_SPELLED_MEMBERS {
            let object = if object.is_empty() { Some(&root) } else { root.get(object) };
            object.map_or(Ok(()), |object| object.require_spelling(members))?;
        }
        let tenant = root.get("channelData").and_then(|channel_data| channel_data.get("tenant"));
        tenant.map_or(Ok(()), |tenant| tenant.require_spelling(&["id"]))?;
        let activity = Self { root };
        require_text(activity.root.get("type"), "type", MAX_ID_BYTES)?;
        require_text(activity.root.get("channelId"), "channelId", MAX_ID_BYTES)?;
        require_text(activity.member("conversation", "id"), "conversation.id", 2 * MAX_ID_BYTES)?;
        require_text(activity.member("from", "id"), "from.id", MAX_ID_BYTES)?;
        for (node, name) in [(activity.root.get("id"), "id"), (activity.root.get("name"), "name")] {
            if node.and_then(Node::as_str).is_some_and(|text| text.len() > 2 * MAX_ID_BYTES) {
                return Err(ActivityError::TooLong(name));
            }
        }
        if activity.service_url().is_some_and(|url| url.len() > MAX_URL_BYTES) {
            return Err(ActivityError::TooLong("serviceUrl"));
        }
        Ok(activity)
    }

    /// The whole document.
    #[must_use]
    pub fn root(&self) -> &Node<'a> {
        &self.root
    }

    pub(super) fn root_mut(&mut self) -> &mut Node<'a> {
        &mut self.root
    }

    /// `type`, in the spelling of the sender.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.text("type").unwrap_or("")
    }

    /// Whether `type` is `kind`, ignoring ASCII case (the published documentation prints `Invoke`).
    #[must_use]
    pub fn is(&self, kind: &str) -> bool {
        self.kind().eq_ignore_ascii_case(kind)
    }

    /// `name`, in the spelling of the sender.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.text("name")
    }

    /// `channelId`, in the spelling of the sender.
    #[must_use]
    pub fn channel_id(&self) -> &str {
        self.text("channelId").unwrap_or("")
    }

    /// Whether `channelId` is exactly `emulator`, the channel of the Bot Framework Emulator.
    #[must_use]
    pub fn is_on_emulator(&self) -> bool {
        self.channel_id() == "emulator"
    }

    /// `serviceUrl`, unless absent or empty.
    #[must_use]
    pub fn service_url(&self) -> Option<&str> {
        self.text("serviceUrl").filter(|url| !url.is_empty())
    }

    /// `from.id`.
    #[must_use]
    pub fn from_id(&self) -> &str {
        self.member("from", "id").and_then(Node::as_str).unwrap_or("")
    }

    /// `from.aadObjectId`, unless absent or empty.
    #[must_use]
    pub fn aad_object_id(&self) -> Option<&str> {
        self.member("from", "aadObjectId").and_then(Node::as_str).filter(|id| !id.is_empty())
    }

    /// `conversation.id`.
    #[must_use]
    pub fn conversation_id(&self) -> &str {
        self.member("conversation", "id").and_then(Node::as_str).unwrap_or("")
    }

    /// The tenants the activity names: `conversation.tenantId` and `channelData.tenant.id`.
    pub fn tenant_ids(&self) -> impl Iterator<Item = &str> {
        let conversation = self.member("conversation", "tenantId");
        let channel_data = self.member("channelData", "tenant").and_then(|tenant| tenant.get("id"));
        [conversation, channel_data].into_iter().flatten().filter_map(Node::as_str).filter(|id| !id.is_empty())
    }

    /// Whether the caller wants the replies in the body of the answer (`deliveryMode` is `expectReplies`).
    #[must_use]
    pub fn expects_replies(&self) -> bool {
        self.text("deliveryMode").is_some_and(|mode| mode.eq_ignore_ascii_case("expectReplies"))
    }

    /// Personal, group or channel. `isGroup` alone does not make a Microsoft 365 Copilot conversation a group
    /// (docs/protocols/invoke-protocol.md §8 item 14).
    #[must_use]
    pub fn conversation_type(&self) -> ConversationType {
        let conversation_type = self.member("conversation", "conversationType").and_then(Node::as_str);
        let is_group = self.member("conversation", "isGroup").and_then(Node::as_bool).unwrap_or(false);
        ConversationType::from_members(conversation_type, is_group && !self.is_copilot())
    }

    /// `value`.
    #[must_use]
    pub fn value(&self) -> Option<&Node<'a>> {
        self.root.get("value")
    }

    fn is_copilot(&self) -> bool {
        let by_channel = self.channel_id().eq_ignore_ascii_case("msteams:COPILOT");
        let on_teams = self.channel_id().eq_ignore_ascii_case("msteams");
        by_channel || on_teams && self.root.get("entities").is_some_and(names_copilot)
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.root.get(name).and_then(Node::as_str)
    }

    fn member(&self, object: &str, name: &str) -> Option<&Node<'a>> {
        self.root.get(object).and_then(|node| node.get(name))
    }
}

impl ConversationType {
    /// Derives the type from the two members that clients set.
    #[must_use]
    pub fn from_members(conversation_type: Option<&str>, is_group: bool) -> Self {
        match conversation_type {
            Some(kind) if kind.eq_ignore_ascii_case("channel") => Self::Channel,
            Some(kind) if kind.eq_ignore_ascii_case("groupChat") => Self::Group,
            Some(kind) if kind.eq_ignore_ascii_case("personal") => Self::Personal,
            _ if is_group => Self::Group,
            _ => Self::Personal,
        }
    }
}

/// Whether a `productInfo` entity names Copilot.
fn names_copilot(entities: &Node<'_>) -> bool {
    let Node::Array(entities) = entities else { return false };
    entities.iter().any(|entity| {
        let is_product = entity.get("type").and_then(Node::as_str).is_some_and(|kind| kind == "productInfo");
        is_product && entity.get("id").and_then(Node::as_str).is_some_and(|id| id.eq_ignore_ascii_case("COPILOT"))
    })
}

fn require_text(node: Option<&Node<'_>>, name: &'static str, limit: usize) -> Result<(), ActivityError> {
    match node.and_then(Node::as_str) {
        None | Some("") => Err(ActivityError::Missing(name)),
        Some(text) if text.len() > limit => Err(ActivityError::TooLong(name)),
        Some(_) => Ok(()),
    }
}
