//! Writing a JSON object member by member.

use crate::domain::write_string_literal;
use crate::protocol::raw_members::RawMember;

/// An object that is written into memory.
pub(super) struct ObjectWriter {
    written: Vec<u8>,
}

impl ObjectWriter {
    /// An object without members, for about `bytes` bytes.
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self { written: Vec::with_capacity(bytes) }
    }

    /// Appends a member as it is written elsewhere.
    pub(super) fn copy(&mut self, member: RawMember<'_>) {
        self.separate();
        self.written.extend_from_slice(member.literal);
        self.written.push(b':');
        self.written.extend_from_slice(member.value);
    }

    /// Appends the member `name` with `json` as its value.
    pub(super) fn write(&mut self, name: &str, json: &[u8]) {
        self.begin(name);
        self.written.extend_from_slice(json);
    }

    /// Appends the member `name` with `text` as its value.
    pub(super) fn write_text(&mut self, name: &str, text: &str) {
        self.begin(name);
        write_string_literal(&mut self.written, text);
    }

    /// The whole object.
    pub(super) fn finish(mut self) -> Vec<u8> {
        if self.written.is_empty() {
            self.written.push(b'{');
        }
        self.written.push(b'}');
        self.written
    }

    fn begin(&mut self, name: &str) {
        self.separate();
        write_string_literal(&mut self.written, name);
        self.written.push(b':');
    }

    fn separate(&mut self) {
        self.written.push(if self.written.is_empty() { b'{' } else { b',' });
    }
}
