//! `DirectoryUsers`: a password that its user changes or resets. `users.rs` has the type.

use crate::accounts::directory_users::changes::{NewPassword, UserChangeError};
use crate::accounts::directory_users::records::{IdentityRecord, UserRecord};
use crate::accounts::directory_users::sign_in::{JudgedPassword, NamedUser, PasswordAttempt, PasswordCheck};
use crate::accounts::directory_users::users::DirectoryUsers;
use crate::domain::{DirectorySettings, DirectoryUser, PasswordPolicy, Secret, TenantId, Timestamp, UserKey};
use crate::records::RecordError;

/// A change of the password by a user who knows the present one.
#[derive(Clone, Debug)]
pub struct OwnPasswordChange {
    /// The user.
    pub user: NamedUser,
    /// The present password. It may have expired.
    pub old: Secret,
    /// The new one.
    pub new: Secret,
}

/// What has become of a change of the password by its user.
#[derive(Debug)]
pub enum OwnPasswordOutcome {
    /// The new password is set, and all sessions have ended.
    Changed(Box<DirectoryUser>),
    /// The present password was not right, or was not checked. Never [`PasswordCheck::Accepted`] or [`PasswordCheck::Expired`].
    Refused(PasswordCheck),
    /// The user has changed the password only just.
    TooSoon {
        /** The user's id. */
        user_id: String,
        /** From when on the user may change it. */
        until: Timestamp,
    },
    /// The new password was not set.
    NotSet {
        /** The user's id. */
        user_id: String,
        /** Why. */
        error: UserChangeError,
    },
}

/// A new password of a user who has followed a link in a message.
#[derive(Clone, Copy, Debug)]
pub struct PasswordReset<'a> {
    /// The user's id.
    pub user_id: &'a str,
    /// The address to which the link was sent.
    pub address: &'a str,
    /// [`DirectoryUser::password_changes`] as the link was drawn.
    pub password_changes: u64,
    /// The new password.
    pub password: &'a Secret,
}

impl DirectoryUsers {
    /// Changes the password of a user who knows the present one, which is checked and counted as at a sign-in from `network`. All
    /// sessions end first. A user who has changed it too recently has to wait, unless it has expired.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails before anything is changed.
    pub async fn change_own_password(
        &self,
        tenant: &TenantId,
        settings: &DirectorySettings,
        change: &OwnPasswordChange,
        network: Option<&str>,
    ) -> Result<OwnPasswordOutcome, RecordError> {
        let attempt = PasswordAttempt { tenant, settings, user: &change.user, password: &change.old };
        let user = match self.judge_password(attempt, network).await? {
            JudgedPassword::Right(user) => *user,
            JudgedPassword::Not(check) => return Ok(OwnPasswordOutcome::Refused(check)),
        };
        if user.is_unconfirmed(settings) {
            return Ok(OwnPasswordOutcome::Refused(PasswordCheck::Unconfirmed { user_id: user.id }));
        }
        let (policy, now) = (&settings.passwords, self.ambient.now());
        let wait = user.next_own_change(policy).filter(|until| *until > now);
        if let Some(until) = wait.filter(|_| !user.is_password_expired(policy, now)) {
            return Ok(OwnPasswordOutcome::TooSoon { user_id: user.id, until });
        }
        let new = NewPassword { user: &user, password: &change.new };
        let written = self.write_password(tenant, policy, new, |present| {
            present.own_change_at = Some(now.unix_millis());
            present.password_changes == user.password_changes && present.active
        });
        Ok(match written.await {
            Ok(changed) => OwnPasswordOutcome::Changed(Box::new(changed.to_user(self.ambient.now()))),
            Err(error) => OwnPasswordOutcome::NotSet { user_id: user.id, error },
        })
    }

    /// Sets the password of a user who has followed a link. All sessions end first, and refresh tokens with the new password: the old
    /// one may be known to others. The address counts as confirmed. Identities at other providers that were linked under a password
    /// before the owner of the address was heard of are given up.
    ///
    /// # Errors
    /// [`UserChangeError`]; [`UserChangeError::ChangedMeanwhile`] if the link is good no longer.
    pub async fn reset_password(
        &self,
        tenant: &TenantId,
        policy: &PasswordPolicy,
        reset: PasswordReset<'_>,
    ) -> Result<DirectoryUser, UserChangeError> {
        let user = self.store.find(tenant, reset.user_id).await?.ok_or(UserChangeError::Unknown)?;
        if !reset.is_good_for(&user) {
            return Err(UserChangeError::ChangedMeanwhile);
        }
        let (now, mut given_up) = (self.ambient.now(), Vec::new());
        let new = NewPassword { user: &user, password: reset.password };
        let written = self.write_password(tenant, policy, new, |present| {
            if !reset.is_good_for(present) {
                return false;
            }
            given_up = present.confirm_address();
            present.revoked_grants += 1;
            present.own_change_at = Some(now.unix_millis());
            true
        });
        let changed = written.await?;
        self.forget_given_up(tenant, &changed.id, &given_up).await;
        Ok(changed.to_user(now))
    }

    /// Removes the records of identities that the user has given up, unless they are another user's by now.
    pub(super) async fn forget_given_up(&self, tenant: &TenantId, id: &str, given_up: &[IdentityRecord]) {
        if given_up.is_empty() {
            return;
        }
        let identities: Vec<_> = given_up.iter().map(IdentityRecord::key).collect();
        if let Err(error) = self.remove_given_up(tenant, id, &identities).await {
            // They count for nothing, since the user has them no longer.
            tracing::warn!(%error, "records of identities that were given up stay");
        }
    }

    async fn remove_given_up(&self, tenant: &TenantId, id: &str, identities: &[UserKey]) -> Result<(), RecordError> {
        let _turn = self.store.begin_change(tenant).await?;
        for identity in identities {
            if self.store.identities.find(tenant, identity).await?.is_some_and(|owner| owner == id) {
                self.store.identities.remove(tenant, std::slice::from_ref(identity)).await?;
            }
        }
        Ok(())
    }
}

impl PasswordReset<'_> {
    /// Whether the link is still good: the password was not changed since, and the address is still the user's primary one.
    fn is_good_for(&self, user: &UserRecord) -> bool {
        user.active && user.password_changes == self.password_changes && user.has_primary_address(self.address)
    }
}
