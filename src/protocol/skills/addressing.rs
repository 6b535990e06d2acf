//! The members with which a parent addresses a skill: taken from its activities, kept, and put into activities that are
//! sent to the skill in its name.

use super::object_writer::ObjectWriter;
use super::raw_readings::{is_null, is_object, readings_of};
use crate::protocol::raw_members::members_of;
use crate::protocol::spelling::is_read_as;

/// The longest addressing that is kept, in bytes.
const MAX_ADDRESSING_BYTES: usize = 16 * 1024;

/// The members of an activity that are kept whole.
const KEPT_MEMBERS: [&str; 6] = ["from", "recipient", "conversation", "relatesTo", "channelId", "locale"];

/// The addressing of the activity that well-formed `json` consists of, as a JSON object; `None` if it does not fit.
pub(super) fn compose_addressing(json: &[u8]) -> Option<String> {
    let mut addressing = ObjectWriter::with_capacity(1024);
    let mut left = MAX_ADDRESSING_BYTES;
    let mut write = |name: &'static str, value: &[u8]| {
        // A comma, a colon, two quotes; and the braces of the object.
        left = left.checked_sub(name.len() + value.len() + 6)?;
        addressing.write(name, value);
        Some(())
    };
    for name in KEPT_MEMBERS {
        if let Some(value) = find(json, name) {
            write(name, value)?;
        }
    }
    if let Some(tenant) = find(json, "channelData").and_then(|channel_data| find(channel_data, "tenant")) {
        let mut channel_data = ObjectWriter::with_capacity(tenant.len() + 16);
        channel_data.write("tenant", tenant);
        write("channelData", &channel_data.finish())?;
    }
    String::from_utf8(addressing.finish()).ok()
}

/// The first value in well-formed `json` that some reader takes for the member `name`, unless it is `null`.
pub(super) fn find<'b>(json: &'b [u8], name: &'static str) -> Option<&'b [u8]> {
    readings_of(json, name).next().filter(|value| !is_null(value))
}

/// The `conversation` of an addressing with `id` as its id.
pub(super) fn conversation_with_id(addressing: &[u8], id: &str) -> Vec<u8> {
    replace_member(find(addressing, "conversation"), "id", id)
}

/// The `recipient` of an addressing with the role of a skill.
pub(super) fn recipient_as_skill(addressing: &[u8]) -> Vec<u8> {
    replace_member(find(addressing, "recipient"), "role", "skill")
}

/// `object` with the member `name`, whose value becomes `text`, and without other readings of that member.
fn replace_member(object: Option<&[u8]>, name: &str, text: &str) -> Vec<u8> {
    let object = object.filter(|object| is_object(object)).unwrap_or(b"{}");
    let mut written = ObjectWriter::with_capacity(object.len() + name.len() + text.len() + 8);
    written.write_text(name, text);
    for member in members_of(object).filter(|member| !is_read_as(&member.name(), name)) {
        written.copy(member);
    }
    written.finish()
}
