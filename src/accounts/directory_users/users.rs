//! The users of directories: found, listed, and signed out.

use std::sync::Arc;

use super::listing::HeldUsers;
use super::profile::read_login;
use super::refusals::RefusalLimits;
use super::user_store::UserStore;
use crate::accounts::passwords::{PasswordHasher, PasswordRules};
use crate::domain::{
    ClockAndEntropy, CountFuture, DirectorySettings, DirectoryUser, EndFuture, EndedAtSignOut, TenantId, TokenSlot,
    UserKey,
};
use crate::records::{RecordError, Records};

/// The most users of a page.
const MAX_PAGE: usize = 100;

/// The users of all directories, with the hashes of their passwords. Clones share the same state.
#[derive(Clone)]
pub struct DirectoryUsers {
    pub(super) store: Arc<UserStore>,
    pub(super) hasher: PasswordHasher,
    pub(super) rules: PasswordRules,
    pub(super) limits: RefusalLimits,
    pub(super) ambient: ClockAndEntropy,
}

/// A page of users.
#[derive(Debug)]
pub struct UserPage {
    /// The users of the page.
    pub users: Vec<DirectoryUser>,
    /// The number of users that match in all.
    pub total: usize,
}

impl DirectoryUsers {
    /// Keeps users in `records`, and hashes their passwords by `hasher`.
    #[must_use]
    pub fn new(records: &Records, hasher: PasswordHasher, ambient: ClockAndEntropy) -> Self {
        Self {
            store: Arc::new(UserStore::new(records)),
            hasher,
            rules: PasswordRules::default(),
            limits: RefusalLimits::new(records, ambient.clock.clone()),
            ambient,
        }
    }

    /// Finds a user by id.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn find(&self, tenant: &TenantId, id: &str) -> Result<Option<DirectoryUser>, RecordError> {
        Ok(self.store.find(tenant, id).await?.map(|user| user.to_user(self.ambient.now())))
    }

    /// Finds a user by what users of the directory sign in by, in any letter case.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn find_by_login(
        &self,
        tenant: &TenantId,
        settings: &DirectorySettings,
        login: &str,
    ) -> Result<Option<DirectoryUser>, RecordError> {
        let Some(login) = read_login(settings.identity_field, login) else { return Ok(None) };
        let user = self.store.find_by_login(tenant, &login).await?;
        Ok(user.map(|user| user.to_user(self.ambient.now())))
    }

    /// Lists users in the order of their ids: `count` (at most 100) from the `start`-th on (0-based). `query` is a part of a user name
    /// or address, in any letter case.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn list(
        &self,
        tenant: &TenantId,
        start: usize,
        count: usize,
        query: Option<&str>,
    ) -> Result<UserPage, RecordError> {
        let query = query.map(str::to_lowercase);
        let listed = {
            let known = self.store.known_users(tenant);
            let mut known = known.lock().await;
            self.store.list(&mut known, tenant).await?.page(start, count.min(MAX_PAGE), query.as_deref())
        };
        let mut page = UserPage { users: Vec::with_capacity(listed.ids.len()), total: listed.total };
        for id in listed.ids {
            page.users.extend(self.find(tenant, &id).await?);
        }
        Ok(page)
    }

    /// Finds out whether a directory has users, and holds creations, changes and deletions back, also those of other replicas, until the
    /// result is dropped.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn hold(&self, tenant: &TenantId) -> Result<HeldUsers, RecordError> {
        self.store.hold(tenant).await
    }

    /// Ends all sessions of a user by raising [`DirectoryUser::ended_sessions`]. Returns whether there is such a user.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn end_sessions(&self, tenant: &TenantId, id: &str) -> Result<bool, RecordError> {
        let ended = self.store.update(tenant, id, |user| {
            user.ended_sessions += 1;
            true
        });
        Ok(ended.await?.is_some())
    }

    /// Revokes all refresh tokens of a user by raising [`DirectoryUser::revoked_grants`]. Returns whether there is such a user.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn revoke_grants(&self, tenant: &TenantId, id: &str) -> Result<bool, RecordError> {
        let revoked = self.store.update(tenant, id, |user| {
            user.revoked_grants += 1;
            true
        });
        Ok(revoked.await?.is_some())
    }
}

/// All sessions and refresh tokens of a directory's user end at a sign-out everywhere.
impl EndedAtSignOut for DirectoryUsers {
    fn record_name(&self) -> &'static str {
        "directory users"
    }

    fn end<'a>(&'a self, _slots: &'a [TokenSlot]) -> EndFuture<'a> {
        Box::pin(async { Ok(()) })
    }

    fn end_for_user<'a>(&'a self, user: &'a UserKey) -> CountFuture<'a> {
        Box::pin(async move {
            let Some((tenant, id)) = user.directory_user() else { return Ok(0) };
            let tenant = TenantId::new(tenant);
            let ended = self.store.update(&tenant, id, |user| {
                user.end_everything();
                true
            });
            Ok(usize::from(ended.await?.is_some()))
        })
    }
}
