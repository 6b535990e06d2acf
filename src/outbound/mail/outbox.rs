use std::fs::{OpenOptions, remove_file, rename};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use lettre::message::header::ContentTransferEncoding;

use super::compose::{Origin, compose};
use super::{MailError, MailMessage};

/// A folder into which messages are written, one file each. Their names are in the order of writing.
pub(super) struct Outbox {
    folder: PathBuf,
    /// Messages of one millisecond keep their order.
    written: AtomicU32,
}

impl Outbox {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, written: AtomicU32::new(0) }
    }

    /// Writes the message. Its text is not encoded, so that people can read the file.
    pub(super) async fn write(&self, message: &MailMessage, origin: &Origin<'_>) -> Result<(), MailError> {
        let bytes = compose(message, origin, Some(ContentTransferEncoding::EightBit))?.formatted();
        let number = self.written.fetch_add(1, Ordering::Relaxed);
        let name = format!("{:013}-{number:010}-{}", origin.now.unix_millis(), origin.id);
        let (temporary, complete) = (self.folder.join(format!(".{name}.tmp")), self.folder.join(format!("{name}.eml")));
        on_blocking_thread(move || {
            // A program that looks for `.eml` files never sees half a message.
            let written = write_private(&temporary, &bytes).and_then(|()| rename(&temporary, &complete));
            if written.is_err() {
                // The first error is the one that counts.
                let _ = remove_file(&temporary);
            }
            written
        })
        .await
    }

    /// Creates and removes a file.
    pub(super) async fn check(&self, id: &str) -> Result<(), MailError> {
        let path = self.folder.join(format!(".{id}.tmp"));
        on_blocking_thread(move || write_private(&path, b"").and_then(|()| remove_file(&path))).await
    }
}

/// Writes a file that only its owner can read: links in messages are as good as passwords.
fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

async fn on_blocking_thread(work: impl FnOnce() -> io::Result<()> + Send + 'static) -> Result<(), MailError> {
    let ended = tokio::task::spawn_blocking(work).await;
    let ended = ended.unwrap_or_else(|_| Err(io::Error::other("the thread has ended")));
    ended.map_err(|error| MailError::of_file(&error))
}
