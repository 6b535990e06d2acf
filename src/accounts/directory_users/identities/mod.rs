//! `DirectoryUsers`: who users are at other identity providers. `users.rs` has the type.

#[cfg(test)]
mod tests;

use super::changes::UserChangeError;
use super::profile::readable_names;
use super::records::{IdentityRecord, UserRecord};
use super::users::DirectoryUsers;
use crate::domain::{DirectoryUser, ProviderIdentity, TenantId, UserKey, UserNames};
use crate::records::RecordError;

/// The most identities of a user.
const MAX_IDENTITIES: usize = 10;

impl DirectoryUsers {
    /// Finds the user who is the person `identity` at another identity provider.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn find_by_identity(
        &self,
        tenant: &TenantId,
        identity: &UserKey,
    ) -> Result<Option<DirectoryUser>, RecordError> {
        let owner = self.find_owner(tenant, identity).await?;
        Ok(owner.map(|user| user.to_user(self.ambient.now())))
    }

    /// Creates a user who is the person of `identity`: without a password, a user name and an address, since an address would be a
    /// login that may be another person's. `names` that no user can have are left out. Returns the user who is that person
    /// already, if there is one.
    ///
    /// # Errors
    /// [`UserChangeError::Store`].
    pub async fn create_for_identity(
        &self,
        tenant: &TenantId,
        identity: ProviderIdentity,
        names: UserNames,
    ) -> Result<DirectoryUser, UserChangeError> {
        let now = self.ambient.now();
        let mut turn = self.store.begin_change(tenant).await?;
        // Two first sign-ins of one person at once make one user.
        if let Some(user) = self.find_owner(tenant, &identity.key).await? {
            return Ok(user.to_user(now));
        }
        let mut user = UserRecord::new(self.ambient.entropy.uuid(), String::new(), now);
        user.names = readable_names(names);
        user.identities = vec![IdentityRecord::new(&identity)];
        self.store.identities.put(tenant, &identity.key, &user.id).await?;
        // The user has no login that another one could have.
        self.store.create(&mut turn, tenant, &user).await??;
        Ok(user.to_user(now))
    }

    /// Notes that a user is the person of `identity`, too.
    ///
    /// # Errors
    /// [`UserChangeError::Taken`] if that person is another user; [`UserChangeError::BadProfile`] if the user has as many identities
    /// as a user may have.
    pub async fn link_identity(
        &self,
        tenant: &TenantId,
        id: &str,
        identity: ProviderIdentity,
    ) -> Result<DirectoryUser, UserChangeError> {
        self.link_if(tenant, id, identity, |_| true).await
    }

    /// As [`DirectoryUsers::link_identity`], for a user who asks in a session. A session that has ended meanwhile links nothing: a reset
    /// of the password takes the account from a stranger who had signed up with another person's address.
    ///
    /// # Errors
    /// As [`DirectoryUsers::link_identity`]; [`UserChangeError::ChangedMeanwhile`] if all sessions of `user` have ended since it was read.
    pub async fn link_own_identity(
        &self,
        tenant: &TenantId,
        user: &DirectoryUser,
        identity: ProviderIdentity,
    ) -> Result<DirectoryUser, UserChangeError> {
        let ended_sessions = user.ended_sessions;
        self.link_if(tenant, &user.id, identity, |present| present.ended_sessions == ended_sessions).await
    }

    async fn link_if(
        &self,
        tenant: &TenantId,
        id: &str,
        identity: ProviderIdentity,
        permit: impl Fn(&UserRecord) -> bool + Send + Sync,
    ) -> Result<DirectoryUser, UserChangeError> {
        let now = self.ambient.now();
        let _turn = self.store.begin_change(tenant).await?;
        if self.find_owner(tenant, &identity.key).await?.is_some_and(|owner| owner.id != id) {
            return Err(UserChangeError::Taken);
        }
        let user = self.store.find(tenant, id).await?.ok_or(UserChangeError::Unknown)?;
        if user.identities.len() >= MAX_IDENTITIES && !user.has_identity(&identity.key) {
            return Err(UserChangeError::BadProfile("A user has at most 10 identities at other providers."));
        }
        self.store.identities.put(tenant, &identity.key, id).await?;
        let mut is_permitted = false;
        let linked = self.store.update(tenant, id, |user| {
            is_permitted = permit(user);
            if is_permitted {
                user.identities.retain(|known| !known.is_of(&identity.key));
                user.identities.push(IdentityRecord::new(&identity));
                user.modified_at = now.unix_millis();
            }
            is_permitted
        });
        let linked = linked.await?.ok_or(UserChangeError::Unknown)?;
        // The entry of the owner counts for nothing where the user does not have the identity.
        if is_permitted { Ok(linked.to_user(now)) } else { Err(UserChangeError::ChangedMeanwhile) }
    }

    /// Notes that the person has shown the identity by a sign-in at the provider.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn prove_identity(&self, tenant: &TenantId, id: &str, identity: &UserKey) -> Result<(), RecordError> {
        let proven = self.store.update(tenant, id, |user| {
            let unproven = user.identities.iter_mut().find(|known| known.is_of(identity) && !known.is_proven);
            unproven.map(|known| known.is_proven = true).is_some()
        });
        proven.await?;
        Ok(())
    }

    /// Takes an identity from a user. `None` if there is no such user, or the user has no such identity. Sessions and tokens stay.
    ///
    /// # Errors
    /// [`UserChangeError::LastIdentity`] if the user could then not sign in.
    pub async fn unlink_identity(
        &self,
        tenant: &TenantId,
        id: &str,
        identity: &UserKey,
    ) -> Result<Option<DirectoryUser>, UserChangeError> {
        let (now, mut outcome) = (self.ambient.now(), Unlinking::Absent);
        let _turn = self.store.begin_change(tenant).await?;
        let user = self.store.update(tenant, id, |user| {
            outcome = user.unlink(identity);
            if outcome == Unlinking::Done {
                user.modified_at = now.unix_millis();
            }
            outcome == Unlinking::Done
        });
        let user = user.await?;
        match outcome {
            Unlinking::Absent => Ok(None),
            Unlinking::LastIdentity => Err(UserChangeError::LastIdentity),
            Unlinking::Done => {
                self.store.identities.remove(tenant, std::slice::from_ref(identity)).await?;
                Ok(user.map(|user| user.to_user(now)))
            }
        }
    }

    async fn find_owner(&self, tenant: &TenantId, identity: &UserKey) -> Result<Option<UserRecord>, RecordError> {
        let Some(id) = self.store.identities.find(tenant, identity).await? else { return Ok(None) };
        let user = self.store.find(tenant, &id).await?;
        Ok(user.filter(|user| user.has_identity(identity)))
    }
}

/// What becomes of an identity that a user is to give up.
#[derive(PartialEq, Eq)]
enum Unlinking {
    Done,
    Absent,
    LastIdentity,
}

impl UserRecord {
    fn has_identity(&self, identity: &UserKey) -> bool {
        self.identities.iter().any(|known| known.is_of(identity))
    }

    fn unlink(&mut self, identity: &UserKey) -> Unlinking {
        if !self.has_identity(identity) {
            return Unlinking::Absent;
        }
        let has_other_way = self.identities.len() > 1 || (self.has_password() && !self.logins().is_empty());
        if !has_other_way {
            return Unlinking::LastIdentity;
        }
        self.identities.retain(|known| !known.is_of(identity));
        Unlinking::Done
    }
}
