//! The commands by which the walk-through takes one value out of a JSON answer.

/// A `sed` command that extracts the access token from a JSON answer.
pub(super) const EXTRACT_ACCESS_TOKEN: &str = r#"sed 's/.*"access_token":"\([^"]*\)".*/\1/'"#;

/// A `sed` command that extracts the text of the last message in a list.
pub(super) const EXTRACT_TEXT: &str = r#"sed 's/.*"text":"\([^"]*\)".*/\1/'"#;

/// A `sed` command that extracts the link of the last card's button in a list.
pub(super) const EXTRACT_LINK: &str = r#"sed 's/.*"value":"\([^"]*signin=[^"]*\)".*/\1/'"#;

/// A `sed` command that extracts the id of the last user in a list.
pub(super) const EXTRACT_ID: &str = r#"sed 's/.*"id":"\([^"]*\)".*/\1/'"#;
