use std::slice;

use memchr::memchr2;

/// The most nodes that one document may have, names of members included: as many as fit into a body of 512 KiB.
pub(super) const MAX_NODES: usize = 256 * 1024;

/// Longest accepted text, in bytes. Places in twice as many bytes fit into a slot.
const MAX_TEXT_BYTES: usize = Slot::PLACES / 2;

/// Slots that are reserved at first. Most activities need fewer.
const USUAL_SLOTS: usize = 128;

/// What a slot stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    Null,
    False,
    True,
    /// A whole number below 2^32.
    SmallNumber,
    /// Any other number; its value is not kept.
    OtherNumber,
    /// A string, or the name of a member.
    String,
    Array,
    Object,
}

impl Tag {
    const ALL: [Self; 8] = [
        Self::Null,
        Self::False,
        Self::True,
        Self::SmallNumber,
        Self::OtherNumber,
        Self::String,
        Self::Array,
        Self::Object,
    ];
}

/// One node, in eight bytes.
#[derive(Clone, Copy)]
pub(super) struct Slot {
    /// The tag in the three lowest bits, and above them the place where a string begins.
    tagged_place: u32,
    extent: u32,
}

impl Slot {
    /// The number of places that fit beside a tag.
    const PLACES: usize = 1 << 29;

    /// Stands for nothing.
    pub(super) const UNUSED: Self = Self { tagged_place: 0, extent: 0 };

    pub(super) fn tag(self) -> Tag {
        Tag::ALL.get(self.tagged_place as usize & 7).copied().unwrap_or(Tag::Null)
    }

    /// The length of a string in bytes, the value of a small number, or the index behind all that is inside an array or
    /// an object.
    pub(super) const fn extent(self) -> u32 {
        self.extent
    }

    const fn place(self) -> usize {
        (self.tagged_place >> 3) as usize
    }
}

/// The nodes of a JSON text, each before those inside it. The name of a member comes before its value.
///
/// The list takes at most four times the memory of the text, and six times while it grows, because each node has at
/// least two bytes of text.
pub(super) struct Slots<'a> {
    text: &'a str,
    list: Vec<Slot>,
    /// The strings with escapes, decoded, one after the other. Their places count from the end of `text`.
    decoded: String,
    /// Whether an object has two members whose names may be the same.
    may_repeat_names: bool,
}

impl Slots<'static> {
    /// No slots, for no text.
    pub(super) const EMPTY: Self = Self { text: "", list: Vec::new(), decoded: String::new(), may_repeat_names: false };
}

impl<'a> Slots<'a> {
    /// No slots yet, for `text`.
    ///
    /// # Errors
    /// If the text is too long.
    pub(super) fn new(text: &'a str) -> Result<Self, &'static str> {
        if text.len() > MAX_TEXT_BYTES {
            return Err("too long");
        }
        let list = Vec::with_capacity(USUAL_SLOTS.min(most_slots(text)));
        Ok(Self { text, list, decoded: String::new(), may_repeat_names: false })
    }

    /// Appends a node, and returns its index.
    ///
    /// # Errors
    /// If there are too many nodes.
    pub(super) fn push(&mut self, tag: Tag, extent: u32) -> Result<usize, &'static str> {
        self.append(Slot { tagged_place: tag as u32, extent })
    }

    /// Appends a string that is a part of the text.
    ///
    /// # Errors
    /// If there are too many nodes.
    pub(super) fn push_borrowed(&mut self, part: &'a str) -> Result<(), &'static str> {
        match part.as_ptr().addr().checked_sub(self.text.as_ptr().addr()) {
            Some(place) if place + part.len() <= self.text.len() => self.push_string(place, part.len()),
            // The deserializer borrows strings from the text only.
            _ => self.push_decoded(part),
        }
    }

    /// Appends a string that is not as the text spells it.
    ///
    /// # Errors
    /// As [`Slots::push_borrowed`].
    pub(super) fn push_decoded(&mut self, string: &str) -> Result<(), &'static str> {
        let place = self.text.len() + self.decoded.len();
        self.decoded.push_str(string);
        self.push_string(place, string.len())
    }

