//! What users of directories change by themselves.

mod details;
mod own_password;
mod sign_up;

#[cfg(test)]
mod own_password_tests;
#[cfg(test)]
mod tests;

pub use own_password::{OwnPasswordChange, OwnPasswordOutcome, PasswordReset};
pub use sign_up::SignUp;
