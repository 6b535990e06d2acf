use std::error::Error;

use crate::accounts::{PasswordFault, UserChangeError};
use crate::domain::Timestamp;

/// Why an act was not done. Each door has its own words for each.
#[derive(Debug)]
pub enum SelfServiceError {
    /// The directory does not let users do this by themselves.
    SwitchedOff,
    /// Too many such requests, or too many refused passwords.
    TooMany {
        /** Seconds until the next try. */
        retry_after: u64,
    },
    /// A value that no user can have, as a sentence for administrators.
    BadProfile(&'static str),
    /// The new password is not as the directory demands.
    BadPassword(PasswordFault),
    /// Another user has the user name; an administrator is also told of an address.
    Taken,
    /// No user has this id.
    UnknownUser,
    /// The link was used, has ended, or was never drawn.
    LinkEnded,
    /// The present password is wrong, or the user may not sign in: one answer for all.
    PasswordRefused,
    /// The user has changed the password only just.
    TooSoon {
        /** From when on it may be changed. */
        until: Timestamp,
    },
    /// Too many passwords are being hashed.
    Busy,
    /// The store fails, which was logged.
    Unavailable,
}

impl SelfServiceError {
    /// An internal failure; logs it.
    pub(super) fn failed(error: &(dyn Error + 'static)) -> Self {
        tracing::error!(error, "an act of self-service cannot read or write records");
        Self::Unavailable
    }
}

impl From<UserChangeError> for SelfServiceError {
    fn from(error: UserChangeError) -> Self {
        match error {
            UserChangeError::Unknown => Self::UnknownUser,
            UserChangeError::Taken => Self::Taken,
            UserChangeError::BadProfile(text) => Self::BadProfile(text),
            UserChangeError::BadPassword(fault) => Self::BadPassword(fault),
            // Another password is the present one by now.
            UserChangeError::ChangedMeanwhile => Self::PasswordRefused,
            UserChangeError::Busy => Self::Busy,
            UserChangeError::AfterSessionsEnded(error) => Self::from(*error),
            UserChangeError::LastIdentity | UserChangeError::Store(_) => Self::failed(&error),
        }
    }
}
