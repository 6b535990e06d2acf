use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashSet;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::domain::any_byte;

/// Objects with up to this many members are searched linearly for duplicates, larger ones with a set: a hostile body
/// with a hundred thousand members must cost linear time only.
const MAX_LINEARLY_SEARCHED_MEMBERS: usize = 24;

/// Deepest accepted nesting (docs/protocols/bot-auth-and-skills.md §2 rule 2).
const MAX_DEPTH: usize = 64;

/// Why bytes are not accepted as JSON.
#[derive(Debug, thiserror::Error)]
pub enum JsonError {
    /// Not JSON, or nested too deeply.
    #[error("{0}")]
    Unacceptable(serde_json::Error),
    /// A member occurs twice in one object.
    #[error("a member occurs twice")]
    RepeatedMember,
    /// Two members of one object differ only in letter case, and the gateway reads one of them.
    #[error("the member '{0}' occurs in two spellings")]
    TwoSpellings(&'static str),
    /// A member is not spelled in the letter case that SDKs use.
    #[error("the member '{0}' is spelled in another letter case")]
    OtherSpelling(&'static str),
}

/// A JSON document, parsed in one pass; its strings are borrowed from the input.
///
/// [`Node::parse`] refuses duplicate members at any depth: if two parsers disagree about which of them counts, a request
/// can be smuggled past the gateway. [`JsonDocument::parse`] keeps them all, for what is only passed on.
#[derive(Clone, Debug, PartialEq)]
pub enum Node<'a> {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A number.
    Number(serde_json::Number),
    /// A string.
    String(Cow<'a, str>),
    /// An array.
    Array(Vec<Node<'a>>),
    /// An object; its members keep their order.
    Object(Vec<(Cow<'a, str>, Node<'a>)>),
}

/// A document that may have members that occur twice.
#[derive(Debug)]
pub struct JsonDocument<'a> {
    /// The document, with every occurrence of every member.
    pub root: Node<'a>,
    /// Whether a member occurs twice in one object, at any depth.
    pub has_repeated_members: bool,
}

impl<'a> JsonDocument<'a> {
    /// Reads one JSON document.
    ///
    /// # Errors
    /// [`JsonError::Unacceptable`] for anything but one well-formed document, 64 levels deep at most.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, JsonError> {
        // UTF-8 is checked for the whole input at once, which is cheaper than for each string.
        let text = std::str::from_utf8(bytes).map_err(|error| JsonError::Unacceptable(de::Error::custom(error)))?;
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let repeats = Cell::new(false);
        let seed = NodeSeed { depth: 0, repeats: &repeats };
        let root = seed.deserialize(&mut deserializer).map_err(JsonError::Unacceptable)?;
        deserializer.end().map_err(JsonError::Unacceptable)?;
        Ok(Self { root, has_repeated_members: repeats.get() })
    }
}

impl<'a> Node<'a> {
    /// Reads one JSON document.
    ///
    /// # Errors
    /// As [`JsonDocument::parse`], and [`JsonError::RepeatedMember`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, JsonError> {
        let JsonDocument { root, has_repeated_members } = JsonDocument::parse(bytes)?;
        if has_repeated_members { Err(JsonError::RepeatedMember) } else { Ok(root) }
    }

    /// The member spelled exactly `name`, if this is an object that has it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Node<'a>> {
        self.members()?.iter().find_map(|(key, node)| (key == name).then_some(node))
    }

    /// The member called `name` in any ASCII letter case.
    ///
    /// # Errors
    /// [`JsonError::TwoSpellings`] if there are two.
    pub fn get_any_case(&self, name: &'static str) -> Result<Option<&Node<'a>>, JsonError> {
        let Some(members) = self.members() else { return Ok(None) };
        let mut found = members.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
        let first = found.next();
        if found.next().is_some() {
            return Err(JsonError::TwoSpellings(name));
        }
        Ok(first.map(|(_, node)| node))
    }

    /// Refuses members that equal one of `names` except for ASCII letter case. The gateway compares exactly; a bot that
    /// ignores letter case would read another document than the gateway.
    ///
    /// # Errors
    /// [`JsonError::OtherSpelling`].
    pub fn require_spelling(&self, names: &[&'static str]) -> Result<(), JsonError> {
        // Most names differ in length or first letter; comparing all of them in full would cost time in every request.
        let alike = |key: &str, name: &str| {
            let first = |text: &str| text.as_bytes().first().map(u8::to_ascii_lowercase);
            key.len() == name.len() && first(key) == first(name) && key != name && key.eq_ignore_ascii_case(name)
        };
        let other = |key: &str| names.iter().find(|name| alike(key, name));
        match self.members().unwrap_or_default().iter().find_map(|(key, _)| other(key)) {
            Some(name) => Err(JsonError::OtherSpelling(name)),
            None => Ok(()),
        }
    }

    /// The members, if this is an object.
    #[must_use]
    pub fn members(&self) -> Option<&[(Cow<'a, str>, Node<'a>)]> {
        if let Node::Object(members) = self { Some(members) } else { None }
    }

    /// The text, if this is a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        if let Node::String(text) = self { Some(text) } else { None }
    }

    /// The value, if this is a boolean.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        if let Node::Bool(value) = self { Some(*value) } else { None }
    }
}

