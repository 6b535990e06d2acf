//! Methods of [`Activity`] for sign-in invokes, which are judged strictly.

use super::activity::{Activity, ActivityError, MAX_NAME_BYTES};
use super::invoke::InvokeKind;
use super::json::{JsonError, Node};
use super::readings::is_read_as;

/// Longest accepted `from.id`, in bytes, and half of the longest accepted other id: they become parts of stored records
/// (docs/architecture.md §Security rules, rule 13).
pub const MAX_ID_BYTES: usize = 256;

/// The members that decide how a sign-in invoke is handled, by the object that contains them. They are accepted in this
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

/// The kinds of value that members have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ValueKind {
    Text,
    Flag,
    List,
    Object,
}

/// The members that address an activity (sender, recipient, place), by the object that contains them. bot-sso reads a value of
/// another kind as absent, but a bot may read it, for example a number as a text.
const ADDRESS_MEMBERS: [(&str, ValueKind, &[&str]); 7] = [
    ("", ValueKind::Object, &["from", "recipient", "conversation", "channelData"]),
    ("", ValueKind::List, &["entities"]),
    ("", ValueKind::Text, &["id", "deliveryMode"]),
    ("from", ValueKind::Text, &PARTY_MEMBERS),
    ("recipient", ValueKind::Text, &PARTY_MEMBERS),
    ("conversation", ValueKind::Text, &["id", "tenantId", "conversationType"]),
    ("conversation", ValueKind::Flag, &["isGroup"]),
];

/// The members that identify a sender or a recipient.
const PARTY_MEMBERS: [&str; 7] =
    ["id", "aadObjectId", "role", "tenantId", "agenticUserId", "agenticAppId", "agenticAppBlueprintId"];

impl Activity<'_> {
    /// Returns the kind of a sign-in invoke that all readers of its bytes understand alike, with the members that
    /// sign-in needs.
    ///
    /// # Errors
    /// [`ActivityError`] names what is missing, too long or ambiguous (docs/protocols/bot-auth-and-skills.md §2 rules 2
    /// and 3).
    pub fn require_sign_in_form(&self) -> Result<InvokeKind, ActivityError> {
        if !self.is_regular {
            return Err(ActivityError::Irregular);
        }
        self.require_legible_members()?;
        let kind = InvokeKind::from_activity(self).ok_or(ActivityError::Ambiguous("name"))?;
        if kind == InvokeKind::VerifyState {
            self.value().map_or(Ok(None), |value| value.get_any_case("state"))?;
        }
        Ok(kind)
    }

    /// Checks that all readers find the same members in the bytes, with the ids that sign-in needs.
    pub(super) fn require_legible_members(&self) -> Result<(), ActivityError> {
        if self.document.has_repeated_members() {
            return Err(JsonError::RepeatedMember.into());
        }
        for (object, members) in EXACTLY_SPELLED_MEMBERS {
            let object = if object.is_empty() { Some(self.root()) } else { self.root().get(object) };
            object.map_or(Ok(()), |object| object.require_spelling(members))?;
        }
        self.member("channelData", "tenant").map_or(Ok(()), |tenant| tenant.require_spelling(&["id"]))?;
        require_text(self.member("conversation", "id"), "conversation.id", 2 * MAX_ID_BYTES)?;
        require_text(self.member("from", "id"), "from.id", MAX_ID_BYTES)?;
        self.require_address_kinds()?;
        for name in ["id", "name"] {
            if self.root().get(name).and_then(Node::as_str).is_some_and(|text| text.len() > 2 * MAX_ID_BYTES) {
                return Err(ActivityError::TooLong(name));
            }
        }
        require_text(self.root().get("type"), "type", MAX_NAME_BYTES)
    }

    /// Checks that each of [`ADDRESS_MEMBERS`] is absent, `null` or of its kind, in every letter case.
    ///
    /// # Errors
    /// [`ActivityError::WrongKind`] names the member.
    pub(super) fn require_address_kinds(&self) -> Result<(), ActivityError> {
        for (object, kind, members) in ADDRESS_MEMBERS {
            let object = if object.is_empty() { Some(self.root()) } else { self.root().get(object) };
            object.map_or(Ok(()), |object| require_kind(object, kind, members))?;
        }
        let Some(channel_data) = self.root().get("channelData") else { return Ok(()) };
        require_kind(channel_data, ValueKind::Text, &["productContext"])?;
        require_kind(channel_data, ValueKind::Object, &["tenant"])?;
        channel_data.get("tenant").map_or(Ok(()), |tenant| require_kind(tenant, ValueKind::Text, &["id"]))
    }
}

fn require_kind(object: Node<'_>, kind: ValueKind, members: &[&'static str]) -> Result<(), ActivityError> {
    let fits = |value: Node<'_>| match value {
        Node::Null => true,
        Node::String(_) => kind == ValueKind::Text,
        Node::Bool(_) => kind == ValueKind::Flag,
        Node::Array(_) => kind == ValueKind::List,
        Node::Object(_) => kind == ValueKind::Object,
        Node::Number(_) => false,
    };
    // One pass over the members of the object: most of them fit, and then no name is compared.
    let find_name = |key: &str| {
        let is_named =
            |name: &&&str| if key.is_ascii() { key.eq_ignore_ascii_case(name) } else { is_read_as(key, name) };
        members.iter().find(is_named)
    };
    match object.members().filter(|(_, value)| !fits(*value)).find_map(|(key, _)| find_name(key)) {
        Some(name) => Err(ActivityError::WrongKind(name)),
        None => Ok(()),
    }
}

fn require_text(node: Option<Node<'_>>, name: &'static str, limit: usize) -> Result<(), ActivityError> {
    match node.and_then(Node::as_str) {
        None | Some("") => Err(ActivityError::Missing(name)),
        Some(text) if text.len() > limit => Err(ActivityError::TooLong(name)),
        Some(_) => Ok(()),
    }
}
