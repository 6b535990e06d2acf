use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

/// What a password of a directory must be like. Lengths are fixed: 8 to 128 characters, unless `pattern` says otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PasswordPolicy {
    /// A pattern that the whole password must match.
    pub pattern: Option<PasswordPattern>,
    /// Whether the rules below hold (`advancedPasswordManagement.enabled`).
    pub advanced: bool,
    /// How many of the last passwords may not be used again, 1 to 8; `None` if any may.
    pub reuse: Option<u8>,
    /// Whether the password may not contain the user name or the e-mail address.
    pub prevents_user_name: bool,
    /// How long a password is valid; `None` for no end.
    pub expiration: Option<PasswordExpiration>,
    /// When wrong passwords lock a user; `None` if they do not.
    pub lockout: Option<LockoutPolicy>,
    /// The hours that must pass between two changes by the user, 1 to 720; `None` for no wait.
    pub min_hours_between_changes: Option<u16>,
}

impl PasswordPolicy {
    /// How many of the last passwords may be forbidden.
    pub const REUSE: RangeInclusive<u8> = 1..=8;
    /// The days that a password may be valid.
    pub const EXPIRATION_DAYS: RangeInclusive<u8> = 1..=90;
    /// The wrong passwords in a row that may lock a user.
    pub const LOCKOUT_ATTEMPTS: RangeInclusive<u8> = 1..=10;
    /// The seconds that a user may be locked.
    pub const LOCKOUT_SECONDS: RangeInclusive<u32> = 60..=86_400;
    /// The hours that may have to pass between two changes.
    pub const HOURS_BETWEEN_CHANGES: RangeInclusive<u16> = 1..=720;
}

/// A regular expression for passwords.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordPattern {
    /// The expression, which must match the whole password.
    pub regex: String,
    /// What the user is told if it does not match.
    pub message: Option<String>,
}

/// How long a password is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordExpiration {
    /// Days, 1 to 90.
    pub days: u8,
}

/// When wrong passwords lock a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockoutPolicy {
    /// The wrong passwords in a row that lock the user, 1 to 10.
    pub attempts: u8,
    /// Seconds that the user is locked, 60 to 86400.
    pub seconds: u32,
}
