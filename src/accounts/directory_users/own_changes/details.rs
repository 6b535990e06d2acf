//! `DirectoryUsers`: a user's own names, and the confirmation of an address. `users.rs` has the type.

use crate::accounts::directory_users::changes::UserChangeError;
use crate::accounts::directory_users::profile::check_names;
use crate::accounts::directory_users::users::DirectoryUsers;
use crate::domain::{DirectoryUser, TenantId, UserNames, UserStatus};
use crate::records::RecordError;

impl DirectoryUsers {
    /// Replaces the names of a user for people. Everything that the user signs in by stays.
    ///
    /// # Errors
    /// [`UserChangeError`]; nothing is then changed.
    pub async fn change_names(
        &self,
        tenant: &TenantId,
        id: &str,
        names: UserNames,
    ) -> Result<DirectoryUser, UserChangeError> {
        let (names, now) = (check_names(names).map_err(UserChangeError::BadProfile)?, self.ambient.now());
        let changed = self.store.update(tenant, id, |user| {
            let is_change = user.names != names;
            if is_change {
                user.names.clone_from(&names);
                user.modified_at = now.unix_millis();
            }
            is_change
        });
        Ok(changed.await?.ok_or(UserChangeError::Unknown)?.to_user(now))
    }

    /// Notes that the e-mail address of a user was confirmed. `None`, and nothing is noted, unless `address` is still the user's
    /// primary one: another address may be another person's mailbox. Sessions, refresh tokens and identities at other providers that
    /// the user had before, under a password, end: they may be a stranger's who has signed up with the address.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn confirm_address(
        &self,
        tenant: &TenantId,
        id: &str,
        address: &str,
    ) -> Result<Option<DirectoryUser>, RecordError> {
        let (now, mut is_theirs, mut given_up) = (self.ambient.now(), false, Vec::new());
        let confirmed = self.store.update(tenant, id, |user| {
            is_theirs = user.has_primary_address(address);
            let is_change = is_theirs && user.status != UserStatus::Confirmed;
            given_up.clear();
            if is_change {
                given_up = user.confirm_address();
                user.modified_at = now.unix_millis();
            }
            is_change
        });
        let confirmed = confirmed.await?;
        self.forget_given_up(tenant, id, &given_up).await;
        Ok(confirmed.filter(|_| is_theirs).map(|user| user.to_user(now)))
    }
}
