//! `DirectoryUsers`: what administrators change, and how a password is set. `users.rs` has the type.

use super::profile::UserProfile;
use super::records::UserRecord;
use super::user_store::{LoginTaken, Replacement};
use super::users::DirectoryUsers;
use crate::accounts::directories::Directories;
use crate::accounts::passwords::{HasherBusy, PasswordFault};
use crate::domain::{DirectorySettings, DirectoryUser, IdentityField, PasswordPolicy, Secret, TenantId};
use crate::records::RecordError;

/// Why a user was not created or changed.
#[derive(Debug, thiserror::Error)]
pub enum UserChangeError {
    /// No user has this id.
    #[error("there is no such user")]
    Unknown,
    /// Another user of the directory has the user name or an e-mail address.
    #[error("another user has this user name or e-mail address")]
    Taken,
    /// The profile lacks what users of this directory sign in by, or a value is too long or malformed. A sentence that names the
    /// value.
    #[error("{0}")]
    BadProfile(&'static str),
    /// The password is not as the policy demands.
    #[error(transparent)]
    BadPassword(#[from] PasswordFault),
    /// The password was changed meanwhile, so what permitted the change is out of date.
    #[error("the password was changed meanwhile")]
    ChangedMeanwhile,
    /// Without this identity the user could not sign in any more.
    #[error("the user could not sign in any more")]
    LastIdentity,
    /// Too many passwords are being hashed.
    #[error("too many passwords are being hashed")]
    Busy,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] RecordError),
    /// All sessions of the user have ended for a new password, which was then not set.
    #[error("all sessions of the user have ended, and then: {0}")]
    AfterSessionsEnded(Box<Self>),
}

impl DirectoryUsers {
    /// Creates a user with a new id, under the settings that `directories` have as the user is written.
    ///
    /// # Errors
    /// [`UserChangeError`]; no user is then created.
    pub async fn create_in(
        &self,
        directories: &Directories,
        tenant: &TenantId,
        profile: UserProfile,
        password: &Secret,
    ) -> Result<DirectoryUser, UserChangeError> {
        let view = directories.find(tenant.as_str()).ok_or(UserChangeError::Unknown)?;
        let new = NewUser { settings: &view.settings, profile, password };
        self.create_under(tenant, new, PresentField::Of(directories)).await
    }

    /// Creates a user with a new id, where no change of `settings` can come in between.
    ///
    /// # Errors
    /// [`UserChangeError`]; no user is then created.
    pub async fn create(
        &self,
        tenant: &TenantId,
        settings: &DirectorySettings,
        profile: UserProfile,
        password: &Secret,
    ) -> Result<DirectoryUser, UserChangeError> {
        let new = NewUser { settings, profile, password };
        self.create_under(tenant, new, PresentField::Unchanged(settings.identity_field)).await
    }

    /// Creates a user. `present` is read while no other change of users runs; the identity field changes only then.
    async fn create_under(
        &self,
        tenant: &TenantId,
        new: NewUser<'_>,
        present: PresentField<'_>,
    ) -> Result<DirectoryUser, UserChangeError> {
        let created = self.create_record(tenant, new, present).await?;
        Ok(created.outcome.map(|()| created.user.to_user(self.ambient.now()))?)
    }

    /// As [`DirectoryUsers::create_under`]. Returns the record also if another user has a login of it.
    pub(super) async fn create_record(
        &self,
        tenant: &TenantId,
        new: NewUser<'_>,
        present: PresentField<'_>,
    ) -> Result<Creation, UserChangeError> {
        let NewUser { settings, profile, password } = new;
        let profile = profile.checked(settings.identity_field).map_err(UserChangeError::BadProfile)?;
        self.check_rules(&settings.passwords, password, &profile.lower_names())?;
        let hash = self.hasher.hash(password).await?;
        let mut user = UserRecord::new(self.ambient.entropy.uuid(), hash, self.ambient.now());
        profile.clone().write_to(&mut user);
        let mut turn = self.store.begin_change(tenant).await?;
        let field = present.find(tenant).await?.ok_or(UserChangeError::Unknown)?;
        profile.checked(field).map_err(UserChangeError::BadProfile)?;
        let outcome = self.store.create(&mut turn, tenant, &user).await?;
        Ok(Creation { user, outcome })
    }

