use std::num::NonZeroU32;

use crate::domain::SharedClock;
use crate::inbound::{KeyedRate, RateLimit, SharedLimits};

/// The sign-in cards that a skill may send in one conversation. A skill needs one.
const CARDS: RateLimit = RateLimit::per_minute("skill_cards", NonZeroU32::MIN.saturating_add(19));
const LOG_LINES: RateLimit = RateLimit::per_minute("skill_cards.log", NonZeroU32::MIN);

/// The limit on the sign-in cards of each conversation: every card may cause an exchange and a request to the skill.
pub(super) struct CardRates {
    cards: KeyedRate,
    /// Allows one log line a minute for each conversation over the limit.
    log_lines: KeyedRate,
}

/// A conversation has too many cards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooManyCards {
    /// Seconds until the next card is accepted.
    pub(super) retry_after: u64,
    /// Whether the log has a recent line about this conversation.
    pub(super) is_logged: bool,
}

impl CardRates {
    pub(super) fn new(limits: &SharedLimits) -> Self {
        Self::of(KeyedRate::new(CARDS, limits), limits.clock().clone())
    }

    fn of(cards: KeyedRate, clock: SharedClock) -> Self {
        Self { cards, log_lines: KeyedRate::of_this_process(LOG_LINES, clock) }
    }

    /// Counts one card of the conversation `id`.
    pub(super) async fn charge(&self, id: &str) -> Result<(), TooManyCards> {
        let name = [id.as_bytes()];
        self.cards.charge(&name).await.map_err(|exceeded| TooManyCards {
            retry_after: exceeded.retry_after,
            is_logged: self.log_lines.charge_here(&name).is_err(),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::domain::OffsetClock;

    #[tokio::test]
    async fn a_conversation_has_twenty_cards_a_minute_and_others_have_their_own() {
        let clock = Arc::new(OffsetClock::default());
        let rates = CardRates::of(KeyedRate::of_this_process(CARDS, clock.clone()), clock.clone());
        for _ in 0..20 {
            assert!(rates.charge("a").await.is_ok());
        }
        let refused = rates.charge("a").await.unwrap_err();
        assert_eq!((refused.is_logged, rates.charge("a").await.unwrap_err().is_logged), (false, true));
        assert!((1..=3).contains(&refused.retry_after), "{refused:?}");
        assert!(rates.charge("b").await.is_ok());
        clock.advance(Duration::from_mins(2));
        assert!(rates.charge("a").await.is_ok());
    }
}
