//! Replacing values inside a body while all other bytes stay.

use bytes::Bytes;

use crate::domain::write_string_literal;
use crate::protocol::activity::ActivityError;

/// The most values that are replaced in one body. No SDK writes a member twice, and with many of them a small body would
/// become a large one.
const MAX_EDITS: usize = 16;

/// Values of a body that become other texts.
pub(super) struct Edits<'b, 'c> {
    body: &'b [u8],
    list: Vec<Edit<'c>>,
}

/// A part of the body, and the text that is written there as a JSON string.
struct Edit<'c> {
    start: usize,
    end: usize,
    text: &'c str,
}

impl<'b, 'c> Edits<'b, 'c> {
    /// Nothing is replaced in `body` yet.
    pub(super) const fn of(body: &'b [u8]) -> Self {
        Self { body, list: Vec::new() }
    }

    /// Replaces `value`, a part of the body, by `text`.
    ///
    /// # Errors
    /// [`ActivityError::TooLong`] names `member` if too many values are replaced.
    pub(super) fn replace(&mut self, value: &[u8], text: &'c str, member: &'static str) -> Result<(), ActivityError> {
        let start = value.as_ptr().addr().checked_sub(self.body.as_ptr().addr());
        let start = start.filter(|start| start + value.len() <= self.body.len()).ok_or(ActivityError::Irregular)?;
        if self.list.len() == MAX_EDITS {
            return Err(ActivityError::TooLong(member));
        }
        self.list.push(Edit { start, end: start + value.len(), text });
        Ok(())
    }

    /// The body with its new values.
    pub(super) fn apply(mut self) -> Result<Bytes, ActivityError> {
        self.list.sort_unstable_by_key(|edit| edit.start);
        let added: usize = self.list.iter().map(|edit| edit.text.len() + 2).sum();
        let mut written = Vec::with_capacity(self.body.len() + added);
        let mut at = 0;
        for Edit { start, end, text } in self.list {
            written.extend_from_slice(self.body.get(at..start).ok_or(ActivityError::Irregular)?);
            write_string_literal(&mut written, text);
            at = end;
        }
        written.extend_from_slice(self.body.get(at..).ok_or(ActivityError::Irregular)?);
        Ok(Bytes::from(written))
    }
}
