use std::fmt;
use std::iter;
use std::ops::RangeInclusive;
use std::str;

use serde::de;

use super::reading::read;
use super::slots::{Slot, Slots, Tag};

/// What has no members and no elements.
static EMPTY: JsonDocument<'static> = JsonDocument(Slots::EMPTY);

/// Objects with up to this many members are searched linearly for repeated names, larger ones by sorting: a hostile
/// body with a hundred thousand members must not cost quadratic time.
const MAX_LINEARLY_SEARCHED_MEMBERS: usize = 24;

/// Why bytes are not accepted as JSON.
#[derive(Debug, thiserror::Error)]
pub enum JsonError {
    /// Not JSON, nested too deeply, or made of too many nodes.
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

/// A JSON document, parsed in one pass.
///
/// A document takes at most seven times the memory of its text while it is parsed, and five times afterwards, whatever
/// the text is: each node is one slot of eight bytes in one list, and has at least two bytes of text. Strings stay in
/// the text; those with escapes are decoded into one buffer.
pub struct JsonDocument<'a>(Slots<'a>);

/// A value in a [`JsonDocument`].
#[derive(Clone, Copy, Debug)]
pub enum Node<'d> {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A number. The value is kept if it is a whole number below 2^32: nothing else is read.
    Number(Option<u32>),
    /// A string.
    String(&'d str),
    /// An array.
    Array(NodeRange<'d>),
    /// An object; its members keep their order.
    Object(NodeRange<'d>),
}

/// The nodes inside an array or an object.
#[derive(Clone, Copy)]
pub struct NodeRange<'d> {
    document: &'d JsonDocument<'d>,
    start: usize,
    end: usize,
}

impl<'a> JsonDocument<'a> {
    /// Reads one JSON document. A member may occur more than once: all occurrences are kept, for what is only passed on.
    ///
    /// # Errors
    /// [`JsonError::Unacceptable`] for anything but one well-formed document, 64 levels deep and of 262,144 nodes at
    /// most.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, JsonError> {
        // UTF-8 is checked for the whole input at once, which is cheaper than for each string.
        let text = str::from_utf8(bytes).map_err(|error| JsonError::Unacceptable(de::Error::custom(error)))?;
        read(text).map(Self).map_err(JsonError::Unacceptable)
    }

    /// Reads one JSON document, and refuses repeated members at any depth: if two parsers disagree about which of them
    /// counts, a request can be smuggled past the gateway.
    ///
    /// # Errors
    /// As [`JsonDocument::parse`], and [`JsonError::RepeatedMember`].
    pub fn parse_unambiguous(bytes: &'a [u8]) -> Result<Self, JsonError> {
        let document = Self::parse(bytes)?;
        if document.has_repeated_members() { Err(JsonError::RepeatedMember) } else { Ok(document) }
    }

    /// The outermost value.
    #[must_use]
    pub fn root(&self) -> Node<'_> {
        self.node(0)
    }

    /// The text that was parsed.
    pub(in crate::protocol) const fn text(&self) -> &'a str {
        self.0.text()
    }

    /// Whether a member occurs twice in one object, at any depth.
    #[must_use]
    pub fn has_repeated_members(&self) -> bool {
        // Reading the text has told that no two names of one object are alike, in almost all documents.
        if !self.0.may_repeat_names() {
            return false;
        }
        let is_object = |slot: &Slot| matches!(slot.tag(), Tag::Object);
        let objects = self.0.iter().enumerate().filter(|(_, slot)| is_object(slot));
        objects.map(|(index, slot)| self.range(index, *slot)).any(NodeRange::has_repeated_names)
    }

    /// The value at an index that [`Node::entries`] has told.
    pub(in crate::protocol) fn node_at(&self, index: u32) -> Node<'_> {
        self.node(index as usize)
    }

    fn node(&self, index: usize) -> Node<'_> {
        let Some(slot) = self.0.get(index) else { return Node::Null };
        match slot.tag() {
            Tag::Null => Node::Null,
            Tag::False => Node::Bool(false),
            Tag::True => Node::Bool(true),
            Tag::SmallNumber => Node::Number(Some(slot.extent())),
            Tag::OtherNumber => Node::Number(None),
            Tag::String => Node::String(self.0.string(slot)),
            Tag::Array => Node::Array(self.range(index, slot)),
            Tag::Object => Node::Object(self.range(index, slot)),
        }
    }

    /// The name of the member whose name has the slot at `index`.
    fn name(&self, index: usize) -> &str {
        self.0.get(index).map_or("", |slot| self.0.string(slot))
    }

    fn range(&self, index: usize, slot: Slot) -> NodeRange<'_> {
        NodeRange { document: self, start: index + 1, end: slot.extent() as usize }
    }
}

impl fmt::Debug for JsonDocument<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("JsonDocument").field("nodes", &self.0.len()).finish_non_exhaustive()
    }
}

