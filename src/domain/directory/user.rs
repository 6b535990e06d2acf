use serde::{Deserialize, Serialize};

use super::identity::OWN_PROVIDER;
use crate::domain::{NamedIdentity, ProviderIdentity, Timestamp, UserKey};

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
    /// Who the user is at other identity providers.
    pub identities: Vec<ProviderIdentity>,
    /// Whether the user has a password. One who came from another identity provider has none at first.
    pub has_password: bool,
    /// How often the password was changed. A link for a new password is good for one number only.
    pub password_changes: u64,
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
    /// Whether the user has shown to be the person `key` at another identity provider.
    #[must_use]
    pub fn has_proven(&self, key: &UserKey) -> bool {
        self.identities.iter().any(|identity| identity.is_proven && identity.key == *key)
    }

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

    /// Who the user is at each provider. That of the name `first`, by which the user has signed in, comes first. The directory
    /// itself is among them if the user can sign in with a password.
    #[must_use]
    pub fn list_identities<'a>(&'a self, first: &str) -> Vec<NamedIdentity<'a>> {
        let directory = NamedIdentity { provider: OWN_PROVIDER, id: &self.id };
        let own = (self.has_password || first == directory.provider).then_some(directory);
        let others = self.identities.iter();
        let others = others.map(|other| NamedIdentity { provider: &other.provider, id: other.key.subject() });
        let mut all: Vec<_> = own.into_iter().chain(others).collect();
        // The order of the others stays.
        all.sort_by_key(|identity| identity.provider != first);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(has_password: bool) -> DirectoryUser {
        let identity = |provider: &str, subject: &str| ProviderIdentity {
            provider: provider.to_owned(),
            key: UserKey::from_parts("https://issuer.example", subject),
            is_proven: true,
        };
        let at = Timestamp::from_unix_seconds(0);
        DirectoryUser {
            id: "ada".to_owned(),
            user_name: None,
            emails: Vec::new(),
            names: UserNames::default(),
            active: true,
            status: UserStatus::Confirmed,
            locked_until: None,
            created_at: at,
            modified_at: at,
            ended_sessions: 0,
            revoked_grants: 0,
            identities: vec![identity("staff", "1"), identity("guests", "2")],
            has_password,
            password_changes: 0,
        }
    }

    #[test]
    fn the_identity_by_which_the_user_has_signed_in_comes_first() {
        let list = |has_password, first: &str| {
            let user = user(has_password);
            user.list_identities(first).iter().map(|it| format!("{} {}", it.provider, it.id)).collect::<Vec<_>>()
        };
        assert_eq!(list(true, "cloud_directory"), ["cloud_directory ada", "staff 1", "guests 2"]);
        assert_eq!(list(true, "guests"), ["guests 2", "cloud_directory ada", "staff 1"]);
        assert_eq!(list(false, "staff"), ["staff 1", "guests 2"]);
    }
}
