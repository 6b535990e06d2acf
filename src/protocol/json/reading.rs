use std::fmt;
use std::ptr;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::name_marks::{NameMark, SeenNames};
use super::slots::{Slots, Tag};

/// Deepest accepted nesting (docs/protocols/bot-auth-and-skills.md §2 rule 2).
const MAX_DEPTH: usize = 64;

/// Reads one JSON document into slots.
///
/// # Errors
/// If the text is not one well-formed document, is nested too deeply, is too long, or has too many nodes.
pub(super) fn read(text: &str) -> Result<Slots<'_>, serde_json::Error> {
    let mut slots = Slots::new(text).map_err(de::Error::custom)?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    NodeSeed { slots: &mut slots, depth: 0 }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(slots)
}

/// Writes a node, and all that is inside it, into slots.
struct NodeSeed<'s, 'de> {
    slots: &'s mut Slots<'de>,
    depth: usize,
}

impl<'de> NodeSeed<'_, 'de> {
    fn push<E: de::Error>(self, tag: Tag) -> Result<(), E> {
        self.slots.push(tag, 0).map(drop).map_err(E::custom)
    }

    /// A seed for what is inside this node.
    fn inside(&mut self) -> NodeSeed<'_, 'de> {
        NodeSeed { slots: self.slots, depth: self.depth + 1 }
    }

    /// Begins an array or an object, and returns its index.
    fn open<E: de::Error>(&mut self, tag: Tag) -> Result<usize, E> {
        if self.depth >= MAX_DEPTH {
            return Err(E::custom("nested too deeply"));
        }
        self.slots.push(tag, 0).map_err(E::custom)
    }
}

impl<'de> DeserializeSeed<'de> for NodeSeed<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for NodeSeed<'_, 'de> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        self.push(Tag::Null)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<(), E> {
        self.push(if value { Tag::True } else { Tag::False })
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<(), E> {
        match u32::try_from(value) {
            Ok(value) => self.slots.push(Tag::SmallNumber, value).map(drop).map_err(E::custom),
            Err(_) => self.push(Tag::OtherNumber),
        }
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<(), E> {
        self.push(Tag::OtherNumber)
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<(), E> {
        self.push(Tag::OtherNumber)
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<(), E> {
        self.slots.push_borrowed(text).map_err(E::custom)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<(), E> {
        self.slots.push_decoded(text).map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        let index = self.open(Tag::Array)?;
        while items.next_element_seed(self.inside())?.is_some() {}
        self.slots.close(index).map_err(de::Error::custom)
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut entries: A) -> Result<(), A::Error> {
        let index = self.open(Tag::Object)?;
        let mut names = SeenNames::default();
        while let Some(Name { mark, token }) = entries.next_key_seed(NameSeed(self.slots))? {
            if names.has_alike(mark) {
                self.slots.suspect_repeated_names();
            }
            match token {
                Some(token) => entries.next_value_seed(PlainStringSeed { slots: self.slots, string: token })?,
                None => entries.next_value_seed(self.inside())?,
            }
        }
        self.slots.close(index).map_err(de::Error::custom)
    }
}

/// What is known of a member whose name was read.
struct Name<'de> {
    mark: NameMark,
    /// The value, if the member is a `token` and the value a plain string.
    token: Option<&'de str>,
}

/// Writes the name of a member into slots.
struct NameSeed<'s, 'de>(&'s mut Slots<'de>);

impl<'de> DeserializeSeed<'de> for NameSeed<'_, 'de> {
    type Value = Name<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for NameSeed<'_, 'de> {
    type Value = Name<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the name of a member")
    }

    fn visit_borrowed_str<E: de::Error>(self, name: &'de str) -> Result<Self::Value, E> {
        self.0.push_borrowed(name).map_err(E::custom)?;
        let token = if name == "token" { self.0.plain_string_behind_name() } else { None };
        Ok(Name { mark: NameMark::of(name), token })
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Self::Value, E> {
        self.0.push_decoded(name).map_err(E::custom)?;
        Ok(Name { mark: NameMark::of(name), token: None })
    }
}

/// Writes a plain string into slots, which the deserializer reads as bytes: it finds their end with vector instructions. It
/// does so a word at a time where it checks for control characters, and there are none in a plain string.
struct PlainStringSeed<'s, 'de> {
    slots: &'s mut Slots<'de>,
    string: &'de str,
}

impl<'de> DeserializeSeed<'de> for PlainStringSeed<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_bytes(self)
    }
}

impl<'de> Visitor<'de> for PlainStringSeed<'_, 'de> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a plain string")
    }

    fn visit_borrowed_bytes<E: de::Error>(self, bytes: &'de [u8]) -> Result<(), E> {
        if !ptr::eq(bytes, self.string.as_bytes()) {
            return Err(E::custom("not the string behind the name"));
        }
        self.slots.push_borrowed(self.string).map_err(E::custom)
    }
}
