//! The members of an activity that decide how it is handled: names, places and kinds of values.

use super::json::Node;
use super::spelling::is_read_as;

/// An object in an activity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Root,
    From,
    Recipient,
    Conversation,
    ChannelData,
    Tenant,
    Value,
}

/// A member that is indexed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Member {
    Type,
    Name,
    Value,
    Id,
    ChannelId,
    ServiceUrl,
    From,
    Conversation,
    Recipient,
    DeliveryMode,
    ChannelData,
    Entities,
    CallerId,
    FromId,
    FromAadObjectId,
    FromRole,
    FromTenantId,
    FromAgenticUserId,
    FromAgenticAppId,
    FromAgenticAppBlueprintId,
    RecipientId,
    RecipientAadObjectId,
    RecipientRole,
    RecipientTenantId,
    RecipientAgenticUserId,
    RecipientAgenticAppId,
    RecipientAgenticAppBlueprintId,
    ConversationId,
    ConversationTenantId,
    ConversationType,
    ConversationIsGroup,
    Tenant,
    ProductContext,
    TenantId,
    ValueId,
    ConnectionName,
    Token,
    State,
    Authentication,
}

/// The kinds of value that members have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ValueKind {
    Text,
    Flag,
    List,
    Object,
}

/// What is known of a member.
pub(super) struct Row {
    pub(super) member: Member,
    place: Place,
    name: &'static str,
    /// The kind of its values, if it addresses the activity.
    pub(super) kind: Option<ValueKind>,
    signature: usize,
}

const TEXT: Option<ValueKind> = Some(ValueKind::Text);
const FLAG: Option<ValueKind> = Some(ValueKind::Flag);
const LIST: Option<ValueKind> = Some(ValueKind::List);
const OBJECT: Option<ValueKind> = Some(ValueKind::Object);
const ANY: Option<ValueKind> = None;

/// The indexed members, in the order of [`Member`]. Those of one place are neighbours.
const ROWS: [Row; 39] = [
    row(Member::Type, Place::Root, "type", ANY),
    row(Member::Name, Place::Root, "name", ANY),
    row(Member::Value, Place::Root, "value", ANY),
    row(Member::Id, Place::Root, "id", TEXT),
    row(Member::ChannelId, Place::Root, "channelId", ANY),
    row(Member::ServiceUrl, Place::Root, "serviceUrl", ANY),
    row(Member::From, Place::Root, "from", OBJECT),
    row(Member::Conversation, Place::Root, "conversation", OBJECT),
    row(Member::Recipient, Place::Root, "recipient", OBJECT),
    row(Member::DeliveryMode, Place::Root, "deliveryMode", TEXT),
    row(Member::ChannelData, Place::Root, "channelData", OBJECT),
    row(Member::Entities, Place::Root, "entities", LIST),
    row(Member::CallerId, Place::Root, "callerId", ANY),
    row(Member::FromId, Place::From, "id", TEXT),
    row(Member::FromAadObjectId, Place::From, "aadObjectId", TEXT),
    row(Member::FromRole, Place::From, "role", TEXT),
    row(Member::FromTenantId, Place::From, "tenantId", TEXT),
    row(Member::FromAgenticUserId, Place::From, "agenticUserId", TEXT),
    row(Member::FromAgenticAppId, Place::From, "agenticAppId", TEXT),
    row(Member::FromAgenticAppBlueprintId, Place::From, "agenticAppBlueprintId", TEXT),
    row(Member::RecipientId, Place::Recipient, "id", TEXT),
    row(Member::RecipientAadObjectId, Place::Recipient, "aadObjectId", TEXT),
    row(Member::RecipientRole, Place::Recipient, "role", TEXT),
    row(Member::RecipientTenantId, Place::Recipient, "tenantId", TEXT),
    row(Member::RecipientAgenticUserId, Place::Recipient, "agenticUserId", TEXT),
    row(Member::RecipientAgenticAppId, Place::Recipient, "agenticAppId", TEXT),
    row(Member::RecipientAgenticAppBlueprintId, Place::Recipient, "agenticAppBlueprintId", TEXT),
    row(Member::ConversationId, Place::Conversation, "id", TEXT),
    row(Member::ConversationTenantId, Place::Conversation, "tenantId", TEXT),
    row(Member::ConversationType, Place::Conversation, "conversationType", TEXT),
    row(Member::ConversationIsGroup, Place::Conversation, "isGroup", FLAG),
    row(Member::Tenant, Place::ChannelData, "tenant", OBJECT),
    row(Member::ProductContext, Place::ChannelData, "productContext", TEXT),
    row(Member::TenantId, Place::Tenant, "id", TEXT),
    row(Member::ValueId, Place::Value, "id", ANY),
    row(Member::ConnectionName, Place::Value, "connectionName", ANY),
    row(Member::Token, Place::Value, "token", ANY),
    row(Member::State, Place::Value, "state", ANY),
    row(Member::Authentication, Place::Value, "authentication", ANY),
];

const fn row(member: Member, place: Place, name: &'static str, kind: Option<ValueKind>) -> Row {
    Row { member, place, name, kind, signature: signature(name.as_bytes()) }
}

/// Length and first letter of a name. Most names differ in one of them, so that only equal names are compared in full.
const fn signature(name: &[u8]) -> usize {
    let Some(first) = name.first() else { return 0 };
    name.len() << 8 | first.to_ascii_lowercase() as usize
}

