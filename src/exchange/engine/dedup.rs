use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use tokio::sync::watch;

use crate::domain::{Fingerprint, SharedClock, Timestamp};
use crate::records::SingleWriter;

/// How long a success answers its duplicates (DESIGN §3).
const DONE_FOR: Duration = Duration::from_mins(15);
/// How long a failure answers its duplicates before the key is free for a retry (DESIGN §3).
const FAILED_FOR: Duration = Duration::from_secs(3);
/// Most duplicates that may wait for one leader.
const FOLLOWERS: usize = 64;
/// Most settled exchanges remembered; the vault answers for those forgotten.
const SETTLED: usize = 200_000;
/// Most memory for them, in bytes.
const SETTLED_BYTES: u64 = 64 * 1024 * 1024;
/// What one of them takes beside its settlement's own bytes.
const SETTLED_OVERHEAD: u64 = 256;

/// What a door keeps of a settled exchange in order to answer its duplicates.
pub trait Settlement: Clone + Send + Sync + 'static {
    /// Whether the exchange succeeded for good, so that its duplicates need no other run.
    fn holds(&self) -> bool;

    /// How many bytes it keeps in memory, beside a few fixed ones.
    fn bytes(&self) -> usize;
}

/// Joins the duplicates of an exchange: one leader at a time for each key, everybody gets its settlement.
///
/// Markers live in memory, which holds while this process alone serves the store ([`SingleWriter`]), under names that mean
/// something in this process only. The running map is locked shard-wise and never across an await.
pub(super) struct Deduplicator<S: Settlement> {
    running: DashMap<Fingerprint, Arc<watch::Sender<Option<S>>>>,
    settled: Cache<Fingerprint, Settled<S>, Weight>,
    clock: SharedClock,
}

#[derive(Clone)]
struct Settled<S> {
    settlement: S,
    until: Timestamp,
}

#[derive(Clone)]
struct Weight;

impl<S: Settlement> Weighter<Fingerprint, Settled<S>> for Weight {
    fn weight(&self, _: &Fingerprint, settled: &Settled<S>) -> u64 {
        SETTLED_OVERHEAD + settled.settlement.bytes() as u64
    }
}

/// What [`Deduplicator::join`] found.
pub(super) enum Joined<S: Settlement> {
    /// Nobody works on this key: the ticket holder does.
    Leader(Ticket<S>, watch::Receiver<Option<S>>),
    /// Somebody does: wait here.
    Follower(watch::Receiver<Option<S>>),
    /// Somebody did.
    Settled(S),
    /// Too many wait already.
    Crowded,
}

impl<S: Settlement> Deduplicator<S> {
    /// An empty one.
    #[must_use]
    pub(super) fn new(clock: SharedClock, _: SingleWriter) -> Self {
        Self { running: DashMap::new(), settled: Cache::with_weighter(SETTLED, SETTLED_BYTES, Weight), clock }
    }

    pub(super) fn join(self: &Arc<Self>, key: Fingerprint) -> Joined<S> {
        match self.running.entry(key) {
            Entry::Occupied(running) if running.get().receiver_count() >= FOLLOWERS => Joined::Crowded,
            Entry::Occupied(running) => Joined::Follower(running.get().subscribe()),
            Entry::Vacant(vacant) => {
                // A settlement is written before its running entry goes, so who sees neither is the first.
                if let Some(settled) = self.find_settled(&key) {
                    return Joined::Settled(settled.settlement);
                }
                let (sender, receiver) = watch::channel(None);
                let sender = Arc::new(sender);
                vacant.insert(Arc::clone(&sender));
                Joined::Leader(Ticket { deduplicator: Arc::clone(self), key, sender }, receiver)
            }
        }
    }

    /// Whether this exchange is under way or was settled a short while ago.
    pub(super) fn knows(&self, key: &Fingerprint) -> bool {
        self.running.contains_key(key) || self.find_settled(key).is_some()
    }

    /// Forgets a settled exchange whose token is gone.
    pub(super) fn forget(&self, key: &Fingerprint) {
        self.settled.remove(key);
    }

