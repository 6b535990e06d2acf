//! Users in the store: each in a record of its own, found by id or by what the user signs in by.

use std::collections::HashMap;
use std::sync::{Arc, Mutex as SyncMutex, PoisonError};

use tokio::sync::{Mutex, OwnedMutexGuard};

use super::identity_owners::IdentityOwners;
use super::list_changes::ListChanges;
use super::records::{IdentityRecord, Login, LoginRecord, UserRecord};
use super::user_list::UserList;
use crate::accounts::turns::{LEASE_PATIENCE, wait_for_lock};
use crate::domain::{RecordKey, TenantId, Timestamp};
use crate::records::{Collection, OpenedRecord, RecordError, Records, ReplicaLease, catalogue};

/// How often a change of a record is tried if another change is faster each time.
const MOST_TRIES: usize = 256;

/// The users of all directories.
pub(super) struct UserStore {
    records: Records,
    pub(super) users: Collection<UserRecord>,
    pub(super) logins: Collection<LoginRecord>,
    pub(super) identities: IdentityOwners,
    tenants: SyncMutex<HashMap<TenantId, Arc<Mutex<KnownUsers>>>>,
    /// The lists over a shared store. They have locks of their own, so that no change waits while a list is read.
    shared_lists: SyncMutex<HashMap<TenantId, Arc<Mutex<KnownUsers>>>>,
    /// What other replicas have changed of the lists in memory; `None` if this process alone writes to the store.
    pub(super) list_changes: Option<Arc<ListChanges>>,
}

/// The list of a directory's users; `None` before the first listing, and after a write that was not seen to its end. The lock around
/// it puts changes of names and addresses in an order.
#[derive(Default)]
pub(super) struct KnownUsers(pub(super) Option<UserList>);

/// The right to create, change and delete users of a directory: no other call, and no other replica, does so until this is dropped.
pub(super) struct UserTurn {
    pub(super) known: OwnedMutexGuard<KnownUsers>,
    _lease: ReplicaLease,
}

/// Another user has the user name or an address.
#[derive(Debug)]
pub(super) struct LoginTaken {
    pub(super) login: Login,
    pub(super) owner: Box<UserRecord>,
}

impl UserStore {
    pub(super) fn new(records: &Records) -> Self {
        Self {
            records: records.clone(),
            users: Collection::new(records),
            logins: Collection::new(records),
            identities: IdentityOwners::new(records),
            tenants: SyncMutex::default(),
            shared_lists: SyncMutex::default(),
            list_changes: ListChanges::start(records),
        }
    }

    /// Whether other replicas write to the store.
    pub(super) fn is_shared(&self) -> bool {
        self.records.replicas().is_some()
    }

    /// Waits for the right to create, change and delete users of `tenant`.
    pub(super) async fn begin_change(&self, tenant: &TenantId) -> Result<UserTurn, RecordError> {
        let known = wait_for_lock(&self.records, lock_of(&self.tenants, tenant).lock_owned()).await?;
        let name = [tenant.as_str().as_bytes()];
        let lease = self.records.lease(&catalogue::DIRECTORY_USERS_CHANGE, &name, LEASE_PATIENCE).await?;
        Ok(UserTurn { known, _lease: lease })
    }

    /// The lock of the list of the users of `tenant`. Over an exclusive store it also puts changes of them in an order.
    pub(super) fn known_users(&self, tenant: &TenantId) -> Arc<Mutex<KnownUsers>> {
        lock_of(if self.is_shared() { &self.shared_lists } else { &self.tenants }, tenant)
    }

    pub(super) async fn find(&self, tenant: &TenantId, id: &str) -> Result<Option<UserRecord>, RecordError> {
        Ok(self.get(tenant, id).await?.map(|user| user.content))
    }

    /// Finds the user who has `login`. A record of a login counts only if the user has it (docs/directory.md §Users and passwords).
    /// Takes as many reads whether or not there is such a user.
    pub(super) async fn find_by_login(
        &self,
        tenant: &TenantId,
        login: &Login,
    ) -> Result<Option<UserRecord>, RecordError> {
        let named = self.logins.get(self.login_key(tenant, login)).await?;
        let key = named.map_or_else(|| self.decoy_key(tenant), |named| self.user_key(tenant, &named.content.user_id));
        let user = self.users.get(key).await?.map(|user| user.content);
        Ok(user.filter(|user| user.logins().contains(login)))
    }

