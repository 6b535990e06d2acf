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
    Row { member, place, name, kind }
}

/// The number of hashes that names may have.
const HASHES: usize = 64;

/// The members of one place, each at the hash of its name. No two names of a place have the same hash.
type MembersByHash = [Option<Member>; HASHES];

/// The members of each place, in the order of [`Place`].
static MEMBERS_BY_HASH: [MembersByHash; 7] = [
    members_by_hash(Place::Root),
    members_by_hash(Place::From),
    members_by_hash(Place::Recipient),
    members_by_hash(Place::Conversation),
    members_by_hash(Place::ChannelData),
    members_by_hash(Place::Tenant),
    members_by_hash(Place::Value),
];

const fn members_by_hash(place: Place) -> MembersByHash {
    let (mut rows, mut members) = (ROWS.as_slice(), [None; HASHES]);
    while let Some((row, rest)) = rows.split_first() {
        let (_, from_hash) = members.split_at_mut(hash(row.name.as_bytes()));
        if let Some(member) = from_hash.first_mut()
            && row.place as u8 == place as u8
        {
            *member = Some(row.member);
        }
        rows = rest;
    }
    members
}

/// A hash of the length, the first and the last byte of a name. Names that differ only in ASCII letter case have the same.
const fn hash(name: &[u8]) -> usize {
    let (Some(first), Some(last)) = (name.first(), name.last()) else { return 0 };
    // The two cases of a letter differ in this bit only.
    let (first, last) = ((*first | 0x20) as usize, (*last | 0x20) as usize);
    (name.len().wrapping_mul(4) + 7 * first + 2 * last) % HASHES
}

/// The names of the members of one place.
#[derive(Clone, Copy)]
pub(super) struct PlaceNames {
    rows: &'static [Row],
    members: &'static MembersByHash,
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
        let [root, from, recipient, conversation, channel_data, tenant, value] = &MEMBERS_BY_HASH;
        let members = match self {
            Self::Root => root,
            Self::From => from,
            Self::Recipient => recipient,
            Self::Conversation => conversation,
            Self::ChannelData => channel_data,
            Self::Tenant => tenant,
            Self::Value => value,
        };
        PlaceNames { rows: self.rows(), members }
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
        let member = self.members.get(hash(name)).copied().flatten();
        if let Some(row) = member.and_then(|member| ROWS.get(member as usize)) {
            if row.name.as_bytes() == name {
                return NameReading::Exact(row);
            }
            if row.name.as_bytes().eq_ignore_ascii_case(name) {
                return NameReading::OtherSpelling;
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
