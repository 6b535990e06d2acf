use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use crate::records::catalogue::SKILL_CARD_ATTEMPT;
use crate::records::{Records, ReplicaLease};
use crate::single_flight::{Registered, WeakRegistry};

/// The cards that are being answered at the moment. Over a shared store, the first copy of a card on each replica holds a lease
/// of the card, so copies wait for those on other replicas, too.
pub(super) struct CardAttempts {
    records: Records,
    running: WeakRegistry<CardKey, RunningAttempt>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct CardKey {
    conversation_id: String,
    card_id: String,
}

#[derive(Default)]
struct RunningAttempt {
    is_led: AtomicBool,
    has_ended: watch::Sender<bool>,
}

/// The part that one copy of a card has in the attempt to answer the card. The attempt ends when the part of the first copy is
/// dropped.
#[must_use]
pub struct CardAttempt {
    attempt: Arc<Registered<CardKey, RunningAttempt>>,
    is_leading: bool,
    /// Excludes other replicas. `None` for a later copy, and where the lease was not granted in time.
    #[allow(dead_code, reason = "it is held until the attempt ends")]
    lease: Option<ReplicaLease>,
}

impl CardAttempts {
    pub(super) fn new(records: &Records) -> Self {
        Self { records: records.clone(), running: WeakRegistry::default() }
    }

    /// Takes part in the attempt to answer a card. The first copy leads it; a later one waits for its end, until `wait_until`
    /// at the most.
    pub(super) async fn join(&self, conversation_id: &str, card_id: &str, wait_until: Instant) -> CardAttempt {
        let key = CardKey { conversation_id: conversation_id.to_owned(), card_id: card_id.to_owned() };
        let attempt = self.running.get_or_register(key, |_| RunningAttempt::default());
        let is_leading = !attempt.is_led.swap(true, Ordering::AcqRel);
        // The attempt exists before anything is waited for, so its end is told also if the caller is dropped meanwhile.
        let mut joined = CardAttempt { attempt, is_leading, lease: None };
        if is_leading {
            joined.lease = self.lease(conversation_id, card_id, wait_until).await;
        } else {
            let mut end = joined.attempt.has_ended.subscribe();
            // `attempt` holds the sender, so the channel is open. The store says what became of the card.
            drop(timeout_at(wait_until, end.wait_for(|has_ended| *has_ended)).await);
        }
        joined
    }

    /// The lease of a card. A copy whose replica does not get it by `wait_until` goes on without it, as a later copy does: the
    /// claim of the card decides.
    async fn lease(&self, conversation_id: &str, card_id: &str, wait_until: Instant) -> Option<ReplicaLease> {
        self.records.replicas()?;
        let wait = wait_until.saturating_duration_since(Instant::now());
        let parts = [conversation_id.as_bytes(), card_id.as_bytes()];
        // A store that does not answer is not waited for any longer than another replica.
        let lease = timeout_at(wait_until, self.records.lease(&SKILL_CARD_ATTEMPT, &parts, wait)).await;
        lease.ok()?.inspect_err(|error| tracing::debug!(%error, "a card is tried without its lease")).ok()
    }
}

impl Drop for CardAttempt {
    fn drop(&mut self) {
        if self.is_leading {
            self.attempt.has_ended.send_replace(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::records::testing::throwaway_records;

    /// Later than the test ends.
    fn in_a_minute() -> Instant {
        Instant::now() + Duration::from_mins(1)
    }

    #[tokio::test]
    async fn a_copy_of_a_card_waits_for_the_end_of_the_first_and_other_cards_do_not() {
        let beneath = throwaway_records();
        let attempts = Arc::new(CardAttempts::new(&beneath.records));
        let first = attempts.join("a", "card", in_a_minute()).await;
        let copies: Vec<_> = (0..5)
            .map(|_| {
                let attempts = attempts.clone();
                tokio::spawn(async move { drop(attempts.join("a", "card", in_a_minute()).await) })
            })
            .collect();
        tokio::task::yield_now().await;
        drop(attempts.join("a", "another card", in_a_minute()).await);
        drop(attempts.join("another conversation", "card", in_a_minute()).await);
        assert!(copies.iter().all(|copy| !copy.is_finished()));
        drop(first);
        for copy in copies {
            assert!(copy.await.is_ok());
        }
        assert!(attempts.running.is_empty());
    }

    #[tokio::test]
    async fn a_copy_goes_on_when_its_own_time_has_passed_although_the_first_one_still_runs() {
        let beneath = throwaway_records();
        let attempts = CardAttempts::new(&beneath.records);
        let first = attempts.join("a", "card", in_a_minute()).await;
        // The time of this copy has passed, so it does not wait for the first one.
        drop(attempts.join("a", "card", Instant::now()).await);
        assert!(!*first.attempt.has_ended.borrow());
        drop(first);
        assert!(attempts.running.is_empty());
    }
}
