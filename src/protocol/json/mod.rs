//! JSON from outside, parsed into a flat list of slots whose memory is bounded by the length of the text.

mod document;
mod name_marks;
mod reading;
mod slots;
#[cfg(test)]
mod tests;

pub use self::document::{JsonDocument, JsonError, Node, NodeRange};
