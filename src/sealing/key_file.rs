//! Reading and writing the key file of a [`KeyRing`].

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::domain::is_private;

use super::{KeyRing, KeyRingError, key_text};

const PRIVATE_MODE: u32 = 0o600;
/// Bytes of a key file that is accepted. A key ring of a thousand keys has about 200 KiB.
const MAX_FILE_BYTES: usize = 1 << 20;

impl KeyRing {
    /// Reads a key file.
    ///
    /// # Errors
    /// [`KeyRingError::Exposed`] if its mode allows other users to read it, [`KeyRingError::File`] if it cannot be
    /// read, [`KeyRingError::Malformed`] if it is no key ring.
    pub fn load(path: &Path) -> Result<Self, KeyRingError> {
        let mut file = File::open(path).map_err(failed(path))?;
        // The mode is read from the open file: the path may name another file by now.
        if !is_private(&file.metadata().map_err(failed(path))?) {
            return Err(KeyRingError::Exposed { path: path.to_owned() });
        }
        let text = read_text(&mut file).map_err(failed(path))?;
        key_text::parse(&text)
    }

    /// Writes a new key file with mode 0600.
    ///
    /// # Errors
    /// [`KeyRingError::Exists`] if the file exists already; [`KeyRingError::File`] if it cannot be written.
    pub fn create_file(&self, path: &Path) -> Result<(), KeyRingError> {
        match self.write_new(path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                Err(KeyRingError::Exists { path: path.to_owned() })
            }
            written => written.and_then(|()| sync_parent_folder(path)).map_err(failed(path)),
        }
    }

    /// Replaces a key file atomically: a reader sees either the old key ring or this one, even after a power cut.
    ///
    /// # Errors
    /// [`KeyRingError::File`] if it cannot be written. The old file then stays unchanged.
    pub fn replace_file(&self, path: &Path) -> Result<(), KeyRingError> {
        let replacement = replacement_path(path);
        let replace = || {
            match fs::remove_file(&replacement) {
                // An interrupted replacement has left this file.
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
            self.write_new(&replacement)?;
            fs::rename(&replacement, path)?;
            sync_parent_folder(path)
        };
        replace().map_err(failed(path))
    }

    fn write_new(&self, path: &Path) -> io::Result<()> {
        let mut file = OpenOptions::new().create_new(true).write(true).mode(PRIVATE_MODE).open(path)?;
        let written = file.write_all(key_text::write(self).expose().as_bytes()).and_then(|()| file.sync_all());
        if written.is_err() {
            // An incomplete key file must not stay. The error of the write is reported, not one of the removal.
            drop(fs::remove_file(path));
        }
        written
    }
}

fn read_text(file: &mut File) -> io::Result<Zeroizing<String>> {
    let too_long = || io::Error::new(ErrorKind::InvalidData, "the file is longer than 1 MiB");
    let length = usize::try_from(file.metadata()?.len()).map_err(|_| too_long())?;
    if length > MAX_FILE_BYTES {
        return Err(too_long());
    }
    // The capacity is reserved in advance: a growing buffer would leave copies of the keys in freed memory.
    let mut text = Zeroizing::new(String::with_capacity(length + 1));
    file.take(MAX_FILE_BYTES as u64).read_to_string(&mut text)?;
    Ok(text)
}

fn replacement_path(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".new");
    PathBuf::from(name)
}

fn sync_parent_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

fn failed(path: &Path) -> impl Fn(io::Error) -> KeyRingError {
    move |reason| KeyRingError::File { path: path.to_owned(), reason }
}
