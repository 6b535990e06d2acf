use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Number;

use crate::domain::JsonShape;

/// The members of a success that are read. Texts are borrowed from the response: with a tree, an answer of Entra takes twice the
/// instructions (27,600 in the place of 13,100).
#[derive(Debug, Default, PartialEq)]
pub(super) struct TokenMembers<'t> {
    pub(super) access_token: Member<'t>,
    pub(super) error: Member<'t>,
    pub(super) expires_in: Member<'t>,
    pub(super) expires_on: Member<'t>,
    pub(super) id_token: Member<'t>,
    pub(super) issued_token_type: Member<'t>,
    pub(super) refresh_in: Member<'t>,
    pub(super) refresh_token: Member<'t>,
    pub(super) scope: Member<'t>,
    pub(super) token_type: Member<'t>,
}

/// A member of a response.
#[derive(Debug, Default, PartialEq)]
pub(super) enum Member<'t> {
    #[default]
    Absent,
    Null,
    Text(Cow<'t, str>),
    Number(Number),
    Other(JsonShape),
}

#[derive(serde::Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Name {
    AccessToken,
    Error,
    ExpiresIn,
    ExpiresOn,
    IdToken,
    IssuedTokenType,
    RefreshIn,
    RefreshToken,
    Scope,
    TokenType,
    #[serde(other)]
    Unread,
}

impl<'t> TokenMembers<'t> {
    /// Reads a response's body as [`read_bounded_json`](crate::domain::read_bounded_json) does; `None` if it is no object.
    pub(super) fn read(body: &'t [u8]) -> Option<Self> {
        let Counted { members, shape } = serde_json::from_slice(body).ok()?;
        shape.is_bounded(body.len()).then_some(members)
    }

    fn of(&mut self, name: &Name) -> Option<&mut Member<'t>> {
        Some(match name {
            Name::AccessToken => &mut self.access_token,
            Name::Error => &mut self.error,
            Name::ExpiresIn => &mut self.expires_in,
            Name::ExpiresOn => &mut self.expires_on,
            Name::IdToken => &mut self.id_token,
            Name::IssuedTokenType => &mut self.issued_token_type,
            Name::RefreshIn => &mut self.refresh_in,
            Name::RefreshToken => &mut self.refresh_token,
            Name::Scope => &mut self.scope,
            Name::TokenType => &mut self.token_type,
            Name::Unread => return None,
        })
    }
}

impl Member<'_> {
    /// The text, if the member is one and not empty.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    /// Whether the member is absent or null.
    pub(super) const fn is_none(&self) -> bool {
        matches!(self, Self::Absent | Self::Null)
    }

    /// Whether the member is absent, null or an empty text.
    pub(super) fn is_blank(&self) -> bool {
        self.is_none() || matches!(self, Self::Text(text) if text.is_empty())
    }

    /// A positive number of seconds, as a number or a numeric text. Zero or less is not a valid lifetime of a token that was
    /// just issued.
    pub(super) fn seconds(&self) -> Option<Duration> {
        let number = match self {
            Self::Number(number) => number.as_f64()?,
            Self::Text(text) => text.trim().parse::<f64>().ok()?,
            _ => return None,
        };
        if number.is_nan() || number <= 0.0 {
            return None;
        }
        Some(Duration::try_from_secs_f64(number).unwrap_or(Duration::MAX))
    }

    fn shape(&self) -> JsonShape {
        if let Self::Other(shape) = self { *shape } else { JsonShape::SCALAR }
    }
}

struct Counted<'t> {
    members: TokenMembers<'t>,
    shape: JsonShape,
}

impl<'de> Deserialize<'de> for Counted<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Counted<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the object of a token response")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Counted<'de>, A::Error> {
        let mut members = TokenMembers::default();
        let mut shape = JsonShape { values: 1, objects: 1 };
        while let Some(name) = entries.next_key::<Name>()? {
            let inner = if let Some(member) = members.of(&name) {
                *member = entries.next_value()?;
                member.shape()
            } else {
                entries.next_value()?
            };
            shape = shape.with(inner);
        }
        Ok(Counted { members, shape })
    }
}

impl<'de> Deserialize<'de> for Member<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MemberVisitor)
    }
}

struct MemberVisitor;

impl<'de> Visitor<'de> for MemberVisitor {
    type Value = Member<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Member<'de>, E> {
        Ok(Member::Null)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Member<'de>, E> {
        Ok(Member::Other(JsonShape::SCALAR))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Member<'de>, E> {
        Ok(Member::Number(number.into()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Member<'de>, E> {
        Ok(Member::Number(number.into()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Member<'de>, E> {
        Ok(Number::from_f64(number).map_or(Member::Other(JsonShape::SCALAR), Member::Number))
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Member<'de>, E> {
        Ok(Member::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Member<'de>, E> {
        Ok(Member::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Member<'de>, A::Error> {
        JsonShape::deserialize(SeqAccessDeserializer::new(items)).map(Member::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Member<'de>, A::Error> {
        JsonShape::deserialize(MapAccessDeserializer::new(entries)).map(Member::Other)
    }
}
