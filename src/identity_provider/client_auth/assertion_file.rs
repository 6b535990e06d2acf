use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use serde::Deserialize;
use tokio::time::{Instant, timeout_at};

use super::{credential_failure, unusable_credential};
use crate::domain::{Secret, SharedClock, Timestamp};
use crate::identity_provider::RedeemFailure;
use crate::identity_provider::classification::Classification;

/// This long before the assertion expires, the file is read at each use, even if it seems unchanged.
const REREAD_BEFORE_EXPIRY: Duration = Duration::from_mins(5);
/// The maximum length in bytes. A longer file does not hold an assertion.
const MAX_ASSERTION_BYTES: u64 = 64 * 1024;

/// A signed assertion in a file that another program renews, such as Kubernetes, SPIFFE or a cron job.
pub struct AssertionFile {
    path: PathBuf,
    clock: SharedClock,
    cached: Mutex<Option<CachedAssertion>>,
}

#[derive(Clone)]
struct CachedAssertion {
    assertion: Secret,
    expires_at: Timestamp,
    version: FileVersion,
}

/// Modification time and length. They change when the file is replaced.
#[derive(Clone, PartialEq, Eq)]
struct FileVersion {
    modified: Option<SystemTime>,
    length: u64,
}

/// The one claim that is read. The token endpoint, not this client, verifies the assertion.
#[derive(Deserialize)]
struct Expiry {
    exp: f64,
}

impl AssertionFile {
    /// The assertion in the file at `path`. The file is read at the first use, not here.
    #[must_use]
    pub fn new(path: PathBuf, clock: SharedClock) -> Self {
        Self { path, clock, cached: Mutex::new(None) }
    }

    /// Returns the current assertion. File access blocks, so it runs outside the async threads.
    pub(super) async fn read(self: &Arc<Self>, deadline: Instant) -> Result<Secret, Classification> {
        let file = Arc::clone(self);
        let reading = tokio::task::spawn_blocking(move || file.read_cached());
        match timeout_at(deadline, reading).await {
            Ok(Ok(read)) => read.map_err(|hint| {
                tracing::warn!(file = %self.path.display(), hint, "the assertion file cannot be used");
                unusable_credential(hint)
            }),
            _ => Err(credential_failure(
                RedeemFailure::Transient,
                "the assertion file could not be read before the deadline",
            )),
        }
    }

    /// Drops the cached assertion. Returns whether the next read may give another assertion.
    pub(super) fn forget(&self) -> bool {
        // The lock is held while the file is read. If it is taken, another task is reading the file already.
        self.cached.try_lock().map_or(true, |mut cached| cached.take().is_some())
    }

    fn read_cached(&self) -> Result<Secret, &'static str> {
        let now = self.clock.now();
        let mut cached = self.cached.lock().unwrap_or_else(PoisonError::into_inner);
        let version = read_version(&self.path).map_err(|_| UNREADABLE)?;
        if let Some(cached) = cached.as_ref().filter(|cached| cached.version == version)
            && now.plus(REREAD_BEFORE_EXPIRY) < cached.expires_at
        {
            return Ok(cached.assertion.clone());
        }
        let (assertion, expires_at) = read_assertion(&self.path)?;
        if expires_at <= now {
            return Err("the assertion file's token has expired: check the program that renews the file");
        }
        *cached = Some(CachedAssertion { assertion: assertion.clone(), expires_at, version });
        Ok(assertion)
    }
}

const UNREADABLE: &str = "the assertion file cannot be read: check its path and its permissions";

fn read_version(path: &Path) -> std::io::Result<FileVersion> {
    let about = std::fs::metadata(path)?;
    // Reading a pipe or a device may never end.
    if !about.is_file() {
        return Err(std::io::ErrorKind::InvalidInput.into());
    }
    Ok(FileVersion { modified: about.modified().ok(), length: about.len() })
}

fn read_assertion(path: &Path) -> Result<(Secret, Timestamp), &'static str> {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(MAX_ASSERTION_BYTES).read_to_string(&mut text));
    read.map_err(|_| UNREADABLE)?;
    let assertion = text.trim();
    // The token endpoint verifies the signature. A check here would add nothing: a process that can write this file can
    // present any assertion as this client's.
    let claims = jsonwebtoken::dangerous::insecure_decode::<Expiry>(assertion)
        .map_err(|_| "the assertion file holds no JWT with an exp claim: the file must hold the JWT and nothing else")?
        .claims;
    // A value beyond i64 saturates to a time in the far future.
    #[allow(clippy::cast_possible_truncation, reason = "a float's conversion saturates")]
    let expires_at = Timestamp::from_unix_seconds(claims.exp as i64);
    Ok((Secret::from(assertion), expires_at))
}

impl fmt::Debug for AssertionFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "AssertionFile({})", self.path.display())
    }
}