/// Appends `text` as a JSON string. A text without characters to escape, such as a token, is copied whole; the library
/// would examine it byte by byte.
pub(super) fn write_string_literal(to: &mut Vec<u8>, text: &str) {
    let is_escaped = |byte: u8| u8::from(byte < 0x20) | u8::from(byte == b'"') | u8::from(byte == b'\\');
    if any_byte(text.as_bytes(), is_escaped) {
        // Writing to memory cannot fail.
        drop(serde_json::to_writer(to, text));
    } else {
        to.push(b'"');
        to.extend_from_slice(text.as_bytes());
        to.push(b'"');
    }
}

struct NodeSeed<'r> {
    depth: usize,
    /// Set when a member occurs twice.
    repeats: &'r Cell<bool>,
}

impl<'de> DeserializeSeed<'de> for NodeSeed<'_> {
    type Value = Node<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for NodeSeed<'_> {
    type Value = Node<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Node::Bool(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Node::Number(value.into()))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Node::Number(value.into()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Self::Value, E> {
        serde_json::Number::from_f64(value).map(Node::Number).ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Node::String(Cow::Borrowed(text)))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Node::String(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let depth = next_depth::<A::Error>(self.depth)?;
        let mut nodes = Vec::new();
        while let Some(node) = items.next_element_seed(NodeSeed { depth, ..self })? {
            nodes.push(node);
        }
        Ok(Node::Array(nodes))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let depth = next_depth::<A::Error>(self.depth)?;
        // An activity has some twenty members; the objects in it have a few.
        let mut members: Vec<(Cow<'de, str>, Node<'de>)> = Vec::with_capacity(if depth == 1 { 24 } else { 4 });
        let mut seen: HashSet<Cow<'de, str>> = HashSet::new();
        while let Some(key) = entries.next_key_seed(KeySeed)? {
            let duplicate = if members.len() < MAX_LINEARLY_SEARCHED_MEMBERS {
                members.iter().any(|(other, _)| *other == key)
            } else {
                if seen.is_empty() {
                    seen.extend(members.iter().map(|(other, _)| other.clone()));
                }
                !seen.insert(key.clone())
            };
            if duplicate {
                self.repeats.set(true);
            }
            members.push((key, entries.next_value_seed(NodeSeed { depth, ..self })?));
        }
        Ok(Node::Object(members))
    }
}

fn next_depth<E: de::Error>(depth: usize) -> Result<usize, E> {
    if depth >= MAX_DEPTH { Err(E::custom("nested too deeply")) } else { Ok(depth + 1) }
}

struct KeySeed;

impl<'de> DeserializeSeed<'de> for KeySeed {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for KeySeed {
    type Value = Cow<'de, str>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a member's name")
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

impl Serialize for Node<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Node::Null => serializer.serialize_unit(),
            Node::Bool(value) => serializer.serialize_bool(*value),
            Node::Number(number) => number.serialize(serializer),
            Node::String(text) => serializer.serialize_str(text),
            Node::Array(nodes) => serializer.collect_seq(nodes),
            Node::Object(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (key, node) in members {
                    map.serialize_entry(key, node)?;
                }
                map.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn duplicate_members_are_refused_at_any_depth_and_size() {
        assert!(Node::parse(br#"{"a":1,"a":2}"#).is_err());
        assert!(Node::parse(br#"{"a":[{"b":{"c":1,"c":1}}]}"#).is_err());
        assert!(Node::parse(br#"{"a":1,"\u0061":2}"#).is_err());
        let many: Vec<String> = (0..100).map(|n| format!("\"k{n}\":0")).collect();
        assert!(Node::parse(format!("{{{}}}", many.join(",")).as_bytes()).is_ok());
        assert!(Node::parse(format!("{{{},\"k3\":1}}", many.join(",")).as_bytes()).is_err());
    }

    #[test]
    fn nesting_is_bounded_and_trailing_bytes_are_refused() {
        let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(Node::parse(deep(64).as_bytes()).is_ok());
        assert!(Node::parse(deep(65).as_bytes()).is_err());
        assert!(Node::parse(b"{} {}").is_err());
        assert!(Node::parse(b"\xef\xbb\xbf{}").is_err());
    }

    #[test]
    fn a_member_in_two_letter_cases_is_refused() {
        let bytes = br#"{"Token":"a","token":"b","id":"x"}"#;
        let node = Node::parse(bytes).unwrap();
        assert!(node.get_any_case("token").is_err());
        assert_eq!(node.get_any_case("ID").unwrap().and_then(Node::as_str), Some("x"));
    }

    proptest! {
        #[test]
        fn a_string_is_written_as_serde_json_writes_it(text in any::<String>()) {
            let mut bytes = Vec::new();
            write_string_literal(&mut bytes, &text);
            prop_assert_eq!(bytes, serde_json::to_vec(&text).unwrap());
        }

        #[test]
        fn parsing_any_bytes_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = Node::parse(&bytes);
        }

        #[test]
        fn a_document_is_parsed_as_serde_json_parses_it(text in "[\\PC]{0,40}", number in any::<i64>()) {
            let value = serde_json::json!({"text": text, "list": [number, null, true], "deep": {"x": 1.5}});
            let bytes = serde_json::to_vec(&value).unwrap();
            let again: serde_json::Value = serde_json::from_slice(&serde_json::to_vec(&Node::parse(&bytes).unwrap()).unwrap()).unwrap();
            prop_assert_eq!(value, again);
        }
    }
}
