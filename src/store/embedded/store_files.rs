use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::opening::sibling_path;

/// The files of an open store. It tells when another file, or none, lies at one of their paths: what is written from then
/// on is gone after a restart, and without the lock file a second process could open the store.
///
/// The files are looked at by path and never opened, because closing a file releases the locks that `SQLite` holds on it.
pub(super) struct StoreFiles {
    files: Vec<StoreFile>,
    was_reported: AtomicBool,
}

struct StoreFile {
    path: PathBuf,
    device: u64,
    inode: u64,
    /// Whether the file had content when it was opened. `SQLite` never makes the database empty again.
    has_content: bool,
}

impl StoreFiles {
    /// Remembers the files of the store at `path`, which has just been opened and written to: the database, its log and
    /// its lock file. A file that does not exist now is left out.
    pub(super) fn opened_at(path: &Path) -> Self {
        let paths = [path.to_owned(), sibling_path(path, "-wal"), sibling_path(path, ".lock")];
        let files = paths.into_iter().filter_map(|file| StoreFile::find(file, path)).collect();
        Self { files, was_reported: AtomicBool::new(false) }
    }

    /// Whether the last check has found a file missing. The writer checks after each commit, and every few seconds.
    pub(super) fn are_lost(&self) -> bool {
        self.was_reported.load(Ordering::Relaxed)
    }

    /// Checks that each file is still at its path. Logs an error when one is not, and again when all of them are back.
    ///
    /// # Errors
    /// The text for the log.
    pub(super) fn check(&self) -> Result<(), String> {
        let outcome = self.files.iter().try_for_each(StoreFile::check);
        if self.was_reported.swap(outcome.is_err(), Ordering::Relaxed) != outcome.is_err() {
            if let Err(error) = &outcome {
                tracing::error!(
                    %error,
                    "the store refuses all work: put the file back, or restart the process to use what is there now"
                );
            } else {
                tracing::warn!("the files of the store are back: the store works again");
            }
        }
        outcome
    }
}

impl StoreFile {
    fn find(path: PathBuf, database: &Path) -> Option<Self> {
        let metadata = fs::metadata(&path).ok()?;
        let has_content = path == database && metadata.len() > 0;
        Some(Self { path, device: metadata.dev(), inode: metadata.ino(), has_content })
    }

    fn check(&self) -> Result<(), String> {
        let path = self.path.display();
        let found = fs::metadata(&self.path)
            .map_err(|error| format!("{path} was removed while it was open, or cannot be seen: {error}"))?;
        if (found.dev(), found.ino()) != (self.device, self.inode) {
            return Err(format!("{path} was replaced while it was open"));
        }
        if self.has_content && found.len() == 0 {
            return Err(format!("{path} was emptied while it was open"));
        }
        Ok(())
    }
}
