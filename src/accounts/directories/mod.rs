//! The directories and their settings.

mod opening;
mod settings_record;
mod view;

#[cfg(test)]
mod replicas_tests;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::Mutex;

use self::opening::{count_switch_off, open_settings};
use self::settings_record::StoredSettings;
use super::turns::{LEASE_PATIENCE, wait_for_lock};
use crate::domain::{Directory, DirectorySettings, LogoutReceiver, LogoutReceivers, ManagedBy, RecordKey, TenantId};
use crate::records::{Collection, CopyHolder, CopyUpkeep, RecordError, Records, StoredRecord, catalogue};

pub use view::DirectoryView;

/// A directory as the configuration begins it.
#[derive(Clone, Debug)]
pub struct FirstDirectory {
    /// What only the configuration says.
    pub directory: Directory,
    /// The first settings: those of the store replace them, unless the file manages the directory.
    pub settings: DirectorySettings,
}

/// All directories. Their settings are in memory, and a change is stored before it has an effect (docs/directory.md §Settings).
///
/// What one replica changes has an effect on the others within a second (see [`CopyUpkeep`]). The settings of a replica for which the
/// store does not answer stay as they were; nothing that they permit can be done then, because it takes the store as well. The
/// settings of a directory that the file manages are those of each replica's own file.
#[derive(Clone)]
pub struct Directories {
    open: Arc<OpenDirectories>,
    /// Reads settings again that other replicas have changed.
    _upkeep: Option<Arc<CopyUpkeep>>,
}

/// Why settings were not changed.
#[derive(Debug, thiserror::Error)]
pub enum SettingsChangeError<R> {
    /// The configuration manages the directory (`managed = "file"`).
    #[error("the configuration manages this directory")]
    ManagedByFile,
    /// The directory would have more than [`DirectorySettings::MAX_APPLICATIONS`] applications.
    #[error("the directory has as many applications as it may have")]
    TooManyApplications,
    /// The directory would have more than [`DirectorySettings::MAX_ALL_ADDRESSES`] addresses.
    #[error("the directory has as many addresses as it may have")]
    TooManyAddresses,
    /// The change itself refused.
    #[error("the change was refused")]
    Refused(R),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] RecordError),
}

struct OpenDirectories {
    records: Records,
    settings: Collection<StoredSettings>,
    by_tenant: HashMap<String, OpenDirectory>,
}

/// A directory, its present settings, and the lock that puts changes in an order.
struct OpenDirectory {
    key: RecordKey,
    view: ArcSwap<DirectoryView>,
    changes: Mutex<()>,
}

