//! `UserStore`: lists of users. `user_store.rs` has the type.

use super::user_list::UserList;
use super::user_store::{KnownUsers, UserStore, UserTurn};
use crate::domain::TenantId;
use crate::records::RecordError;

/// The users of a directory while none is created, changed or deleted, until this is dropped.
pub struct HeldUsers {
    /// Whether the directory has no user.
    pub is_empty: bool,
    _turn: UserTurn,
}

impl UserStore {
    /// The list of the users of `tenant`, read from the store if it is not in memory.
    pub(super) async fn list<'known>(
        &self,
        known: &'known mut KnownUsers,
        tenant: &TenantId,
    ) -> Result<&'known UserList, RecordError> {
        if self.is_shared() {
            self.bring_up_to_date(known, tenant).await?;
        }
        if known.0.is_none() {
            known.0 = Some(self.read_list(tenant).await?);
        }
        Ok(known.0.get_or_insert_default())
    }

    /// Finds out whether there are users, and holds changes of them back.
    pub(super) async fn hold(&self, tenant: &TenantId) -> Result<HeldUsers, RecordError> {
        let mut turn = self.begin_change(tenant).await?;
        let is_empty = if self.is_shared() {
            // Word of the last change may still be on its way, so the list in memory does not count.
            self.find_no_user(tenant).await?
        } else {
            self.list(&mut turn.known, tenant).await?.page(0, 0, None).total == 0
        };
        Ok(HeldUsers { is_empty, _turn: turn })
    }

    /// Reads users again who were changed since the list was read. Leaves no list if it is not known who they are, or a read fails.
    async fn bring_up_to_date(&self, known: &mut KnownUsers, tenant: &TenantId) -> Result<(), RecordError> {
        // What is changed from now on is changed after the reads that follow have begun, and is read again at the next listing.
        let changed = self.list_changes.as_ref().and_then(|changes| changes.take(tenant));
        let (Some(mut list), Some(changed)) = (known.0.take(), changed) else { return Ok(()) };
        for id in changed {
            let id = id.to_string();
            match self.find(tenant, &id).await? {
                Some(user) => list.note(&user),
                None => list.remove(&id),
            }
        }
        known.0 = Some(list);
        Ok(())
    }

    async fn read_list(&self, tenant: &TenantId) -> Result<UserList, RecordError> {
        let mut list = UserList::default();
        for part in 0..=u8::MAX {
            for stored in self.users.members(self.index_part(tenant, part)).await? {
                list.note(&self.users.open(&stored)?);
            }
        }
        Ok(list)
    }

    async fn find_no_user(&self, tenant: &TenantId) -> Result<bool, RecordError> {
        for part in 0..=u8::MAX {
            if !self.users.last_members(self.index_part(tenant, part), 1).await?.is_empty() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
