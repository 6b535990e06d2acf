use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::accounts::AppUsers;
use crate::domain::{HolderName, Registrations, UserKey};
use crate::sign_in::{AfterPageSignIn, NoteFuture, SignInError, SignInFailure};
use crate::token_issuer::AppUserTokens;

/// Gives each person who signs in to an app a user id there, before the sign-in counts as complete. So a browser that repeats
/// its return is told the same as the first time, also whether the user is new.
pub struct LinkedUsers {
    users: AppUsers,
    tokens: AppUserTokens,
    registrations: Arc<Registrations>,
}

/// Who has signed in, as the app knows the person.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LinkedUser {
    pub(super) user_id: String,
    pub(super) is_new_user: bool,
    /// How often the person was signed out, here or everywhere, before this sign-in. A record of before this member existed
    /// counts as one of a person who was never signed out.
    #[serde(default)]
    pub(super) sign_outs: u64,
}

impl LinkedUsers {
    /// Links in `users`, for the apps of `registrations`. `tokens` counts the sign-outs.
    #[must_use]
    pub const fn new(users: AppUsers, tokens: AppUserTokens, registrations: Arc<Registrations>) -> Self {
        Self { users, tokens, registrations }
    }

    async fn link(&self, holder: &HolderName, user: &UserKey) -> Result<String, SignInFailure> {
        let app = self.registrations.apps().find(|app| HolderName::from(&app.id) == *holder);
        let app = app.ok_or(SignInError::Misconfigured)?;
        // A sign-out from here on ends what comes of this sign-in.
        let sign_outs = self.tokens.count_sign_outs(&app.id, user).await?;
        let linked = self.users.find_or_create(&app.id, user).await?;
        Ok(LinkedUser { user_id: linked.user_id, is_new_user: linked.is_new, sign_outs }.to_text())
    }
}

impl AfterPageSignIn for LinkedUsers {
    fn note<'a>(&'a self, holder: &'a HolderName, user: &'a UserKey) -> NoteFuture<'a> {
        Box::pin(self.link(holder, user))
    }
}

impl LinkedUser {
    fn to_text(&self) -> String {
        // A text, a truth value and a number always make JSON.
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
        let linked = LinkedUser { user_id: "0123456789abcdef01234567".to_owned(), is_new_user: true, sign_outs: 3 };
        assert_eq!(LinkedUser::from_text(&linked.to_text()), Some(linked));
        assert_eq!(LinkedUser::from_text(""), None);
        let earlier = LinkedUser::from_text(r#"{"user_id":"a","is_new_user":false}"#);
        assert_eq!(earlier, Some(LinkedUser { user_id: "a".to_owned(), is_new_user: false, sign_outs: 0 }));
    }
}
