//! The directories and their settings.

mod settings_record;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::Mutex;
use url::Url;

use self::settings_record::StoredSettings;
use crate::domain::{
    Application, Directory, DirectorySettings, LogoutReceiver, LogoutReceivers, ManagedBy, SsoSettings, TenantId,
    check_logout_address,
};
use crate::records::{Collection, RecordError, Records, SingleWriter};

/// A directory as the configuration begins it.
#[derive(Clone, Debug)]
pub struct FirstDirectory {
    /// What only the configuration says.
    pub directory: Directory,
    /// The first settings: those of the store replace them, unless the file manages the directory.
    pub settings: DirectorySettings,
}

/// A directory with its settings at one moment.
#[derive(Debug)]
pub struct DirectoryView {
    /// What only the configuration says.
    pub directory: Arc<Directory>,
    /// The settings.
    pub settings: DirectorySettings,
}

impl DirectoryView {
    /// The application with this client id: one of bot-sso itself, or one of the settings.
    #[must_use]
    pub fn find_application(&self, client_id: &str) -> Option<&Application> {
        self.find_own_application(client_id).or_else(|| self.settings.find_application(client_id))
    }

    /// Whether users of `application` may be sent to `uri` with a code (RFC 9700 §2.1). The directory's list of addresses counts
    /// for the applications of the settings alone.
    #[must_use]
    pub fn allows_redirect(&self, application: &Application, uri: &str) -> bool {
        match self.find_own_application(&application.client_id) {
            Some(own) => own.redirect_uris.iter().any(|allowed| allowed == uri),
            None => self.settings.allows_redirect(application, uri),
        }
    }

    /// Where `application` is told that sessions have ended: the address that it has now, if it is permitted now.
    #[must_use]
    pub fn find_logout_address(&self, application: &Application) -> Option<Url> {
        let address = application.backchannel_logout_uri.as_ref()?;
        check_logout_address(&self.directory, &self.settings, application, address).ok()?;
        Url::parse(address).ok()
    }

    fn find_own_application(&self, client_id: &str) -> Option<&Application> {
        self.directory.own_applications.iter().find(|application| application.client_id == client_id)
    }
}

/// All directories. Their settings are in memory, and a change is stored before it has an effect (docs/directory.md §Settings).
#[derive(Clone)]
pub struct Directories {
    settings: Collection<StoredSettings>,
    /// By tenant id.
    directories: Arc<HashMap<String, OpenDirectory>>,
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

/// A directory, its present settings, and the lock that puts changes in an order.
struct OpenDirectory {
    view: ArcSwap<DirectoryView>,
    changes: Mutex<()>,
}

impl Directories {
    /// Opens the directories: reads the settings of each from the store, and stores the first ones of those that are new.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn open(records: &Records, _: SingleWriter, first: Vec<FirstDirectory>) -> Result<Self, RecordError> {
        let settings = Collection::new(records);
        let mut directories = HashMap::with_capacity(first.len());
        for FirstDirectory { directory, settings: first } in first {
            let present = open_settings(&settings, &directory, first).await?;
            let tenant = directory.tenant.to_string();
            let view = DirectoryView { directory: Arc::new(directory), settings: present };
            let (view, changes) = (ArcSwap::from_pointee(view), Mutex::default());
            directories.insert(tenant, OpenDirectory { view, changes });
        }
        Ok(Self { settings, directories: Arc::new(directories) })
    }

    /// The directory with the tenant id `tenant` as it is now. Takes no lock and reads no store.
    #[must_use]
    pub fn find(&self, tenant: &str) -> Option<Arc<DirectoryView>> {
        self.directories.get(tenant).map(|directory| directory.view.load_full())
    }

    /// All directories, ordered by name.
    #[must_use]
    pub fn list(&self) -> Vec<Arc<DirectoryView>> {
        let mut views: Vec<_> = self.directories.values().map(|directory| directory.view.load_full()).collect();
        views.sort_by(|one, other| one.directory.name.cmp(&other.directory.name));
        views
    }

    /// Changes the settings of `tenant` by `change`, stores them, and then lets them take effect. Changes of one directory run
    /// one after the other. `SsoSettings::switch_offs` is raised here when `is_active` goes from true to false. A tenant that does
    /// not exist counts as one that only the configuration could make.
    ///
    /// # Errors
    /// [`SettingsChangeError`]; the settings are then as before.
    pub async fn change<T, R>(
        &self,
        tenant: &TenantId,
        change: impl FnOnce(&mut DirectorySettings) -> Result<T, R> + Send,
    ) -> Result<T, SettingsChangeError<R>> {
        let open = self.directories.get(tenant.as_str()).ok_or(SettingsChangeError::ManagedByFile)?;
        let _turn = open.changes.lock().await;
        let present = open.view.load_full();
        if present.directory.managed_by == ManagedBy::File {
            return Err(SettingsChangeError::ManagedByFile);
        }
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
            let key = settings_key(&self.settings, tenant);
            self.settings.put(self.settings.seal(key, &StoredSettings(settings.clone()))?).await?;
            open.view.store(Arc::new(DirectoryView { directory: present.directory.clone(), settings }));
        }
        Ok(result)
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

fn settings_key(settings: &Collection<StoredSettings>, tenant: &TenantId) -> crate::domain::RecordKey {
    settings.key(&[tenant.as_str().as_bytes()])
}

/// The settings with which `directory` begins this start of the program. They are stored if they differ from those in the store.
async fn open_settings(
    collection: &Collection<StoredSettings>,
    directory: &Directory,
    first: DirectorySettings,
) -> Result<DirectorySettings, RecordError> {
    let key = settings_key(collection, &directory.tenant);
    let stored = collection.get(key).await?.map(|stored| stored.content.0);
    let present = match (&stored, directory.managed_by) {
        (Some(stored), ManagedBy::Api) => {
            log_difference(directory, stored, first);
            stored.clone()
        }
        (Some(stored), ManagedBy::File) => {
            let mut settings = first;
            // The sessions of before the switch stay ended when the file switches single sign-on on again.
            count_switch_off(&stored.sso, &mut settings.sso);
            settings
        }
        (None, _) => first,
    };
    if stored.as_ref() != Some(&present) {
        collection.put(collection.seal(key, &StoredSettings(present.clone()))?).await?;
    }
    Ok(present)
}

/// Says that the file has other first values than the settings that count, which its reader could take for those.
fn log_difference(directory: &Directory, stored: &DirectorySettings, mut first: DirectorySettings) {
    first.sso.switch_offs = stored.sso.switch_offs;
    if first != *stored {
        let directory = directory.name.as_str();
        tracing::info!(directory, "the settings of a directory are those of the store, and the file has others");
    }
}

/// Sets the number of switch-offs in `after`, the settings that follow `before`.
fn count_switch_off(before: &SsoSettings, after: &mut SsoSettings) {
    let is_switched_off = before.is_active && !after.is_active;
    after.switch_offs = before.switch_offs + u64::from(is_switched_off);
}
