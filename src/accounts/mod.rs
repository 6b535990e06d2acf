//! The accounts of this program: the user ids of apps with a service role, and the users of directories.
//!
//! Owns which person a user id of an app means: a link is made by the app's own sign-in or by the operator, and never
//! by an e-mail address or a name. Owns the settings of directories with their applications, the users of directories, the hashes of
//! their passwords, who they are at other identity providers, the links of messages to them, and what limits the guessing of
//! passwords. The room deliberately knows neither tokens nor sessions nor callers: what a user has elsewhere ends by two numbers
//! in the user's record.

mod app_user_data;
mod app_user_endings;
mod app_users;
mod directories;
mod directory_user_data;
mod directory_users;
mod form_outcomes;
mod link_records;
mod linked_keys;
mod message_rates;
mod passwords;
mod person_turns;
mod self_service_links;
mod turns;

#[cfg(test)]
mod app_users_tests;
#[cfg(test)]
mod replicas_tests;

pub use app_user_data::AppUserData;
pub use app_users::{AppUser, AppUserLink, AppUserPage, AppUsers, LinkOutcome};
pub use directories::{Directories, DirectoryView, FirstDirectory, SettingsChangeError};
pub use directory_user_data::DirectoryUserData;
pub use directory_users::{
    DirectoryUsers, HeldUsers, NamedUser, OwnPasswordChange, OwnPasswordOutcome, PasswordCheck, PasswordReset,
    ReachedLimit, RefusedSignIn, SignInRefusal, SignUp, UserChangeError, UserPage, UserProfile,
};
pub use form_outcomes::{BegunForm, FormOutcome, FormOutcomes, FormSignIn, FormTurn, FormUser};
pub use linked_keys::LinkedDirectoryUsers;
pub use message_rates::{MessageLimits, MessageRates};
pub use passwords::{HashParameters, HasherBusy, PasswordFault, PasswordHasher, is_password_pattern};
pub use self_service_links::{LinkPurpose, SelfServiceContext, SelfServiceLink, SelfServiceLinks};

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
