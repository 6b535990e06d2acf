use std::mem;
use std::sync::Arc;

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use tokio::sync::watch;

use super::settlement::{Settlement, remembered_for};
use crate::domain::{Fingerprint, QuickHashing, SharedClock, Timestamp};

/// At most this many duplicates wait for one leader.
const MAX_FOLLOWERS: usize = 63;
/// At most this many completed exchanges are remembered. A duplicate of a forgotten one finds its token in the vault.
const MAX_COMPLETED: usize = 200_000;
/// At most this much memory is used for completed exchanges, in bytes.
const MAX_COMPLETED_BYTES: u64 = 64 * 1024 * 1024;
/// Memory that a completed exchange takes in addition to the bytes of its settlement.
const COMPLETED_OVERHEAD_BYTES: u64 = 256;

/// Joins the duplicates of an exchange that reach this process: each key has one leader at a time, and every duplicate gets
/// the leader's settlement. Over a shared store the leader asks the other replicas
/// ([`SharedExchanges`](super::shared::SharedExchanges)), so a process asks them once for each exchange.
///
/// The keys are fingerprints that differ in each process. The map of running exchanges is locked per shard and never across
/// an await.
pub(super) struct Deduplicator<S: Settlement> {
    running: DashMap<Fingerprint, Followers<S>, QuickHashing>,
    completed: Cache<Fingerprint, CompletedExchange<S>, SettlementWeigher>,
    clock: SharedClock,
}

/// The channel to the duplicates that wait for a running exchange. Most exchanges have none, and need none.
type Followers<S> = Option<watch::Sender<Option<S>>>;

#[derive(Clone)]
struct CompletedExchange<S> {
    settlement: S,
    remembered_until: Timestamp,
}

#[derive(Clone)]
struct SettlementWeigher;

impl<S: Settlement> Weighter<Fingerprint, CompletedExchange<S>> for SettlementWeigher {
    fn weight(&self, _: &Fingerprint, completed: &CompletedExchange<S>) -> u64 {
        COMPLETED_OVERHEAD_BYTES + completed.settlement.bytes() as u64
    }
}

/// The result of [`Deduplicator::join`].
pub(super) enum Joined<S: Settlement> {
    /// No request runs this exchange: the holder of the ticket must run it.
    Leader(Ticket<S>),
    /// Another request runs this exchange; its settlement arrives here.
    Follower(watch::Receiver<Option<S>>),
    /// The exchange completed a short while ago with this settlement.
    Completed(S),
    /// Too many duplicates are waiting already.
    TooManyFollowers,
}

impl<S: Settlement> Deduplicator<S> {
    /// A deduplicator that knows no exchange yet.
    #[must_use]
    pub(super) fn new(clock: SharedClock) -> Self {
        Self {
            running: DashMap::default(),
            completed: Cache::with_weighter(MAX_COMPLETED, MAX_COMPLETED_BYTES, SettlementWeigher),
            clock,
        }
    }

    pub(super) fn join(self: &Arc<Self>, key: Fingerprint) -> Joined<S> {
        match self.running.entry(key) {
            Entry::Occupied(mut running) => {
                let followers = running.get_mut().get_or_insert_with(|| watch::channel(None).0);
                if followers.receiver_count() >= MAX_FOLLOWERS {
                    return Joined::TooManyFollowers;
                }
                Joined::Follower(followers.subscribe())
            }
            Entry::Vacant(vacant) => {
                // `settle` writes the settlement before the running entry is removed. So a request that sees neither is
                // the first one.
                if let Some(completed) = self.find_completed(&key) {
                    return Joined::Completed(completed.settlement);
                }
                vacant.insert(None);
                Joined::Leader(Ticket { deduplicator: Arc::clone(self), key, holds_key: true })
            }
        }
    }

    /// Whether this exchange is running or completed a short while ago.
    pub(super) fn knows(&self, key: &Fingerprint) -> bool {
        self.running.contains_key(key) || self.find_completed(key).is_some()
    }

    /// Forgets a completed exchange whose token is no longer kept.
    pub(super) fn forget(&self, key: &Fingerprint) {
        self.completed.remove(key);
    }

    fn find_completed(&self, key: &Fingerprint) -> Option<CompletedExchange<S>> {
        self.completed.get(key).filter(|completed| self.clock.now() < completed.remembered_until)
    }
}

/// The right to settle one key. If it is dropped before it settles (its holder panicked or was cancelled), the key
/// becomes free and one of the followers becomes the leader.
pub(super) struct Ticket<S: Settlement> {
    deduplicator: Arc<Deduplicator<S>>,
    key: Fingerprint,
    /// Whether the key's running entry is this ticket's.
    holds_key: bool,
}

