//! Sign-on sessions of browsers: one cookie for each directory.
//!
//! Owns the cookie's value, and how long a session lives. The room deliberately knows no users: the caller compares
//! [`Session::ended_sessions`] with the user's number, and whether the user may still sign in.

mod cookie_value;
mod session;
mod session_record;
mod sso_sessions;

#[cfg(test)]
mod sso_sessions_tests;

pub use session::{FoundSession, NewSession, Session};
pub use sso_sessions::SsoSessions;
