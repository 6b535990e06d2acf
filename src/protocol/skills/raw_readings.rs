//! What readers may find in well-formed JSON, found in its bytes.

use std::borrow::Cow;

use serde::de::{Error, IgnoredAny};

use crate::protocol::activity::ActivityError;
use crate::protocol::json::JsonError;
use crate::protocol::raw_members::members_of;
use crate::protocol::spelling::is_read_as;

const BYTE_ORDER_MARK: char = '\u{feff}';

/// The well-formed JSON that `body` consists of, without a byte-order mark.
///
/// # Errors
/// [`ActivityError::Json`] if `body` is not well-formed JSON in UTF-8.
pub(super) fn require_json(body: &[u8]) -> Result<&[u8], ActivityError> {
    let unacceptable = |error| ActivityError::Json(JsonError::Unacceptable(error));
    let text = std::str::from_utf8(body).map_err(|error| unacceptable(serde_json::Error::custom(error)))?;
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    serde_json::from_str::<IgnoredAny>(text).map_err(unacceptable)?;
    Ok(text.as_bytes())
}

/// The JSON object that `body` consists of, without a byte-order mark.
///
/// # Errors
/// [`ActivityError::Json`] if `body` is not well-formed JSON in UTF-8, and [`ActivityError::Missing`] if it is no object.
pub(super) fn require_object(body: &[u8]) -> Result<&[u8], ActivityError> {
    let json = require_json(body)?;
    if is_object(json) { Ok(json) } else { Err(ActivityError::Missing("type")) }
}

/// Whether well-formed `json` is an object.
pub(super) fn is_object(json: &[u8]) -> bool {
    json.trim_ascii_start().first() == Some(&b'{')
}

/// Whether well-formed `json` is `null`.
pub(super) fn is_null(json: &[u8]) -> bool {
    json.trim_ascii() == b"null"
}

/// The values of all members of well-formed `json` that some reader takes for the member `name`: every occurrence, in
/// any letter case.
pub(super) fn readings_of<'b>(json: &'b [u8], name: &'static str) -> impl Iterator<Item = &'b [u8]> {
    members_of(json).filter(move |member| is_read_as(&member.name(), name)).map(|member| member.value)
}

/// The text of well-formed `json` that is a string; `None` for other values, and for half of a surrogate pair.
pub(super) fn text_of(json: &[u8]) -> Option<Cow<'_, str>> {
    let quoted = std::str::from_utf8(json).ok()?.trim_ascii();
    let text = quoted.strip_prefix('"')?.strip_suffix('"')?;
    if text.contains('\\') { serde_json::from_str(quoted).ok().map(Cow::Owned) } else { Some(Cow::Borrowed(text)) }
}