    fn find_settled(&self, key: &Fingerprint) -> Option<Settled<S>> {
        self.settled.get(key).filter(|settled| self.clock.now() < settled.until)
    }
}

/// The right to settle one key. Dropped unsettled (its holder panicked or was cancelled) it frees the key, and one of
/// the waiters becomes the leader.
pub(super) struct Ticket<S: Settlement> {
    deduplicator: Arc<Deduplicator<S>>,
    key: Fingerprint,
    sender: Arc<watch::Sender<Option<S>>>,
}

impl<S: Settlement> Ticket<S> {
    /// Answers everybody who waits and remembers the settlement for those who come late.
    pub(super) fn settle(self, settlement: S) {
        let remembered_for = if settlement.holds() { DONE_FOR } else { FAILED_FOR };
        let until = self.deduplicator.clock.now().plus(remembered_for);
        self.deduplicator.settled.insert(self.key, Settled { settlement: settlement.clone(), until });
        self.sender.send_replace(Some(settlement));
    }
}

impl<S: Settlement> Drop for Ticket<S> {
    fn drop(&mut self) {
        self.deduplicator.running.remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use crate::domain::{Fingerprints, OffsetClock};
    use crate::records::testing::single_writer;

    #[derive(Clone, Debug, PartialEq)]
    struct Reply(u16);

    impl Settlement for Reply {
        fn holds(&self) -> bool {
            self.0 == 200
        }

        fn bytes(&self) -> usize {
            0
        }
    }

    fn set_up() -> (Arc<Deduplicator<Reply>>, Arc<OffsetClock>, Fingerprint) {
        let clock = Arc::new(OffsetClock::default());
        (Arc::new(Deduplicator::new(clock.clone(), single_writer())), clock, Fingerprints::new().of(b"an exchange"))
    }

    fn lead(deduplicator: &Arc<Deduplicator<Reply>>, key: Fingerprint) -> Ticket<Reply> {
        match deduplicator.join(key) {
            Joined::Leader(ticket, _) => ticket,
            _ => panic!("the key should have been free"),
        }
    }

    #[tokio::test]
    async fn a_failure_answers_for_three_seconds_and_then_frees_the_key() {
        let (deduplicator, clock, key) = set_up();
        lead(&deduplicator, key).settle(Reply(412));
        clock.advance(Duration::from_millis(2900));
        assert!(matches!(deduplicator.join(key), Joined::Settled(Reply(412))));
        clock.advance(Duration::from_millis(200));
        drop(lead(&deduplicator, key));
    }

    #[tokio::test]
    async fn a_success_answers_for_a_quarter_of_an_hour() {
        let (deduplicator, clock, key) = set_up();
        lead(&deduplicator, key).settle(Reply(200));
        clock.advance(Duration::from_secs(899));
        assert!(matches!(deduplicator.join(key), Joined::Settled(Reply(200))));
        clock.advance(Duration::from_secs(2));
        drop(lead(&deduplicator, key));
    }

    #[tokio::test]
    async fn a_leader_that_vanishes_frees_the_key_and_wakes_its_followers() {
        let (deduplicator, _, key) = set_up();
        let ticket = lead(&deduplicator, key);
        let Joined::Follower(mut waiting) = deduplicator.join(key) else { panic!("expected to follow") };
        drop(ticket);
        assert!(waiting.wait_for(Option::is_some).await.is_err());
        drop(lead(&deduplicator, key));
    }

    #[tokio::test]
    async fn followers_get_the_leaders_settlement_and_are_bounded() {
        let (deduplicator, _, key) = set_up();
        let ticket = lead(&deduplicator, key);
        let mut followers = Vec::new();
        while let Joined::Follower(follower) = deduplicator.join(key) {
            followers.push(follower);
        }
        assert_eq!(followers.len(), FOLLOWERS);
        ticket.settle(Reply(200));
        for follower in &mut followers {
            assert_eq!(*follower.wait_for(Option::is_some).await.unwrap(), Some(Reply(200)));
        }
    }
}
