use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::copying::{CopiedRecords, copy_all, is_empty};
use super::{open_file, settings_of};
use crate::app::BuildError;
use crate::config::{StoreFileSection, StorePlace};
use crate::domain::SharedClock;
use crate::store::{EmbeddedStore, MarkReader, Marking, RedisStore, Store, StoreError};

/// Why a command on stores has failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreCommandError {
    /// A store cannot be opened.
    #[error(transparent)]
    Open(#[from] BuildError),
    /// A store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file of the store to copy does not exist.
    #[error("{0}: there is no such file")]
    NoStore(PathBuf),
    /// Services use the store on the server.
    #[error("{processes} processes use the store at {url}: stop all replicas first")]
    InUse {
        /// The address of the store.
        url: String,
        /// How many they are.
        processes: u64,
    },
    /// The store has records of a version that did not count them.
    #[error(
        "an earlier version has written the store to copy: start this version with it once, then stop it and copy again"
    )]
    Older,
    /// The store to copy to has records.
    #[error("the store to copy to has records already: write another one, or --merge to add those that it lacks")]
    NotEmpty,
    /// Records are missing in the copy.
    #[error("{missing} records are not in the store that was copied to: repeat the command with --merge")]
    Incomplete {
        /// How many they are.
        missing: usize,
    },
    /// The configuration names a store on a server, which has backups of its own.
    #[error("the store is on a server, whose own backups serve: docs/replicas.md says how")]
    NotAFile,
}

/// Copies all live records of one store to another one. Neither may be in use. `merges` permits that the other one has records; these
/// stay as they are.
///
/// # Errors
/// [`StoreCommandError`] says what is in the way. What was copied until then stays in the other store.
pub async fn copy_store(
    from: &StorePlace,
    to: &StorePlace,
    merges: bool,
    clock: SharedClock,
) -> Result<CopiedRecords, StoreCommandError> {
    if let StorePlace::File(file) = from
        && !file.path.is_file()
    {
        return Err(StoreCommandError::NoStore(file.path.clone()));
    }
    let from = open_unused(from, clock.clone()).await?;
    let to = open_unused(to, clock.clone()).await?;
    let nothing: MarkReader = Arc::new(|_| None);
    if from.mark_older(1, nothing).await? != Marking::Complete {
        return Err(StoreCommandError::Older);
    }
    if !merges && !is_empty(to.as_ref()).await? {
        return Err(StoreCommandError::NotEmpty);
    }
    let copied = copy_all(from.as_ref(), to.as_ref(), clock.as_ref()).await?;
    if copied.missing > 0 {
        return Err(StoreCommandError::Incomplete { missing: copied.missing });
    }
    Ok(copied)
}

/// Opens a store and refuses one that other processes use. The lock of a store in a file shows them; the subscriptions to the changes of a
/// store on a server do.
async fn open_unused(place: &StorePlace, clock: SharedClock) -> Result<Arc<dyn Store>, StoreCommandError> {
    match place {
        StorePlace::File(file) => Ok(open_file(file, clock)?),
        StorePlace::Shared(section) => {
            let opened = RedisStore::open(&settings_of(section), clock).await;
            let store = opened.map_err(BuildError::SharedStore)?;
            let processes = store.count_other_processes().await?;
            if processes > 0 {
                return Err(StoreCommandError::InUse { url: section.url.clone(), processes });
            }
            Ok(Arc::new(store))
        }
    }
}

/// Writes a copy of the store into the new file `to`, also while a service uses the store. Blocks on the disk.
///
/// # Errors
/// [`StoreCommandError`] if the store is not in a file, or cannot be copied.
pub fn back_up_store(place: &StorePlace, to: &Path) -> Result<(), StoreCommandError> {
    Ok(EmbeddedStore::back_up(&file_of(place)?.path, to)?)
}

/// Replaces the store by the copy `from`. No service may use the store. Blocks on the disk.
///
/// # Errors
/// [`StoreCommandError`] if the store is not in a file, is in use, exists (without `overwrites`), or if the copy cannot be used.
pub fn restore_store(place: &StorePlace, from: &Path, overwrites: bool) -> Result<(), StoreCommandError> {
    Ok(EmbeddedStore::restore(from, &file_of(place)?.path, overwrites)?)
}

fn file_of(place: &StorePlace) -> Result<&StoreFileSection, StoreCommandError> {
    match place {
        StorePlace::File(file) => Ok(file),
        StorePlace::Shared(_) => Err(StoreCommandError::NotAFile),
    }
}
