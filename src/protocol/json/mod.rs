//! JSON from outside, parsed into a flat list of slots whose memory is bounded by the length of the text.

mod document;
mod reading;
mod slots;
#[cfg(test)]
mod tests;

use crate::domain::any_byte;

pub use self::document::{JsonDocument, JsonError, Node, NodeRange};

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
