use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use serde::Deserialize;
use tokio::time::{Instant, timeout_at};

use super::{credential_failure, unusable_credential};
use crate::domain::{Secret, SharedClock, Timestamp};
use crate::identity_provider::RedeemFailure;
use crate::identity_provider::classification::Classification;

/// This long before the assertion expires, the file is read at each use, even if it seems unchanged.
const REREAD_BEFORE_EXPIRY: Duration = Duration::from_mins(5);
/// How long a caller waits for the file while the last assertion is still good.
const REREAD_PATIENCE: Duration = Duration::from_secs(1);
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

    /// Returns the current assertion. File access blocks, so it runs outside the async threads. While the file cannot be
    /// used (it is away, half-written, or its disk hangs), the last assertion serves until it expires.
    pub(super) async fn read(self: &Arc<Self>, deadline: Instant) -> Result<Secret, Classification> {
        let kept = self.find_kept();
        let patience = if kept.is_some() { deadline.min(Instant::now() + REREAD_PATIENCE) } else { deadline };
        let file = Arc::clone(self);
        let reading = tokio::task::spawn_blocking(move || file.read_cached());
        let read = match timeout_at(patience, reading).await {
            Ok(Ok(read)) => read,
            _ => Err(TIMED_OUT),
        };
        match (read, kept) {
            (Ok(assertion), _) => Ok(assertion),
            (Err(hint), Some(kept)) => {
                tracing::warn!(
                    file = %self.path.display(),
                    hint,
                    expires_at = kept.expires_at.unix_seconds(),
                    "the assertion file cannot be used; the last assertion serves until it expires"
                );
                Ok(kept.assertion)
            }
            (Err(hint), None) => {
                tracing::warn!(file = %self.path.display(), hint, "the assertion file cannot be used");
                // The program that renews the file may be writing it at this moment, so the next try may succeed.
                let classified = unusable_credential(hint);
                Err(if hint == TIMED_OUT {
                    credential_failure(RedeemFailure::Transient, hint)
                } else {
                    Classification { retry: true, ..classified }
                })
            }
        }
    }

    /// Drops the cached assertion. Returns whether there was one, so that the next read may give another assertion.
    pub(super) fn forget(&self) -> bool {
        self.lock_cached().take().is_some()
    }

    fn find_kept(&self) -> Option<CachedAssertion> {
        let now = self.clock.now();
        self.lock_cached().clone().filter(|cached| now < cached.expires_at)
    }

    /// Reads the file, unless it seems unchanged. The cache is not locked meanwhile: on a disk that hangs, callers get
    /// the last assertion.
    fn read_cached(&self) -> Result<Secret, &'static str> {
        let now = self.clock.now();
        let version = read_version(&self.path).map_err(|_| UNREADABLE)?;
        if let Some(cached) = self.find_kept().filter(|cached| cached.version == version)
            && now.plus(REREAD_BEFORE_EXPIRY) < cached.expires_at
        {
            return Ok(cached.assertion);
        }
        let (assertion, expires_at) = read_assertion(&self.path)?;
        if expires_at <= now {
            return Err("the assertion file's token has expired: check the program that renews the file");
        }
        *self.lock_cached() = Some(CachedAssertion { assertion: assertion.clone(), expires_at, version });
        Ok(assertion)
    }

    fn lock_cached(&self) -> MutexGuard<'_, Option<CachedAssertion>> {
        self.cached.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const TIMED_OUT: &str = "the assertion file could not be read before the deadline";
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
