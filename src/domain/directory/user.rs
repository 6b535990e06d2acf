use serde::{Deserialize, Serialize};

use crate::domain::Timestamp;

/// A user of a directory, without the password. The id never changes; everything else may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryUser {
    /// The id, a UUID. It is `sub` of the user's tokens and `identities[0].id`.
    pub id: String,
    /// The user name, if there is one. Unique in the directory, in any letter case.
    pub user_name: Option<String>,
    /// The e-mail addresses. Each is unique in the directory, in any letter case.
    pub emails: Vec<UserEmail>,
    /// The names for people.
    pub names: UserNames,
    /// Whether the user may sign in.
    pub active: bool,
    /// Whether the e-mail address was confirmed.
    pub status: UserStatus,
    /// The end of a lock that wrong passwords have caused.
    pub locked_until: Option<Timestamp>,
    /// When the user was created.
    pub created_at: Timestamp,
    /// When the user was changed last.
    pub modified_at: Timestamp,
    /// How often all sessions of the user were ended. A session of an earlier number has ended.
    pub ended_sessions: u64,
    /// How often all refresh tokens of the user were revoked. A grant of an earlier number has ended.
    pub revoked_grants: u64,
}

/// The names of a user for people.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct UserNames {
    /// The name as it is displayed.
    pub display: Option<String>,
    /// The first name.
    pub given: Option<String>,
    /// The last name.
    pub family: Option<String>,
}

/// An e-mail address of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserEmail {
    /// The address.
    pub value: String,
    /// Whether messages go there.
    pub primary: bool,
}

/// Whether the user's e-mail address was confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum UserStatus {
    /// It was not.
    Pending,
    /// It was, or an administrator has said so.
    Confirmed,
}

impl DirectoryUser {
    /// The primary e-mail address, or else the first.
    #[must_use]
    pub fn email(&self) -> Option<&str> {
        let primary = self.emails.iter().find(|email| email.primary).or_else(|| self.emails.first());
        primary.map(|email| email.value.as_str())
    }

    /// The name to show: the display name, the given and family name, the user name, or the e-mail address.
    #[must_use]
    pub fn shown_name(&self) -> String {
        let full = || match (&self.names.given, &self.names.family) {
            (Some(given), Some(family)) => Some(format!("{given} {family}")),
            (Some(one), None) | (None, Some(one)) => Some(one.clone()),
            (None, None) => None,
        };
        let other = || self.user_name.clone().or_else(|| self.email().map(str::to_owned));
        self.names.display.clone().or_else(full).or_else(other).unwrap_or_else(|| self.id.clone())
    }
}