impl Directories {
    /// Opens the directories: reads the settings of each from the store, and stores the first ones of those that are new.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn open(records: &Records, first: Vec<FirstDirectory>) -> Result<Self, RecordError> {
        let settings = Collection::<StoredSettings>::new(records);
        let mut by_tenant = HashMap::with_capacity(first.len());
        for FirstDirectory { directory, settings: first } in first {
            let tenant = directory.tenant.to_string();
            let key = settings.key(&[tenant.as_bytes()]);
            let present = open_settings(records, key, &directory, &first).await?;
            let view = DirectoryView { directory: Arc::new(directory), settings: present };
            let (view, changes) = (ArcSwap::from_pointee(view), Mutex::default());
            by_tenant.insert(tenant, OpenDirectory { key, view, changes });
        }
        let open = Arc::new(OpenDirectories { records: records.clone(), settings, by_tenant });
        let changeable = open.by_tenant.values().filter(|directory| directory.is_changeable());
        let keys = changeable.map(|directory| directory.key).collect();
        let upkeep = CopyUpkeep::start(records, keys, &open).map(Arc::new);
        Ok(Self { open, _upkeep: upkeep })
    }

    /// The directory with the tenant id `tenant` as it is now. Takes no lock and reads no store.
    #[must_use]
    pub fn find(&self, tenant: &str) -> Option<Arc<DirectoryView>> {
        self.open.by_tenant.get(tenant).map(|directory| directory.view.load_full())
    }

    /// As [`Directories::find`], and sees also what another replica has changed at this moment: it reads the store if there are other
    /// replicas.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn find_stored(&self, tenant: &str) -> Result<Option<Arc<DirectoryView>>, RecordError> {
        let Some(directory) = self.open.by_tenant.get(tenant) else { return Ok(None) };
        if self.open.records.replicas().is_some() && directory.is_changeable() {
            self.open.reread(directory.key).await?;
        }
        Ok(Some(directory.view.load_full()))
    }

    /// All directories, ordered by name.
    #[must_use]
    pub fn list(&self) -> Vec<Arc<DirectoryView>> {
        let mut views: Vec<_> = self.open.by_tenant.values().map(|directory| directory.view.load_full()).collect();
        views.sort_by(|one, other| one.directory.name.cmp(&other.directory.name));
        views
    }

    /// Changes the settings of `tenant` by `change`, stores them, and then lets them take effect. Changes of one directory run
    /// one after the other, also those of several replicas. `SsoSettings::switch_offs` is raised here when `is_active` goes from true to
    /// false. A tenant that does not exist counts as one that only the configuration could make.
    ///
    /// # Errors
    /// [`SettingsChangeError`]; the settings are then as before.
    pub async fn change<T, R>(
        &self,
        tenant: &TenantId,
        change: impl FnOnce(&mut DirectorySettings) -> Result<T, R> + Send,
    ) -> Result<T, SettingsChangeError<R>> {
        let open = self.open.by_tenant.get(tenant.as_str()).ok_or(SettingsChangeError::ManagedByFile)?;
        if !open.is_changeable() {
            return Err(SettingsChangeError::ManagedByFile);
        }
        let records = &self.open.records;
        let _turn = wait_for_lock(records, open.changes.lock()).await?;
        let lease = records.lease(&catalogue::SETTINGS_CHANGE, &[tenant.as_str().as_bytes()], LEASE_PATIENCE).await;
        let _lease = lease.map_err(RecordError::from)?;
        let stored = match records.replicas() {
            Some(_) => self.open.read_settings(open).await?,
            None => None,
        };
        let present = open.view.load_full();
        let mut settings = present.settings.clone();
        let result = change(&mut settings).map_err(SettingsChangeError::Refused)?;
        if settings.applications.len() > DirectorySettings::MAX_APPLICATIONS {
            return Err(SettingsChangeError::TooManyApplications);
        }
        if settings.count_addresses() > DirectorySettings::MAX_ALL_ADDRESSES {
            return Err(SettingsChangeError::TooManyAddresses);
        }
        count_switch_off(&present.settings.sso, &mut settings.sso);
        if settings != present.settings {
            self.open.write_settings(open, stored, settings).await?;
        }
        Ok(result)
    }
}

impl OpenDirectory {
    /// Whether the management API may change the settings.
    fn is_changeable(&self) -> bool {
        self.view.load().directory.managed_by != ManagedBy::File
    }

    fn show(&self, settings: DirectorySettings) {
        let directory = self.view.load().directory.clone();
        self.view.store(Arc::new(DirectoryView { directory, settings }));
    }
}

impl OpenDirectories {
    /// Reads the settings of a directory again, and returns their record. The caller has locked the changes, so that no older settings
    /// replace newer ones.
    async fn read_settings(&self, open: &OpenDirectory) -> Result<Option<StoredRecord<StoredSettings>>, RecordError> {
        let Some(found) = self.settings.get(open.key).await? else { return Ok(None) };
        if open.view.load().settings != found.content.0 {
            open.show(found.content.0);
        }
        Ok(Some(found.stored))
    }

    /// Stores `settings`, lets them take effect, and tells the other replicas. `stored`: the record that they replace, if other
    /// replicas write to the store.
    async fn write_settings(
        &self,
        open: &OpenDirectory,
        stored: Option<StoredRecord<StoredSettings>>,
        settings: DirectorySettings,
    ) -> Result<(), RecordError> {
        let sealed = self.settings.seal(open.key, &StoredSettings(settings.clone()))?;
        if self.records.replicas().is_none() {
            self.settings.put(sealed).await?;
        } else if !self.settings.compare_and_put(stored, sealed).await? {
            // The lease was lost, and another replica has changed the settings.
            return Err(RecordError::Held);
        }
        open.show(settings);
        self.records.announce(open.key, &[]).await;
        Ok(())
    }
}

impl CopyHolder for OpenDirectories {
    async fn reread(&self, key: RecordKey) -> Result<(), RecordError> {
        let Some(open) = self.by_tenant.values().find(|open| open.key == key) else { return Ok(()) };
        let _turn = wait_for_lock(&self.records, open.changes.lock()).await?;
        self.read_settings(open).await.map(|_| ())
    }
}

impl LogoutReceivers for Directories {
    fn find_receiver(&self, tenant: &TenantId, client_id: &str) -> Option<LogoutReceiver> {
        let view = self.find(tenant.as_str())?;
        let application = view.find_application(client_id)?;
        let address = view.find_logout_address(application)?;
        Some(LogoutReceiver { directory: view.directory.clone(), client_id: application.client_id.clone(), address })
    }
}
