use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The file of the audit stream. A thread of its own writes it; another may have it reopened.
pub(super) struct AuditFile {
    path: PathBuf,
    /// The file to which the next lines go, until the thread that writes has taken it.
    reopened: Mutex<Option<File>>,
    /// The file that was opened last.
    identity: Mutex<Option<FileIdentity>>,
}

/// Device and inode.
type FileIdentity = [u64; 2];

impl AuditFile {
    /// Opens or creates the file at `path` to append to it; only its owner can read a file that this creates.
    pub(super) fn open(path: &Path) -> io::Result<(Arc<Self>, AuditFileWriter)> {
        let opened = open(path)?;
        let identity = Mutex::new(opened.metadata().ok().as_ref().map(identify));
        let file = Arc::new(Self { path: path.to_owned(), reopened: Mutex::default(), identity });
        Ok((Arc::clone(&file), AuditFileWriter { file, opened, ends_in_line: false, has_failed: false }))
    }

    /// Opens the file again, because another program has moved it away. Lines that are written from now on go there.
    pub(super) fn reopen(&self) -> io::Result<()> {
        let opened = open(&self.path)?;
        *self.identity.lock().unwrap_or_else(PoisonError::into_inner) = opened.metadata().ok().as_ref().map(identify);
        *self.reopened.lock().unwrap_or_else(PoisonError::into_inner) = Some(opened);
        Ok(())
    }

    /// Whether the path no longer leads to the file that was opened: lines go to a file that was moved away or removed.
    pub(super) fn is_lost(&self) -> bool {
        let opened = *self.identity.lock().unwrap_or_else(PoisonError::into_inner);
        std::fs::metadata(&self.path).ok().as_ref().map(identify) != opened
    }
}

fn identify(about: &Metadata) -> FileIdentity {
    [about.dev(), about.ino()]
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(0o600);
    // Opening a pipe to write waits for its reader; opening it to read as well does not.
    let is_pipe = std::fs::metadata(path).is_ok_and(|about| about.file_type().is_fifo());
    options.read(is_pipe).open(path)
}

/// Writes to the audit file. A line that was cut off, because the disk was full, is ended before the next line begins.
pub(super) struct AuditFileWriter {
    file: Arc<AuditFile>,
    opened: File,
    /// Whether the last bytes that were written do not end a line.
    ends_in_line: bool,
    has_failed: bool,
}

impl Write for AuditFileWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(reopened) = self.file.reopened.lock().unwrap_or_else(PoisonError::into_inner).take() {
            self.opened = reopened;
            self.ends_in_line = false;
        }
        if self.has_failed && self.ends_in_line {
            self.opened.write_all(b"\n")?;
            self.ends_in_line = false;
        }
        match self.opened.write(bytes) {
            Ok(written) => {
                self.has_failed = false;
                self.ends_in_line = bytes.get(..written).is_some_and(|written| !written.ends_with(b"\n"));
                Ok(written)
            }
            Err(error) => {
                self.has_failed |= error.kind() != ErrorKind::Interrupted;
                Err(error)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use std::os::unix::fs::PermissionsExt as _;

    use super::{AuditFile, Write};

    #[test]
    fn lines_are_appended_for_the_owner_alone_and_go_to_a_new_file_once_the_old_one_is_moved() {
        let directory = tempfile::tempdir().unwrap();
        let (path, moved) = (directory.path().join("audit.jsonl"), directory.path().join("audit.jsonl.1"));
        std::fs::write(&path, "earlier\n").unwrap();
        let (file, mut writer) = AuditFile::open(&path).unwrap();
        writer.write_all(b"one\n").unwrap();
        assert!(!file.is_lost());
        std::fs::rename(&path, &moved).unwrap();
        writer.write_all(b"two\n").unwrap();
        assert!(file.is_lost(), "until it is opened again");
        file.reopen().unwrap();
        assert!(!file.is_lost());
        writer.write_all(b"three\n").unwrap();
        assert_eq!(std::fs::read_to_string(&moved).unwrap(), "earlier\none\ntwo\n");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "three\n");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_line_that_was_cut_off_is_ended_before_the_next_one() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("audit.jsonl");
        let (_, mut writer) = AuditFile::open(&path).unwrap();
        writer.write_all(b"cut o").unwrap();
        // What a full disk does after it has taken a part of the line.
        writer.has_failed = true;
        writer.write_all(b"next\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "cut o\nnext\n");
    }
}
