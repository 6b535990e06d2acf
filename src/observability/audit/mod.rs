//! The audit stream: one JSON line for each security event, and for what is done to a person.
//!
//! Owns the vocabulary of events and fields, and the output, which is apart from the log. It deliberately has no place
//! for a token, a code, or a channel's user id.

mod entry;
mod event;
mod file;
mod stream;

pub use entry::AuditEntry;
pub use event::AuditEvent;
pub use stream::{AuditOutput, AuditStream, is_audit_failing, reopen_audit, start_audit};

pub(super) use stream::lines_left_out;
