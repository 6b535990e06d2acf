use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};

use super::SignOutFailure;
use crate::domain::Timestamp;
use crate::records::{KindCounts, Records, catalogue};

/// How long a complete count is answered again.
const TRUSTED_FOR: Duration = Duration::from_mins(1);
/// How long a caller waits for the count that is under way.
const WAIT: Duration = Duration::from_secs(10);

/// Counts what is kept of all persons. The store does not know what it holds, so a count reads and opens every record: that takes
/// seconds for a million records. One count at a time is made, in the background, and rests as long as it works, so that users
/// notice nothing. Clones share the same state.
#[derive(Clone)]
pub struct KeptCounter(Arc<Shared>);

struct Shared {
    records: Records,
    store_size: Box<dyn Fn() -> Option<u64> + Send + Sync>,
    state: Mutex<State>,
    ended: Notify,
}

#[derive(Default)]
struct State {
    last: Option<CompleteCount>,
    /// What the count that is under way has found.
    running: Option<KeptCounts>,
    failure: Option<String>,
}

struct CompleteCount {
    counts: KeptCounts,
    ended_at: Instant,
}

/// What is kept of all persons.
#[derive(Clone, Debug)]
pub struct KeptCounts {
    /// When the count was begun.
    pub counted_at: Timestamp,
    /// Whether every record was counted. A count that is under way has not met the others yet.
    pub is_complete: bool,
    /// The persons who have tokens.
    pub users_with_tokens: u64,
    /// The tokens, also those that have ended and can be refreshed.
    pub tokens: u64,
    /// The sessions of directories' users; records of ended ones are kept for up to a week.
    pub sessions: u64,
    /// The accounts that are pinned to a person.
    pub pins: u64,
    /// The sign-in offers that are out.
    pub offers: u64,
    /// The records of each kind, by the kind's name.
    pub records: BTreeMap<&'static str, u64>,
    /// The records whose kind this version of the program does not know, or whose sealing key is missing.
    pub unopened_records: u64,
    /// The bytes of the store's files; `None` if the store is a server's.
    pub store_size_bytes: Option<u64>,
}

impl KeptCounter {
    /// Counts the records of `records`. `store_size` reads the bytes of the store's files, if it has files.
    #[must_use]
    pub fn new(records: Records, store_size: impl Fn() -> Option<u64> + Send + Sync + 'static) -> Self {
        let (state, ended) = <(Mutex<State>, Notify)>::default();
        Self(Arc::new(Shared { records, store_size: Box::new(store_size), state, ended }))
    }

    /// The present counts: those of the last minute, or new ones. If a new count takes longer than ten seconds, the last complete one
    /// is given, or what was counted until then.
    ///
    /// # Errors
    /// [`SignOutFailure`] if the store fails.
    pub async fn count(&self) -> Result<KeptCounts, SignOutFailure> {
        let counts = self.find_counts().await?;
        Ok(KeptCounts { store_size_bytes: (self.0.store_size)(), ..counts })
    }

    async fn find_counts(&self) -> Result<KeptCounts, SignOutFailure> {
        let ended = self.0.ended.notified();
        if let Some(recent) = self.find_recent_or_begin() {
            return Ok(recent);
        }
        let in_time = timeout(WAIT, ended).await.is_ok();
        let mut state = self.0.lock();
        if in_time && let Some(failure) = state.failure.take() {
            return Err(SignOutFailure(failure.into()));
        }
        let last = state.last.as_ref().map(|last| last.counts.clone());
        let counted = last.or_else(|| state.running.clone());
        counted.ok_or_else(|| SignOutFailure("the records could not be counted".into()))
    }

    /// The counts of the last minute; if there are none, a count is begun unless one is under way.
    fn find_recent_or_begin(&self) -> Option<KeptCounts> {
        let mut state = self.0.lock();
        if let Some(last) = state.last.as_ref().filter(|last| last.ended_at.elapsed() < TRUSTED_FOR) {
            return Some(last.counts.clone());
        }
        if state.running.is_none() {
            let begun_at = self.0.records.clock().now();
            state.running = Some(read(&KindCounts::default(), begun_at));
            let shared = Arc::clone(&self.0);
            tokio::spawn(async move { shared.run(begun_at).await });
        }
        None
    }
}

impl Shared {
    async fn run(&self, begun_at: Timestamp) {
        let _running = RunningCount(self);
        let mut found = KindCounts::default();
        let failure = loop {
            let step = Instant::now();
            if let Err(error) = self.records.count_next(&mut found).await {
                break Some(error.to_string());
            }
            let counts = read(&found, begun_at);
            if found.is_complete() {
                self.lock().last = Some(CompleteCount { counts, ended_at: Instant::now() });
                break None;
            }
            self.lock().running = Some(counts);
            sleep(step.elapsed()).await;
        };
        self.lock().failure = failure;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A count that is under way. It ends when this value is dropped, also by a panic: another one can be begun then.
struct RunningCount<'a>(&'a Shared);

impl Drop for RunningCount<'_> {
    fn drop(&mut self) {
        self.0.lock().running = None;
        self.0.ended.notify_waiters();
    }
}

fn read(found: &KindCounts, begun_at: Timestamp) -> KeptCounts {
    KeptCounts {
        counted_at: begun_at,
        is_complete: found.is_complete(),
        users_with_tokens: found.users_with_tokens() as u64,
        tokens: found.tokens(),
        sessions: found.of(&catalogue::SSO_SESSION),
        pins: found.of(&catalogue::PIN),
        offers: found.of(&catalogue::CARD),
        records: found.by_kind().clone(),
        unopened_records: found.unopened(),
        store_size_bytes: None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::records::testing::{FIXTURES, records_of_fixture};

    #[tokio::test]
    async fn callers_get_one_complete_count_for_a_minute() {
        let fixture = records_of_fixture(FIXTURES[0]);
        let counter = KeptCounter::new(fixture.records.clone(), || Some(4096));
        let (one, two) = tokio::join!(counter.count(), counter.count());
        let (one, two) = (one.unwrap(), two.unwrap());
        assert!(one.is_complete && one.unopened_records == 0 && one.store_size_bytes == Some(4096), "{one:?}");
        assert!(one.tokens > 0 && one.users_with_tokens > 0, "{one:?}");
        assert_eq!((&one.records, one.counted_at), (&two.records, two.counted_at));
        assert_eq!(counter.count().await.unwrap().counted_at, one.counted_at);
    }
}
