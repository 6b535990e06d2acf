use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::accounts::AppUsers;
use crate::domain::{HolderName, Registrations, UserKey};
use crate::sign_in::{AfterPageSignIn, NoteFuture, SignInError, SignInFailure};

/// Gives each person who signs in to an app a user id there, before the sign-in counts as complete. So a browser that repeats
/// its return is told the same as the first time, also whether the user is new.
pub struct LinkedUsers {
    users: AppUsers,
    registrations: Arc<Registrations>,
}

/// Who has signed in, as the app knows the person.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LinkedUser {
    pub(super) user_id: String,
    pub(super) is_new_user: bool,
}

impl LinkedUsers {
    /// Links in `users`, for the apps of `registrations`.
    #[must_use]
    pub const fn new(users: AppUsers, registrations: Arc<Registrations>) -> Self {
        Self { users, registrations }
    }

    async fn link(&self, holder: &HolderName, user: &UserKey) -> Result<String, SignInFailure> {
        let app = self.registrations.apps().find(|app| HolderName::from(&app.id) == *holder);
        let app = app.ok_or(SignInError::Misconfigured)?;
        let linked = self.users.find_or_create(&app.id, user).await?;
        Ok(LinkedUser { user_id: linked.user_id, is_new_user: linked.is_new }.to_text())
    }
}

impl AfterPageSignIn for LinkedUsers {
    fn note<'a>(&'a self, holder: &'a HolderName, user: &'a UserKey) -> NoteFuture<'a> {
        Box::pin(self.link(holder, user))
    }
}

impl LinkedUser {
    fn to_text(&self) -> String {
        // A text and a truth value always make JSON.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads the text that was kept with the sign-in.
    pub(super) fn from_text(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::LinkedUser;

    #[test]
    fn a_linked_user_is_read_as_it_is_written() {
        let linked = LinkedUser { user_id: "0123456789abcdef01234567".to_owned(), is_new_user: true };
        assert_eq!(LinkedUser::from_text(&linked.to_text()), Some(linked));
        assert_eq!(LinkedUser::from_text(""), None);
    }
}
