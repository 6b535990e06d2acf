//! The users of directories, and the checks of their passwords.

mod changes;
mod identities;
mod identity_owners;
mod list_changes;
mod listing;
mod login_claims;
mod own_changes;
mod profile;
mod records;
mod refusals;
mod sign_in;
mod user_list;
mod user_store;
mod users;

#[cfg(test)]
mod changes_tests;
#[cfg(test)]
mod replicas_tests;
#[cfg(test)]
mod sign_in_limits_tests;
#[cfg(test)]
mod sign_in_tests;
#[cfg(test)]
mod test_samples;
#[cfg(test)]
mod users_tests;

pub use changes::UserChangeError;
pub use listing::HeldUsers;
pub use own_changes::{OwnPasswordChange, OwnPasswordOutcome, PasswordReset, SignUp};
pub use profile::UserProfile;
pub use refusals::ReachedLimit;
pub use sign_in::{NamedUser, PasswordCheck, RefusedSignIn, SignInRefusal};
pub use users::{DirectoryUsers, UserPage};
