//! Methods of [`Activity`] for sign-in invokes, which are judged strictly.

use super::activity::{Activity, ActivityError, MAX_NAME_BYTES};
use super::invoke::InvokeKind;
use super::json::{JsonError, Node};
use super::members::{Member, Place, ValueKind};
use super::spelling::is_read_as;

/// Longest accepted `from.id`, in bytes, and half of the longest accepted other id: they become parts of stored records
/// (docs/architecture.md §Security rules, rule 13).
pub const MAX_ID_BYTES: usize = 256;

/// The members that decide how a sign-in invoke is handled. They are accepted in this spelling only.
const EXACTLY_SPELLED_MEMBERS: [(Place, &[Member]); 6] = [
    (
        Place::Root,
        &[
            Member::Type,
            Member::Name,
            Member::Value,
            Member::Id,
            Member::ChannelId,
            Member::ServiceUrl,
            Member::From,
            Member::Conversation,
            Member::Recipient,
            Member::DeliveryMode,
            Member::ChannelData,
            Member::Entities,
            Member::CallerId,
        ],
    ),
    (Place::From, &[Member::FromId, Member::FromAadObjectId]),
    (
        Place::Conversation,
        &[Member::ConversationId, Member::ConversationTenantId, Member::ConversationType, Member::ConversationIsGroup],
    ),
    (Place::Recipient, &[Member::RecipientId]),
    (Place::ChannelData, &[Member::Tenant]),
    (Place::Tenant, &[Member::TenantId]),
];

/// Where the members that address an activity are (sender, recipient, place), by the kind of their values. bot-sso reads a
/// value of another kind as absent, but a bot may read it, for example a number as a text.
const ADDRESS_MEMBERS: [(Place, ValueKind); 10] = [
    (Place::Root, ValueKind::Object),
    (Place::Root, ValueKind::List),
    (Place::Root, ValueKind::Text),
    (Place::From, ValueKind::Text),
    (Place::Recipient, ValueKind::Text),
    (Place::Conversation, ValueKind::Text),
    (Place::Conversation, ValueKind::Flag),
    (Place::ChannelData, ValueKind::Text),
    (Place::ChannelData, ValueKind::Object),
    (Place::Tenant, ValueKind::Text),
];

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
        // Where the index tells that all readers find the same members, none has another spelling.
        if !self.index.is_addressed_plainly() {
            self.require_spelling()?;
        }
        require_text(self.get(Member::ConversationId), "conversation.id", 2 * MAX_ID_BYTES)?;
        require_text(self.get(Member::FromId), "from.id", MAX_ID_BYTES)?;
        self.require_address_kinds()?;
        for member in [Member::Id, Member::Name] {
            if self.text(member).is_some_and(|text| text.len() > 2 * MAX_ID_BYTES) {
                return Err(ActivityError::TooLong(member.name()));
            }
        }
        require_text(self.get(Member::Type), "type", MAX_NAME_BYTES)
    }

    fn require_spelling(&self) -> Result<(), JsonError> {
        for (place, members) in EXACTLY_SPELLED_MEMBERS {
            let names: Vec<_> = members.iter().map(|member| member.name()).collect();
            self.object(place).map_or(Ok(()), |object| object.require_spelling(&names))?;
        }
        Ok(())
    }

    /// Checks that each of [`ADDRESS_MEMBERS`] is absent, `null` or of its kind, in every letter case.
    ///
    /// # Errors
    /// [`ActivityError::WrongKind`] names the member.
    pub(super) fn require_address_kinds(&self) -> Result<(), ActivityError> {
        if self.index.is_addressed_well() {
            return Ok(());
        }
        for (place, kind) in ADDRESS_MEMBERS {
            self.object(place).map_or(Ok(()), |object| require_kind(object, kind, &place.names_of_kind(kind)))?;
        }
        Ok(())
    }
}

fn require_kind(object: Node<'_>, kind: ValueKind, names: &[&'static str]) -> Result<(), ActivityError> {
    // One pass over the members of the object: most of them fit, and then no name is compared.
    let find_name = |key: &str| names.iter().find(|name| is_read_as(key, name));
    match object.members().filter(|(_, value)| !kind.fits(*value)).find_map(|(key, _)| find_name(key)) {
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
