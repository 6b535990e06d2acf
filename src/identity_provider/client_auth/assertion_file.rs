use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use serde::Deserialize;
use tokio::time::{Instant, timeout_at};

use super::{of_credential, unusable};
use crate::domain::{Secret, SharedClock, Timestamp};
use crate::identity_provider::RedeemFailure;
use crate::identity_provider::classification::Classification;

/// So long before its end the file is read again, whether or not it seems to have changed.
const READ_AGAIN_BEFORE_END: Duration = Duration::from_mins(5);
/// No assertion is longer; what is, is some other file.
const LONGEST_ASSERTION: u64 = 64 * 1024;

/// A signed assertion in a file that somebody else renews: Kubernetes, SPIFFE, a cron job.
pub struct AssertionFile {
    path: PathBuf,
    clock: SharedClock,
    kept: Mutex<Option<Kept>>,
}

#[derive(Clone)]
struct Kept {
    assertion: Secret,
    expires_at: Timestamp,
    version: Version,
}

/// What changes when the file is replaced.
#[derive(Clone, PartialEq, Eq)]
struct Version {
    modified: Option<SystemTime>,
    length: u64,
}

/// Only what we need of claims that are not ours to verify.
#[derive(Deserialize)]
struct Expiry {
    exp: f64,
}

impl AssertionFile {
    /// The file at `path`; it is read when it is used.
    #[must_use]
    pub fn new(path: PathBuf, clock: SharedClock) -> Self {
        Self { path, clock, kept: Mutex::new(None) }
    }

    /// What the file holds now. A look at the file is a system call, so it is never made on the async thread.
    pub(super) async fn read(self: &Arc<Self>, deadline: Instant) -> Result<Secret, Classification> {
        let file = Arc::clone(self);
        let reading = tokio::task::spawn_blocking(move || file.read_if_changed());
        match timeout_at(deadline, reading).await {
            Ok(Ok(read)) => read.map_err(|hint| {
                tracing::warn!(file = %self.path.display(), hint, "the assertion file cannot be used");
                unusable(hint)
            }),
            _ => Err(of_credential(RedeemFailure::Transient, "the assertion file's disk does not answer in time")),
        }
    }

    /// Forgets what was read. Says whether the next assertion may be another one.
    pub(super) fn forget(&self) -> bool {
        // The lock is held while the file is read: whoever holds it now is about to read what is there.
        self.kept.try_lock().map_or(true, |mut kept| kept.take().is_some())
    }

    fn read_if_changed(&self) -> Result<Secret, &'static str> {
        let now = self.clock.now();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let version = version_of(&self.path).map_err(|_| UNREADABLE)?;
        if let Some(kept) = kept.as_ref().filter(|kept| kept.version == version)
            && now.plus(READ_AGAIN_BEFORE_END) < kept.expires_at
        {
            return Ok(kept.assertion.clone());
        }
        let (assertion, expires_at) = read_assertion(&self.path)?;
        if expires_at <= now {
            return Err("the assertion file's token has expired: whoever writes the file has stopped renewing it");
        }
        *kept = Some(Kept { assertion: assertion.clone(), expires_at, version });
        Ok(assertion)
    }
}

const UNREADABLE: &str = "the assertion file cannot be read: check its path and who may read it";

fn version_of(path: &Path) -> std::io::Result<Version> {
    let about = std::fs::metadata(path)?;
    // What is no file may never come to an end.
    if !about.is_file() {
        return Err(std::io::ErrorKind::InvalidInput.into());
    }
    Ok(Version { modified: about.modified().ok(), length: about.len() })
}

fn read_assertion(path: &Path) -> Result<(Secret, Timestamp), &'static str> {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(LONGEST_ASSERTION).read_to_string(&mut text));
    read.map_err(|_| UNREADABLE)?;
    let assertion = text.trim();
    // The signature is for Entra to verify: whoever may write the file may prove to be us anyway.
    let claims = jsonwebtoken::dangerous::insecure_decode::<Expiry>(assertion)
        .map_err(|_| "the assertion file holds no token with an expiry: write the JWT alone into it")?
        .claims;
    // Beyond the range of a float's whole numbers it is far enough in the future, and saturates.
    #[allow(clippy::cast_possible_truncation, reason = "a float's conversion saturates")]
    let expires_at = Timestamp::from_unix_seconds(claims.exp as i64);
    Ok((Secret::from(assertion), expires_at))
}

impl fmt::Debug for AssertionFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "AssertionFile({})", self.path.display())
    }
}
