//! `DirectoryUsers`: the check of a password. `users.rs` has the type.

use super::profile::read_login;
use super::records::UserRecord;
use super::refusals::{ReachedLimit, TooManyRefusals};
use super::users::DirectoryUsers;
use crate::domain::{DirectorySettings, DirectoryUser, Secret, TenantId, UserKey};
use crate::observability::conceal;
use crate::records::RecordError;

/// The outcome of a sign-in with a password.
#[derive(Debug)]
pub enum PasswordCheck {
    /// The password is right, and the user may sign in.
    Accepted(Box<DirectoryUser>),
    /// There is no such user, the password is wrong, the user is locked or not active. A stranger learns no more.
    Refused(SignInRefusal),
    /// The password is right, but has expired.
    Expired {
        /** The user's id. */
        user_id: String,
    },
    /// The password is right, but the user has to confirm the e-mail address first.
    Unconfirmed {
        /** The user's id. */
        user_id: String,
    },
    /// The user or the address has been refused too often within a minute.
    TooMany {
        /** Seconds until the next try. */
        retry_after: u64,
        /** The limit, if this is the first sign-in that it refuses within its minute. */
        reached: Option<ReachedLimit>,
        /** The user of the last refusal with this login. */
        user_id: Option<String>,
    },
    /// Too many passwords are being hashed.
    Busy,
}

/// A refused sign-in, for the log and the audit stream only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignInRefusal {
    /// Why it was refused.
    pub reason: RefusedSignIn,
    /// The user, if there is one.
    pub user_id: Option<String>,
    /// Whether this refusal has locked the user.
    pub has_locked: bool,
}

/// Why a sign-in was refused, for the log and the audit stream only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusedSignIn {
    /// No user has this name or address.
    UnknownUser,
    /// The password is wrong.
    WrongPassword,
    /// Wrong passwords have locked the user.
    Locked,
    /// The user is not active.
    NotActive,
    /// The user was refused too often within a minute, also by other logins. The password counts for nothing.
    Limited,
}

/// The right password of a user who is active and not locked.
pub(super) enum JudgedPassword {
    /// It is right. The record has the numbers of ended sessions and grants of before the check.
    Right(Box<UserRecord>),
    /// It is not, or was not checked.
    Not(PasswordCheck),
}

/// How a user is named beside the password.
#[derive(Clone, Debug)]
pub enum NamedUser {
    /// By the id.
    Id(String),
    /// By what users of the directory sign in by.
    Login(String),
}