    /// Writes as much as a count of failures of a user, but of a user that does not exist: without id and login, and not listed.
    pub(super) async fn write_decoy(&self, tenant: &TenantId, hash: &str, now: Timestamp) -> Result<(), RecordError> {
        let key = self.decoy_key(tenant);
        let decoy = UserRecord::new(String::new(), hash.to_owned(), now);
        let stored = self.users.get(key).await?.map(|decoy| decoy.stored);
        // Another refusal that was faster has written the same.
        self.users.compare_and_put(stored, self.users.seal(key, &decoy)?).await?;
        Ok(())
    }

    /// Writes as much as the creation of a user who has `logins` logins, but nothing that counts.
    pub(super) async fn write_creation_decoy(
        &self,
        tenant: &TenantId,
        user: UserRecord,
        logins: usize,
    ) -> Result<(), RecordError> {
        // No login has an empty kind.
        let login_key = self.logins.key(&[tenant.as_str(), "", ""].map(str::as_bytes));
        for _ in 0..logins {
            let record = LoginRecord { user_id: String::new() };
            self.logins.put(self.logins.seal(login_key, &record)?).await?;
        }
        let decoy = UserRecord { id: String::new(), user_name: None, emails: Vec::new(), ..user };
        self.users.put(self.users.seal(self.decoy_key(tenant), &decoy)?).await
    }

    /// Changes the record of a user, whose name and addresses stay. `change` runs again if another change was faster; it returns
    /// whether there is anything to write. Returns the record as it then is; `None` if there is no such user.
    pub(super) async fn update(
        &self,
        tenant: &TenantId,
        id: &str,
        mut change: impl FnMut(&mut UserRecord) -> bool + Send,
    ) -> Result<Option<UserRecord>, RecordError> {
        for _ in 0..MOST_TRIES {
            let Some(OpenedRecord { content: mut user, stored }) = self.get(tenant, id).await? else { return Ok(None) };
            if !change(&mut user) {
                return Ok(Some(user));
            }
            let sealed = self.users.seal(stored.key(), &user)?.listed_by(self.index(tenant, stored.key()));
            if self.users.compare_and_put(Some(stored), sealed).await? {
                return Ok(Some(user));
            }
        }
        Err(RecordError::Held)
    }

    /// The first of `logins` that another user than `id` has. Takes as many reads whether or not there is one.
    pub(super) async fn find_taken(
        &self,
        tenant: &TenantId,
        id: &str,
        logins: &[Login],
    ) -> Result<Option<LoginTaken>, RecordError> {
        let mut taken = None;
        for login in logins {
            let owner = self.find_by_login(tenant, login).await?.filter(|owner| owner.id != id);
            taken = taken.or(owner.map(|owner| LoginTaken { login: login.clone(), owner: Box::new(owner) }));
        }
        Ok(taken)
    }

    /// Writes a new user. The records of the logins come first, so that the user is found as soon as it exists.
    pub(super) async fn create(
        &self,
        turn: &mut UserTurn,
        tenant: &TenantId,
        user: &UserRecord,
    ) -> Result<Result<(), LoginTaken>, RecordError> {
        let logins = user.logins();
        if let Some(taken) = self.find_taken(tenant, &user.id, &logins).await? {
            return Ok(Err(taken));
        }
        let list = turn.known.0.take();
        self.put_logins(tenant, &user.id, &logins).await?;
        let key = self.user_key(tenant, &user.id);
        self.users.put(self.users.seal(key, user)?.listed_by(self.index(tenant, key))).await?;
        if !self.has_logins(tenant, &user.id, &logins).await? {
            self.users.remove(vec![key]).await?;
            return Err(RecordError::Held);
        }
        turn.known.put_back(list, |list| list.note(user));
        self.announce(tenant, &user.id).await;
        Ok(Ok(()))
    }

