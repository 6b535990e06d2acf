use std::fmt;
use std::hash::{Hash, Hasher};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::quick_hashing::hash_mac;

/// The name of a record or of an index in the store: a keyed MAC over length-prefixed parts. A reader of the store
/// therefore learns no ids from it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecordKey(pub [u8; 32]);

/// The public name of one thing that is kept of a person: a token, a pin, an offer. It is the name of its record in the store,
/// a keyed MAC, so it reveals nothing, opens nothing, and stays the same as long as the record is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ElementId(RecordKey);

impl Hash for RecordKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash_mac(&self.0, state);
    }
}

impl fmt::Debug for RecordKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("RecordKey(..)")
    }
}

impl ElementId {
    /// The name of what is kept under `key`.
    #[must_use]
    pub const fn new(key: RecordKey) -> Self {
        Self(key)
    }

    /// Reads the text of an id; `None` for any other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        Some(Self(RecordKey(bytes.try_into().ok()?)))
    }

    /// The record's key.
    #[must_use]
    pub const fn key(self) -> RecordKey {
        self.0
    }
}

impl fmt::Display for ElementId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(RecordKey(bytes)) = self;
        formatter.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::{ElementId, RecordKey};

    #[test]
    fn an_id_is_read_as_it_is_written_and_nothing_else_is_one() {
        let id = ElementId::new(RecordKey([0xfe; 32]));
        let text = id.to_string();
        assert_eq!(text.len(), 43);
        assert_eq!(ElementId::parse(&text), Some(id));
        for other in ["", "x", &text[1..], &format!("{text}="), &format!("{text}A"), &text.replace('_', "/")] {
            assert_eq!(ElementId::parse(other), None, "{other}");
        }
    }
}
