use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::RecordKey;

/// The public name of one thing that is kept of a person: a token, a pin, an offer. It is the name of its record in the store,
/// a keyed MAC, so it reveals nothing, opens nothing, and stays the same as long as the record is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ElementId(RecordKey);

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