    /// Changes the record of a user by `change`, also the name and the addresses: to `logins`. `None` if there is no such user.
    pub(super) async fn replace(
        &self,
        turn: &mut UserTurn,
        tenant: &TenantId,
        replacement: Replacement<'_>,
        mut change: impl FnMut(&mut UserRecord) + Send,
    ) -> Result<Result<Option<UserRecord>, LoginTaken>, RecordError> {
        let Replacement { id, logins } = replacement;
        if let Some(taken) = self.find_taken(tenant, id, logins).await? {
            return Ok(Err(taken));
        }
        let Some(before) = self.find(tenant, id).await? else { return Ok(Ok(None)) };
        let list = turn.known.0.take();
        self.put_logins(tenant, id, logins).await?;
        let changed = self
            .update(tenant, id, |user| {
                change(user);
                true
            })
            .await?;
        if !self.has_logins(tenant, id, logins).await? {
            self.restore_logins(tenant, &before).await?;
            return Err(RecordError::Held);
        }
        let unused: Vec<_> = before.logins().into_iter().filter(|login| !logins.contains(login)).collect();
        self.remove_logins(tenant, &unused).await?;
        if let Some(user) = &changed {
            turn.known.put_back(list, |list| list.note(user));
        }
        self.announce(tenant, id).await;
        Ok(Ok(changed))
    }

    /// Deletes a user: first the record, so that no login finds the user any more.
    pub(super) async fn delete(&self, turn: &mut UserTurn, tenant: &TenantId, id: &str) -> Result<bool, RecordError> {
        let Some(user) = self.find(tenant, id).await? else { return Ok(false) };
        let list = turn.known.0.take();
        self.users.remove(vec![self.user_key(tenant, id)]).await?;
        self.remove_logins(tenant, &user.logins()).await?;
        let identities: Vec<_> = user.identities.iter().map(IdentityRecord::key).collect();
        self.identities.remove(tenant, &identities).await?;
        turn.known.put_back(list, |list| list.remove(id));
        self.announce(tenant, id).await;
        Ok(true)
    }

    /// Gives a user the logins of `before` again, after a change that has given the user logins of another user.
    async fn restore_logins(&self, tenant: &TenantId, before: &UserRecord) -> Result<(), RecordError> {
        let restored = self.update(tenant, &before.id, |user| {
            user.user_name.clone_from(&before.user_name);
            user.emails.clone_from(&before.emails);
            true
        });
        restored.await.map(|_| ())
    }

    /// Tells other replicas, which may have the user in a list, that the user was created, changed or deleted.
    async fn announce(&self, tenant: &TenantId, id: &str) {
        if let Some(changes) = &self.list_changes {
            changes.announce(tenant, id).await;
        }
    }

    async fn get(&self, tenant: &TenantId, id: &str) -> Result<Option<OpenedRecord<UserRecord>>, RecordError> {
        self.users.get(self.user_key(tenant, id)).await
    }

    fn user_key(&self, tenant: &TenantId, id: &str) -> RecordKey {
        self.users.key(&[tenant.as_str(), id].map(str::as_bytes))
    }

    /// The key of the user that does not exist. It has three parts, so it is the key of no id.
    fn decoy_key(&self, tenant: &TenantId) -> RecordKey {
        self.users.key(&[tenant.as_str(), "", "nobody"].map(str::as_bytes))
    }

    fn index(&self, tenant: &TenantId, key: RecordKey) -> RecordKey {
        let [part, ..] = key.0;
        self.index_part(tenant, part)
    }

    /// The index of a directory's users has 256 parts, so that no read of it is long.
    pub(super) fn index_part(&self, tenant: &TenantId, part: u8) -> RecordKey {
        self.users.index([tenant.as_str(), &format!("{part:02x}")])
    }
}

/// The lock of `tenant` among `locks`.
fn lock_of(locks: &SyncMutex<HashMap<TenantId, Arc<Mutex<KnownUsers>>>>, tenant: &TenantId) -> Arc<Mutex<KnownUsers>> {
    locks.lock().unwrap_or_else(PoisonError::into_inner).entry(tenant.clone()).or_default().clone()
}

/// A user whose name and addresses become `logins`.
#[derive(Clone, Copy)]
pub(super) struct Replacement<'a> {
    pub(super) id: &'a str,
    pub(super) logins: &'a [Login],
}

impl KnownUsers {
    /// Puts the list back that a write took out, with the write noted. The write takes it out because one that fails or is abandoned
    /// may have been stored or not: the next listing then reads the store.
    fn put_back(&mut self, list: Option<UserList>, note: impl FnOnce(&mut UserList)) {
        self.0 = list.map(|mut list| {
            note(&mut list);
            list
        });
    }
}
