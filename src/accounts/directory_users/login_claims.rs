//! `UserStore`: the records of what users sign in by. `user_store.rs` has the type.

use super::records::{Login, LoginRecord};
use super::user_store::UserStore;
use crate::domain::{RecordKey, TenantId};
use crate::records::RecordError;

impl UserStore {
    /// Writes the records of `logins`, which no other user has. The caller has the turn of the directory's users. If the turn was lost
    /// to another replica, no record that it has written is replaced.
    pub(super) async fn put_logins(&self, tenant: &TenantId, id: &str, logins: &[Login]) -> Result<(), RecordError> {
        for login in logins {
            let (key, record) = (self.login_key(tenant, login), LoginRecord { user_id: id.to_owned() });
            let sealed = self.logins.seal(key, &record)?;
            if !self.is_shared() {
                self.logins.put(sealed).await?;
                continue;
            }
            let present = self.logins.get(key).await?;
            let is_own = present.as_ref().is_some_and(|present| present.content.user_id == id);
            let present = present.map(|present| present.stored);
            if !is_own && !self.logins.compare_and_put(present, sealed).await? {
                return Err(RecordError::Held);
            }
        }
        Ok(())
    }

    /// Whether the records of `logins` name the user `id`, whose record was written. They do not if the turn was lost to another replica
    /// before that, and another user has got one of them.
    pub(super) async fn has_logins(&self, tenant: &TenantId, id: &str, logins: &[Login]) -> Result<bool, RecordError> {
        for login in logins.iter().filter(|_| self.is_shared()) {
            let named = self.logins.get(self.login_key(tenant, login)).await?;
            if named.is_none_or(|named| named.content.user_id != id) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    pub(super) async fn remove_logins(&self, tenant: &TenantId, logins: &[Login]) -> Result<(), RecordError> {
        self.logins.remove(logins.iter().map(|login| self.login_key(tenant, login)).collect()).await
    }

    pub(super) fn login_key(&self, tenant: &TenantId, login: &Login) -> RecordKey {
        self.logins.key(&[tenant.as_str(), login.kind(), login.text()].map(str::as_bytes))
    }
}
