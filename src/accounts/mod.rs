//! The user ids of apps with a service role, and the person that each of them is linked to.
//!
//! Owns which person a user id of an app means: a link is made by the app's own sign-in or by the operator, and never
//! by an e-mail address or a name. The room deliberately knows neither tokens nor callers.

mod app_users;
mod link_records;

#[cfg(test)]
mod app_users_tests;

pub use app_users::{AppUser, AppUserLink, AppUserPage, AppUsers, LinkOutcome};

/// The longest user id of an app, in bytes.
const MAX_USER_ID_BYTES: usize = 128;

/// Texts that programs write in the place of an id that they do not have.
const NO_IDS: [&str; 3] = ["undefined", "null", "NaN"];

/// Whether `text` can be the id of an app's user: 1 to 128 letters, digits, `_` and `-` of ASCII, and not what JavaScript
/// writes for a missing value (docs/service-role.md §Users).
#[must_use]
pub fn is_app_user_id(text: &str) -> bool {
    let is_of_alphabet = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=MAX_USER_ID_BYTES).contains(&text.len()) && text.bytes().all(is_of_alphabet) && !NO_IDS.contains(&text)
}