    /// Replaces the profile of a user. [`UserProfile::active`] that is true also ends a lock. `password`: a new one, if it is to change
    /// (which ends all sessions before anything is written of it). A user who may no longer sign in has no sessions and refresh
    /// tokens any more, also if the user may sign in again later.
    ///
    /// # Errors
    /// [`UserChangeError`]; [`UserChangeError::AfterSessionsEnded`] if all sessions have ended all the same.
    pub async fn replace(
        &self,
        tenant: &TenantId,
        settings: &DirectorySettings,
        id: &str,
        profile: UserProfile,
        password: Option<&Secret>,
    ) -> Result<DirectoryUser, UserChangeError> {
        let profile = profile.checked_values().map_err(UserChangeError::BadProfile)?;
        let mut written = self.store.find(tenant, id).await?.ok_or(UserChangeError::Unknown)?;
        // A user who signs in at another identity provider alone needs nothing to sign in by here.
        let profile = if written.has_password() || password.is_some() {
            profile.checked(settings.identity_field).map_err(UserChangeError::BadProfile)?
        } else {
            profile
        };
        profile.clone().write_to(&mut written);
        let logins = written.logins();
        if self.store.find_taken(tenant, id, &logins).await?.is_some() {
            return Err(UserChangeError::Taken);
        }
        let hash = match password {
            Some(password) => {
                self.check_rules(&settings.passwords, password, &profile.lower_names())?;
                Some(self.begin_password_change(tenant, &settings.passwords, &written, password).await?)
            }
            None => None,
        };
        let now = self.ambient.now();
        let replacement = Replacement { id, logins: &logins };
        let write = |user: &mut UserRecord| {
            if user.active && profile.active == Some(false) {
                user.end_everything();
            }
            if profile.active == Some(true) {
                user.end_lock();
            }
            profile.clone().write_to(user);
            if let Some(hash) = &hash {
                user.set_password(hash.clone(), now);
                user.doubt_identities();
            }
            user.modified_at = now.unix_millis();
        };
        let replaced = async {
            let mut turn = self.store.begin_change(tenant).await?;
            self.store.replace(&mut turn, tenant, replacement, write).await??.ok_or(UserChangeError::Unknown)
        };
        let replaced = replaced.await;
        let replaced = replaced.map_err(|error| if hash.is_some() { error.after_sessions_ended() } else { error });
        Ok(replaced?.to_user(now))
    }

    /// Sets a new password, with all sessions ended first (docs/directory.md §What ends sessions). Ends a lock.
    ///
    /// # Errors
    /// [`UserChangeError`]; [`UserChangeError::AfterSessionsEnded`] if all sessions have ended all the same.
    pub async fn set_password(
        &self,
        tenant: &TenantId,
        policy: &PasswordPolicy,
        id: &str,
        password: &Secret,
    ) -> Result<DirectoryUser, UserChangeError> {
        let user = self.store.find(tenant, id).await?.ok_or(UserChangeError::Unknown)?;
        let changed = self
            .write_password(tenant, policy, NewPassword { user: &user, password }, |user| {
                user.doubt_identities();
                true
            })
            .await?;
        Ok(changed.to_user(self.ambient.now()))
    }

    /// Sets a new password of a user, with all sessions ended first. `permit` sees the record as it then is, says whether the password
    /// may be set, and may change what else changes with it.
    pub(super) async fn write_password(
        &self,
        tenant: &TenantId,
        policy: &PasswordPolicy,
        new: NewPassword<'_>,
        mut permit: impl FnMut(&mut UserRecord) -> bool + Send,
    ) -> Result<UserRecord, UserChangeError> {
        let NewPassword { user, password } = new;
        let names: Vec<_> = user.logins().iter().map(|login| login.text().to_owned()).collect();
        self.check_rules(policy, password, &names)?;
        let hash = self.begin_password_change(tenant, policy, user, password).await?;
        let (now, mut is_permitted) = (self.ambient.now(), false);
        let changed = self.store.update(tenant, &user.id, |user| {
            is_permitted = permit(user);
            if is_permitted {
                user.set_password(hash.clone(), now);
                user.modified_at = now.unix_millis();
            }
            is_permitted
        });
        let changed = match changed.await {
            Ok(Some(user)) if is_permitted => Ok(user),
            Ok(Some(_)) => Err(UserChangeError::ChangedMeanwhile),
            Ok(None) => Err(UserChangeError::Unknown),
            Err(error) => Err(error.into()),
        };
        changed.map_err(UserChangeError::after_sessions_ended)
    }

