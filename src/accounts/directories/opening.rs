//! The settings with which a directory begins a start of the program.

use super::settings_record::StoredSettings;
use crate::domain::{Directory, DirectorySettings, ManagedBy, RecordKey, SsoSettings};
use crate::records::{Collection, RecordError, Records};

/// How often the first settings are written if other replicas, which start at the same time, write theirs.
const MOST_TRIES: usize = 8;

/// The settings with which `directory` begins this start of the program, stored under `key`. They are written if they differ from
/// those in the store. Replicas that start at the same time agree: one writes, and the others find what it has written.
pub(super) async fn open_settings(
    records: &Records,
    key: RecordKey,
    directory: &Directory,
    first: &DirectorySettings,
) -> Result<DirectorySettings, RecordError> {
    let collection = Collection::<StoredSettings>::new(records);
    for _ in 0..MOST_TRIES {
        let found = collection.get(key).await?;
        let stored = found.as_ref().map(|found| &found.content.0);
        let present = choose(directory, stored, first);
        if stored == Some(&present) {
            return Ok(present);
        }
        let sealed = collection.seal(key, &StoredSettings(present.clone()))?;
        if collection.compare_and_put(found.map(|found| found.stored), sealed).await? {
            // Replicas that run already still have the settings of a store that has lost them.
            records.announce(key, &[]).await;
            return Ok(present);
        }
    }
    Err(RecordError::Held)
}

/// Sets the number of switch-offs in `after`, the settings that follow `before`.
pub(super) fn count_switch_off(before: &SsoSettings, after: &mut SsoSettings) {
    let is_switched_off = before.is_active && !after.is_active;
    after.switch_offs = before.switch_offs + u64::from(is_switched_off);
}

fn choose(directory: &Directory, stored: Option<&DirectorySettings>, first: &DirectorySettings) -> DirectorySettings {
    match (stored, directory.managed_by) {
        (Some(stored), ManagedBy::Api) => {
            log_difference(directory, stored, first);
            stored.clone()
        }
        (Some(stored), ManagedBy::File) => {
            let mut settings = first.clone();
            // The sessions of before the switch stay ended when the file switches single sign-on on again.
            count_switch_off(&stored.sso, &mut settings.sso);
            settings
        }
        (None, _) => first.clone(),
    }
}

/// Says that the file has other first values than the settings that count, which its reader could take for those.
fn log_difference(directory: &Directory, stored: &DirectorySettings, first: &DirectorySettings) {
    let mut first = first.clone();
    first.sso.switch_offs = stored.sso.switch_offs;
    if first != *stored {
        let directory = directory.name.as_str();
        tracing::info!(directory, "the settings of a directory are those of the store, and the file has others");
    }
}
