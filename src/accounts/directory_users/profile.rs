//! What an administrator writes of a user, and its check.

use super::records::{Login, UserRecord};
use crate::domain::{IdentityField, UserEmail, UserNames, UserStatus};

/// The longest value, in bytes (RFC 5321 §4.5.3.1: the longest address that a mail can have).
const MAX_BYTES: usize = 254;
/// The most addresses of a user.
const MAX_EMAILS: usize = 10;

/// What is written of a user by an administrator.
#[derive(Clone, Debug)]
pub struct UserProfile {
    /// The user name.
    pub user_name: Option<String>,
    /// The e-mail addresses, at most 10.
    pub emails: Vec<UserEmail>,
    /// The names for people.
    pub names: UserNames,
    /// Whether the user may sign in; `None`: as before, and a new user may. `Some(true)` also ends a lock.
    pub active: Option<bool>,
    /// Whether the address was confirmed; `None`: as before, and that of a new user was not.
    pub status: Option<UserStatus>,
}

impl UserProfile {
    /// Takes spaces off the ends of all values, and leaves out names that are empty. Exactly one address is primary: the first if
    /// none is.
    ///
    /// # Errors
    /// A sentence on the value that no user can have.
    pub(super) fn checked_values(mut self) -> Result<Self, &'static str> {
        check_name(&mut self.user_name)?;
        self.names = check_names(self.names)?;
        self.check_emails()?;
        Ok(self)
    }

    /// As [`UserProfile::checked_values`], for a user who signs in by a password.
    ///
    /// # Errors
    /// A sentence on the value that no such user of a directory with this identity field can have.
    pub(super) fn checked(self, identity_field: IdentityField) -> Result<Self, &'static str> {
        let checked = self.checked_values()?;
        match identity_field {
            IdentityField::Email if checked.emails.is_empty() => Err("The user needs an e-mail address in `emails`."),
            IdentityField::UserName if checked.user_name.is_none() => Err("The user needs a `userName`."),
            _ => Ok(checked),
        }
    }

    fn check_emails(&mut self) -> Result<(), &'static str> {
        if self.emails.len() > MAX_EMAILS {
            return Err("A user has at most 10 e-mail addresses in `emails`.");
        }
        for email in &mut self.emails {
            email.value = email.value.trim().to_owned();
            if !is_email(&email.value) {
                return Err("An e-mail address in `emails` is malformed.");
            }
        }
        let mut values: Vec<_> = self.emails.iter().map(|email| email.value.to_lowercase()).collect();
        values.sort_unstable();
        values.dedup();
        if values.len() < self.emails.len() {
            return Err("An e-mail address is in `emails` twice.");
        }
        match self.emails.iter().filter(|email| email.primary).count() {
            0 => self.emails.iter_mut().take(1).for_each(|email| email.primary = true),
            1 => {}
            _ => return Err("Only one address in `emails` can be primary."),
        }
        Ok(())
    }

    /// The texts that a password may not contain, in lower case.
    pub(super) fn lower_names(&self) -> Vec<String> {
        let emails = self.emails.iter().map(|email| email.value.as_str());
        self.user_name.as_deref().into_iter().chain(emails).map(str::to_lowercase).collect()
    }

    /// Writes the profile into `record`.
    pub(super) fn write_to(self, record: &mut UserRecord) {
        record.user_name = self.user_name;
        record.emails = self.emails;
        record.names = self.names;
        record.active = self.active.unwrap_or(record.active);
        record.status = self.status.unwrap_or(record.status);
    }
}

/// Takes spaces off the ends of the names for people, and leaves out those that are empty.
pub(super) fn check_names(mut names: UserNames) -> Result<UserNames, &'static str> {
    let UserNames { display, given, family } = &mut names;
    for name in [display, given, family] {
        check_name(name)?;
    }
    Ok(names)
}

/// The names that another identity provider states, without those that no user can have.
pub(super) fn readable_names(names: UserNames) -> UserNames {
    let read = |mut name: Option<String>| if check_name(&mut name).is_ok() { name } else { None };
    UserNames { display: read(names.display), given: read(names.given), family: read(names.family) }
}

fn check_name(name: &mut Option<String>) -> Result<(), &'static str> {
    *name = name.take().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    match name.as_deref() {
        Some(text) if !is_value(text) => Err("A name has at most 254 bytes, and no control characters."),
        _ => Ok(()),
    }
}

/// What a user signs in by who enters `text`, in a directory with this identity field. `None`: no user can have it.
pub(super) fn read_login(identity_field: IdentityField, text: &str) -> Option<Login> {
    let text = text.trim();
    if text.is_empty() || !is_value(text) {
        return None;
    }
    Some(match identity_field {
        IdentityField::Email => Login::Email(text.to_lowercase()),
        IdentityField::UserName => Login::Name(text.to_lowercase()),
    })
}

fn is_value(text: &str) -> bool {
    text.len() <= MAX_BYTES && !text.chars().any(char::is_control)
}

fn is_email(text: &str) -> bool {
    let has_parts = text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
    is_value(text) && has_parts && text.matches('@').count() == 1 && !text.contains(char::is_whitespace)
}