impl<'d> Node<'d> {
    /// The member spelled exactly `name`, if this is an object that has it.
    #[must_use]
    pub fn get(self, name: &str) -> Option<Node<'d>> {
        self.values_of(name.len()..=name.len(), move |key| key == name).next()
    }

    /// The member called `name` in any ASCII letter case.
    ///
    /// # Errors
    /// [`JsonError::TwoSpellings`] if there are two.
    pub fn get_any_case(self, name: &'static str) -> Result<Option<Node<'d>>, JsonError> {
        let mut found = self.values_of(name.len()..=name.len(), move |key| key.eq_ignore_ascii_case(name));
        let first = found.next();
        if found.next().is_some() { Err(JsonError::TwoSpellings(name)) } else { Ok(first) }
    }

    /// Refuses members that equal one of `names` except for ASCII letter case. The gateway compares exactly; a bot that
    /// ignores letter case would read another document than the gateway.
    ///
    /// # Errors
    /// [`JsonError::OtherSpelling`].
    pub fn require_spelling(self, names: &[&'static str]) -> Result<(), JsonError> {
        let alike = |key: &str, name: &str| key != name && key.eq_ignore_ascii_case(name);
        let other = |key: &str| names.iter().find(|name| alike(key, name));
        match self.members().find_map(|(key, _)| other(key)) {
            Some(name) => Err(JsonError::OtherSpelling(name)),
            None => Ok(()),
        }
    }

    /// The names and values of the members; none if this is no object.
    pub fn members(self) -> impl Iterator<Item = (&'d str, Node<'d>)> {
        let NodeRange { document, .. } = self.object_range();
        self.object_range().names().map(move |index| (document.name(index), document.node(index + 1)))
    }

    /// The names of the members, with the indices of their values; none if this is no object.
    pub(in crate::protocol) fn entries(self) -> impl Iterator<Item = (&'d [u8], u32)> {
        let NodeRange { document, .. } = self.object_range();
        self.object_range().names().filter_map(move |index| {
            let name = document.0.get(index)?;
            Some((document.0.string_bytes(name), u32::try_from(index + 1).ok()?))
        })
    }

    /// The values of the members whose names have one of `lengths` in bytes and are wanted; none if this is no object.
    pub(in crate::protocol) fn values_of(
        self,
        lengths: RangeInclusive<usize>,
        is_wanted: impl Fn(&str) -> bool,
    ) -> impl Iterator<Item = Node<'d>> {
        let NodeRange { document, .. } = self.object_range();
        // Most names differ in length: only the others are read, and only the values that are wanted.
        let is_value_wanted = move |index: &usize| {
            document
                .0
                .get(*index)
                .is_some_and(|name| lengths.contains(&(name.extent() as usize)) && is_wanted(document.0.string(name)))
        };
        self.object_range().names().filter(is_value_wanted).map(move |index| document.node(index + 1))
    }

    /// The elements, in their order; none if this is no array.
    pub fn elements(self) -> impl Iterator<Item = Node<'d>> {
        let range = if let Node::Array(range) = self { range } else { NodeRange::EMPTY };
        range.elements().map(move |index| range.document.node(index))
    }

    fn object_range(self) -> NodeRange<'d> {
        if let Node::Object(range) = self { range } else { NodeRange::EMPTY }
    }

    /// Whether this is an object.
    #[must_use]
    pub const fn is_object(self) -> bool {
        matches!(self, Node::Object(_))
    }

    /// The text, if this is a string.
    #[must_use]
    pub const fn as_str(self) -> Option<&'d str> {
        if let Node::String(text) = self { Some(text) } else { None }
    }

    /// The value, if this is a boolean.
    #[must_use]
    pub const fn as_bool(self) -> Option<bool> {
        if let Node::Bool(value) = self { Some(value) } else { None }
    }
}

impl NodeRange<'_> {
    const EMPTY: NodeRange<'static> = NodeRange { document: &EMPTY, start: 0, end: 0 };

    /// The indices of an object's names. The value of a member has the index behind its name.
    fn names(self) -> impl Iterator<Item = usize> {
        self.indices_from(move |name| self.document.0.end_of(name + 1))
    }

    /// The indices of an array's elements.
    fn elements(self) -> impl Iterator<Item = usize> {
        self.indices_from(move |element| self.document.0.end_of(element))
    }

    fn indices_from(self, next: impl Fn(usize) -> usize) -> impl Iterator<Item = usize> {
        let mut at = self.start;
        iter::from_fn(move || {
            let index = at;
            (index < self.end).then(|| {
                at = next(index);
                index
            })
        })
    }

    /// Whether two members of this object have the same name.
    fn has_repeated_names(self) -> bool {
        let slots = &self.document.0;
        let mut seen = [Slot::UNUSED; MAX_LINEARLY_SEARCHED_MEMBERS];
        // The lengths of the names so far, one bit for each. Most names of an object differ in length, and then none is read.
        let mut lengths = 0_u64;
        for (count, name) in self.names().filter_map(|index| slots.get(index)).enumerate() {
            let length = 1 << name.extent().min(63);
            let is_same = |earlier: &Slot| {
                earlier.extent() == name.extent() && slots.string_bytes(*earlier) == slots.string_bytes(name)
            };
            if lengths & length != 0 && seen.iter().take(count).any(is_same) {
                return true;
            }
            let Some(place) = seen.get_mut(count) else { return self.has_repeated_sorted_names() };
            *place = name;
            lengths |= length;
        }
        false
    }

    fn has_repeated_sorted_names(self) -> bool {
        // Places of four bytes: the names themselves would cost four times as much.
        let mut names = Vec::with_capacity(self.names().count());
        names.extend(self.names().map_while(|index| u32::try_from(index).ok()));
        let name = |index: &u32| self.document.name(*index as usize);
        names.sort_unstable_by(|one, other| name(one).cmp(name(other)));
        !names.is_sorted_by(|one, other| name(one) < name(other))
    }
}

impl fmt::Debug for NodeRange<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("NodeRange").field("start", &self.start).field("end", &self.end).finish_non_exhaustive()
    }
}