    /// The string behind the name that was appended last, if it is plain: only a colon separates it from the name, and it
    /// has neither escapes nor control characters. It ends at the first quote, and is well-formed as it is.
    pub(super) fn plain_string_behind_name(&self) -> Option<&'a str> {
        let name = self.list.last()?;
        let rest = self.text.get(name.place() + name.extent as usize..)?.strip_prefix("\":\"")?;
        let (string, end) = rest.split_at_checked(memchr2(b'"', b'\\', rest.as_bytes())?)?;
        let is_plain = end.starts_with('"') && string.bytes().fold(u8::MAX, u8::min) >= b' ';
        is_plain.then_some(string)
    }

    /// Notes that an object has two members whose names may be the same.
    pub(super) fn suspect_repeated_names(&mut self) {
        self.may_repeat_names = true;
    }

    /// Whether an object has two members whose names may be the same.
    pub(super) const fn may_repeat_names(&self) -> bool {
        self.may_repeat_names
    }

    /// Records that all nodes up to here are inside the array or object at `index`.
    ///
    /// # Errors
    /// If there are too many nodes.
    pub(super) fn close(&mut self, index: usize) -> Result<(), &'static str> {
        let end = u32::try_from(self.list.len()).map_err(|_| "too many nodes")?;
        if let Some(slot) = self.list.get_mut(index) {
            slot.extent = end;
        }
        Ok(())
    }

    /// The text of the nodes.
    pub(super) const fn text(&self) -> &'a str {
        self.text
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    pub(super) fn get(&self, index: usize) -> Option<Slot> {
        self.list.get(index).copied()
    }

    pub(super) fn iter(&self) -> slice::Iter<'_, Slot> {
        self.list.iter()
    }

    /// The index behind the node at `index` and all that is inside it.
    pub(super) fn end_of(&self, index: usize) -> usize {
        match self.get(index) {
            Some(slot) if matches!(slot.tag(), Tag::Array | Tag::Object) => slot.extent as usize,
            _ => index + 1,
        }
    }

    /// The string of a slot that stands for one.
    pub(super) fn string(&self, slot: Slot) -> &str {
        let decoded = slot.place().checked_sub(self.text.len());
        let (source, start) = decoded.map_or((self.text, slot.place()), |start| (self.decoded.as_str(), start));
        source.get(start..start + slot.extent as usize).unwrap_or_default()
    }

    /// The bytes of [`Slots::string`]. Taking a part of bytes is cheaper, because a part of a string has to begin and end
    /// between two characters.
    pub(super) fn string_bytes(&self, slot: Slot) -> &[u8] {
        let decoded = slot.place().checked_sub(self.text.len());
        let (source, start) = decoded.map_or((self.text, slot.place()), |start| (self.decoded.as_str(), start));
        source.as_bytes().get(start..start + slot.extent as usize).unwrap_or_default()
    }

    #[inline]
    fn push_string(&mut self, place: usize, length: usize) -> Result<(), &'static str> {
        let (place, extent) = (u32::try_from(place), u32::try_from(length));
        let (Ok(place), Ok(extent)) = (place, extent) else { return Err("too long") };
        self.append(Slot { tagged_place: (place << 3) | Tag::String as u32, extent }).map(drop)
    }

    #[inline]
    fn append(&mut self, slot: Slot) -> Result<usize, &'static str> {
        let count = self.list.len();
        if count >= MAX_NODES {
            return Err("too many nodes");
        }
        if count == self.list.capacity() {
            self.grow();
        }
        self.list.push(slot);
        Ok(count)
    }

    /// Makes room for more slots. Once a quarter of what the text may need is used, the next step is all of it: the old and
    /// the new list together stay within the bound.
    #[cold]
    fn grow(&mut self) {
        let (count, most) = (self.list.len(), most_slots(self.text));
        let wanted = if 4 * count > most { most } else { 2 * count };
        self.list.reserve_exact(wanted.saturating_sub(count).max(1));
    }
}

/// The most slots that a text may need: a node has at least one byte, and another one before the next node.
const fn most_slots(text: &str) -> usize {
    text.len() / 2 + 2
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::reading::read;
    use super::*;

    #[test]
    fn a_list_of_slots_is_never_longer_than_the_text_may_need() {
        for (element, count) in
            [("0", 2), ("0", 120_000), ("{}", 9_000), ("[]", 70_000), ("-0", 80_000), ("{\"\":0}", 40_000)]
        {
            let text = format!("[{}]", vec![element; count].join(","));
            let slots = read(&text).unwrap();
            assert!(slots.list.capacity() <= most_slots(&text), "{element} {count}");
        }
    }
}
