use std::collections::HashSet;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::{ChangeListener, Replicas};
use crate::domain::RecordKey;
use crate::records::{RecordError, Records};

/// How often copies are read again while the store is silent, and after a read that has failed.
const INTERVAL: Duration = Duration::from_millis(500);
/// How long one read may take.
const READ_PATIENCE: Duration = Duration::from_secs(2);

/// Holds copies of stored records in memory, which are used on every request and seldom change.
pub trait CopyHolder: Send + Sync + 'static {
    /// Reads the record `key` from the store, and replaces its copy.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails, or the record cannot be read.
    fn reread(&self, key: RecordKey) -> impl Future<Output = Result<(), RecordError>> + Send;
}

/// Keeps the copies of a [`CopyHolder`] current: a copy is read again as soon as another replica says that it was changed, and
/// every half second while the subscription is silent. So a change has an effect on every replica that the store answers within two
/// seconds, and usually within some milliseconds. It ends when this is dropped.
pub struct CopyUpkeep {
    task: JoinHandle<()>,
    /// The list of listeners does not keep it.
    _marks: Arc<StaleMarks>,
}

/// Which copies are to be read again.
struct StaleMarks {
    all: HashSet<RecordKey>,
    stale: Mutex<HashSet<RecordKey>>,
    marked: Notify,
}

impl CopyUpkeep {
    /// Keeps the copies of the records `keys` current, which `holder` has. `None` over an exclusive store: its records are changed by
    /// this process alone.
    #[must_use]
    pub fn start<H: CopyHolder>(records: &Records, keys: HashSet<RecordKey>, holder: &Arc<H>) -> Option<Self> {
        let replicas = Arc::clone(records.replicas()?);
        let marks = Arc::new(StaleMarks { all: keys, stale: Mutex::default(), marked: Notify::new() });
        let listener: Weak<dyn ChangeListener> = Arc::downgrade(&marks) as Weak<dyn ChangeListener>;
        replicas.listen(listener);
        // No listener was there for what was changed between the holder's first reads and this moment.
        marks.all_may_have_changed();
        let task = tokio::spawn(keep_current(Arc::clone(&marks), replicas, Arc::downgrade(holder)));
        Some(Self { task, _marks: marks })
    }
}

impl Drop for CopyUpkeep {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl StaleMarks {
    fn lock(&self) -> MutexGuard<'_, HashSet<RecordKey>> {
        self.stale.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the marks away: what is marked from now on has changed after the read that follows has begun.
    fn take(&self) -> HashSet<RecordKey> {
        std::mem::take(&mut *self.lock())
    }
}

impl ChangeListener for StaleMarks {
    fn changed(&self, key: RecordKey, _note: &[u8]) {
        if self.all.contains(&key) {
            self.lock().insert(key);
            self.marked.notify_one();
        }
    }

    fn all_may_have_changed(&self) {
        self.lock().extend(&self.all);
        self.marked.notify_one();
    }
}

async fn keep_current<H: CopyHolder>(marks: Arc<StaleMarks>, replicas: Arc<Replicas>, holder: Weak<H>) {
    loop {
        let is_marked = timeout(INTERVAL, marks.marked.notified()).await.is_ok();
        if !is_marked && replicas.is_store_silent() {
            marks.lock().extend(&marks.all);
        }
        let mut stale = marks.take();
        while let Some(key) = stale.iter().next().copied() {
            let Some(holder) = holder.upgrade() else { return };
            match timeout(READ_PATIENCE, holder.reread(key)).await {
                Ok(Err(error)) if !matches!(error, RecordError::Store(_) | RecordError::Held) => {
                    tracing::error!(%error, "a record that another replica has changed cannot be read");
                }
                Ok(Ok(())) => {}
                // The store fails or is slow: the others are not tried either before the next interval.
                Ok(Err(_)) | Err(_) => break,
            }
            stale.remove(&key);
        }
        marks.lock().extend(stale);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::records::catalogue::LOG_DIGESTS;
    use crate::records::testing::{throwaway_records, throwaway_replicas};
    use crate::store::StoreError;

    /// Counts the reads, of which the first ones fail.
    #[derive(Default)]
    struct CountingHolder {
        reads: AtomicUsize,
        failures: AtomicUsize,
        read: Notify,
    }

    impl CopyHolder for CountingHolder {
        async fn reread(&self, _key: RecordKey) -> Result<(), RecordError> {
            let take_one = |left: usize| left.checked_sub(1);
            if self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take_one).is_ok() {
                return Err(StoreError::Unavailable("the test makes this read fail".to_owned()).into());
            }
            self.reads.fetch_add(1, Ordering::SeqCst);
            self.read.notify_one();
            Ok(())
        }
    }

    fn key_of(records: &Records, name: &str) -> RecordKey {
        RecordKey(records.mac(&LOG_DIGESTS, &[name.as_bytes()]))
    }

    #[tokio::test]
    async fn a_copy_is_read_again_after_another_replica_has_changed_the_record_also_if_the_store_fails_at_first() {
        let beneath = throwaway_replicas(2).await;
        let (here, there) = (&beneath.replicas[0], &beneath.replicas[1]);
        let holder = Arc::new(CountingHolder::default());
        let key = key_of(here, "known");
        let upkeep = CopyUpkeep::start(here, HashSet::from([key]), &holder).unwrap();
        holder.read.notified().await;
        holder.failures.store(1, Ordering::SeqCst);
        there.announce(key_of(there, "another"), &[]).await;
        there.announce(key, &[]).await;
        holder.read.notified().await;
        drop(upkeep);
        assert!(holder.reads.load(Ordering::SeqCst) >= 2);
    }

    #[tokio::test]
    async fn over_an_exclusive_store_nothing_is_kept_current() {
        let storage = throwaway_records();
        let key = key_of(&storage.records, "known");
        let holder = Arc::new(CountingHolder::default());
        assert!(CopyUpkeep::start(&storage.records, HashSet::from([key]), &holder).is_none());
    }
}
