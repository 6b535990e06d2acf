use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::error::StageError;

/// Writes a file that only its owner can read, because bot-sso refuses key files that others can read.
///
/// # Errors
/// [`StageError::File`] where the file cannot be replaced.
pub(super) fn write_private_file(path: &Path, text: &str) -> Result<(), StageError> {
    let failed = |source| StageError::File { path: path.to_owned(), source };
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => return Err(failed(source)),
        _ => {}
    }
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)
}