    /// Deletes a user. Returns whether there was one. Sessions and grants end, because they are good for an existing user only.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn delete(&self, tenant: &TenantId, id: &str) -> Result<bool, RecordError> {
        let mut turn = self.store.begin_change(tenant).await?;
        self.store.delete(&mut turn, tenant, id).await
    }

    fn check_rules(&self, policy: &PasswordPolicy, password: &Secret, names: &[String]) -> Result<(), UserChangeError> {
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        Ok(self.rules.check(policy, password.expose(), &names)?)
    }

    /// Checks that the password is not one of the last ones of `user`, ends all sessions, and hashes the new password. The sessions
    /// end once more as the hash is written: a sign-in in between was one with the old password.
    async fn begin_password_change(
        &self,
        tenant: &TenantId,
        policy: &PasswordPolicy,
        user: &UserRecord,
        password: &Secret,
    ) -> Result<String, UserChangeError> {
        // `user` may have another profile already, but has the hashes of the record.
        let unusable = policy.reuse.filter(|_| policy.advanced).unwrap_or(0);
        for hash in user.last_hashes(unusable) {
            if self.hasher.check(password, hash).await? {
                return Err(PasswordFault::Reused(unusable).into());
            }
        }
        let ended = self.store.update(tenant, &user.id, |user| {
            user.ended_sessions += 1;
            true
        });
        ended.await?.ok_or(UserChangeError::Unknown)?;
        self.hasher.hash(password).await.map_err(|busy| UserChangeError::from(busy).after_sessions_ended())
    }
}

impl UserChangeError {
    /// Whether all sessions of the user have ended although the change failed.
    #[must_use]
    pub const fn has_ended_sessions(&self) -> bool {
        matches!(self, Self::AfterSessionsEnded(_))
    }

    fn after_sessions_ended(self) -> Self {
        Self::AfterSessionsEnded(Box::new(self))
    }
}

/// A user to create.
pub(super) struct NewUser<'a> {
    pub(super) settings: &'a DirectorySettings,
    pub(super) profile: UserProfile,
    pub(super) password: &'a Secret,
}

/// Where the identity field is found that a new user has to have a value for.
#[derive(Clone, Copy)]
pub(super) enum PresentField<'a> {
    /// It cannot change meanwhile.
    Unchanged(IdentityField),
    /// In the settings of these directories, also if another replica has changed them just now.
    Of(&'a Directories),
}

impl PresentField<'_> {
    async fn find(self, tenant: &TenantId) -> Result<Option<IdentityField>, RecordError> {
        match self {
            Self::Unchanged(field) => Ok(Some(field)),
            Self::Of(directories) => {
                let view = directories.find_stored(tenant.as_str()).await?;
                Ok(view.map(|view| view.settings.identity_field))
            }
        }
    }
}

/// A user who was written, or was not because another user has a login.
pub(super) struct Creation {
    pub(super) user: UserRecord,
    pub(super) outcome: Result<(), LoginTaken>,
}

/// A password to set.
#[derive(Clone, Copy)]
pub(super) struct NewPassword<'a> {
    /// The user as read before what permits the change was checked.
    pub(super) user: &'a UserRecord,
    pub(super) password: &'a Secret,
}

impl From<HasherBusy> for UserChangeError {
    fn from(HasherBusy: HasherBusy) -> Self {
        Self::Busy
    }
}

impl From<LoginTaken> for UserChangeError {
    fn from(_: LoginTaken) -> Self {
        Self::Taken
    }
}