impl DirectoryUsers {
    /// Checks the password of the user who signs in as `login`, from the network `address` (a text; `None`: unknown, or not to
    /// be limited). Takes the same time whether or not there is such a user. Counts refusals for limits and lock, and renews a hash
    /// of older parameters.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn check_password(
        &self,
        tenant: &TenantId,
        settings: &DirectorySettings,
        login: &str,
        password: &Secret,
        address: Option<&str>,
    ) -> Result<PasswordCheck, RecordError> {
        let attempt = PasswordAttempt { tenant, settings, user: &NamedUser::Login(login.to_owned()), password };
        match self.judge_password(attempt, address).await? {
            JudgedPassword::Right(user) => Ok(self.admit(attempt, *user).await),
            JudgedPassword::Not(check) => Ok(check),
        }
    }

    /// Checks a password as a sign-in does, except for what a right one is good for.
    pub(super) async fn judge_password(
        &self,
        attempt: PasswordAttempt<'_>,
        address: Option<&str>,
    ) -> Result<JudgedPassword, RecordError> {
        let tenant = attempt.tenant;
        let permit = match self.limits.admit(tenant, &attempt.counted_as(), address).await? {
            Ok(permit) => permit,
            Err(TooManyRefusals { retry_after, reached, user_id }) => {
                return Ok(JudgedPassword::Not(PasswordCheck::TooMany { retry_after, reached, user_id }));
            }
        };
        let user = self.find_named(attempt).await?;
        let user_id = user.as_ref().map(|user| user.id.clone());
        let user_permit = match &user_id {
            Some(id) => self.limits.admit_user(tenant, id).await?.map(Some),
            None => Ok(self.limits.admit_decoy(tenant, &attempt.counted_as()).await?),
        };
        let Some(judged) = self.judge(attempt, user, user_permit.is_err()).await? else {
            return Ok(JudgedPassword::Not(PasswordCheck::Busy));
        };
        if judged.counts_as_refused(attempt.settings) {
            permit.refuse(user_id.as_deref()).await;
            if let Ok(Some(permit)) = user_permit {
                permit.refuse(user_id.as_deref()).await;
            }
        }
        Ok(judged)
    }

    async fn find_named(&self, attempt: PasswordAttempt<'_>) -> Result<Option<UserRecord>, RecordError> {
        match attempt.user {
            NamedUser::Id(id) => self.store.find(attempt.tenant, id).await,
            NamedUser::Login(login) => match read_login(attempt.settings.identity_field, login) {
                Some(login) => self.store.find_by_login(attempt.tenant, &login).await,
                None => Ok(None),
            },
        }
    }

    /// Checks the password of `user`; without a user or a password of the user, a decoy is checked. `None`: too many passwords are
    /// being hashed.
    async fn judge(
        &self,
        attempt: PasswordAttempt<'_>,
        user: Option<UserRecord>,
        is_limited: bool,
    ) -> Result<Option<JudgedPassword>, RecordError> {
        let limited = is_limited.then_some(RefusedSignIn::Limited);
        let obstacle = limited.or_else(|| self.find_obstacle(user.as_ref()));
        let hash = user.as_ref().filter(|user| user.has_password()).map(|user| user.hash.as_str());
        // A hash is also computed where no user exists or the user cannot sign in, so that each answer takes as long.
        let checked = if let Some(hash) = hash {
            self.hasher.check(attempt.password, hash).await
        } else {
            let name = [attempt.tenant.as_str(), &attempt.counted_as()];
            self.hasher.check_decoy(attempt.password, &name).await
        };
        let Ok(is_right) = checked else { return Ok(None) };
        Ok(Some(match (user, obstacle) {
            (Some(user), None) if is_right => self.confirm_right(attempt, user).await?,
            (user, obstacle) => {
                let user_id = user.as_ref().map(|user| user.id.clone());
                let guessable = user.filter(|user| obstacle.is_none() && user.has_password());
                let has_locked = self.count_failure(attempt, guessable).await?;
                let reason = obstacle.unwrap_or(RefusedSignIn::WrongPassword);
                JudgedPassword::refused(reason, user_id, has_locked)
            }
        }))
    }

    /// Why the user cannot sign in with any password.
    fn find_obstacle(&self, user: Option<&UserRecord>) -> Option<RefusedSignIn> {
        match user {
            None => Some(RefusedSignIn::UnknownUser),
            Some(user) if !user.active => Some(RefusedSignIn::NotActive),
            Some(user) if user.is_locked(self.ambient.now()) => Some(RefusedSignIn::Locked),
            Some(_) => None,
        }
    }

    /// Takes the right password of `user`, as the record was before the hash was computed, unless the user was changed since.
    async fn confirm_right(
        &self,
        attempt: PasswordAttempt<'_>,
        user: UserRecord,
    ) -> Result<JudgedPassword, RecordError> {
        let mut obstacle = None;
        let present = self.store.update(attempt.tenant, &user.id, |present| {
            obstacle = self.find_obstacle(Some(present));
            if present.password_changes != user.password_changes {
                obstacle = Some(RefusedSignIn::WrongPassword);
            }
            let had_failures = present.failures > 0 && obstacle.is_none();
            if had_failures {
                present.end_lock();
            }
            had_failures
        });
        let Some(mut present) = present.await? else {
            return Ok(JudgedPassword::refused(RefusedSignIn::UnknownUser, Some(user.id), false));
        };
        if let Some(obstacle) = obstacle {
            return Ok(JudgedPassword::refused(obstacle, Some(user.id), false));
        }
        // A session that begins now has ended if all sessions were ended while the hash was computed.
        present.ended_sessions = user.ended_sessions;
        present.revoked_grants = user.revoked_grants;
        Ok(JudgedPassword::Right(Box::new(present)))
    }

    /// What the right password of `user` is good for at a sign-in.
    async fn admit(&self, attempt: PasswordAttempt<'_>, user: UserRecord) -> PasswordCheck {
        let now = self.ambient.now();
        if user.is_unconfirmed(attempt.settings) {
            return PasswordCheck::Unconfirmed { user_id: user.id };
        }
        if user.is_password_expired(&attempt.settings.passwords, now) {
            return PasswordCheck::Expired { user_id: user.id };
        }
        if self.hasher.is_outdated(&user.hash) {
            self.renew_hash(attempt.tenant, &user, attempt.password).await;
        }
        PasswordCheck::Accepted(Box::new(user.to_user(now)))
    }

    /// Counts a wrong password of `user`, where wrong passwords lock users of the directory; returns whether that has locked the
    /// user. `None`: there is no such user, or no password counts; as much is then written, so that the time of the answer says
    /// nothing.
    async fn count_failure(&self, attempt: PasswordAttempt<'_>, user: Option<UserRecord>) -> Result<bool, RecordError> {
        let (tenant, now) = (attempt.tenant, self.ambient.now());
        let policy = &attempt.settings.passwords;
        let Some(lockout) = policy.lockout.filter(|_| policy.advanced) else { return Ok(false) };
        let Some(user) = user else {
            self.store.write_decoy(tenant, &self.hasher.decoy_hash(), now).await?;
            return Ok(false);
        };
        let mut is_locked_now = false;
        let counted = self.store.update(tenant, &user.id, |present| {
            // A password that was replaced meanwhile is not guessed any more, and a lock does not become longer.
            let is_counted = present.password_changes == user.password_changes && !present.is_locked(now);
            is_locked_now = is_counted && present.count_failure(lockout, now);
            is_counted
        });
        counted.await?;
        Ok(is_locked_now)
    }

    /// Replaces the hash of `user` by one with the present parameters. The sign-in succeeds also if that fails.
    async fn renew_hash(&self, tenant: &TenantId, user: &UserRecord, password: &Secret) {
        let Ok(hash) = self.hasher.hash(password).await else { return };
        let renewed = self.store.update(tenant, &user.id, |present| {
            let is_unchanged = present.password_changes == user.password_changes;
            if is_unchanged {
                present.hash.clone_from(&hash);
            }
            is_unchanged
        });
        if let Err(error) = renewed.await {
            let user = conceal(&UserKey::of_directory(tenant.as_str(), &user.id));
            tracing::warn!(%user, %error, "a password's hash was not renewed");
        }
    }
}

/// A password that was entered at a directory.
#[derive(Clone, Copy)]
pub(super) struct PasswordAttempt<'a> {
    pub(super) tenant: &'a TenantId,
    pub(super) settings: &'a DirectorySettings,
    pub(super) user: &'a NamedUser,
    pub(super) password: &'a Secret,
}

impl PasswordAttempt<'_> {
    /// The text under which refusals are counted.
    fn counted_as(&self) -> String {
        let (NamedUser::Id(text) | NamedUser::Login(text)) = self.user;
        text.trim().to_lowercase()
    }
}

impl JudgedPassword {
    /// Whether the limits of refused sign-ins count it. The right password of a user who has to confirm the address is answered as a
    /// wrong one is, so it counts as well: otherwise the limit would tell a stranger whether a sign-up got an address.
    fn counts_as_refused(&self, settings: &DirectorySettings) -> bool {
        match self {
            Self::Right(user) => user.is_unconfirmed(settings),
            Self::Not(check) => matches!(check, PasswordCheck::Refused(_)),
        }
    }

    fn refused(reason: RefusedSignIn, user_id: Option<String>, has_locked: bool) -> Self {
        Self::Not(PasswordCheck::Refused(SignInRefusal { reason, user_id, has_locked }))
    }
}