impl<S: Settlement> Ticket<S> {
    /// Answers all followers, and remembers the settlement for later duplicates.
    pub(super) fn settle(self, settlement: &S) {
        let remembered_until = self.deduplicator.clock.now().plus(remembered_for(settlement.succeeded()));
        self.settle_until(settlement, remembered_until);
    }

    /// As [`Ticket::settle`], for a settlement that answers duplicates until `remembered_until`.
    pub(super) fn settle_until(mut self, settlement: &S, remembered_until: Timestamp) {
        let completed = CompletedExchange { settlement: settlement.clone(), remembered_until };
        self.deduplicator.completed.insert(self.key, completed);
        if let Some(followers) = self.free_key() {
            followers.send_replace(Some(settlement.clone()));
        }
    }

    /// Frees the key, once. Returns the channel to those who have waited for it.
    fn free_key(&mut self) -> Followers<S> {
        if !mem::replace(&mut self.holds_key, false) {
            return None;
        }
        self.deduplicator.running.remove(&self.key).and_then(|(_, followers)| followers)
    }
}

impl<S: Settlement> Drop for Ticket<S> {
    fn drop(&mut self) {
        drop(self.free_key());
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use std::time::Duration;

    use super::*;
    use crate::domain::{Fingerprints, OffsetClock};

    #[derive(Clone, Debug, PartialEq)]
    struct Reply(u16);

    impl Settlement for Reply {
        const FORM: &'static str = "number";

        fn succeeded(&self) -> bool {
            self.0 == 200
        }

        fn bytes(&self) -> usize {
            0
        }

        fn encode(&self) -> Vec<u8> {
            self.0.to_be_bytes().to_vec()
        }

        fn decode(bytes: &[u8]) -> Option<Self> {
            Some(Self(u16::from_be_bytes(bytes.try_into().ok()?)))
        }
    }

    fn set_up() -> (Arc<Deduplicator<Reply>>, Arc<OffsetClock>, Fingerprint) {
        let clock = Arc::new(OffsetClock::default());
        (Arc::new(Deduplicator::new(clock.clone())), clock, Fingerprints::new().compute(b"an exchange"))
    }

    fn join_as_leader(deduplicator: &Arc<Deduplicator<Reply>>, key: Fingerprint) -> Ticket<Reply> {
        match deduplicator.join(key) {
            Joined::Leader(ticket) => ticket,
            _ => panic!("the key should have been free"),
        }
    }

    #[tokio::test]
    async fn a_failure_answers_duplicates_for_three_seconds_and_then_frees_the_key() {
        let (deduplicator, clock, key) = set_up();
        join_as_leader(&deduplicator, key).settle(&Reply(412));
        clock.advance(Duration::from_millis(2900));
        assert!(matches!(deduplicator.join(key), Joined::Completed(Reply(412))));
        clock.advance(Duration::from_millis(200));
        drop(join_as_leader(&deduplicator, key));
    }

    #[tokio::test]
    async fn a_success_answers_duplicates_for_fifteen_minutes() {
        let (deduplicator, clock, key) = set_up();
        join_as_leader(&deduplicator, key).settle(&Reply(200));
        clock.advance(Duration::from_secs(899));
        assert!(matches!(deduplicator.join(key), Joined::Completed(Reply(200))));
        clock.advance(Duration::from_secs(2));
        drop(join_as_leader(&deduplicator, key));
    }

    #[tokio::test]
    async fn a_dropped_ticket_frees_the_key_and_wakes_the_followers() {
        let (deduplicator, _, key) = set_up();
        let ticket = join_as_leader(&deduplicator, key);
        let Joined::Follower(mut waiting) = deduplicator.join(key) else { panic!("expected to follow") };
        drop(ticket);
        assert!(waiting.wait_for(Option::is_some).await.is_err());
        drop(join_as_leader(&deduplicator, key));
    }

    #[tokio::test]
    async fn followers_get_the_leaders_settlement_and_their_number_is_limited() {
        let (deduplicator, _, key) = set_up();
        let ticket = join_as_leader(&deduplicator, key);
        let mut followers = Vec::new();
        while let Joined::Follower(follower) = deduplicator.join(key) {
            followers.push(follower);
        }
        assert_eq!(followers.len(), MAX_FOLLOWERS);
        ticket.settle(&Reply(200));
        for follower in &mut followers {
            assert_eq!(*follower.wait_for(Option::is_some).await.unwrap(), Some(Reply(200)));
        }
    }
}