/// The signatures of the names of each place, in the order of [`Place`].
const SIGNATURES: [u64; 7] = [
    signatures_at(Place::Root),
    signatures_at(Place::From),
    signatures_at(Place::Recipient),
    signatures_at(Place::Conversation),
    signatures_at(Place::ChannelData),
    signatures_at(Place::Tenant),
    signatures_at(Place::Value),
];

const fn signatures_at(place: Place) -> u64 {
    let (mut rows, mut signatures) = (ROWS.as_slice(), 0);
    while let Some((row, rest)) = rows.split_first() {
        if row.place as u8 == place as u8 {
            signatures |= signature_bit(row.signature);
        }
        rows = rest;
    }
    signatures
}

/// One bit for a signature, so that a set of signatures fits into a word.
const fn signature_bit(signature: usize) -> u64 {
    1 << ((signature >> 8).wrapping_mul(7).wrapping_add(signature) & 63)
}

/// The names of the members of one place.
#[derive(Clone, Copy)]
pub(super) struct PlaceNames {
    rows: &'static [Row],
    /// The bits of the signatures of all names.
    signatures: u64,
}

/// What readers make of the name of a member.
pub(super) enum NameReading {
    /// All take it for this indexed name.
    Exact(&'static Row),
    /// Some take it for an indexed name, although it is spelled in another way.
    OtherSpelling,
    /// None takes it for an indexed name.
    NotIndexed,
}

impl Place {
    /// The objects inside an activity, each behind the one that contains it.
    pub(super) const INSIDE: [Self; 6] =
        [Self::From, Self::Recipient, Self::Conversation, Self::ChannelData, Self::Tenant, Self::Value];

    /// The member whose value is this object; `None` for the activity itself.
    pub(super) const fn holder(self) -> Option<Member> {
        match self {
            Self::Root => None,
            Self::From => Some(Member::From),
            Self::Recipient => Some(Member::Recipient),
            Self::Conversation => Some(Member::Conversation),
            Self::ChannelData => Some(Member::ChannelData),
            Self::Tenant => Some(Member::Tenant),
            Self::Value => Some(Member::Value),
        }
    }

    fn rows(self) -> &'static [Row] {
        let (first, last) = match self {
            Self::Root => (Member::Type, Member::CallerId),
            Self::From => (Member::FromId, Member::FromAgenticAppBlueprintId),
            Self::Recipient => (Member::RecipientId, Member::RecipientAgenticAppBlueprintId),
            Self::Conversation => (Member::ConversationId, Member::ConversationIsGroup),
            Self::ChannelData => (Member::Tenant, Member::ProductContext),
            Self::Tenant => (Member::TenantId, Member::TenantId),
            Self::Value => (Member::ValueId, Member::Authentication),
        };
        ROWS.get(first as usize..=last as usize).unwrap_or_default()
    }

    /// The names of the members of this place.
    pub(super) fn names(self) -> PlaceNames {
        let signatures = SIGNATURES.get(self as usize).copied().unwrap_or(u64::MAX);
        PlaceNames { rows: self.rows(), signatures }
    }

    /// The names of the members that have values of `kind` and address the activity.
    pub(super) fn names_of_kind(self, kind: ValueKind) -> Vec<&'static str> {
        self.rows().iter().filter(|row| row.kind == Some(kind)).map(|row| row.name).collect()
    }

    /// The one bit that stands for this place in a set.
    pub(super) const fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl PlaceNames {
    /// Finds the member that readers take `name` for.
    pub(super) fn read(self, name: &[u8]) -> NameReading {
        let signature = signature(name);
        // Most names that are not indexed end here.
        if self.signatures & signature_bit(signature) != 0 {
            for row in self.rows.iter().filter(|row| row.signature == signature) {
                if row.name.as_bytes() == name {
                    return NameReading::Exact(row);
                }
                if row.name.as_bytes().eq_ignore_ascii_case(name) {
                    return NameReading::OtherSpelling;
                }
            }
        }
        let is_read = |name: &str| self.rows.iter().any(|row| is_read_as(name, row.name));
        if !name.is_ascii() && str::from_utf8(name).is_ok_and(is_read) {
            return NameReading::OtherSpelling;
        }
        NameReading::NotIndexed
    }
}

impl ValueKind {
    /// Whether a reader takes `value` for one of this kind, or for absent.
    pub(super) const fn fits(self, value: Node<'_>) -> bool {
        match value {
            Node::Null => true,
            Node::String(_) => matches!(self, Self::Text),
            Node::Bool(_) => matches!(self, Self::Flag),
            Node::Array(_) => matches!(self, Self::List),
            Node::Object(_) => matches!(self, Self::Object),
            Node::Number(_) => false,
        }
    }
}

impl Member {
    /// How many members are indexed.
    pub(super) const COUNT: usize = ROWS.len();

    pub(super) fn name(self) -> &'static str {
        ROWS.get(self as usize).map_or("", |row| row.name)
    }

    pub(super) fn place(self) -> Place {
        ROWS.get(self as usize).map_or(Place::Root, |row| row.place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_have_the_order_of_the_members_and_the_places() {
        for (index, row) in ROWS.iter().enumerate() {
            assert_eq!(row.member as usize, index);
            assert!(row.place.rows().iter().any(|of_place| of_place.member == row.member), "{}", row.name);
            assert!(row.place.rows().iter().all(|of_place| of_place.place == row.place), "{}", row.name);
            assert!(
                matches!(row.place.names().read(row.name.as_bytes()), NameReading::Exact(found) if found.member == row.member)
            );
        }
    }
}
