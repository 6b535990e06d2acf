//! Which users of the lists in memory replicas have changed.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use uuid::Uuid;

use crate::domain::{RecordKey, TenantId};
use crate::records::{ChangeListener, Records, catalogue};

/// The most changed users of a directory that are remembered. If more are changed, the whole list is read again.
const MOST_CHANGED: usize = 16_384;

/// The users who were changed since the list of their directory was read or brought up to date.
pub(super) struct ListChanges {
    records: Records,
    /// By the name under which replicas tell each other of changes. Nothing is remembered of a directory without an entry: its list, if
    /// there is one, is out of date.
    changed: Mutex<HashMap<RecordKey, HashSet<Uuid>>>,
}

impl ListChanges {
    /// Listens to what replicas change. `None` over an exclusive store.
    pub(super) fn start(records: &Records) -> Option<Arc<Self>> {
        let replicas = records.replicas()?;
        let changes = Arc::new(Self { records: records.clone(), changed: Mutex::default() });
        let listener: Weak<dyn ChangeListener> = Arc::downgrade(&changes) as Weak<dyn ChangeListener>;
        replicas.listen(listener);
        Some(changes)
    }

    /// Takes the ids of users of `tenant` who were changed since the last call. `None` if others may have changed as well, so that the
    /// list is to be read again.
    pub(super) fn take(&self, tenant: &TenantId) -> Option<HashSet<Uuid>> {
        let changed = self.lock().insert(self.key(tenant), HashSet::new());
        let may_use_list = self.records.replicas().is_none_or(|replicas| replicas.may_use_copies());
        changed.filter(|_| may_use_list)
    }

    /// Tells all replicas that the user `id` of `tenant` was created, changed or deleted.
    pub(super) async fn announce(&self, tenant: &TenantId, id: &str) {
        if let Ok(id) = Uuid::try_parse(id) {
            self.records.announce(self.key(tenant), id.as_bytes()).await;
        }
    }

    fn key(&self, tenant: &TenantId) -> RecordKey {
        RecordKey(self.records.mac(&catalogue::DIRECTORY_USERS_CHANGED, &[tenant.as_str().as_bytes()]))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RecordKey, HashSet<Uuid>>> {
        self.changed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ChangeListener for ListChanges {
    fn changed(&self, key: RecordKey, note: &[u8]) {
        let mut changed = self.lock();
        let Some(ids) = changed.get_mut(&key) else { return };
        match Uuid::from_slice(note) {
            Ok(id) if ids.len() < MOST_CHANGED => {
                ids.insert(id);
            }
            _ => {
                changed.remove(&key);
            }
        }
    }

    fn all_may_have_changed(&self) {
        self.lock().clear();
    }
}
